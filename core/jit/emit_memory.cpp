// core/jit/emit_memory.cpp - loads and stores: the L0 probe in line, everything else in the interpreter's handler.
#include "core/jit/emit_exec.h"

namespace farside::jit {
namespace {

/// Both registers are in memory, the second behind the first.
bool adjacent(unsigned rt, unsigned rt2) { return rt2 == rt + 1 && rt2 < 31 && !is_mapped(rt) && !is_mapped(rt2); }

}  // namespace

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

/// RDX is the address of an access that will be found at RCX + RDX, and is aligned where it must be; false if the
/// interpreter has to do it.
bool EmitExec::begin_address(Val address, unsigned size, Mem how) {
  constexpr u8 kNeeded = 1u << RCX | 1u << RDX;
  if ((free_ & kNeeded) != kNeeded) return decline(), false;
  reserve(RDX);
  into(address, RDX);
  reserve(RCX);
  clobber_flags();
  if (how.acquire_release && size > 1) {
    a_.test_imm(false, RDX, static_cast<i32>(size - 1));
    slow_if(Cc::NE);
  }
  found_ = {RCX, 0, RDX};
  return true;
}

/// The entry for the address in RDX, found by RCX: of L0 or, with modelled caches, of the table of whole pages, which
/// is for loads.
HostMem EmitExec::index_entry(bool write) {
  a_.rorx(false, RCX, RDX, 8);
  a_.alu_imm(Alu::And, false, RCX, kL0IndexMask);
  if (routines_.lines()) return {kLineContext, kLoadPages, RCX};
  return {kL0, write ? kWriteTable - kReadTable : 0, RCX};
}

/// RCX + RDX is the host address of `size` bytes at `address`, which L0 must know.
void EmitExec::host_address(Val address, unsigned size, bool write, Mem how) {
  if (routines_.lines()) return line_address(address, size, write, how);
  if (!begin_address(address, size, how)) return;
  HostMem entry = index_entry(write);
  if (how.unprivileged) {
    const HostMem context = routines_.frame_field(offsetof(Frame, unprivileged));
    a_.alu_imm(Alu::Cmp, true, context, 0);
    slow_if(Cc::E);
    a_.alu(Alu::Add, true, RCX, context);
    entry = {RCX, write ? kWriteTable : kReadTable};
  }
  compare_tag(entry, size);
  entry.disp += 8;
  a_.mov(true, RCX, entry);
}

/// RDX is the address, and becomes its offset in the page or line, of `reach` bytes, that `entry` must be of.
void EmitExec::compare_tag(const HostMem& entry, unsigned size, u64 reach) {
  a_.alu(Alu::Xor, true, RDX, entry);
  a_.alu_imm(Alu::Cmp, true, RDX, static_cast<i32>(reach - size));
  slow_if(Cc::A);
}

/// RDX, the distance that L0 has said, from memory instead if it is there: the access need not wait for its address to
/// become an index and an entry.
void EmitExec::guess_distance() {
  const DistanceGuess* const guess = routines_.add_guess();
  if (guess == nullptr) return;
  const HostMem newest{.base = RDX, .data = &guess->distance[0]};
  a_.alu(Alu::Cmp, true, RDX, newest);
  const Patch other = a_.jcc(Cc::NE);
  a_.mov(true, RDX, newest);
  guesses_.push_back({other, a_.here(), guess});
}

void EmitExec::emit_other_guesses() {
  for (const auto& [from, back, guess] : guesses_) {
    Patch next = from;
    for (unsigned way = 1; way < DistanceGuess::kWays; ++way) {
      const HostMem older{.base = RDX, .data = &guess->distance[way]};
      a_.bind(next);
      a_.alu(Alu::Cmp, true, RDX, older);
      next = a_.jcc(Cc::NE);
      a_.mov(true, RDX, older);
      a_.jmp(back);
    }
    a_.bind(next);
    a_.mov_imm(RCX, reinterpret_cast<u64>(guess));
    a_.call(routines_.note_distance());
    a_.jmp(back);
  }
}

/// What the first access of a run has found, in RDX or RCX.
HostReg EmitExec::distance_of(const RunMember& run) {
  for (HostReg r : {RDX, RCX}) {
    if (temps_[r] != kDistance + run.slot) continue;
    free_ &= static_cast<u8>(~(1u << r));
    return r;
  }
  // Two runs that take turns keep one register each.
  const HostReg r = is_distance(temps_[RDX]) && !is_distance(temps_[RCX]) ? RCX : RDX;
  reserve(r);
  a_.mov(true, r, routines_.run_slot(run.slot));
  temps_[r] = kDistance + run.slot;
  return r;
}

/// As host_address, for a run of accesses at one sum of two registers: the first keeps the host address for the others.
void EmitExec::indexed_address(Val address, unsigned size, const RunMember& run) {
  if (run.role == RunMember::Role::Later) {
    constexpr u8 kNeeded = 1u << RCX | 1u << RDX;
    if ((free_ & kNeeded) != kNeeded) return decline();
    found_ = {distance_of(run), 0};
    return;
  }
  if (!begin_address(address, size, {})) return;
  const HostMem entry = index_entry(run.write);
  compare_tag(entry, size);
  slow_paths_.back().run = true;
  a_.alu(Alu::Add, true, RDX, {entry.base, entry.disp + 8, entry.index});
  a_.mov(true, routines_.run_slot(run.slot), RDX);
  temps_[RDX] = kDistance + run.slot;
  release(RCX);
  found_ = {RDX, 0};
}

/// As host_address, but a run of accesses off one base register looks at L0 once, for all of them.
void EmitExec::access_address(Val address, unsigned size, bool write, Mem how) {
  const RunMember& run = runs_->member[number_];
  if (run.role == RunMember::Role::None) return host_address(address, size, write, how);
  if (run.indexed) return indexed_address(address, size, run);
  constexpr u8 kNeeded = 1u << RCX | 1u << RDX;
  if ((free_ & kNeeded) != kNeeded) return decline();
  const unsigned base = run.base == 31 ? kGuestSp : run.base;
  check_fresh(base);
  HostReg distance = RDX;
  if (run.role == RunMember::Role::First) {
    reserve(RDX);
    const Source from = location(base);
    if (run.low != 0 && from.kind == Source::Kind::Register) {
      a_.lea(true, RDX, {from.reg, run.low});
    } else {
      move(true, RDX, from);
      if (run.low != 0) a_.lea(true, RDX, {RDX, run.low});
    }
    reserve(RCX);
    clobber_flags();
    const HostMem entry = index_entry(run.write);
    compare_tag(entry, static_cast<unsigned>(run.high - run.low));
    slow_paths_.back().run = !run.alone;
    a_.mov(true, RDX, {entry.base, entry.disp + 8, entry.index});
    a_.alu(Alu::Sub, true, RDX, entry);
    if (run.chases) guess_distance();
    if (!run.alone) {
      a_.mov(true, routines_.run_slot(run.slot), RDX);
      temps_[RDX] = kDistance + run.slot;
    }
    release(RCX);
  } else {
    distance = distance_of(run);
  }
  found_ = {distance, run.offset, host_of(base)};
  if (is_mapped(base) && !run.base_is_loaded) return;
  const HostReg index = distance == RDX ? RCX : RDX;
  reserve(index);
  move(true, index, location(base));
  found_.index = index;
}

isa::Outcome<Value> EmitExec::load(Val address, unsigned size, Mem how) {
  access_address(address, size, false, how);
  return {node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(0)})};
}

