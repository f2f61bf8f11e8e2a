// core/jit/emit_atomic.cpp - exclusives and atomics: exact, because cores run in turns.
#include "core/base/result.h"
#include "core/isa/a64/atomic.inl"
#include "core/jit/emitters.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // Pe has no virtual functions and no bases

namespace farside::jit {
namespace {

constexpr HostMem monitor_slot(usize offset) { return pe_field(offsetof(pe::Pe, monitor) + offset); }
constexpr HostMem kArmed = monitor_slot(offsetof(pe::ExclusiveMonitor, armed)),
                  kSize = monitor_slot(offsetof(pe::ExclusiveMonitor, size)),
                  kHost = monitor_slot(offsetof(pe::ExclusiveMonitor, host));
static_assert(sizeof(pe::ExclusiveMonitor::armed) == 1);

}  // namespace

/// RDX is the host address of an aligned location; RAX and RCX are for the caller. Returns the register that has what
/// the monitor calls the location.
HostReg EmitExec::exclusive_address(Val address, unsigned size, bool write) {
  a_.cmp8(routines_.frame_field(offsetof(Frame, exclusives_anywhere)), 0);
  clobber_flags();
  slow_if(Cc::E);
  host_address(address, size, write, {.acquire_release = true});
  const bool lent = routines_.lines() && !routines_.whole();
  if (lent) name_of_line();
  a_.lea(true, RDX, {RCX, 0, RDX});
  free_ = 0;
  return lent ? RAX : RDX;
}

void EmitExec::store_bytes(unsigned size, HostReg from, unsigned offset) {
  const HostMem to{RDX, static_cast<i32>(offset)};
  switch (size) {
    case 1: return a_.mov8(to, from);
    case 2: return a_.mov16(to, from);
    default: return a_.mov(size == 8, to, from);
  }
}

/// What was in memory is in RAX.
Value EmitExec::old_value(unsigned size) {
  free_ = 1u << RCX | 1u << RDX;
  return temp_value(RAX, size <= 4);
}

/// Both words or doublewords at RDX.
isa::Pair<Value> EmitExec::old_pair(unsigned size) {
  a_.mov(size == 8, RAX, HostMem{RDX});
  a_.mov(size == 8, RCX, HostMem{RDX, static_cast<i32>(size)});
  free_ = 1u << RDX;
  return {temp_value(RAX, size == 4), temp_value(RCX, size == 4)};
}

/// Pairs are compared with guest registers or constants where they are. Once they are equal, what was in memory is what
/// was expected, and RAX is free to store from.
isa::Outcome<isa::Pair<Value>> EmitExec::compare_and_swap_pair(Val address, unsigned size, Pair<Val> expected,
                                                               Pair<Val> desired) {
  const bool wide = size == 8;
  exclusive_address(address, 2 * size, true);
  const Pair<Val> old = old_pair(size);
  free_ = 0;
  alu(Alu::Cmp, wide, RAX, source(expected.first, wide));
  u8* const first_differs = a_.jcc_short(Cc::NE);
  alu(Alu::Cmp, wide, RCX, source(expected.second, wide));
  u8* const second_differs = a_.jcc_short(Cc::NE);
  move(wide, RAX, source(desired.first, wide));
  store_bytes(size, RAX, 0);
  move(wide, RAX, source(desired.second, wide));
  store_bytes(size, RAX, size);
  move(wide, RAX, source(expected.first, wide));
  a_.bind_short(first_differs);
  a_.bind_short(second_differs);
  free_ = 1u << RDX;
  return {old};
}

isa::Outcome<Value> EmitExec::atomic(AtomicOp op, Val address, unsigned size, Val operand, bool) {
  if (op > AtomicOp::Set && op != AtomicOp::Swp) return {refuse()};
  exclusive_address(address, size, true);
  a_.load_extended(RAX, HostMem{RDX}, size, false, false);
  into(operand, RCX);
  switch (op) {
    case AtomicOp::Add: a_.alu(Alu::Add, true, RCX, RAX); break;
    case AtomicOp::Clr:
      a_.not_(true, RCX);
      a_.alu(Alu::And, true, RCX, RAX);
      break;
    case AtomicOp::Eor: a_.alu(Alu::Xor, true, RCX, RAX); break;
    case AtomicOp::Set: a_.alu(Alu::Or, true, RCX, RAX); break;
    default: break;
  }
  store_bytes(size, RCX);
  return {old_value(size)};
}

isa::Outcome<isa::Pair<Value>> EmitExec::compare_and_swap(Val address, unsigned size, bool pair, Pair<Val> expected,
                                                          Pair<Val> desired, bool) {
  if (pair) return compare_and_swap_pair(address, size, expected, desired);
  exclusive_address(address, size, true);
  a_.load_extended(RAX, HostMem{RDX}, size, false, false);
  into(expected.first, RCX);
  a_.alu(Alu::Cmp, size == 8, RAX, RCX);
  u8* const differs = a_.jcc_short(Cc::NE);
  into(desired.first, RCX);
  store_bytes(size, RCX);
  a_.bind_short(differs);
  return {{old_value(size), imm(0)}};
}

isa::Outcome<isa::Pair<Value>> EmitExec::load_exclusive(Val address, unsigned size, bool pair, bool) {
  const unsigned bytes = pair ? 2 * size : size;
  a_.mov(true, kHost, exclusive_address(address, bytes, false));
  a_.mov8(kArmed, u8{1});
  a_.mov8(kSize, static_cast<u8>(bytes));
  if (pair) return {old_pair(size)};
  a_.load_extended(RAX, HostMem{RDX}, size, false, false);
  return {{old_value(size), imm(0)}};
}

/// A store that fails is the interpreter's.
isa::Outcome<Value> EmitExec::store_exclusive(Val address, unsigned size, bool pair, bool, Val data, Val second) {
  const unsigned bytes = pair ? 2 * size : size;
  a_.cmp8(kArmed, 0);
  clobber_flags();
  slow_if(Cc::E);
  a_.alu(Alu::Cmp, true, exclusive_address(address, bytes, true), kHost);
  slow_if(Cc::NE);
  a_.cmp8(kSize, static_cast<u8>(bytes));
  slow_if(Cc::NE);
  into(data, RAX);
  store_bytes(size, RAX);
  if (pair) {
    into(second, RAX);
    store_bytes(size, RAX, size);
  }
  a_.mov8(kArmed, u8{0});
  return {imm(0)};
}

void register_atomic(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/atomic.def"
#undef INST
}

}  // namespace farside::jit

#pragma GCC diagnostic pop
