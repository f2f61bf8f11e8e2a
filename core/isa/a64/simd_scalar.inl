// core/isa/a64/simd_scalar.inl - Advanced SIMD scalar forms: the vector operation on one lane, everything above it
// zero.
#pragma once
#include "core/isa/a64/simd_immediate.inl"

namespace farside::isa::a64 {
namespace form {

// Saturating forms cut their operands to the one lane: other lanes then give zero and leave FPSR.QC alone.

template <class Op, Sign S, class X>
inline Flow scalar_sat(X& x, u32 size, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  const u64 bits = lane_bits(size);
  x.set_vec(d, with_lane<S>(size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each2_sat<Op, T>, low_part(x, n, bits), low_part(x, m, bits));
            }));
  return Flow::Next;
}
template <class Op, Sign S, class X>
inline Flow scalar_d(X& x, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  using T = simd::IntegerOf<8, S == Sign::Signed>;
  return put(x, d, 64, x.call(simd::each2<Op, T>, x.vec(n), x.vec(m)));
}
template <class Op, class X>
inline Flow scalar_one_d(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  return put(x, d, 64, x.call(simd::each1<Op, i64>, x.vec(n)));
}
template <class Op, class X>
inline Flow scalar_one_sat(X& x, u32 size, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<Sign::Signed>(size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each1_sat<Op, T>, low_part(x, n, lane_bits(size)));
            }));
  return Flow::Next;
}
template <Sign S, Sign From, class X>
inline Flow scalar_narrow_sat(X& x, u32 size, RegNo n, RegNo d) {
  if (size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, narrowed_sat<simd::ShiftRight, S, From>(x, size, 0, low_part(x, n, lane_bits(size + 1))));
  return Flow::Next;
}

// Shifts of D registers: `imm` is immh:immb without its top bit, which is 1.

template <class Op, Sign S, Towards D, class X>
inline Flow scalar_shift(X& x, Imm<6> imm, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  using T = simd::IntegerOf<8, S == Sign::Signed>;
  return put(x, d, 64, x.call(simd::each_shift<Op, T>, x.vec(n), x.imm(D == Towards::Right ? 64 - imm : imm)));
}
template <class Op, Sign S, Towards D, class X>
inline Flow scalar_shift_into(X& x, Imm<6> imm, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  using T = simd::IntegerOf<8, S == Sign::Signed>;
  const auto shift = x.imm(D == Towards::Right ? 64 - imm : imm);
  return put(x, d, 64, x.call(simd::each_shift_into<Op, T>, x.vec(d), x.vec(n), shift));
}
template <class Op, Sign S, class X>
inline Flow scalar_shift_sat(X& x, ShiftField f, RegNo n, RegNo d) {
  if (f.size > 3) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S>(f.size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each_shift_sat<Op, T>, low_part(x, n, lane_bits(f.size)), x.imm(f.left()));
            }));
  return Flow::Next;
}
template <class Op, Sign S, Sign From, class X>
inline Flow scalar_shift_narrow_sat(X& x, ShiftField f, RegNo n, RegNo d) {
  if (f.size > 2) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, narrowed_sat<Op, S, From>(x, f.size, f.right(), low_part(x, n, lane_bits(f.size + 1))));
  return Flow::Next;
}

// Doubling multiplies; `b` holds the second operand's lane, other lanes do not matter.

template <bool Round, class X>
inline Flow scalar_multiply_high(X& x, u32 size, RegNo n, RegNo d, typename X::Vec b) {
  x.set_vec(d, multiply_high<Round>(x, size, low_part(x, n, lane_bits(size)), b));
  return Flow::Next;
}
template <bool Subtract, class X>
inline Flow scalar_multiply_high_add(X& x, u32 size, RegNo n, RegNo d, typename X::Vec b) {
  const u64 bits = lane_bits(size);
  x.set_vec(d, multiply_high_add<Subtract>(x, size, low_part(x, d, bits), low_part(x, n, bits), b));
  return Flow::Next;
}
template <class Op, class X>
inline Flow scalar_double_long_into(X& x, u32 size, RegNo n, RegNo d, typename X::Vec b) {
  const u64 bits = lane_bits(size);
  x.set_vec(d, double_long_into<Op>(x, size, low_part(x, d, 2 * bits), low_part(x, n, bits), b));
  return Flow::Next;
}
template <class X>
inline Flow scalar_double_long(X& x, u32 size, RegNo n, RegNo d, typename X::Vec b) {
  x.set_vec(d, double_long(x, size, low_part(x, n, lane_bits(size)), b));
  return Flow::Next;
}

}  // namespace form