isa::Outcome<isa::Pair<Value>> EmitExec::load_pair(Val address, unsigned size, Mem how) {
  access_address(address, 2 * size, false, how);
  const unsigned rt = word_ & 31, rt2 = word_ >> 10 & 31, rn = word_ >> 5 & 31;
  if (size == 8 && adjacent(rt, rt2) && rt != rn && rt2 != rn) {
    kit_.store(guest_slot(rt), kit_.load(found_at(0)));
    forget_temp_of(rt);
    forget_temp_of(rt2);
    widths_[rt] = widths_[rt2] = 64;
    return {{guest(rt, true), guest(rt2, true)}};
  }
  const Val first = node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(0)});
  return {{first, node({Node::Op::Load, true, static_cast<u8>(size), {}, imm(size)})}};
}

void EmitExec::store_at(unsigned offset, unsigned size, Val data) {
  const HostMem to = found_at(offset);
  const u8 free_before = free_;
  const bool held = data.kind == Value::Kind::Guest && location(data.index).kind == Source::Kind::Register;
  if (held) check_fresh(data.index);
  const HostReg r = held ? location(data.index).reg : in_register(data, size == 8);
  switch (size) {
    case 1: a_.mov8(to, r); break;
    case 2: a_.mov16(to, r); break;
    case 4: a_.mov(false, to, r); break;
    default: a_.mov(true, to, r); break;
  }
  free_ = free_before;
}

isa::Outcome<isa::Nothing> EmitExec::store(Val address, unsigned size, Val data, Mem how) {
  access_address(address, size, true, how);
  store_at(0, size, data);
  return {};
}

isa::Outcome<isa::Nothing> EmitExec::store_pair(Val address, unsigned size, Val first, Val second, Mem how) {
  access_address(address, 2 * size, true, how);
  const unsigned rt = word_ & 31, rt2 = word_ >> 10 & 31;
  // Of registers written one by one, a load of both would wait for both stores to reach the cache.
  if (size == 8 && adjacent(rt, rt2) && (runs_->pairs >> rt & 1) != 0)
    return kit_.store(found_at(0), kit_.load(guest_slot(rt))), isa::Outcome<isa::Nothing>{};
  store_at(0, size, first);
  store_at(size, size, second);
  return {};
}

void EmitExec::zero_block(Val address) {
  a_.cmp8(routines_.frame_field(offsetof(Frame, zva_allowed)), 0);
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
