// core/pe/cached_memory.cpp - accesses of a PE whose caches are modelled: each goes through the hierarchy with its
// context.
#include <algorithm>

#include "core/pe/piece.h"

namespace farside::pe {
namespace {

constexpr u64 kLineMask = cache::kLine - 1;
constexpr u64 kSctlrA = u64{1} << 1;

}  // namespace

/// Who accesses what: the final attributes decide the path, the rest is for reports.
cache::AccessInfo Pe::cache_access(cache::AccessKind kind, El el, u64 va, const mmu::Translation& t) {
  const mmu::Regime& r = regime(el);
  cache::AccessInfo info;
  info.core = physical_;
  info.kind = kind;
  info.el = el;
  // Stage 1 leaves Normal Non-cacheable where SCTLR_ELx.C = 0 has taken a mapping's cacheability away.
  info.cache_disabled = kind == cache::AccessKind::Data && r.s1_enabled && !r.data_cacheable &&
                        t.s1_attr.is_non_cacheable() && t.attr.is_non_cacheable();
  info.vmid = r.s2_enabled ? r.vmid : u16{0};
  info.asid = r.asid;
  info.attr = t.attr;
  info.s1 = t.s1_attr;
  info.pc = s.pc;
  info.va = va;
  info.ipa = t.ipa.value;
  return info;
}

cache::AccessInfo Pe::walk_access(Pa pa, const MemAttr& attr, u64 va) const {
  cache::AccessInfo info;
  info.core = physical_;
  info.kind = cache::AccessKind::Walk;
  info.el = el();
  info.attr = info.s1 = attr;
  info.pc = s.pc;
  info.va = va;
  info.ipa = pa.value;
  return info;
}

std::optional<u64> Pe::cached_descriptor(Pa pa, const MemAttr& attr, u64 va) {
  u64 value = 0;
  if (!ports.caches->read(walk_access(pa, attr, va), pa, {reinterpret_cast<u8*>(&value), sizeof value}))
    return std::nullopt;
  return value;
}

mmu::SwapOutcome Pe::cached_descriptor_swap(Pa pa, const MemAttr& attr, u64 va, u64 expected, u64 desired) {
  u64 seen = 0;
  const auto bytes = [](u64& value) { return std::span<u8>(reinterpret_cast<u8*>(&value), sizeof value); };
  if (!ports.caches->compare_exchange(walk_access(pa, attr, va), pa, bytes(expected), bytes(desired), bytes(seen)))
    return mmu::SwapOutcome::ExternalAbort;
  return seen == expected ? mmu::SwapOutcome::Done : mmu::SwapOutcome::Mismatch;
}

bool Pe::peek_physical(Pa pa, void* out, usize size) const {
  if (ports.caches != nullptr)
    return ports.caches->peek(pa, {static_cast<u8*>(out), size}, cache::View::Cached, physical_);
  const u8* page = ports.bus->ram_page(pa.align_down(kL0PageSize));
  if (page == nullptr) return false;
  std::memcpy(out, page + pa.offset_in(kL0PageSize), size);
  return true;
}

bool Pe::cached_transfer(const Piece& piece, El from, bool write, u8* data) {
  const cache::AccessInfo info = cache_access(cache::AccessKind::Data, from, piece.va, piece.t);
  return write ? ports.caches->write(info, piece.t.pa, {data, piece.size})
               : ports.caches->read(info, piece.t.pa, {data, piece.size});
}

/// Remembers what the hierarchy lends of the page or line that has just been accessed: only for accesses that need no
/// check each time.
void Pe::cached_install(const Piece& piece, El from, bool write, L0Context& context) {
  if (piece.page == nullptr || debug_active || (sctlr() & kSctlrA) != 0) return;
  if (!(write ? piece.t.prot.write : piece.t.prot.read)) return;
  const cache::AccessInfo info = cache_access(cache::AccessKind::Data, from, piece.va, piece.t);
  if (ports.caches->knobs().pages == cache::Pages::Uniform && !piece.t.attr.is_device()) {
    if (u8* page = ports.caches->page_pointer(info, piece.t.pa, write)) {
      l0_.note_size(piece.va, piece.t.leaf_size_log2);
      if (write) {
        l0_.insert_write(context, Va{piece.va}, page);
      } else {
        l0_.insert_read(context, Va{piece.va}, page);
      }
      return;
    }
  }
  if (&context != l0_context) return;  // lines are of the ordinary context: LDTR and STTR go the long way
  const cache::LinePointer line = ports.caches->line_pointer(info, piece.t.pa, write);
  if (line.data == nullptr) return;
  if (write) {
    if (line.writable) lines_write_.insert(piece.va, piece.t.pa, line.data);
  } else {
    lines_read_.insert(piece.va, piece.t.pa, line.data);
  }
}

/// Host address of an access that a lent line serves, or null.
u8* Pe::probe_line(u64 va, unsigned size, const MemRequest& how, bool write) const {
  if (how.unprivileged || size > cache::kLine || debug_active) return nullptr;
  if ((how.acquire_release || how.exclusive || how.atomic) && !is_aligned(va, size)) return nullptr;
  return (write ? lines_write_ : lines_read_).find(va, size);
}

/// The line of PC for the fetch unit; where none is lent, the one instruction.
bool Pe::cached_fetch(u64 pc) {
  ++counters.slow_fetches;
  Piece piece;
  if (!translate_piece(pc, 4, make_access(AccessKind::Fetch, pc, 4, {}), piece)) return false;
  const cache::AccessInfo info = cache_access(cache::AccessKind::Fetch, el(), pc, piece.t);
  const u64 offset = pc & kLineMask;
  if (piece.rom) {
    fetch_page = {pc - offset, piece.page + (piece.t.pa.offset_in(kL0PageSize) & ~kLineMask), piece.t.guarded};
    return true;
  }
  fetch_page = {FetchPage::kNone, fetch_line_.data(), piece.t.guarded};
  if (const u8* line = piece.page == nullptr ? nullptr : ports.caches->fetch_pointer(info, piece.t.pa)) {
    fetch_page = {pc - offset, line, piece.t.guarded};
    lines_fetch_.insert(pc, piece.t.pa, const_cast<u8*>(line), piece.t.guarded);
    return true;
  }
  if (const u8* page = piece.page == nullptr ? nullptr : ports.caches->page_pointer(info, piece.t.pa, false)) {
    fetch_page = {pc - offset, page + (piece.t.pa.offset_in(kL0PageSize) & ~kLineMask), piece.t.guarded};
    return true;
  }
  if (const auto word = ports.caches->fetch(info, piece.t.pa)) {
    std::memcpy(fetch_line_.data() + offset, &*word, sizeof *word);
    return true;
  }
  Fault fault;
  fault.kind = FaultKind::SyncExternal;
  fault.fetch = true;
  fault.va = Va{pc};
  raise(fault);
  return false;
}

bool Pe::fetch_known_line(u64 pc) {
  const u8* word = lines_fetch_.find(pc, 4);
  if (word == nullptr) return false;
  fetch_page = {pc & ~kLineMask, word - (pc & kLineMask), lines_fetch_.guarded(pc)};
  return true;
}

/// The location of an exclusive or atomic, read into a buffer: the instruction works there and spot_written stores it.
u8* Pe::cached_spot(u64 va, unsigned size, bool write, bool atomic) {
  const MemRequest how{.exclusive = !atomic, .atomic = atomic};
  if (!check_alignment(va, size, how, write)) return nullptr;
  const Access access = make_access(write ? AccessKind::Write : AccessKind::Read, va, size, how);
  Piece piece;
  if (!locate_piece(va, size, access, piece)) return nullptr;
  spot_ = {cache_access(cache::AccessKind::Data, access.el, va, piece.t), piece.t.pa,
           piece.page + piece.t.pa.offset_in(kL0PageSize)};
  // A store-exclusive only stores; everything else sees the location first.
  if (!write || atomic) ports.caches->read(spot_.info, spot_.pa, {spot_data_.data(), size});
  return spot_data_.data();
}

void Pe::store_spot(unsigned size) { ports.caches->write(spot_.info, spot_.pa, {spot_data_.data(), size}); }

bool Pe::cached_zero(const Piece& piece) {
  return ports.caches->zero_line(cache_access(cache::AccessKind::Data, el(), piece.va, piece.t), piece.t.pa);
}

/// Context of a maintenance instruction, for reports.
cache::AccessInfo Pe::maintenance_access() const {
  cache::AccessInfo info;
  info.core = physical_;
  info.el = el();
  info.attr = cache::kWriteBackIsh;
  info.pc = s.pc;
  return info;
}

void Pe::cache_barrier(cache::Barrier kind) { ports.caches->barrier(physical_, kind); }

void Pe::line_withdrawn(cache::Side side, Pa line, cache::Withdrawn what) {
  if (side == cache::Side::Instruction) {
    lines_fetch_.withdraw(line);
    fetch_page.page = FetchPage::kNone;
    return;
  }
  lines_write_.withdraw(line);
  if (what == cache::Withdrawn::All) lines_read_.withdraw(line);
}

void Pe::page_withdrawn() {
  l0_.clear_all();
  context_changed();
}

void Pe::forget_lines() {
  lines_read_.clear();
  lines_write_.clear();
  lines_fetch_.clear();
  ports.caches->forget_fetched(physical_);
}

std::optional<MemAttr> Pe::stage2_attr(Ipa ipa, El el) {
  const mmu::Regime& r = regime(el);
  if (!r.s2_enabled) return std::nullopt;
  Peeker walker(*this, 0);
  mmu::Tlb scratch({.entries_log2 = 2, .s2_entries_log2 = 2});
  Access access;
  access.el = el;
  const auto t = mmu::translate_ipa(r, ipa, access, walker, scratch);
  if (!t.ok()) return std::nullopt;
  return t->attr;
}

}  // namespace farside::pe
