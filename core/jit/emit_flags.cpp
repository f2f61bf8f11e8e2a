// core/jit/emit_flags.cpp - the condition flags: setting them from the host's, testing them, and what branches on them.
#include "core/jit/emit_exec.h"

namespace farside::jit {

/// Stores what of the host's flags is still needed. x86 subtraction sets carry where Arm's clears it; `keep` is a
/// register whose value must survive, and what is returned holds it.
HostReg EmitExec::save_flags(Live kind, HostReg keep) {
  live_ = kind;
  if (needed_flags_ == 0) return keep;
  if (needed_flags_ == kFlagC) {
    // The next reader finds the carry in the host's flags, or here.
    if (!keeps_flags_) a_.setcc(kind == Live::Subtraction ? Cc::B : Cc::AE, kSignZeroCarrySlot);
    kept_flags_ = keeps_flags_;
    return keep;
  }
  if (keep == RAX) {
    const HostReg other = (free_ & 1u << RCX) != 0 ? RCX : RDX;
    a_.mov(true, other, RAX);
    reserve(other);
    keep = other;
  }
  temps_[RAX] = kNothing;
  live_ = Live::Subtraction;
  store_host_flags(kind, (needed_flags_ & kFlagV) != 0);
  return keep;
}

void EmitExec::store_host_flags(Live live, bool overflow) {
  if (live == Live::Addition) a_.cmc();
  if (overflow) a_.setcc(Cc::O, kOverflowSlot);
  a_.lahf();
  a_.mov_ah(kSignZeroCarrySlot);
}

/// The host's flags as after the subtraction that would set the guest's; they are in memory.
void EmitExec::load_flags() {
  if ((free_ & 1u << RAX) == 0) return decline();
  temps_[RAX] = kNothing;
  a_.load_extended(RAX, kFlagsSlot, 2, false, false);
  a_.add_al(127);  // overflows if V is 1
  a_.sahf();
  live_ = Live::Subtraction;
}

/// N is bit 3 of the operand.
void EmitExec::store_flags(unsigned nzcv) { a_.mov16(kFlagsSlot, stored_flags(nzcv)); }

/// Less is N, equal Z and C, greater C: as the difference of "greater" and "less" as numbers would have it.
void EmitExec::save_ordered() {
  using namespace asmjit::x86;
  a_.x86().seta(al);
  a_.x86().setb(cl);
  a_.x86().cmp(al, cl);
  save_flags(Live::Subtraction);
}

void EmitExec::set_nzcv(Val v) { v.kind == Value::Kind::Ordered ? save_ordered() : decline(); }

/// Where an instruction that sets flags computes: in its destination if no operand is in the way.
HostReg EmitExec::result_register(const Source& other, bool discard) {
  const unsigned rd = word_ & 31;
  if (!discard && rd != 31 && is_mapped(rd) && !other.is(host_of(rd))) return host_of(rd);
  return temp();
}

/// The host's flags of a - b.
void EmitExec::compare(Val a, Val b, bool sf) {
  const Source right = source(b, sf);
  const Source left = source(a, sf);
  if (left.kind == Source::Kind::Memory && right.kind == Source::Kind::Constant) {
    a_.alu_imm(Alu::Cmp, sf, left.mem, right.constant);
    return;
  }
  HostReg r = left.reg;
  if (left.kind != Source::Kind::Register) {
    r = temp();
    move(sf, r, left);
  }
  alu(Alu::Cmp, sf, r, right);
}

/// True if the comparison can wait for the first reader of its flags.
bool EmitExec::defer(Alu what, Val a, Val b, bool sf) {
  const bool simple = a.kind == Value::Kind::Guest && (b.kind == Value::Kind::Guest || is_constant(b));
  if (!may_defer_ || !simple) return false;
  waiting_ = {true, sf, what, a, b};
  clobber_flags();
  return true;
}

/// The host's flags of the comparison that waits.
void EmitExec::compare_now() {
  const u8 free_before = free_;
  const auto& [pending, wide, what, a, b] = waiting_;
  if (what == Alu::Cmp) {
    compare(a, b, wide);
  } else if (what == Alu::And) {
    test_bits(a, b, wide);
  } else {
    const HostReg t = temp();
    start(a, t, wide);
    alu(what, wide, t, source(b, wide));
  }
  live_ = what == Alu::Cmp ? Live::Subtraction : Live::Addition;
  free_ = free_before;
}

Value EmitExec::arithmetic_flags(Alu what, Val a, Val b, bool sf) {
  const bool discard = (word_ & 31) == 31;
  if (discard && defer(what == Alu::Sub ? Alu::Cmp : what, a, b, sf)) return imm(0);
  if (discard && what == Alu::Sub) {
    compare(a, b, sf);
    free_ = 7;
    save_flags(Live::Subtraction);
    return imm(0);
  }
  const Source right = source(b, sf);
  const HostReg to = result_register(right, discard);
  start(a, to, sf);
  alu(what, sf, to, right);
  return temp_value(save_flags(what == Alu::Sub ? Live::Subtraction : Live::Addition, to), !sf);
}

/// ADC and SBC: x86's borrow is the opposite of Arm's carry.
Value EmitExec::with_carry(Alu what, Val a, Val b, bool sf, bool set_flags) {
  if (a.kind == Value::Kind::Node || b.kind == Value::Kind::Node) return refuse();
  const bool wants_borrow = what == Alu::Sbb;
  const Live before = live_;
  if (set_flags || (needed_flags_ & kFlagC) == 0) kept_flags_ = false;  // this is the last reader
  const Source right = source(b, sf);
  const HostReg to = result_register(right, false);
  start(a, to, sf);
  if (before == Live::None) {
    a_.bt_imm(kFlagsSlot, 8);
    if (!wants_borrow) a_.cmc();
  } else if ((before == Live::Subtraction) != wants_borrow) {
    a_.cmc();
  }
  alu(what, sf, to, right);
  return temp_value(set_flags ? save_flags(wants_borrow ? Live::Subtraction : Live::Addition, to) : to, !sf);
}

/// The host's flags of a & b.
void EmitExec::test_bits(Val a, Val b, bool sf) {
  const Source right = source(b, sf), left = source(a, sf);
  clobber_flags();
  if (right.kind == Source::Kind::Constant) {
    left.kind == Source::Kind::Memory ? a_.test_imm(sf, left.mem, right.constant)
                                      : a_.test_imm(sf, left.reg, right.constant);
    return;
  }
  const Source& in_memory = left.kind == Source::Kind::Memory ? left : right;
  const Source& other = left.kind == Source::Kind::Memory ? right : left;
  if (in_memory.kind == Source::Kind::Register) return a_.test(sf, left.reg, right.reg);
  HostReg r = other.reg;
  if (other.kind == Source::Kind::Memory) {
    r = temp();
    a_.mov(sf, r, other.mem);
  }
  a_.test(sf, in_memory.mem, r);
}

void EmitExec::logic_flags(const Val& v, bool sf) {
  if (!is_node(v, Node::Op::And)) return decline();
  Node& n = at(v);
  n.wide = sf;
  const bool discard = (word_ & 31) == 31;
  if (discard && defer(Alu::And, n.a, n.b, sf)) return;
  if (discard && n.a.kind == Value::Kind::Guest) {
    test_bits(n.a, n.b, sf);
    free_ = 7;
    save_flags(Live::Addition);
    return;
  }
  const Source right = source(n.b, sf);
  const HostReg to = result_register(right, discard);
  start(n.a, to, sf);
  alu(Alu::And, sf, to, right);
  n.amount = save_flags(Live::Addition, to);  // TEST and AND clear carry and overflow, as Arm's do
  n.op = Node::Op::Done;
}

/// A host condition that is true when `code` holds.
Cc EmitExec::test_flags(CondCode code) {
  if (code == CondCode::AL || code == CondCode::NV) {
    a_.test(false, RSP, RSP);
    clobber_flags();
    return Cc::NE;
  }
  if (live_ == Live::None && waiting_.pending) compare_now();
  const bool negated = (static_cast<u8>(code) & 1) != 0;
  const auto positive = static_cast<CondCode>(static_cast<u8>(code) & ~1);
  Cc cc = Cc::E;
  if (live_ != Live::None) {
    switch (positive) {
      case CondCode::EQ: cc = Cc::E; break;
      case CondCode::CS: cc = live_ == Live::Subtraction ? Cc::AE : Cc::B; break;
      case CondCode::MI: cc = Cc::S; break;
      case CondCode::VS: cc = Cc::O; break;
      case CondCode::HI:
        if (live_ == Live::Addition) {
          a_.cmc();
          clobber_flags();
        }
        cc = Cc::A;
        break;
      case CondCode::GE: cc = Cc::GE; break;
      default: cc = Cc::G; break;
    }
    return negated ? negate(cc) : cc;
  }
  const auto stored = [&](u8 bits, Cc set) {
    a_.test8(kSignZeroCarrySlot, bits);
    return set;
  };
  switch (positive) {
    case CondCode::EQ: cc = stored(kStoredZ, Cc::NE); break;
    case CondCode::CS: cc = stored(kStoredNotC, Cc::E); break;
    case CondCode::MI: cc = stored(kStoredN, Cc::NE); break;
    case CondCode::VS:
      a_.cmp8(kOverflowSlot, 0);
      cc = Cc::NE;
      break;
    case CondCode::HI: cc = stored(kStoredNotC | kStoredZ, Cc::E); break;
    default:
      load_flags();
      cc = positive == CondCode::GE ? Cc::GE : Cc::G;
      break;
  }
  return negated ? negate(cc) : cc;
}

Cc EmitExec::test(const Condition& c) {
  Cc cc = Cc::E;
  if (c.kind == Condition::Kind::Flags) {
    cc = test_flags(c.code);
  } else if (c.kind == Condition::Kind::Equal || is_constant(c.value)) {
    decline();
  } else if (c.kind == Condition::Kind::Zero) {
    const Source s = source(c.value, c.wide);
    clobber_flags();
    if (s.kind == Source::Kind::Memory) {
      a_.alu_imm(Alu::Cmp, c.wide, s.mem, 0);
    } else {
      a_.test(c.wide, s.reg, s.reg);
    }
  } else {
    Source s = source(c.value, true);
    clobber_flags();
    if (s.kind == Source::Kind::Memory) {
      s.mem.disp += c.bit / 32 * 4;
      a_.test_imm(false, s.mem, static_cast<i32>(1u << (c.bit % 32)));
      cc = Cc::NE;
    } else if (c.bit < 32) {
      a_.test_imm(false, s.reg, static_cast<i32>(1u << c.bit));
      cc = Cc::NE;
    } else {
      a_.bt_imm(true, s.reg, c.bit);
      cc = Cc::B;
    }
  }
  return c.negated ? negate(cc) : cc;
}

void EmitExec::conditional_compare(CondCode code, bool negative, Val a, Val b, bool sf, unsigned otherwise) {
  const bool needs_rax = loads_flags(code);
  if (needs_rax) reserve(RAX);
  const Source right = source(b, sf);
  HostReg left = RAX;
  if (negative) {
    left = temp();
    into(a, left);
  } else {
    left = in_register(a, sf);
  }
  if (needs_rax) release(RAX);
  const Cc cc = test_flags(code);
  u8* const skip = a_.jcc_short(negate(cc));
  alu(negative ? Alu::Add : Alu::Cmp, sf, left, right);
  free_ = 7;
  needed_flags_ = kFlagsAll;  // the other path stores all of them
  save_flags(negative ? Live::Addition : Live::Subtraction);
  u8* const done = a_.jmp_short();
  a_.bind_short(skip);
  store_flags(otherwise);
  a_.bind_short(done);
  clobber_flags();
}

isa::Flow EmitExec::branch_if(Cond c, u64 target) {
  if (c.kind == Condition::Kind::Flags && (c.code == CondCode::AL || c.code == CondCode::NV)) return jump(imm(target));
  const Cc taken = test(c);
  end_ = {End::Kind::Branch, target, taken};
  return Flow::Jump;
}

isa::Flow EmitExec::jump(Val target) {
  if (!is_constant(target)) decline();
  end_ = {End::Kind::Jump, target.constant};
  return Flow::Jump;
}

/// The target goes to RDX.
isa::Flow EmitExec::jump_indirect(Val target, unsigned btype) {
  into(target, RDX);
  end_ = {.kind = End::Kind::Indirect, .btype = static_cast<u8>(features_.BTI ? btype : 0)};
  return Flow::Jump;
}

}  // namespace farside::jit
