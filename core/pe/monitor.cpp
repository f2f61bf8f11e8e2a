// core/pe/monitor.cpp - exclusives and atomic read-modify-writes on RAM.
#include <cstring>

#include "core/pe/pe.h"

namespace farside::pe {
namespace {

u64 load_value(const u8* host, unsigned size) {
  u64 value = 0;
  std::memcpy(&value, host, size);
  return value;
}

i64 as_signed(u64 value, unsigned size) { return sign_extend(value, size * 8); }

/// The operations of isa::AtomicOp, in its order (LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN, SWP).
u64 apply(unsigned op, u64 old, u64 operand, unsigned size) {
  switch (op) {
    case 0: return old + operand;
    case 1: return old & ~operand;
    case 2: return old ^ operand;
    case 3: return old | operand;
    case 4: return as_signed(old, size) > as_signed(operand, size) ? old : operand;
    case 5: return as_signed(old, size) < as_signed(operand, size) ? old : operand;
    case 6: return old > operand ? old : operand;
    case 7: return old < operand ? old : operand;
    default: return operand;
  }
}

}  // namespace

/// Host address of an aligned location in RAM that this PE may read (and write), or null with an exception pending.
u8* Pe::exclusive_location(u64 va, unsigned size, bool write, bool atomic) {
  if (ports.caches != nullptr) return cached_spot(va, size, write, atomic);
  const auto& table = write ? l0_context->write : l0_context->read;
  const L0Entry& entry = table[L0Context::index(va)];
  // L0 does not know memory attributes, which matter where exclusives may fail.
  const bool anywhere = tlb.knobs().exclusives_nc == mmu::ExclusivesNc::Succeed;
  if (anywhere && (va ^ entry.tag) < kL0PageSize && is_aligned(va, size)) return entry.host + (va ^ entry.tag);
  const MemRequest how{.exclusive = !atomic, .atomic = atomic};
  if (!check_alignment(va, size, how, write)) return nullptr;
  return locate(va, size, make_access(write ? AccessKind::Write : AccessKind::Read, va, size, how));
}

bool Pe::load_exclusive(u64 va, unsigned size, bool pair, bool, u64 out[2]) {
  const unsigned bytes = pair ? 2 * size : size;
  const u8* host = exclusive_location(va, bytes, false, false);
  if (host == nullptr) return false;
  out[0] = load_value(host, size);
  out[1] = pair ? load_value(host + size, size) : 0;
  const bool monitored_memory = tlb.knobs().exclusives_nc == mmu::ExclusivesNc::Succeed || spot_.t.attr.is_write_back();
  monitor = {.armed = monitored_memory, .size = static_cast<u8>(bytes), .host = monitored(host)};
  return true;
}

bool Pe::store_exclusive(u64 va, unsigned size, bool pair, bool, const u64 in[2], bool& failed) {
  const unsigned bytes = pair ? 2 * size : size;
  failed = true;
  if (!monitor.armed) return true;
  u8* host = exclusive_location(va, bytes, true, false);
  if (host == nullptr) return false;
  if (monitor.host == monitored(host) && monitor.size == bytes) {
    std::memcpy(host, &in[0], size);
    if (pair) std::memcpy(host + size, &in[1], size);
    spot_written(bytes);
    failed = false;
  }
  monitor.armed = false;
  return true;
}

bool Pe::atomic(unsigned op, u64 va, unsigned size, u64 operand, bool, u64& old) {
  u8* host = exclusive_location(va, size, true, true);
  if (host == nullptr) return false;
  old = load_value(host, size);
  const u64 result = apply(op, old, operand & ones(size * 8), size);
  std::memcpy(host, &result, size);
  spot_written(size);
  return true;
}

bool Pe::compare_and_swap(u64 va, unsigned size, bool pair, const u64 expected[2], const u64 desired[2], bool,
                          u64 old[2]) {
  u8* host = exclusive_location(va, pair ? 2 * size : size, true, true);
  if (host == nullptr) return false;
  const u64 mask = ones(size * 8);
  old[0] = load_value(host, size);
  old[1] = pair ? load_value(host + size, size) : 0;
  if (old[0] != (expected[0] & mask) || (pair && old[1] != (expected[1] & mask))) return true;
  std::memcpy(host, &desired[0], size);
  if (pair) std::memcpy(host + size, &desired[1], size);
  spot_written(pair ? 2 * size : size);
  return true;
}

}  // namespace farside::pe