#define FARSIDE_SCALAR_SAT(name, op, sign)                                    \
  template <class X>                                                          \
  Flow name(X& x, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {                \
    return form::scalar_sat<simd::op, form::Sign::sign>(x, size, Rm, Rn, Rd); \
  }
FARSIDE_SCALAR_SAT(SQADD_scalar, AddSat, Signed)
FARSIDE_SCALAR_SAT(UQADD_scalar, AddSat, Unsigned)
FARSIDE_SCALAR_SAT(SQSUB_scalar, SubSat, Signed)
FARSIDE_SCALAR_SAT(UQSUB_scalar, SubSat, Unsigned)
FARSIDE_SCALAR_SAT(SQSHL_reg_scalar, ShiftBySat<false>, Signed)
FARSIDE_SCALAR_SAT(UQSHL_reg_scalar, ShiftBySat<false>, Unsigned)
FARSIDE_SCALAR_SAT(SQRSHL_scalar, ShiftBySat<true>, Signed)
FARSIDE_SCALAR_SAT(UQRSHL_scalar, ShiftBySat<true>, Unsigned)
#undef FARSIDE_SCALAR_SAT

#define FARSIDE_SCALAR_D(name, op, sign)                              \
  template <class X>                                                  \
  Flow name(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {                     \
    return form::scalar_d<simd::op, form::Sign::sign>(x, Rm, Rn, Rd); \
  }
FARSIDE_SCALAR_D(CMGT_reg_scalar, CompareGt, Signed)
FARSIDE_SCALAR_D(CMHI_reg_scalar, CompareGt, Unsigned)
FARSIDE_SCALAR_D(CMGE_reg_scalar, CompareGe, Signed)
FARSIDE_SCALAR_D(CMHS_reg_scalar, CompareGe, Unsigned)
FARSIDE_SCALAR_D(SSHL_scalar, ShiftBy<false>, Signed)
FARSIDE_SCALAR_D(USHL_scalar, ShiftBy<false>, Unsigned)
FARSIDE_SCALAR_D(SRSHL_scalar, ShiftBy<true>, Signed)
FARSIDE_SCALAR_D(URSHL_scalar, ShiftBy<true>, Unsigned)
FARSIDE_SCALAR_D(ADD_scalar, Add, Unsigned)
FARSIDE_SCALAR_D(SUB_scalar, Sub, Unsigned)
FARSIDE_SCALAR_D(CMTST_scalar, CompareTest, Unsigned)
FARSIDE_SCALAR_D(CMEQ_reg_scalar, CompareEq, Unsigned)
#undef FARSIDE_SCALAR_D

#define FARSIDE_SCALAR_ONE(name, op)                \
  template <class X>                                \
  Flow name(X& x, RegNo Rn, RegNo Rd) {             \
    return form::scalar_one_d<simd::op>(x, Rn, Rd); \
  }
FARSIDE_SCALAR_ONE(CMGT_zero_scalar, GtZero)
FARSIDE_SCALAR_ONE(CMGE_zero_scalar, GeZero)
FARSIDE_SCALAR_ONE(CMEQ_zero_scalar, EqZero)
FARSIDE_SCALAR_ONE(CMLE_zero_scalar, LeZero)
FARSIDE_SCALAR_ONE(CMLT_zero_scalar, LtZero)
FARSIDE_SCALAR_ONE(ABS_scalar, Abs)
FARSIDE_SCALAR_ONE(NEG_scalar, Neg)
#undef FARSIDE_SCALAR_ONE

template <class X>
Flow SUQADD_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_sat<simd::AddMixedSat, form::Sign::Signed>(x, size, Rn, Rd, Rd);
}
template <class X>
Flow USQADD_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_sat<simd::AddMixedSat, form::Sign::Unsigned>(x, size, Rn, Rd, Rd);
}
template <class X>
Flow SQABS_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_one_sat<simd::AbsSat>(x, size, Rn, Rd);
}
template <class X>
Flow SQNEG_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_one_sat<simd::NegSat>(x, size, Rn, Rd);
}
template <class X>
Flow SQXTUN_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_narrow_sat<form::Sign::Unsigned, form::Sign::Signed>(x, size, Rn, Rd);
}
template <class X>
Flow SQXTN_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_narrow_sat<form::Sign::Signed, form::Sign::Signed>(x, size, Rn, Rd);
}
template <class X>
Flow UQXTN_scalar(X& x, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::scalar_narrow_sat<form::Sign::Unsigned, form::Sign::Unsigned>(x, size, Rn, Rd);
}
template <class X>
Flow ADDP_scalar(X& x, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::across<simd::Add, u64>, x.vec(Rn), x.imm(128)));
  return Flow::Next;
}

#define FARSIDE_SCALAR_SHIFT(name, shape, op, sign, direction)                                \
  template <class X>                                                                          \
  Flow name(X& x, Imm<6> imm, RegNo Rn, RegNo Rd) {                                           \
    return form::shape<simd::op, form::Sign::sign, form::Towards::direction>(x, imm, Rn, Rd); \
  }
