// core/jit/emit_exec.cpp - values: folding, where they are, and writing guest registers.
#include "core/jit/emit_exec.h"

namespace farside::jit {
namespace {

using Op = Node::Op;

/// The low half of the result depends on the low halves of the operands only.
bool low_half_suffices(Op op) {
  switch (op) {
    case Op::Add:
    case Op::Sub:
    case Op::And:
    case Op::Orr:
    case Op::Eor:
    case Op::Not:
    case Op::Mul:
    case Op::Lsl:
    case Op::Sext: return true;
    default: return false;
  }
}

}  // namespace

void EmitExec::begin_block(bool guarded, const AccessRuns& runs) {
  guarded_ = guarded;
  runs_ = &runs;
  sp_checked_ = fp_checked_ = fp_unit_ready_ = false;
  kit_.forget();
  live_ = Live::None;
  kept_flags_ = lost_flags_ = false;
  waiting_.pending = false;
  widths_.fill(64);
  forget_temps();
  slow_paths_.clear();
  guesses_.clear();
  end_ = {};
}

void EmitExec::begin_instruction(u64 pc, u32 word, unsigned number, const FlagUse& flags, bool keep_flags) {
  needed_flags_ = flags.needed[number];
  keeps_flags_ = keep_flags && flags.kept[number];
  may_defer_ = flags.deferred[number];
  waiting_.pending &= flags.waiting[number];
  pc_ = pc;
  word_ = word;
  number_ = number;
  start_ = a_.here();
  slow_start_ = slow_paths_.size();
  guess_start_ = guesses_.size();
  sp_checked_before_ = sp_checked_;
  fp_checked_before_ = fp_checked_;
  fp_unit_ready_before_ = fp_unit_ready_;
  kit_.begin_instruction();
  live_before_ = live_;
  kept_before_ = kept_flags_;
  lost_before_ = lost_flags_;
  declined_ = false;
  free_ = 7;
  written_ = 0;
  vectors_written_ = 0;
  node_count_ = condition_count_ = 0;
  end_ = {};
}

void EmitExec::drop_instruction() {
  kit_.drop_instruction();
  fp_unit_ready_ = fp_unit_ready_before_;
  a_.move_to(start_);
  slow_paths_.resize(slow_start_);
  guesses_.erase(guesses_.begin() + static_cast<std::ptrdiff_t>(guess_start_), guesses_.end());
  sp_checked_ = sp_checked_before_;
  fp_checked_ = fp_checked_before_;
  live_ = live_before_;
  kept_flags_ = kept_before_;
  lost_flags_ = lost_before_;
  end_ = {};
}

void EmitExec::after_fallback() {
  clobber_flags();
  sp_checked_ = false;
  widths_.fill(64);
  kit_.forget();
  forget_temps();
}

/// One that remembers nothing if there is one.
HostReg EmitExec::temp() {
  HostReg chosen = RSP;
  for (HostReg r : {RCX, RAX, RDX}) {
    if ((free_ >> r & 1) == 0) continue;
    if (chosen == RSP || (temps_[chosen] != kNothing && temps_[r] == kNothing)) chosen = r;
  }
  if (chosen == RSP) {
    decline();
    return RAX;
  }
  reserve(chosen);
  return chosen;
}

Value EmitExec::node(Node n) {
  if (node_count_ == nodes_.size()) return refuse();
  bool narrow = !n.wide;
  if (n.op == Op::Sext) narrow = false;
  if (n.op == Op::Zext) narrow = n.amount <= 32;
  if (n.op == Op::Load) narrow = n.amount <= 4;
  nodes_[node_count_] = n;
  return {Value::Kind::Node, narrow, static_cast<u8>(node_count_++), 0};
}

Value EmitExec::fold(Op op, Val a, Val b, bool wide) {
  const u64 x = a.constant, y = b.constant;
  u64 r = 0;
  switch (op) {
    case Op::Add: r = x + y; break;
    case Op::Sub: r = x - y; break;
    case Op::And: r = x & y; break;
    case Op::Orr: r = x | y; break;
    default: r = x ^ y; break;
  }
  return imm(wide ? r : static_cast<u32>(r));
}

Value EmitExec::add(Val a, Val b, bool sf) {
  if (is_constant(a) && is_constant(b)) return fold(Op::Add, a, b, sf);
  if (is_constant(a)) std::swap(a, b);
  if (is_constant(b) && b.constant == 0 && (sf ? !a.narrow : a.narrow)) return a;
  return node({Op::Add, sf, 0, a, b});
}

Value EmitExec::sub(Val a, Val b, bool sf) {
  if (is_constant(a) && is_constant(b)) return fold(Op::Sub, a, b, sf);
  return node({Op::Sub, sf, 0, a, b});
}

Value EmitExec::and_(Val a, Val b) {
  if (is_constant(a) && is_constant(b)) return fold(Op::And, a, b, true);
  if (is_constant(a)) std::swap(a, b);
  return node({Op::And, !(a.narrow || b.narrow), 0, a, b});
}

Value EmitExec::orr(Val a, Val b) {
  if (is_constant(a) && is_constant(b)) return fold(Op::Orr, a, b, true);
  if (is_constant(a)) std::swap(a, b);
  if (is_constant(b) && b.constant == 0) return a;
  return node({Op::Orr, !(a.narrow && b.narrow), 0, a, b});
}

Value EmitExec::eor(Val a, Val b) {
  if (is_constant(a) && is_constant(b)) return fold(Op::Eor, a, b, true);
  if (is_constant(a)) std::swap(a, b);
  return node({Op::Eor, !(a.narrow && b.narrow), 0, a, b});
}

Value EmitExec::lsl(Val a, Val n, bool sf) {
  const unsigned width = sf ? 64 : 32;
  if (is_constant(n)) {
    const unsigned amount = n.constant & (width - 1);
    if (is_constant(a)) return imm(sf ? a.constant << amount : static_cast<u32>(a.constant << amount));
    if (amount == 0 && a.narrow == !sf) return a;
    // What the shift pushes out need not be cleared first.
    if ((is_node(a, Op::Zext) || is_node(a, Op::Sext)) && at(a).amount + amount >= width) a = at(a).a;
  }
  return node({Op::Lsl, sf, 0, a, n});
}

Value EmitExec::lsr(Val a, Val n, bool sf) {
  if (is_constant(n) && (n.constant & (sf ? 63 : 31)) == 0 && a.narrow == !sf) return a;
  if (is_constant(n) && is_constant(a)) return imm(a.constant >> (n.constant & (sf ? 63 : 31)));
  return node({Op::Lsr, sf, 0, a, n});
}

Value EmitExec::asr(Val a, Val n, bool sf) { return node({Op::Asr, sf, 0, a, n}); }
Value EmitExec::ror(Val a, Val n, bool sf) { return node({Op::Ror, sf, 0, a, n}); }

Value EmitExec::sext(Val a, unsigned from) {
  if (is_constant(a)) return imm(static_cast<u64>(sign_extend(a.constant, from)));
  if (from == 64) return a;
  if (is_node(a, Op::Lsr) && is_constant(at(a).b)) {
    const Node& shift = at(a);
    const unsigned width = shift.wide ? 64 : 32;
    if (from + (shift.b.constant & (width - 1)) == width) {
      const Val result = node({Op::Asr, shift.wide, 0, shift.a, shift.b});
      return shift.wide ? result : node({Op::Sext, true, 32, result, {}});
    }
  }
  return node({Op::Sext, true, static_cast<u8>(from), a, {}});
}

Value EmitExec::zext(Val a, unsigned from) {
  if (is_constant(a)) return imm(a.constant & ones(from));
  if (a.kind == Value::Kind::Guest && widths_[a.index] <= from) return guest(a.index, true);
  if (from == 64 || (a.kind != Value::Kind::Guest && width_of(a) <= from)) return a;
  if (is_node(a, Op::Lsr) && is_constant(at(a).b)) {
    const unsigned width = at(a).wide ? 64 : 32;
    if (from + (at(a).b.constant & (width - 1)) >= width) return a;
  }
  if (is_node(a, Op::Load) && at(a).amount * 8u <= from) return a;
  return node({Op::Zext, true, static_cast<u8>(from), a, {}});
}

Value EmitExec::select(Cond c, Val a, Val b) {
  if (condition_count_ == conditions_.size()) return refuse();
  conditions_[condition_count_] = c;
  const Val v = node({Op::Select, true, static_cast<u8>(condition_count_++), a, b});
  return {v.kind, a.narrow && b.narrow, v.index, 0};
}

/// A value refers to what its guest register held when the instruction began.
void EmitExec::check_fresh(unsigned guest) {
  if ((written_ >> guest & 1) != 0) decline();
}

bool EmitExec::mentions(Val v, HostReg r) const {
  switch (v.kind) {
    case Value::Kind::Guest: return host_of(v.index) == r;
    case Value::Kind::Temp: return v.index == r;
    case Value::Kind::Node: {
      const Node& n = nodes_[v.index];
      return n.op == Op::Done ? n.amount == r : mentions(n.a, r) || mentions(n.b, r);
    }
    default: return false;
  }
}

EmitExec::Source EmitExec::location(unsigned guest) const {
  if (is_mapped(guest)) return {Source::Kind::Register, host_of(guest)};
  for (HostReg r : {RAX, RCX, RDX})
    if (temps_[r] == guest && (free_ >> r & 1) != 0) return {Source::Kind::Register, r};
  return {Source::Kind::Memory, RAX, guest_slot(guest)};
}

/// `v` as an operand of an operation of that width, in a temporary if it is not one already.
EmitExec::Source EmitExec::source(Val v, bool wide) {
  switch (v.kind) {
    case Value::Kind::Constant:
      if (!wide || fits32(v.constant)) return {Source::Kind::Constant, RAX, {RBP}, static_cast<i32>(v.constant)};
      break;
    case Value::Kind::Guest:
      check_fresh(v.index);
      if (!wide || !v.narrow) {
        const Source s = location(v.index);
        if (s.kind == Source::Kind::Memory || s.reg > RDX) return s;
        // One operand at most stays where it is: there must be registers for the operation.
        if (free_ != 7) return {Source::Kind::Memory, RAX, guest_slot(v.index)};
        free_ &= static_cast<u8>(~(1u << s.reg));
        return s;
      }
      break;
    case Value::Kind::Temp: return {Source::Kind::Register, static_cast<HostReg>(v.index)};
    case Value::Kind::Node:
      if (at(v).op == Op::Done) return {Source::Kind::Register, static_cast<HostReg>(at(v).amount)};
      break;
    case Value::Kind::Ordered: break;
  }
  const HostReg t = temp();
  into(v, t);
  return {Source::Kind::Register, t};
}

HostReg EmitExec::in_register(Val v, bool wide) {
  const Source s = source(v, wide);
  if (s.kind == Source::Kind::Register) return s.reg;
  const HostReg t = temp();
  move(wide, t, s);
  return t;
}

void EmitExec::move(bool wide, HostReg to, const Source& from) {
  switch (from.kind) {
    case Source::Kind::Register: a_.mov(wide, to, from.reg); break;
    case Source::Kind::Memory: a_.mov(wide, to, from.mem); break;
    case Source::Kind::Constant:
      a_.mov_imm(to, wide ? static_cast<u64>(static_cast<i64>(from.constant)) : static_cast<u32>(from.constant));
      break;
  }
}

void EmitExec::alu(Alu what, bool wide, HostReg to, const Source& from) {
  clobber_flags();
  switch (from.kind) {
    case Source::Kind::Register: a_.alu(what, wide, to, from.reg); break;
    case Source::Kind::Memory: a_.alu(what, wide, to, from.mem); break;
    case Source::Kind::Constant: a_.alu_imm(what, wide, to, from.constant); break;
  }
}

/// The whole value of `v` in `to`; flags survive moves.
void EmitExec::into(Val v, HostReg to) {
  if (declined_) return;
  switch (v.kind) {
    case Value::Kind::Constant: a_.mov_imm(to, v.constant); break;
    case Value::Kind::Guest:
      check_fresh(v.index);
      move(!v.narrow, to, location(v.index));
      break;
    case Value::Kind::Temp: a_.mov(true, to, static_cast<HostReg>(v.index)); break;
    case Value::Kind::Node: node_into(at(v), to); break;
    case Value::Kind::Ordered: decline(); break;
  }
}

/// `a` in `to` as the first operand of an operation of that width, which may leave the upper half of it undefined.
void EmitExec::start(Val a, HostReg to, bool wide) {
  if (a.kind == Value::Kind::Guest && host_of(a.index) == to && (!wide || !a.narrow)) {
    check_fresh(a.index);
    return;
  }
  into(a, to);
}

/// Division by zero gives zero, and the most negative number divided by -1 itself: x86 traps on both.
Value EmitExec::divide(Val a, Val b, bool sf, bool is_signed) {
  free_ = 0;
  forget_temps();
  clobber_flags();
  into(a, RAX);
  into(b, RCX);
  a_.test(sf, RCX, RCX);
  u8* const by_zero = a_.jcc_short(Cc::E);
  u8* negated = nullptr;
  if (is_signed) {
    a_.alu_imm(Alu::Cmp, sf, RCX, -1);
    u8* const by_minus_one = a_.jcc_short(Cc::E);
    a_.cqo(sf);
    a_.idiv(sf, RCX);
    u8* const done = a_.jmp_short();
    a_.bind_short(by_minus_one);
    a_.neg(sf, RAX);
    negated = a_.jmp_short();
    a_.bind_short(by_zero);
    a_.alu(Alu::Xor, false, RAX, RAX);
    a_.bind_short(done);
    a_.bind_short(negated);
  } else {
    a_.alu(Alu::Xor, false, RDX, RDX);
    a_.div(sf, RCX);
    u8* const done = a_.jmp_short();
    a_.bind_short(by_zero);
    a_.alu(Alu::Xor, false, RAX, RAX);
    a_.bind_short(done);
  }
  free_ = 1u << RCX | 1u << RDX;
  return temp_value(RAX, !sf);
}

Value EmitExec::authentication(const u8* routine, Val pointer, Val modifier, PacKey key) {
  if (key != PacKey::IA || free_ != 7) return refuse();
  free_ = 0;
  forget_temps();
  clobber_flags();
  a_.cmp8(routines_.frame_field(offsetof(Frame, pac_allowed)), 0);
  slow_if(Cc::E);
  into(pointer, RAX);
  into(modifier, RCX);
  a_.call(routine);
  slow_if(Cc::B);
  free_ = 1u << RCX | 1u << RDX;
  return temp_value(RAX, false);
}

void EmitExec::set_mapped(HostReg to, bool sf, Val v) {
  into(v, to);
  if (!sf && !v.narrow) a_.mov(false, to, to);
}

void EmitExec::set_unmapped(unsigned guest, bool sf, Val v) {
  const HostMem slot = guest_slot(guest);
  const auto store = [&](HostReg r) {
    a_.mov(true, slot, r);
    remember(guest, r);
  };
  if (is_constant(v) || v.kind == Value::Kind::Guest) forget_temp_of(guest);
  if (is_constant(v) && fits32(v.constant)) return a_.mov(true, slot, static_cast<i32>(v.constant));
  if (v.kind == Value::Kind::Temp && (sf || v.narrow)) return store(static_cast<HostReg>(v.index));
  if (v.kind == Value::Kind::Guest && is_mapped(v.index) && !v.narrow) {
    check_fresh(v.index);
    return a_.mov(true, slot, host_of(v.index));
  }
  const HostReg t = temp();
  set_mapped(t, sf, v);
  store(t);
}

void EmitExec::set_guest(unsigned guest, bool sf, Val v) {
  if (declined_) return;
  const u8 free_before = free_;
  const unsigned width = std::min(width_of(v), sf ? 64u : 32u);
  v = without_mask(v);
  if (v.kind == Value::Kind::Guest) {
    v.narrow |= !sf;
    if (v.index == guest && (!v.narrow || widths_[guest] <= 32)) return check_fresh(guest);
  }
  if (is_node(v, Op::Done)) v = temp_value(static_cast<HostReg>(at(v).amount), v.narrow);
  if (guest == kGuestSp) {
    const bool moves = (is_node(v, Op::Add) || is_node(v, Op::Sub)) && at(v).a.kind == Value::Kind::Guest &&
                       at(v).a.index == kGuestSp && is_constant(at(v).b) && at(v).b.constant % 16 == 0;
    if (!moves || !sf) sp_checked_ = false;
  }
  if (!sf && is_constant(v)) v = imm(static_cast<u32>(v.constant));
  if (!sf && is_node(v, Op::Sext) && at(v).amount == 32 && at(v).a.narrow) v = at(v).a;
  if (!sf && !v.narrow && v.kind == Value::Kind::Node && low_half_suffices(at(v).op)) {
    at(v).wide = false;
    v.narrow = true;
  }
  if (is_mapped(guest)) {
    set_mapped(host_of(guest), sf, v);
  } else {
    set_unmapped(guest, sf, v);
  }
  widths_[guest] = static_cast<u8>(width);
  written_ |= u64{1} << guest;
  free_ = free_before;
}

}  // namespace farside::jit
