// core/jit/emit_fp_convert.cpp - conversions between floating-point formats and integers, and moves between files.
#include "core/isa/a64/fp_ops.h"
#include "core/jit/emit_fp.h"

namespace farside::jit {
namespace {

using namespace isa::a64;
using namespace lanes;
using fp_check::reject_least, fp_check::reject_nan;
namespace I = asmjit::x86::Inst;

bool is_wide(const PureRow& r) { return r.size_log2 == 3; }

/// Emits an instruction with a general register as its destination.
void to_register(VectorKit& k, VectorOp op, bool wide, HostReg to, u8 from) {
  k.x86().emit(k.host().avx ? op.avx : op.sse, gp(wide, to), xmm(from));
}

// Between formats.

void single_to_double(PureCall& c, const PureRow&) {
  c.x.need_fp_unit();
  const u8 out = c.kit.scalar(FARSIDE_VOP(C, c, vtss2sd), 3, c.kit.zero(), c.in(0));
  reject_nan(c, out, false, true);
  c.out(out);
}
void double_to_single(PureCall& c, const PureRow&) {
  c.x.need_fp_unit();
  const u8 out = c.kit.scalar(FARSIDE_VOP(C, c, vtsd2ss), 2, c.kit.zero(), c.in(0));
  reject_least(c, out, false, false);
  c.out(out);
}
/// FCVTL, FCVTL2.
void lengthen_singles(PureCall& c, const PureRow&) {
  c.x.need_fp_unit();
  const u8 a = c.number(0) != 0 ? high_half(c.kit, c.in(0)) : c.in(0);
  const u8 out = c.kit.one(FARSIDE_VOP(C, c, vtps2pd), a);
  reject_nan(c, out, true, true);
  c.out(out);
}
/// FCVTN, FCVTN2.
void shorten_doubles(PureCall& c, const PureRow&) {
  c.x.need_fp_unit();
  const u8 out = c.kit.one(FARSIDE_VOP(C, c, vtpd2ps), c.in(1));
  reject_least(c, out, true, false);
  c.out(c.number(0) != 0 ? c.kit.two(kZipLow[3], c.in(0), out) : out);
}

// To integers. x86 says "invalid" with the most negative number and raises nothing else then.

/// ROUNDSD's operand; it does not know ties away, for which `out` serves to find out whether a number is an integer.
bool rounding_operand(Rounding mode, unsigned& out) {
  out = 0;
  switch (mode) {
    case Rounding::TieEven: return true;
    case Rounding::MinusInf: out = 1; return true;
    case Rounding::PlusInf: out = 2; return true;
    case Rounding::Zero: out = 3; return true;
    default: return mode == Rounding::TieAway;
  }
}

/// 2^exponent.
u64 power_of_two(bool wide, int exponent) {
  return wide ? static_cast<u64>(1023 + exponent) << 52 : static_cast<u64>(127 + exponent) << 23;
}

/// `a` times 2^fraction_bits, all lanes or the low one. It is exact: what might overflow is too large for any integer,
/// and leaves the fast path.
u8 scaled_up(PureCall& c, bool wide, u8 a, int fraction_bits, bool packed) {
  if (fraction_bits == 0) return a;
  VectorKit& k = c.kit;
  const unsigned size = wide ? 3 : 2;
  const Constant limit = wide ? Constant::Limit64 : Constant::Limit32;
  const u8 magnitude = k.two(kAnd, a, wide ? Constant::Abs64 : Constant::Abs32);
  if (packed) {
    const u8 large = k.constant(limit);
    k.on(kGreater[size], magnitude, large);  // as integers; NaNs are large
    k.release(large);
    fp_check::reject_any(c, magnitude);
  } else {
    c.x.clobber_flags();
    const VectorOp compare = wide ? FARSIDE_VOP(U, u, comisd) : FARSIDE_VOP(U, u, comiss);
    k.x86().emit(k.host().avx ? compare.avx : compare.sse, xmm(magnitude), k.address(limit, wide ? 8 : 4));
    k.release(magnitude);
    c.x.slow_if(Cc::AE);
  }
  const u64 factor = power_of_two(wide, fraction_bits);
  const u8 by = packed ? k.splat(factor, size) : k.from_halves(factor, 0);
  if (packed) {
    k.on(wide ? FARSIDE_VOP(M, m, ulpd) : FARSIDE_VOP(M, m, ulps), by, a);
    return by;
  }
  const u8 out = k.scalar(wide ? FARSIDE_VOP(M, m, ulsd) : FARSIDE_VOP(M, m, ulss), size, by, a);
  k.release(by);
  return out;
}

u8 round_scalar(VectorKit& k, bool wide, u8 a, unsigned operand) {
  return k.two(wide ? FARSIDE_VOP(R, r, oundsd) : FARSIDE_VOP(R, r, oundss), a, a, operand);
}
VectorOp truncation(bool wide) { return wide ? FARSIDE_VOP(C, c, vttsd2si) : FARSIDE_VOP(C, c, vttss2si); }

/// Only what a signed doubleword holds too: by sign and exponent, before x86 can call the others invalid.
void require_below_2_63(PureCall& c, bool wide_source, u8 a, HostReg scratch) {
  VectorKit& k = c.kit;
  to_register(k, wide_source ? FARSIDE_VOP(M, m, ovq) : FARSIDE_VOP(M, m, ovd), wide_source, scratch, a);
  k.code().shift_imm(Shift::Shr, wide_source, scratch, wide_source ? 52 : 23);
  k.code().alu_imm(Alu::Cmp, false, scratch, (wide_source ? 1023 : 127) + 63);
  c.x.slow_if(Cc::AE);
}

/// The low lane of `a` in `to`; leaves the fast path if the result does not fit.
void convert_low(PureCall& c, bool wide_source, u8 a, HostReg to, const ops::ToInt& how, unsigned width) {
  VectorKit& k = c.kit;
  Asm& code = c.x.code();
  const bool wide = width == 64;
  unsigned operand = 0;
  rounding_operand(how.mode, operand);
  c.x.clobber_flags();
  if (how.mode == Rounding::Zero && !how.is_unsigned) {
    to_register(k, truncation(wide_source), wide, to, a);
    code.alu_imm(Alu::Cmp, wide, to, 1);
    return c.x.slow_if(Cc::O);
  }
  // Inexact may only be raised once the result is known to fit.
  const u8 rounded = how.mode == Rounding::TieAway
                         ? fp_check::ties_away(c, wide_source, only_lowest(k, wide_source ? 3 : 2, a))
                         : round_scalar(k, wide_source, a, operand | 8);
  if (how.is_unsigned && wide) require_below_2_63(c, wide_source, rounded, to);
  to_register(k, truncation(wide_source), wide || how.is_unsigned, to, rounded);
  k.release(rounded);
  if (how.is_unsigned && !wide) {
    const HostReg high = c.x.temp();
    code.mov(true, high, to);
    code.shift_imm(Shift::Shr, true, high, 32);
    c.x.slow_if(Cc::NE);
    c.x.give_back(high);
  } else if (!how.is_unsigned) {
    code.alu_imm(Alu::Cmp, wide, to, 1);
    c.x.slow_if(Cc::O);
  }
  k.release(round_scalar(k, wide_source, a, operand));
}

void scalar_to_integer(PureCall& c, const PureRow& r) {
  const auto how = c.argument<ops::ToInt>();
  unsigned operand = 0;
  if (!rounding_operand(how.mode, operand)) return c.x.decline();
  c.x.need_fp_unit();
  const HostReg to = c.x.temp();
  const unsigned width = static_cast<unsigned>(c.number(0));
  const u8 a = scaled_up(c, is_wide(r), c.in(0), how.fraction_bits, false);
  convert_low(c, is_wide(r), a, to, how, width);
  c.value = c.x.temp_value(to, width == 32);
}

void doubles_to_integers(PureCall& c, const ops::ToInt& how, unsigned count) {
  VectorKit& k = c.kit;
  const HostReg t = c.x.temp();
  const u8 in = count == 2 || how.fraction_bits == 0 ? c.in(0) : only_lowest(k, 3, c.in(0));
  const u8 a = scaled_up(c, true, in, how.fraction_bits, true);
  convert_low(c, true, a, t, how, 64);
  const u8 out = k.from_general(t, true);
  if (count == 2) {
    const u8 upper = high_half(k, a);
    convert_low(c, true, upper, t, how, 64);
    k.on(kZipLow[3], out, k.from_general(t, true));
  }
  c.x.give_back(t);
  c.out(out);
}

/// Unsigned words are converted as signed ones: neither negative (-0 included, for simplicity) nor 2^31 or more, which
/// x86 would call invalid.
void require_31_bits(PureCall& c, u8 a) {
  VectorKit& k = c.kit;
  const u8 most = k.splat(0x4effffff, 2), other = k.two(kGreater[2], a, most);  // as integers
  k.release(most);
  const u8 negative = k.two(kAnd, a, Constant::Sign32);
  k.on(kOr, other, negative);
  k.release(negative);
  fp_check::reject_any(c, other);
}

void vector_to_integer(PureCall& c, const PureRow& r) {
  const auto how = c.argument<ops::ToInt>();
  const unsigned count = static_cast<unsigned>(c.number(0));
  unsigned operand = 0;
  if (!rounding_operand(how.mode, operand)) return c.x.decline();
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  if (is_wide(r)) return doubles_to_integers(c, how, count);
  const u8 in = count == 4 ? c.in(0) : count == 2 ? k.low_64(c.in(0)) : only_lowest(k, 2, c.in(0));
  const u8 a = scaled_up(c, false, in, how.fraction_bits, true);
  const VectorOp round = FARSIDE_VOP(R, r, oundps);
  const bool truncates = how.mode == Rounding::Zero && !how.is_unsigned;
  const u8 rounded = truncates                       ? a
                     : how.mode == Rounding::TieAway ? fp_check::ties_away(c, false, a)
                                                     : k.one(round, a, operand | 8);
  if (how.is_unsigned) require_31_bits(c, rounded);
  const u8 out = k.one(FARSIDE_VOP(C, c, vttps2dq), rounded), invalid = k.splat(0x80000000, 2);
  k.on(kEqual[2], invalid, out);
  fp_check::reject_any(c, invalid);
  if (!truncates) k.release(k.one(round, a, operand));
  c.out(out);
}

// From integers: rounded once as FPCR says; a power of two as divisor changes the exponent alone.

/// `from` as a number in the low lane, zero above.
u8 convert_general(PureCall& c, bool wide_result, HostReg from, bool wide_source) {
  VectorKit& k = c.kit;
  const VectorOp op = wide_result ? FARSIDE_VOP(C, c, vtsi2sd) : FARSIDE_VOP(C, c, vtsi2ss);
  const u8 to = k.zero();
  if (k.host().avx) {
    k.x86().emit(op.avx, xmm(to), xmm(to), gp(wide_source, from));
  } else {
    k.x86().emit(op.sse, xmm(to), gp(wide_source, from));
  }
  k.changed(to, wide_result ? 8 : 4);
  return to;
}
void scale(PureCall& c, bool wide, u8 value, int fraction_bits) {
  if (fraction_bits == 0) return;
  const VectorOp multiply = wide ? FARSIDE_VOP(M, m, ulpd) : FARSIDE_VOP(M, m, ulps);
  c.kit.on(multiply, value, c.kit.splat(power_of_two(wide, -fraction_bits), wide ? 3 : 2));
}

void integer_to_scalar(PureCall& c, const PureRow& r) {
  const auto how = c.argument<ops::FromInt>();
  const bool wide = c.number(1) == 64;
  c.x.need_fp_unit();
  const HostReg from = c.x.temp();
  c.x.into(c.values[0], from);
  if (how.is_unsigned && wide) {
    c.kit.code().test(true, from, from);
    c.x.clobber_flags();
    c.x.slow_if(Cc::S);
  }
  const u8 out = convert_general(c, is_wide(r), from, wide || how.is_unsigned);
  c.x.give_back(from);
  scale(c, is_wide(r), out, how.fraction_bits);
  c.out(out);
}

/// Unsigned words: both halves are exact, and so is the upper one times 2^16; one addition rounds.
u8 unsigned_words(VectorKit& k, u8 a) {
  const VectorOp convert = FARSIDE_VOP(C, c, vtdq2ps);
  const u8 upper = shift_right(k, 2, false, a, 16), high = k.one(convert, upper);
  k.release(upper);
  k.on(FARSIDE_VOP(M, m, ulps), high, k.splat(0x47800000, 2));
  const u8 lower = k.two(kAnd, a, k.splat(0xffff, 2)), low = k.one(convert, lower);
  k.on(FARSIDE_VOP(A, a, ddps), high, low);
  return high;
}

u8 doublewords(PureCall& c, const ops::FromInt& how, unsigned count) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0);
  const HostReg t = c.x.temp();
  const auto convert = [&](u8 lane) {
    k.host().avx ? k.x86().vmovq(gp(true, t), xmm(lane)) : k.x86().movq(gp(true, t), xmm(lane));
    if (how.is_unsigned) {
      k.code().test(true, t, t);
      c.x.clobber_flags();
      c.x.slow_if(Cc::S);
    }
    return convert_general(c, true, t, true);
  };
  const u8 out = convert(a);
  if (count == 2) k.on(kZipLow[3], out, convert(high_half(k, a)));
  c.x.give_back(t);
  return out;
}

