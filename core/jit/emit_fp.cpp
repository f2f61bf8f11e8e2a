// core/jit/emit_fp.cpp - floating-point arithmetic and comparison in single and double precision, exact.
//
// The host computes under FPCR's rounding mode and collects flags as FPSR does (host_fp.h). Two things differ from the
// architecture, and are left to the interpreter's handler, which does the instruction again: what a NaN result looks
// like, and underflow where rounding has made a tiny result the least normal number, because x86 looks for tininess
// after rounding and Arm before. No flag that x86 raises before that is one that Arm does not raise.
#include "core/jit/emit_fp.h"
#include "core/isa/a64/fp_ops.h"
#include "core/jit/emitters.h"

namespace farside::jit {
namespace {

using namespace isa::a64;
using namespace lanes;
using fp_check::reject_least, fp_check::reject_nan;
namespace I = asmjit::x86::Inst;

/// The same operation as SS, SD, PS and PD; [packed][double].
struct FloatOp {
  VectorOp ss, sd, ps, pd;
  VectorOp pick(bool packed, bool wide) const { return packed ? (wide ? pd : ps) : wide ? sd : ss; }
};
#define FARSIDE_FOP(upper, lower, rest)                                                                            \
  FloatOp {                                                                                                        \
    FARSIDE_VOP(upper, lower, rest##ss), FARSIDE_VOP(upper, lower, rest##sd), FARSIDE_VOP(upper, lower, rest##ps), \
        FARSIDE_VOP(upper, lower, rest##pd)                                                                        \
  }
constexpr FloatOp kFadd = FARSIDE_FOP(A, a, dd), kFsub = FARSIDE_FOP(S, s, ub), kFmul = FARSIDE_FOP(M, m, ul),
                  kFdiv = FARSIDE_FOP(D, d, iv), kFmax = FARSIDE_FOP(M, m, ax), kFmin = FARSIDE_FOP(M, m, in);

enum Check : u8 { kNan, kLeast };  ///< what a result must not be; kLeast includes NaNs
enum Finish : u8 { kAsIs, kNegated, kMagnitude };

bool is_wide(const PureRow& r) { return r.size_log2 == 3; }
/// The number of bits of a vector form's operands.
bool is_full(const PureCall& c) { return c.number(0) != 0; }

void reject(PureCall& c, const PureRow& r, u8 value, bool packed) {
  (r.imm & 1) == kLeast ? reject_least(c, value, packed, is_wide(r)) : reject_nan(c, value, packed, is_wide(r));
}
u8 finish(PureCall& c, const PureRow& r, u8 value) {
  const bool wide = is_wide(r);
  const unsigned how = r.imm >> 1;
  if (how == kNegated) c.kit.on(kXor, value, wide ? Constant::Sign64 : Constant::Sign32);
  if (how == kMagnitude) c.kit.on(kAnd, value, wide ? Constant::Abs64 : Constant::Abs32);
  return value;
}

/// NaNs apart, which are rejected.
bool is_commutative(VectorOp op) {
  return op.sse == I::kIdAddss || op.sse == I::kIdAddsd || op.sse == I::kIdMulss || op.sse == I::kIdMulsd;
}

void scalar_two(PureCall& c, const PureRow& r) {
  c.x.need_fp_unit();
  u8 a = c.in(0), b = c.in(1);
  // What lies above the result is the first operand's: better nothing.
  if (is_commutative(r.op) && c.kit.zero_from(b) < c.kit.zero_from(a)) std::swap(a, b);
  const u8 out = c.kit.scalar(r.op, r.size_log2, a, b);
  reject(c, r, out, false);
  c.out(only_lowest(c.kit, r.size_log2, finish(c, r, out)));
}
/// Lanes that do not exist are zeros, or 1.0 where they divide.
void vector_two(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  u8 a = c.in(0), b = c.in(1);
  if (!is_full(c)) {
    a = k.low_64(a);
    b = k.low_64(b);
    if (r.op.sse == I::kIdDivps) k.on(kOr, b, Constant::OnesHigh32);
  }
  const u8 out = finish(c, r, k.two(r.op, a, b));
  reject(c, r, out, true);
  c.out(is_full(c) ? out : k.low_64(out));  // 0 - 0 may be -0
}
void pair_of_vectors(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  const bool full = is_full(c);
  u8 a = c.in(0), b = c.in(1);
  if (!full) a = b = k.two(kZipLow[3], a, b);
  u8 even = unzip(k, r.size_log2, 0, a, b), odd = unzip(k, r.size_log2, 1, a, b);
  if (!full) {
    even = k.low_64(even);
    odd = k.low_64(odd);
  }
  k.on(r.op, even, odd);
  reject(c, r, even, true);
  c.out(even);
}
void pair_of_scalars(PureCall& c, const PureRow& r) {
  c.x.need_fp_unit();
  const u8 a = c.in(0), upper = c.kit.shift(kBytesRight, a, 1u << r.size_log2);
  const u8 out = c.kit.scalar(r.op, r.size_log2, a, upper);
  reject(c, r, out, false);
  c.out(only_lowest(c.kit, r.size_log2, out));
}

/// `r.op.avx` is the form of FMA3 whose destination is the addend.
/// `bytes` are written, the rest is the addend's.
u8 fused(PureCall& c, const PureRow& r, u8 addend, u8 a, u8 b, unsigned bytes) {
  const u8 out = c.kit.copy(addend);
  c.kit.x86().emit(r.op.avx, xmm(out), xmm(a), xmm(b));
  c.kit.changed(out, bytes);
  return out;
}
void scalar_three(PureCall& c, const PureRow& r) {
  if (!c.kit.host().fma) return c.x.decline();
  c.x.need_fp_unit();
  const u8 out = fused(c, r, c.in(0), c.in(1), c.in(2), 1u << r.size_log2);
  reject(c, r, out, false);
  c.out(only_lowest(c.kit, r.size_log2, out));
}
void vector_three(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  if (!k.host().fma) return c.x.decline();
  c.x.need_fp_unit();
  u8 addend = c.in(0), a = c.in(1);
  if (!is_full(c)) {
    addend = k.low_64(addend);
    a = k.low_64(a);
  }
  const u8 b = is_full(c) ? c.in(2) : k.low_64(c.in(2));
  const u8 out = fused(c, r, addend, a, b, 16);
  reject(c, r, out, true);
  c.out(is_full(c) ? out : k.low_64(out));
}

/// Operands of an operation on whole registers: scalars and halves get zeros above them.
u8 operand(PureCall& c, const PureRow& r, unsigned i, bool scalar) {
  if (scalar) return only_lowest(c.kit, r.size_log2, c.in(i));
  return is_full(c) ? c.in(i) : c.kit.low_64(c.in(i));
}

/// MAXPS raises invalid for any NaN, so NaNs go first. Of two zeros it gives the second: both orders together have the
/// sign that Arm wants.
template <bool Scalar>
void maximum(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  const u8 a = operand(c, r, 0, Scalar), b = operand(c, r, 1, Scalar);
  fp_check::reject_any(c, k.two(is_wide(r) ? FARSIDE_VOP(C, c, mppd) : FARSIDE_VOP(C, c, mpps), a, b, 3));  // unordered
  const u8 out = k.two(r.op, a, b), other = k.two(r.op, b, a);
  k.on(r.other, out, other);
  c.out(out);
}

/// CMPPS with predicate `r.imm`, operands exchanged if its bit 7 is set; bit 6: magnitudes; bit 5: against zero.
template <bool Scalar>
void compare_lanes(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  const bool swap = bit(r.imm, 7), magnitudes = bit(r.imm, 6), with_zero = bit(r.imm, 5);
  u8 a = operand(c, r, 0, Scalar), b = with_zero ? k.zero() : operand(c, r, 1, Scalar);
  if (magnitudes) {
    a = k.two(kAnd, a, is_wide(r) ? Constant::Abs64 : Constant::Abs32);
    b = k.two(kAnd, b, is_wide(r) ? Constant::Abs64 : Constant::Abs32);
  }
  if (swap) std::swap(a, b);
  const u8 out = k.two(is_wide(r) ? FARSIDE_VOP(C, c, mppd) : FARSIDE_VOP(C, c, mpps), a, b, r.imm & 7u);
  c.out(Scalar ? lowest(k, r.size_log2, out) : is_full(c) ? out : k.low_64(out));
}

template <bool Scalar>
void square_root(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  const bool wide = is_wide(r);
  if constexpr (Scalar) {
    const VectorOp op = wide ? FARSIDE_VOP(S, s, qrtsd) : FARSIDE_VOP(S, s, qrtss);
    const u8 out = k.scalar(op, r.size_log2, c.in(0), c.in(0));
    reject_nan(c, out, false, wide);
    c.out(only_lowest(k, r.size_log2, out));
  } else {
    const u8 out = k.one(wide ? FARSIDE_VOP(S, s, qrtpd) : FARSIDE_VOP(S, s, qrtps), operand(c, r, 0, false));
    reject_nan(c, out, true, wide);
    c.out(out);
  }
}

/// FABS and FNEG are no arithmetic: NaNs change their sign like any other value.
template <bool Scalar>
void change_sign(PureCall& c, const PureRow& r) {
  const u8 out = finish(c, r, c.kit.copy(c.in(0)));
  c.out(Scalar ? only_lowest(c.kit, r.size_log2, out) : is_full(c) ? out : c.kit.low_64(out));
}

/// FRINT*: `r.imm` is ROUNDPS' operand.
template <bool Scalar>
void round_lanes(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  c.x.need_fp_unit();
  const bool wide = is_wide(r);
  if constexpr (Scalar) {
    const VectorOp op = wide ? FARSIDE_VOP(R, r, oundsd) : FARSIDE_VOP(R, r, oundss);
    const u8 out = k.scalar(op, r.size_log2, c.in(0), c.in(0), r.imm);
    reject_nan(c, out, false, wide);
    c.out(only_lowest(k, r.size_log2, out));
  } else {
    const u8 a = operand(c, r, 0, false);
    const u8 out = k.one(wide ? FARSIDE_VOP(R, r, oundpd) : FARSIDE_VOP(R, r, oundps), a, r.imm);
    reject_nan(c, out, true, wide);
    c.out(out);
  }
}
/// FRINTA.
template <bool Scalar>
void round_away(PureCall& c, const PureRow& r) {
  c.x.need_fp_unit();
  c.out(fp_check::ties_away(c, is_wide(r), operand(c, r, 0, Scalar)));
}

// FCMP and its relatives.

void compare_ordered(PureCall& c, u8 a, u8 b, bool wide, bool signal_all) {
  static constexpr VectorOp kQuiet[2] = {FARSIDE_VOP(U, u, comiss), FARSIDE_VOP(U, u, comisd)};
  static constexpr VectorOp kSignalling[2] = {FARSIDE_VOP(C, c, omiss), FARSIDE_VOP(C, c, omisd)};
  const VectorOp op = signal_all ? kSignalling[wide] : kQuiet[wide];
  c.kit.x86().emit(c.kit.host().avx ? op.avx : op.sse, xmm(a), xmm(b));
  c.x.clobber_flags();
  c.x.slow_if(Cc::P);
}
void compare_scalars(PureCall& c, const PureRow& r) {
  c.x.need_fp_unit();
  compare_ordered(c, c.in(0), c.in(1), is_wide(r), c.number(0) != 0);
  c.value = {Value::Kind::Ordered};
}

/// FCCMP, FCCMPE. Half precision is declined.
void compare_if(EmitExec& x, u32 word) {
  const u32 ftype = word >> 22 & 3;
  if (ftype > 1) return x.decline();
  x.fp_access();
  x.need_fp_unit();
  PureCall c{x, x.kit()};
  c.vectors = {x.vec({word >> 5 & 31}), x.vec({word >> 16 & 31})};
  const u8 a = c.in(0), b = c.in(1);
  x.conditional_ordered(static_cast<CondCode>(word >> 12 & 15), word & 15,
                        [&] { compare_ordered(c, a, b, ftype == 1, bit(word, 4)); });
}
/// FCSEL: a conditional move of what memory holds.
void select(EmitExec& x, u32 word) {
  const u32 ftype = word >> 22 & 3;
  if (ftype > 1) return x.decline();
  x.fp_access();
  const bool wide = ftype == 1;
  const auto code = static_cast<CondCode>(word >> 12 & 15);
  const HostReg t = x.temp();
  x.code().mov(wide, t, vector_slot(word >> 16 & 31));
  const Cc cc = x.holds(code);
  x.code().cmov(cc, wide, t, vector_slot(word >> 5 & 31));
  x.set_vec({word & 31}, EmitExec::vector_temp(x.kit().from_general(t, wide)));
}

// The table.

template <class T>
constexpr bool kWide = sizeof(T) == 8;
template <class T>
PureRow row(void (*emit)(PureCall&, const PureRow&), VectorOp op = {}, u8 imm = 0) {
  return {emit, op, {}, static_cast<u8>(kWide<T> ? 3 : 2), false, imm};
}
template <class T, class Op>
void set_two(PureTable& t, FloatOp op, Check check, Finish how = kAsIs) {
  const u8 imm = static_cast<u8>(check | how << 1);
  t.set(&ops::scalar2<Op, T>, row<T>(&scalar_two, op.pick(false, kWide<T>), imm));
  t.set(&ops::vector2<Op, T>, row<T>(&vector_two, op.pick(true, kWide<T>), imm));
}
template <class T, class Op>
void set_three(PureTable& t, u32 ss, u32 sd, u32 ps, u32 pd) {
  t.set(&ops::scalar3<Op, T>, row<T>(&scalar_three, {0, kWide<T> ? sd : ss}, kLeast));
  t.set(&ops::vector3<Op, T>, row<T>(&vector_three, {0, kWide<T> ? pd : ps}, kLeast));
}
template <class T, class Op, class OpNum>
void set_maximum(PureTable& t, FloatOp op, VectorOp join) {
  PureRow scalar = row<T>(&maximum<true>, op.pick(true, kWide<T>)), vector = row<T>(&maximum<false>, scalar.op);
  scalar.other = vector.other = join;
  t.set(&ops::scalar2<Op, T>, scalar);
  t.set(&ops::scalar2<OpNum, T>, scalar);
  t.set(&ops::vector2<Op, T>, vector);
  t.set(&ops::vector2<OpNum, T>, vector);
}
template <class T, class Op>
void set_compare(PureTable& t, u8 how) {
  t.set(&ops::scalar2<Op, T>, row<T>(&compare_lanes<true>, {}, how));
  t.set(&ops::vector2<Op, T>, row<T>(&compare_lanes<false>, {}, how));
}
template <class T, class Op>
void set_compare_zero(PureTable& t, u8 how) {
  t.set(&ops::scalar1<Op, T>, row<T>(&compare_lanes<true>, {}, how));
  t.set(&ops::vector1<Op, T>, row<T>(&compare_lanes<false>, {}, how));
}
template <class T, class Op>
void set_round(PureTable& t, u8 how) {
  t.set(&ops::scalar1<Op, T>, row<T>(&round_lanes<true>, {}, how));
  t.set(&ops::vector1<Op, T>, row<T>(&round_lanes<false>, {}, how));
}

template <class T>
void set_all(PureTable& t) {
  set_two<T, ops::Add>(t, kFadd, kNan);  // sums that are tiny are exact
  set_two<T, ops::Sub>(t, kFsub, kNan);
  set_two<T, ops::Mul>(t, kFmul, kLeast);
  set_two<T, ops::Div>(t, kFdiv, kLeast);
  set_two<T, ops::AbsDiff>(t, kFsub, kNan, kMagnitude);
  t.set(&ops::scalar2<ops::NegMul, T>, row<T>(&scalar_two, kFmul.pick(false, kWide<T>), kLeast | kNegated << 1));
  t.set(&ops::pairwise<ops::Add, T>, row<T>(&pair_of_vectors, kFadd.pick(true, kWide<T>), kNan));
  t.set(&ops::scalar_pair<ops::Add, T>, row<T>(&pair_of_scalars, kFadd.pick(false, kWide<T>), kNan));
  set_three<T, ops::MulAdd>(t, I::kIdVfmadd231ss, I::kIdVfmadd231sd, I::kIdVfmadd231ps, I::kIdVfmadd231pd);
  set_three<T, ops::MulSub>(t, I::kIdVfnmadd231ss, I::kIdVfnmadd231sd, I::kIdVfnmadd231ps, I::kIdVfnmadd231pd);
  set_three<T, ops::NegMulAdd>(t, I::kIdVfnmsub231ss, I::kIdVfnmsub231sd, I::kIdVfnmsub231ps, I::kIdVfnmsub231pd);
  set_three<T, ops::NegMulSub>(t, I::kIdVfmsub231ss, I::kIdVfmsub231sd, I::kIdVfmsub231ps, I::kIdVfmsub231pd);
  set_maximum<T, ops::Max, ops::MaxNum>(t, kFmax, kAnd);
  set_maximum<T, ops::Min, ops::MinNum>(t, kFmin, kOr);
  // Predicates: 0 equal, quiet; 1 less and 2 less or equal, both signalling.
  set_compare<T, ops::CmpEq>(t, 0);
  set_compare<T, ops::CmpGe>(t, 0x82);
  set_compare<T, ops::CmpGt>(t, 0x81);
  set_compare<T, ops::AbsGe>(t, 0xc2);
  set_compare<T, ops::AbsGt>(t, 0xc1);
  set_compare_zero<T, ops::CmpEq0>(t, 0x20);
  set_compare_zero<T, ops::CmpGe0>(t, 0xa2);
  set_compare_zero<T, ops::CmpGt0>(t, 0xa1);
  set_compare_zero<T, ops::CmpLe0>(t, 0x22);
  set_compare_zero<T, ops::CmpLt0>(t, 0x21);
  t.set(&ops::scalar1<ops::Sqrt, T>, row<T>(&square_root<true>));
  t.set(&ops::vector1<ops::Sqrt, T>, row<T>(&square_root<false>));
  t.set(&ops::scalar1<ops::Abs, T>, row<T>(&change_sign<true>, {}, kMagnitude << 1));
  t.set(&ops::vector1<ops::Abs, T>, row<T>(&change_sign<false>, {}, kMagnitude << 1));
  t.set(&ops::scalar1<ops::Neg, T>, row<T>(&change_sign<true>, {}, kNegated << 1));
  t.set(&ops::vector1<ops::Neg, T>, row<T>(&change_sign<false>, {}, kNegated << 1));
  // Bit 3 keeps inexact quiet, 4 takes the mode from MXCSR.
  set_round<T, ops::Round<Rounding::TieEven>>(t, 8);
  set_round<T, ops::Round<Rounding::MinusInf>>(t, 9);
  set_round<T, ops::Round<Rounding::PlusInf>>(t, 10);
  set_round<T, ops::Round<Rounding::Zero>>(t, 11);
  set_round<T, ops::RoundI>(t, 12);
  set_round<T, ops::RoundX>(t, 4);
  t.set(&ops::scalar1<ops::Round<Rounding::TieAway>, T>, row<T>(&round_away<true>));
  t.set(&ops::vector1<ops::Round<Rounding::TieAway>, T>, row<T>(&round_away<false>));
  t.set(&ops::compare<T>, row<T>(&compare_scalars));
}

}  // namespace

namespace fp_check {

/// One more where the magnitude's fraction is a half or more. All is exact below 2^52 (2^23).
u8 ties_away(PureCall& c, bool wide, u8 a) {
  VectorKit& k = c.kit;
  const unsigned size = wide ? 3 : 2;
  const VectorOp compare = wide ? FARSIDE_VOP(C, c, mppd) : FARSIDE_VOP(C, c, mpps);
  const u8 magnitude = k.two(kAnd, a, wide ? Constant::Abs64 : Constant::Abs32);
  const u8 limit = k.splat(wide ? 0x4330000000000000 : 0x4b000000, size);
  const u8 large = k.two(kGreater[size], magnitude, limit);  // as integers; NaNs are large
  k.release(limit);
  reject_any(c, large);
  const u8 out = k.one(wide ? FARSIDE_VOP(R, r, oundpd) : FARSIDE_VOP(R, r, oundps), magnitude, 11);
  const u8 fraction = k.two(kFsub.pick(true, wide), magnitude, out);
  const u8 half = k.splat(wide ? 0x3fe0000000000000 : 0x3f000000, size), up = k.two(compare, half, fraction, 2);
  k.release(half);
  k.on(kAnd, up, k.splat(wide ? 0x3ff0000000000000 : 0x3f800000, size));
  k.on(kFadd.pick(true, wide), out, up);
  const u8 sign = k.two(kAnd, a, wide ? Constant::Sign64 : Constant::Sign32);
  k.on(kOr, out, sign);
  for (u8 r : {magnitude, large, fraction, up, sign}) k.release(r);
  return k.known_zero(out, k.zero_from(a));
}

}  // namespace fp_check

void register_fp_arithmetic(PureTable& t) {
  set_all<u32>(t);
  set_all<u64>(t);
}

void register_fp_rules(EmitterTable& table) {
  table.set(isa::A64::FCCMP_float, &compare_if);
  table.set(isa::A64::FCCMPE_float, &compare_if);
  table.set(isa::A64::FCSEL_float, &select);
}

}  // namespace farside::jit
