// core/jit/emit_flags.cpp - the condition flags: setting them from the host's, testing them, and what branches on them.
#include "core/jit/emit_exec.h"

namespace farside::jit {

/// Copies the host's flags to memory. x86 subtraction sets carry where Arm's clears it.
void EmitExec::save_flags(Live kind) {
  a_.setcc(Cc::S, flag_slot(Flag::N));
  a_.setcc(Cc::E, flag_slot(Flag::Z));
  a_.setcc(kind == Live::Subtraction ? Cc::AE : Cc::B, flag_slot(Flag::C));
  a_.setcc(Cc::O, flag_slot(Flag::V));
  live_ = kind;
}

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

Value EmitExec::arithmetic_flags(Alu what, Val a, Val b, bool sf) {
  const bool discard = (word_ & 31) == 31;
  if (discard && what == Alu::Sub) {
    compare(a, b, sf);
    save_flags(Live::Subtraction);
    return imm(0);
  }
  const Source right = source(b, sf);
  const HostReg to = result_register(right, discard);
  start(a, to, sf);
  alu(what, sf, to, right);
  save_flags(what == Alu::Sub ? Live::Subtraction : Live::Addition);
  return temp_value(to, !sf);
}

/// ADC and SBC: x86's borrow is the opposite of Arm's carry.
Value EmitExec::with_carry(Alu what, Val a, Val b, bool sf, bool set_flags) {
  if (a.kind == Value::Kind::Node || b.kind == Value::Kind::Node) return refuse();
  const bool wants_borrow = what == Alu::Sbb;
  const Live before = live_;
  const Source right = source(b, sf);
  const HostReg to = result_register(right, false);
  start(a, to, sf);
  if (before == Live::None) {
    a_.cmp8(flag_slot(Flag::C), 1);  // borrows if C is 0
    if (!wants_borrow) a_.cmc();
  } else if ((before == Live::Subtraction) != wants_borrow) {
    a_.cmc();
  }
  alu(what, sf, to, right);
  if (set_flags) save_flags(wants_borrow ? Live::Subtraction : Live::Addition);
  return temp_value(to, !sf);
}

void EmitExec::logic_flags(const Val& v, bool sf) {
  if (!is_node(v, Node::Op::And)) return decline();
  Node& n = at(v);
  n.wide = sf;
  const bool discard = (word_ & 31) == 31;
  const Source right = source(n.b, sf);
  if (discard && n.a.kind == Value::Kind::Guest && right.kind != Source::Kind::Memory) {
    const Source left = source(n.a, sf);
    if (left.kind == Source::Kind::Register && right.kind == Source::Kind::Register) {
      a_.test(sf, left.reg, right.reg);
    } else if (left.kind == Source::Kind::Register) {
      a_.test_imm(sf, left.reg, right.constant);
    } else if (right.kind == Source::Kind::Register) {
      const HostReg t = temp();
      move(sf, t, left);
      a_.test(sf, t, right.reg);
    } else {
      a_.test_imm(sf, left.mem, right.constant);
    }
    return save_flags(Live::Addition);
  }
  const HostReg to = result_register(right, discard);
  start(n.a, to, sf);
  alu(Alu::And, sf, to, right);
  save_flags(Live::Addition);  // TEST and AND clear carry and overflow, as Arm's do
  n.op = Node::Op::Done;
  n.amount = to;
}

/// A host condition that is true when `code` holds.
Cc EmitExec::test_flags(CondCode code) {
  if (code == CondCode::AL || code == CondCode::NV) {
    a_.test(false, RSP, RSP);
    clobber_flags();
    return Cc::NE;
  }
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
  const auto byte = [&](Flag flag) {
    a_.cmp8(flag_slot(flag), 0);
    return Cc::NE;
  };
  const auto load = [&](Flag flag) {
    const HostReg t = temp();
    a_.load_extended(t, flag_slot(flag), 1, false, false);
    return t;
  };
  switch (positive) {
    case CondCode::EQ: cc = byte(Flag::Z); break;
    case CondCode::CS: cc = byte(Flag::C); break;
    case CondCode::MI: cc = byte(Flag::N); break;
    case CondCode::VS: cc = byte(Flag::V); break;
    case CondCode::HI:
      a_.alu8(Alu::Cmp, load(Flag::C), flag_slot(Flag::Z));  // above: C = 1 and Z = 0
      cc = Cc::A;
      break;
    case CondCode::GE:
      a_.alu8(Alu::Cmp, load(Flag::N), flag_slot(Flag::V));
      cc = Cc::E;
      break;
    default: {
      const HostReg t = load(Flag::N);
      a_.alu8(Alu::Xor, t, flag_slot(Flag::V));
      a_.alu8(Alu::Or, t, flag_slot(Flag::Z));
      cc = Cc::E;
      break;
    }
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
  const Source right = source(b, sf);
  HostReg left = RAX;
  if (negative) {
    left = temp();
    into(a, left);
  } else {
    left = in_register(a, sf);
  }
  const Cc cc = test_flags(code);
  u8* const skip = a_.jcc_short(negate(cc));
  alu(negative ? Alu::Add : Alu::Cmp, sf, left, right);
  save_flags(negative ? Live::Addition : Live::Subtraction);
  u8* const done = a_.jmp_short();
  a_.bind_short(skip);
  // N is the first byte and bit 3 of the operand.
  const u32 bytes =
      (otherwise >> 3 & 1) | (otherwise >> 2 & 1) << 8 | (otherwise >> 1 & 1) << 16 | (otherwise & 1) << 24;
  a_.mov(false, flag_slot(Flag::N), static_cast<i32>(bytes));
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
