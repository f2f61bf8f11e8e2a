// core/jit/emit_memory.cpp - loads and stores: the L0 probe in line, everything else in the interpreter's handler.
#include "core/jit/emit_exec.h"

namespace farside::jit {

isa::Outcome<Value> EmitExec::base(RegNo n) {
  if (!n.is31()) return {guest(n.raw, true)};
  if (!sp_checked_) {
    a_.test_imm(false, host_of(kGuestSp), 15);
    clobber_flags();
    slow_if(Cc::NE);
    sp_checked_ = true;
  }
  return {guest(kGuestSp, true)};
}

/// RCX + RDX is the host address of `size` bytes at `address`, which L0 must know.
void EmitExec::host_address(Val address, unsigned size, bool write, Mem how) {
  constexpr u8 kNeeded = 1u << RCX | 1u << RDX;
  if ((free_ & kNeeded) != kNeeded) return decline();
  reserve(RDX);
  into(address, RDX);
  reserve(RCX);
  clobber_flags();
  if (how.acquire_release && size > 1) {
    a_.test_imm(false, RDX, static_cast<i32>(size - 1));
    slow_if(Cc::NE);
  }
  const i32 table = write ? kWriteTable - kReadTable : 0;
  a_.rorx(false, RCX, RDX, 8);
  a_.alu_imm(Alu::And, false, RCX, kL0IndexMask);
  HostMem entry{kL0, table, RCX};
  if (how.unprivileged) {
    const HostMem context = frame_field(offsetof(Frame, unprivileged));
    a_.alu_imm(Alu::Cmp, true, context, 0);
    slow_if(Cc::E);
    a_.alu(Alu::Add, true, RCX, context);
    entry = {RCX, write ? kWriteTable : kReadTable};
  }
  a_.alu(Alu::Xor, true, RDX, entry);
  a_.alu_imm(Alu::Cmp, true, RDX, static_cast<i32>(pe::kL0PageSize - size));
  slow_if(Cc::A);
  entry.disp += 8;
  a_.mov(true, RCX, entry);
}

isa::Outcome<Value> EmitExec::load(Val address, unsigned size, Mem how) {
  host_address(address, size, false, how);
  return {node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(0)})};
}

isa::Outcome<isa::Pair<Value>> EmitExec::load_pair(Val address, unsigned size, Mem how) {
  host_address(address, 2 * size, false, how);
  const Val first = node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(0)});
  return {{first, node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(size)})}};
}

void EmitExec::store_at(unsigned offset, unsigned size, Val data) {
  const HostMem to{RCX, static_cast<i32>(offset), RDX};
  const u8 free_before = free_;
  const HostReg r = in_register(data, size == 8);
  switch (size) {
    case 1: a_.mov8(to, r); break;
    case 2: a_.mov16(to, r); break;
    case 4: a_.mov(false, to, r); break;
    default: a_.mov(true, to, r); break;
  }
  free_ = free_before;
}

isa::Outcome<isa::Nothing> EmitExec::store(Val address, unsigned size, Val data, Mem how) {
  host_address(address, size, true, how);
  store_at(0, size, data);
  return {};
}

isa::Outcome<isa::Nothing> EmitExec::store_pair(Val address, unsigned size, Val first, Val second, Mem how) {
  host_address(address, 2 * size, true, how);
  store_at(0, size, first);
  store_at(size, size, second);
  return {};
}

void EmitExec::zero_block(Val address) {
  a_.cmp8(frame_field(offsetof(Frame, zva_allowed)), 0);
  slow_if(Cc::E);
  reserve(RDX);
  into(address, RDX);
  a_.alu_imm(Alu::And, true, RDX, -static_cast<i32>(pe::kZvaBytes));
  release(RDX);
  host_address(temp_value(RDX, false), pe::kZvaBytes, true, {});
  const u8 zero = kit_.zero();
  for (i32 offset = 0; offset < static_cast<i32>(pe::kZvaBytes); offset += 16)
    kit_.store(HostMem{RCX, offset, RDX}, zero);
}

}  // namespace farside::jit