void integer_to_vector(PureCall& c, const PureRow& r) {
  const auto how = c.argument<ops::FromInt>();
  const unsigned count = static_cast<unsigned>(c.number(0));
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  u8 out;
  if (is_wide(r)) {
    out = doublewords(c, how, count);
  } else {
    const u8 a = count == 4 ? c.in(0) : count == 2 ? k.low_64(c.in(0)) : k.low_32(c.in(0));
    out = how.is_unsigned ? unsigned_words(k, a) : k.one(FARSIDE_VOP(C, c, vtdq2ps), a);
  }
  scale(c, is_wide(r), out, how.fraction_bits);
  c.out(out);
}

// Moves. Memory holds what registers do.

/// The bytes of argument 0 from `r.imm` on.
void move_to_general(PureCall& c, const PureRow& r) {
  if (c.vectors[0].kind != VectorValue::Kind::Guest) return c.x.decline();
  HostMem from = vector_slot(c.vectors[0].index);
  from.disp += r.imm;
  const HostReg to = c.x.temp();
  c.x.code().load_extended(to, from, 1u << r.size_log2, false, false);
  c.value = c.x.temp_value(to, r.size_log2 < 3);
}
void move_from_general(PureCall& c, const PureRow& r) {
  const Value& v = c.values[0];
  const unsigned bits = width(r.size_log2);
  if (v.kind == Value::Kind::Constant) return c.out(c.kit.from_halves(v.constant & ones(bits), 0));
  const HostReg from = c.x.temp();
  c.x.into(bits == 16 ? c.x.zext(v, 16) : v, from);
  c.out(c.kit.from_general(from, bits == 64));
  c.x.give_back(from);
}
void move_to_upper(PureCall& c, const PureRow&) {
  const HostReg from = c.x.temp();
  c.x.into(c.values[0], from);
  const u8 upper = c.kit.from_general(from, true);
  c.x.give_back(from);
  c.out(c.kit.two(kZipLow[3], c.in(0), upper));
}
void broadcast_element(PureCall& c, const PureRow& r) {
  const unsigned index = static_cast<unsigned>(c.number(0));
  c.out(c.kit.one(kShuffleWords, c.in(0), r.size_log2 == 2 ? index * 0x55 : index == 0 ? 0x44 : 0xee));
}