FARSIDE_SCALAR_SHIFT(SSHR_scalar, scalar_shift, ShiftRight, Signed, Right)
FARSIDE_SCALAR_SHIFT(USHR_scalar, scalar_shift, ShiftRight, Unsigned, Right)
FARSIDE_SCALAR_SHIFT(SSRA_scalar, scalar_shift_into, ShiftAccumulate<simd::ShiftRight>, Signed, Right)
FARSIDE_SCALAR_SHIFT(USRA_scalar, scalar_shift_into, ShiftAccumulate<simd::ShiftRight>, Unsigned, Right)
FARSIDE_SCALAR_SHIFT(SRSHR_scalar, scalar_shift, ShiftRightRound, Signed, Right)
FARSIDE_SCALAR_SHIFT(URSHR_scalar, scalar_shift, ShiftRightRound, Unsigned, Right)
FARSIDE_SCALAR_SHIFT(SRSRA_scalar, scalar_shift_into, ShiftAccumulate<simd::ShiftRightRound>, Signed, Right)
FARSIDE_SCALAR_SHIFT(URSRA_scalar, scalar_shift_into, ShiftAccumulate<simd::ShiftRightRound>, Unsigned, Right)
FARSIDE_SCALAR_SHIFT(SRI_scalar, scalar_shift_into, ShiftRightInsert, Unsigned, Right)
FARSIDE_SCALAR_SHIFT(SHL_scalar, scalar_shift, ShiftLeft, Unsigned, Left)
FARSIDE_SCALAR_SHIFT(SLI_scalar, scalar_shift_into, ShiftLeftInsert, Unsigned, Left)
#undef FARSIDE_SCALAR_SHIFT

#define FARSIDE_SCALAR_SHIFT_SAT(name, shape, ...)                            \
  template <class X>                                                          \
  Flow name(X& x, Imm<4> immh, Imm<3> immb, RegNo Rn, RegNo Rd) {             \
    using enum form::Sign;                                                    \
    using namespace simd;                                                     \
    return form::shape<__VA_ARGS__>(x, form::ShiftField(immh, immb), Rn, Rd); \
  }
FARSIDE_SCALAR_SHIFT_SAT(SQSHLU_scalar, scalar_shift_sat, ShiftLeftSatUnsigned, Signed)
FARSIDE_SCALAR_SHIFT_SAT(SQSHL_imm_scalar, scalar_shift_sat, ShiftLeftSat, Signed)
FARSIDE_SCALAR_SHIFT_SAT(UQSHL_imm_scalar, scalar_shift_sat, ShiftLeftSat, Unsigned)
FARSIDE_SCALAR_SHIFT_SAT(SQSHRUN_scalar, scalar_shift_narrow_sat, ShiftRight, Unsigned, Signed)
FARSIDE_SCALAR_SHIFT_SAT(SQRSHRUN_scalar, scalar_shift_narrow_sat, ShiftRightRound, Unsigned, Signed)
FARSIDE_SCALAR_SHIFT_SAT(SQSHRN_scalar, scalar_shift_narrow_sat, ShiftRight, Signed, Signed)
FARSIDE_SCALAR_SHIFT_SAT(UQSHRN_scalar, scalar_shift_narrow_sat, ShiftRight, Unsigned, Unsigned)
FARSIDE_SCALAR_SHIFT_SAT(SQRSHRN_scalar, scalar_shift_narrow_sat, ShiftRightRound, Signed, Signed)
FARSIDE_SCALAR_SHIFT_SAT(UQRSHRN_scalar, scalar_shift_narrow_sat, ShiftRightRound, Unsigned, Unsigned)
#undef FARSIDE_SCALAR_SHIFT_SAT

// Multiplies: the second operand is Vm's lane 0, or an indexed element.
#define FARSIDE_SCALAR_MUL(name, shape)                                                                     \
  template <class X>                                                                                        \
  Flow name##_scalar(X& x, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {                                     \
    if (size == 0 || size == 3) return x.undefined();                                                       \
    TRY_VOID(x.fp_access());                                                                                \
    return form::shape(x, size, Rn, Rd, x.vec(Rm));                                                         \
  }                                                                                                         \
  template <class X>                                                                                        \
  Flow name##_scalar_elem(X& x, Imm<2> size, Imm<1> L, Imm<1> M, Imm<4> Rm, Imm<1> H, RegNo Rn, RegNo Rd) { \
    const auto at = form::indexed_element(size, L, M, Rm, H);                                               \
    if (!at.valid) return x.undefined();                                                                    \
    TRY_VOID(x.fp_access());                                                                                \
    return form::shape(x, size, Rn, Rd, form::spread(x, size, at));                                         \
  }
FARSIDE_SCALAR_MUL(SQDMULH, scalar_multiply_high<false>)
FARSIDE_SCALAR_MUL(SQRDMULH, scalar_multiply_high<true>)
FARSIDE_SCALAR_MUL(SQRDMLAH, scalar_multiply_high_add<false>)
FARSIDE_SCALAR_MUL(SQRDMLSH, scalar_multiply_high_add<true>)
FARSIDE_SCALAR_MUL(SQDMLAL, scalar_double_long_into<simd::AddSat>)
FARSIDE_SCALAR_MUL(SQDMLSL, scalar_double_long_into<simd::SubSat>)
FARSIDE_SCALAR_MUL(SQDMULL, scalar_double_long)
#undef FARSIDE_SCALAR_MUL

}  // namespace farside::isa::a64
