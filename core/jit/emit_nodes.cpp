// core/jit/emit_nodes.cpp - the host instructions of one operation, its result in a given register.
#include "core/jit/emit_exec.h"

namespace farside::jit {

using Op = Node::Op;

void EmitExec::node_into(const Node& n, HostReg to) {
  const u8 free_before = free_;  // what the operation needs beside `to` is free again behind it
  switch (n.op) {
    case Op::Add:
    case Op::Sub: add_into(n, to); break;
    case Op::And:
    case Op::Orr:
    case Op::Eor:
    case Op::Mul: binary_into(n, to); break;
    case Op::Not:
      start(n.a, to, n.wide);
      a_.not_(n.wide, to);
      break;
    case Op::Lsl:
    case Op::Lsr:
    case Op::Asr:
    case Op::Ror: shift_into(n, to); break;
    case Op::Umulh:
    case Op::Smulh: multiply_high_into(n, to); break;
    case Op::Clz: {
      const HostReg r = in_register(n.a, n.wide);
      a_.lzcnt(n.wide, to, r);
      clobber_flags();
      break;
    }
    case Op::Sext:
    case Op::Zext: extend_into(n, to); break;
    case Op::Swap:
      start(n.a, to, n.wide);
      a_.bswap(n.wide, to);
      break;
    case Op::Load: a_.load_extended(to, found_at(n.b.constant), n.amount, false, true); break;
    case Op::Select: select_into(n, to); break;
    case Op::Done: a_.mov(true, to, static_cast<HostReg>(n.amount)); break;
  }
  free_ = free_before;
}

/// The low bytes of `a`; flags survive.
void EmitExec::zero_extend(Val a, unsigned bytes, HostReg to) {
  if (a.kind == Value::Kind::Guest) {
    check_fresh(a.index);
    const Source s = location(a.index);
    if (s.kind == Source::Kind::Memory) return a_.load_extended(to, s.mem, bytes, false, false);
    return a_.load_extended(to, s.reg, bytes, false, false);
  }
  into(a, to);
  a_.load_extended(to, to, bytes, false, false);
}

void EmitExec::binary_into(const Node& n, HostReg to) {
  static constexpr auto kCode = [](Op op) {
    return op == Op::Add   ? Alu::Add
           : op == Op::Sub ? Alu::Sub
           : op == Op::And ? Alu::And
           : op == Op::Orr ? Alu::Or
                           : Alu::Xor;
  };
  const auto apply = [&](HostReg r, const Source& s) {
    if (n.op != Op::Mul) return alu(kCode(n.op), n.wide, r, s);
    clobber_flags();
    if (s.kind == Source::Kind::Memory) return a_.imul(n.wide, r, s.mem);
    if (s.kind == Source::Kind::Register) return a_.imul(n.wide, r, s.reg);
    const HostReg t = temp();
    move(n.wide, t, s);
    a_.imul(n.wide, r, t);
  };
  if (n.op == Op::And && is_constant(n.b)) {
    const u64 mask = n.b.constant;
    if (mask == 0xff || mask == 0xffff) return zero_extend(n.a, mask == 0xff ? 1 : 2, to);
  }
  if (n.op == Op::Mul && n.wide && live_ != Live::None && (free_ & 1u << RDX) != 0) return multiply_into(n, to);
  const Source b = source(n.b, n.wide);
  if (!b.is(to)) {
    start(n.a, to, n.wide);
    apply(to, b);
  } else if (n.op != Op::Sub && n.a.kind != Value::Kind::Node) {
    apply(to, source(n.a, n.wide));
  } else {
    const HostReg t = temp();
    into(n.a, t);
    apply(t, b);
    a_.mov(true, to, t);
  }
}

/// Additions of registers and constants are LEA where that saves a move; negation keeps the flags alive.
void EmitExec::add_into(const Node& n, HostReg to) {
  const bool direct = n.a.kind == Value::Kind::Guest && is_mapped(n.a.index) && !(n.wide && n.a.narrow);
  if (direct && is_constant(n.b)) {
    const u64 addend = n.op == Op::Add ? n.b.constant : 0 - n.b.constant;
    const HostReg a = host_of(n.a.index);
    if ((!n.wide || fits32(addend)) && (a != to || live_ != Live::None)) {
      check_fresh(n.a.index);
      return a_.lea(n.wide, to, {a, static_cast<i32>(addend)});
    }
  }
  if (n.op == Op::Add && direct && host_of(n.a.index) != to) {
    unsigned scale = 0;
    Val b = n.b;
    if (is_node(b, Op::Lsl) && at(b).wide == n.wide && is_constant(at(b).b) && at(b).b.constant <= 3) {
      scale = static_cast<unsigned>(at(b).b.constant);
      b = at(b).a;
    }
    if (b.kind == Value::Kind::Guest && is_mapped(b.index) && !(n.wide && b.narrow)) {
      check_fresh(n.a.index);
      check_fresh(b.index);
      return a_.lea(n.wide, to, {host_of(n.a.index), 0, host_of(b.index), static_cast<u8>(scale)});
    }
  }
  if (n.op == Op::Sub && is_constant(n.a) && n.a.constant == 0) {
    start(n.b, to, n.wide);
    a_.not_(n.wide, to);
    return a_.lea(n.wide, to, {to, 1});
  }
  binary_into(n, to);
}

void EmitExec::shift_into(const Node& n, HostReg to) {
  const unsigned mask = n.wide ? 63 : 31;
  if (is_constant(n.b)) {
    const u8 amount = static_cast<u8>(n.b.constant & mask);
    if (n.op == Op::Ror) {
      const Source a = source(n.a, n.wide);
      if (a.kind == Source::Kind::Memory) return a_.rorx(n.wide, to, a.mem, amount);
      if (a.kind == Source::Kind::Register) return a_.rorx(n.wide, to, a.reg, amount);
      return decline();
    }
    start(n.a, to, n.wide);
    if (amount == 0) return n.wide ? void() : a_.mov(false, to, to);
    clobber_flags();
    return a_.shift_imm(n.op == Op::Lsl ? Shift::Shl : n.op == Op::Lsr ? Shift::Shr : Shift::Sar, n.wide, to, amount);
  }
  if (n.op == Op::Ror) {  // only CL can say by how much
    if ((free_ & 1u << RCX) == 0 || to == RCX) return decline();
    reserve(RCX);
    into(n.b, RCX);
    const HostReg t = temp();
    into(n.a, t);
    a_.shift_cl(Shift::Ror, n.wide, t);
    clobber_flags();
    return a_.mov(true, to, t);
  }
  const HostReg by = in_register(n.b, false);
  const HostReg a = in_register(n.a, n.wide);
  switch (n.op) {
    case Op::Lsl: return a_.shlx(n.wide, to, a, by);
    case Op::Lsr: return a_.shrx(n.wide, to, a, by);
    default: return a_.sarx(n.wide, to, a, by);
  }
}

void EmitExec::extend_into(const Node& n, HostReg to) {
  const bool sign = n.op == Op::Sext;
  if (is_node(n.a, Op::Load)) {
    const Node& load = at(n.a);
    if (load.amount * 8u != n.amount) return decline();
    return a_.load_extended(to, found_at(load.b.constant), load.amount, sign, n.wide);
  }
  if (n.amount == 8 || n.amount == 16 || n.amount == 32) {
    const Source s = source(n.a, false);
    if (s.kind == Source::Kind::Constant) return decline();
    if (s.kind == Source::Kind::Memory) return a_.load_extended(to, s.mem, n.amount / 8, sign, n.wide);
    return a_.load_extended(to, s.reg, n.amount / 8, sign, n.wide);
  }
  start(n.a, to, n.amount > 32);
  clobber_flags();
  if (!sign && n.amount < 32) return a_.alu_imm(Alu::And, false, to, static_cast<i32>(ones(n.amount)));
  const bool wide = n.wide || n.amount > 32;
  const u8 unused = static_cast<u8>((wide ? 64 : 32) - n.amount);
  a_.shift_imm(Shift::Shl, wide, to, unused);
  a_.shift_imm(sign ? Shift::Sar : Shift::Shr, wide, to, unused);
}

/// The low half by MULX, which leaves the flags alone.
void EmitExec::multiply_into(const Node& n, HostReg to) {
  reserve(RDX);
  const Source b = source(n.b, true);
  into(n.a, RDX);
  if (b.kind == Source::Kind::Memory) return a_.mulx(RDX, to, b.mem);
  if (b.kind == Source::Kind::Register) return a_.mulx(RDX, to, b.reg);
  decline();
}

void EmitExec::multiply_high_into(const Node& n, HostReg to) {
  const bool is_signed = n.op == Op::Smulh;
  const u8 needed = is_signed ? 1u << RAX | 1u << RDX : 1u << RDX;
  if ((free_ & needed) != needed) return decline();
  reserve(RDX);
  if (is_signed) reserve(RAX);
  if (is_signed) clobber_flags();
  const Source b = source(n.b, true);
  if (b.kind == Source::Kind::Constant) return decline();
  into(n.a, is_signed ? RAX : RDX);
  if (is_signed) {
    const HostReg r = b.kind == Source::Kind::Memory ? RDX : b.reg;
    if (b.kind == Source::Kind::Memory) a_.mov(true, RDX, b.mem);
    a_.imul_wide(r);
    return a_.mov(true, to, RDX);
  }
  if (b.kind == Source::Kind::Memory) return a_.mulx(to, RDX, b.mem);
  a_.mulx(to, RDX, b.reg);
}

void EmitExec::select_into(const Node& n, HostReg to) {
  Condition c = conditions_[n.amount];
  Val a = n.a, b = n.b;
  if (is_constant(a) && is_constant(b) && (a.constant | b.constant) == 1 && a.constant != b.constant) {
    const Cc cc = test(c);
    a_.setcc(a.constant == 1 ? cc : negate(cc), to);
    return a_.load_extended(to, to, 1, false, false);
  }
  const bool needs_rax = c.kind == Condition::Kind::Flags && loads_flags(c.code);
  if (needs_rax && (free_ & 1u << RAX) == 0) return decline();
  if (needs_rax) reserve(RAX);
  HostReg t = to;
  if (awaits(to)) {
    t = temp();
  } else if (mentions(a, to)) {
    if (mentions(b, to)) {
      t = temp();
    } else {
      std::swap(a, b);
      c.negated = !c.negated;
    }
  }
  const bool wide = !(a.narrow && b.narrow);
  Source from = source(a, wide);
  if (from.kind == Source::Kind::Constant) {
    const HostReg r = temp();
    move(wide, r, from);
    from = {Source::Kind::Register, r};
  }
  start(b, t, wide);
  if (needs_rax) release(RAX);
  const Cc cc = test(c);
  if (from.kind == Source::Kind::Memory) {
    a_.cmov(cc, wide, t, from.mem);
  } else {
    a_.cmov(cc, wide, t, from.reg);
  }
  if (t != to) a_.mov(true, to, t);
}

}  // namespace farside::jit