template <class T>
PureRow row(void (*emit)(PureCall&, const PureRow&), u8 imm = 0) {
  return {emit, {}, {}, static_cast<u8>(log2_floor(sizeof(T))), false, imm};
}
template <class T>
void set_all(PureTable& t) {
  t.set(&ops::to_general<T>, row<T>(&scalar_to_integer));
  t.set(&ops::vector_to_int<T>, row<T>(&vector_to_integer));
  t.set(&ops::from_general<T>, row<T>(&integer_to_scalar));
  t.set(&ops::vector_from_int<T>, row<T>(&integer_to_vector));
  t.set(&ops::broadcast<T>, row<T>(&broadcast_element));
}

}  // namespace

void register_fp_convert(PureTable& t) {
  set_all<u32>(t);
  set_all<u64>(t);
  t.set(&ops::scalar_convert<u64, u32>, {.emit = &single_to_double});
  t.set(&ops::scalar_convert<u32, u64>, {.emit = &double_to_single});
  t.set(&ops::lengthen<u64, u32>, {.emit = &lengthen_singles});
  t.set(&ops::shorten<u32, u64, false>, {.emit = &shorten_doubles});
  t.set(&ops::low_value<u16>, row<u16>(&move_to_general));
  t.set(&ops::low_value<u32>, row<u32>(&move_to_general));
  t.set(&ops::low_value<u64>, row<u64>(&move_to_general));
  t.set(&ops::upper_value, row<u64>(&move_to_general, 8));
  t.set(&ops::from_value<u16>, row<u16>(&move_from_general));
  t.set(&ops::from_value<u32>, row<u32>(&move_from_general));
  t.set(&ops::from_value<u64>, row<u64>(&move_from_general));
  t.set(&ops::with_upper, row<u64>(&move_to_upper));
}

}  // namespace farside::jit
