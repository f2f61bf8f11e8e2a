// core/isa/a64/simd_fp.inl - semantics of simd_fp.def: Advanced SIMD floating point.
//
// Each macro gives one operation to the encodings that Arm lists under its name.
#pragma once
#include "core/isa/a64/simd_fp_shapes.h"

namespace farside::isa::a64 {

// Three same.
#define FARSIDE_SCALAR2(name, Op)                                  \
  template <class X>                                               \
  Flow name##_scalar(X& x, Imm<1> sz, RegNo m, RegNo n, RegNo d) { \
    return simd_fp::scalar2<Op>(x, sz, m, n, d);                   \
  }                                                                \
  template <class X>                                               \
  Flow name##_scalar_half(X& x, RegNo m, RegNo n, RegNo d) {       \
    return simd_fp::scalar2_of<Op, u16>(x, m, n, d);               \
  }
FARSIDE_SCALAR2(FMULX, ops::MulX)
FARSIDE_SCALAR2(FCMEQ, ops::CmpEq)
FARSIDE_SCALAR2(FRECPS, ops::RecipStep)
FARSIDE_SCALAR2(FRSQRTS, ops::RsqrtStep)
FARSIDE_SCALAR2(FCMGE, ops::CmpGe)
FARSIDE_SCALAR2(FACGE, ops::AbsGe)
FARSIDE_SCALAR2(FABD, ops::AbsDiff)
FARSIDE_SCALAR2(FCMGT, ops::CmpGt)
FARSIDE_SCALAR2(FACGT, ops::AbsGt)
#undef FARSIDE_SCALAR2

#define FARSIDE_VECTOR(name, Op, shape)                                      \
  template <class X>                                                         \
  Flow name##_vector(X& x, Imm<1> q, Imm<1> sz, RegNo m, RegNo n, RegNo d) { \
    return simd_fp::shape<Op>(x, q, sz, m, n, d);                            \
  }                                                                          \
  template <class X>                                                         \
  Flow name##_vector_half(X& x, Imm<1> q, RegNo m, RegNo n, RegNo d) {       \
    return simd_fp::shape##_of<Op, u16>(x, q, m, n, d);                      \
  }
FARSIDE_VECTOR(FMAXNM, ops::MaxNum, vector2)
FARSIDE_VECTOR(FMLA, ops::MulAdd, vector3)
FARSIDE_VECTOR(FADD, ops::Add, vector2)
FARSIDE_VECTOR(FMULX, ops::MulX, vector2)
FARSIDE_VECTOR(FCMEQ, ops::CmpEq, vector2)
FARSIDE_VECTOR(FMAX, ops::Max, vector2)
FARSIDE_VECTOR(FRECPS, ops::RecipStep, vector2)
FARSIDE_VECTOR(FMINNM, ops::MinNum, vector2)
FARSIDE_VECTOR(FMLS, ops::MulSub, vector3)
FARSIDE_VECTOR(FSUB, ops::Sub, vector2)
FARSIDE_VECTOR(FMIN, ops::Min, vector2)
FARSIDE_VECTOR(FRSQRTS, ops::RsqrtStep, vector2)
FARSIDE_VECTOR(FMAXNMP, ops::MaxNum, pairwise)
FARSIDE_VECTOR(FADDP, ops::Add, pairwise)
FARSIDE_VECTOR(FMUL, ops::Mul, vector2)
FARSIDE_VECTOR(FCMGE, ops::CmpGe, vector2)
FARSIDE_VECTOR(FACGE, ops::AbsGe, vector2)
FARSIDE_VECTOR(FMAXP, ops::Max, pairwise)
FARSIDE_VECTOR(FDIV, ops::Div, vector2)
FARSIDE_VECTOR(FMINNMP, ops::MinNum, pairwise)
FARSIDE_VECTOR(FABD, ops::AbsDiff, vector2)
FARSIDE_VECTOR(FCMGT, ops::CmpGt, vector2)
FARSIDE_VECTOR(FACGT, ops::AbsGt, vector2)
FARSIDE_VECTOR(FMINP, ops::Min, pairwise)
#undef FARSIDE_VECTOR

// Half-precision products, accumulated in single precision.
#define FARSIDE_MUL_LONG(name, upper, subtract)                                                    \
  template <class X>                                                                               \
  Flow name##_vector(X& x, Imm<1> q, RegNo m, RegNo n, RegNo d) {                                  \
    return simd_fp::mul_add_long(x, q, m, n, d, {upper, subtract, -1});                            \
  }                                                                                                \
  template <class X>                                                                               \
  Flow name##_element(X& x, Imm<1> q, Imm<1> l, Imm<1> m0, Imm<4> m, Imm<1> h, RegNo n, RegNo d) { \
    const int index = static_cast<int>(simd_fp::half_index(h, l, m0));                             \
    return simd_fp::mul_add_long(x, q, simd_fp::low_reg(m), n, d, {upper, subtract, index});       \
  }
FARSIDE_MUL_LONG(FMLAL, false, false)
FARSIDE_MUL_LONG(FMLSL, false, true)
FARSIDE_MUL_LONG(FMLAL2, true, false)
FARSIDE_MUL_LONG(FMLSL2, true, true)
#undef FARSIDE_MUL_LONG

// Complex numbers.
template <class X>
Flow FCADD_vector(X& x, Imm<1> q, Imm<2> size, RegNo m, Imm<1> rot, RegNo n, RegNo d) {
  if (size == 0 || (size == 3 && !q) || (size == 1 && !x.features().FP16)) return x.undefined();
  if (size == 1) return simd_fp::complex_add_of<u16>(x, q, rot, m, n, d);
  return size == 2 ? simd_fp::complex_add_of<u32>(x, q, rot, m, n, d)
                   : simd_fp::complex_add_of<u64>(x, q, rot, m, n, d);
}
template <class X>
Flow FCMLA_vector(X& x, Imm<1> q, Imm<2> size, RegNo m, Imm<2> rot, RegNo n, RegNo d) {
  if (size == 0 || (size == 3 && !q) || (size == 1 && !x.features().FP16)) return x.undefined();
  if (size == 1) return simd_fp::complex_mul_add_of<u16>(x, q, rot, -1, m, n, d);
  return size == 2 ? simd_fp::complex_mul_add_of<u32>(x, q, rot, -1, m, n, d)
                   : simd_fp::complex_mul_add_of<u64>(x, q, rot, -1, m, n, d);
}
template <class X>
Flow FCMLA_element_half(X& x, Imm<1> q, Imm<1> l, RegNo m, Imm<2> rot, Imm<1> h, RegNo n, RegNo d) {
  if ((h && !q) || !x.features().FP16) return x.undefined();
  return simd_fp::complex_mul_add_of<u16>(x, q, rot, static_cast<int>(simd_fp::single_index(h, l)), m, n, d);
}
template <class X>
Flow FCMLA_element_single(X& x, Imm<1> l, RegNo m, Imm<2> rot, Imm<1> h, RegNo n, RegNo d) {
  if (l) return x.undefined();
  return simd_fp::complex_mul_add_of<u32>(x, true, rot, static_cast<int>(h.raw), m, n, d);
}

// Two-register miscellaneous.
#define FARSIDE_VECTOR1(name, Op)                                   \
  template <class X>                                                \
  Flow name##_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) { \
    return simd_fp::vector1<Op>(x, q, sz, n, d);                    \
  }                                                                 \
  template <class X>                                                \
  Flow name##_vector_half(X& x, Imm<1> q, RegNo n, RegNo d) {       \
    return simd_fp::vector1_of<Op, u16>(x, q, n, d);                \
  }
FARSIDE_VECTOR1(FRINTN, ops::Round<Rounding::TieEven>)
FARSIDE_VECTOR1(FRINTM, ops::Round<Rounding::MinusInf>)
FARSIDE_VECTOR1(FRINTP, ops::Round<Rounding::PlusInf>)
FARSIDE_VECTOR1(FRINTZ, ops::Round<Rounding::Zero>)
FARSIDE_VECTOR1(FRINTA, ops::Round<Rounding::TieAway>)
FARSIDE_VECTOR1(FRINTX, ops::RoundX)
FARSIDE_VECTOR1(FRINTI, ops::RoundI)
FARSIDE_VECTOR1(FCMGT_zero, ops::CmpGt0)
FARSIDE_VECTOR1(FCMEQ_zero, ops::CmpEq0)
FARSIDE_VECTOR1(FCMLT_zero, ops::CmpLt0)
FARSIDE_VECTOR1(FCMGE_zero, ops::CmpGe0)
FARSIDE_VECTOR1(FCMLE_zero, ops::CmpLe0)
FARSIDE_VECTOR1(FABS, ops::Abs)
FARSIDE_VECTOR1(FNEG, ops::Neg)
FARSIDE_VECTOR1(FSQRT, ops::Sqrt)
FARSIDE_VECTOR1(FRECPE, ops::RecipEstimate)
FARSIDE_VECTOR1(FRSQRTE, ops::RsqrtEstimate)
#undef FARSIDE_VECTOR1

#define FARSIDE_SCALAR1(name, Op)                         \
  template <class X>                                      \
  Flow name##_scalar(X& x, Imm<1> sz, RegNo n, RegNo d) { \
    return simd_fp::scalar1<Op>(x, sz, n, d);             \
  }                                                       \
  template <class X>                                      \
  Flow name##_scalar_half(X& x, RegNo n, RegNo d) {       \
    return simd_fp::scalar1_of<Op, u16>(x, n, d);         \
  }
FARSIDE_SCALAR1(FCMGT_zero, ops::CmpGt0)
FARSIDE_SCALAR1(FCMEQ_zero, ops::CmpEq0)
FARSIDE_SCALAR1(FCMLT_zero, ops::CmpLt0)
FARSIDE_SCALAR1(FCMGE_zero, ops::CmpGe0)
FARSIDE_SCALAR1(FCMLE_zero, ops::CmpLe0)
FARSIDE_SCALAR1(FRECPE, ops::RecipEstimate)
FARSIDE_SCALAR1(FRECPX, ops::RecipExponent)
FARSIDE_SCALAR1(FRSQRTE, ops::RsqrtEstimate)
#undef FARSIDE_SCALAR1

#define FARSIDE_ROUND_N(name, int_bits, towards_zero)                             \
  template <class X>                                                              \
  Flow name##_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {               \
    return simd_fp::vector1<ops::RoundN<int_bits, towards_zero>>(x, q, sz, n, d); \
  }
FARSIDE_ROUND_N(FRINT32Z, 32, true)
FARSIDE_ROUND_N(FRINT64Z, 64, true)
FARSIDE_ROUND_N(FRINT32X, 32, false)
FARSIDE_ROUND_N(FRINT64X, 64, false)
#undef FARSIDE_ROUND_N

template <class X>
Flow URECPE_vector(X& x, Imm<1> q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call(ops::vector_recip_estimate, x.vec(n), q != 0));
  return Flow::Next;
}
template <class X>
Flow URSQRTE_vector(X& x, Imm<1> q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call(ops::vector_rsqrt_estimate, x.vec(n), q != 0));
  return Flow::Next;
}

// Conversions to integers and back.
#define FARSIDE_TO_INT(name, mode, is_unsigned)                                          \
  template <class X>                                                                     \
  Flow name##_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {                      \
    return simd_fp::vector_to_int(x, q, sz, n, d, {mode, is_unsigned, 0});               \
  }                                                                                      \
  template <class X>                                                                     \
  Flow name##_vector_half(X& x, Imm<1> q, RegNo n, RegNo d) {                            \
    return simd_fp::to_int_of<u16>(x, n, d, {mode, is_unsigned, 0}, ops::lanes<u16>(q)); \
  }                                                                                      \
  template <class X>                                                                     \
  Flow name##_scalar(X& x, Imm<1> sz, RegNo n, RegNo d) {                                \
    return simd_fp::scalar_to_int(x, sz, n, d, {mode, is_unsigned, 0});                  \
  }                                                                                      \
  template <class X>                                                                     \
  Flow name##_scalar_half(X& x, RegNo n, RegNo d) {                                      \
    return simd_fp::to_int_of<u16>(x, n, d, {mode, is_unsigned, 0}, 1);                  \
  }
FARSIDE_TO_INT(FCVTNS, Rounding::TieEven, false)
FARSIDE_TO_INT(FCVTNU, Rounding::TieEven, true)
FARSIDE_TO_INT(FCVTAS, Rounding::TieAway, false)
FARSIDE_TO_INT(FCVTAU, Rounding::TieAway, true)
FARSIDE_TO_INT(FCVTPS, Rounding::PlusInf, false)
FARSIDE_TO_INT(FCVTPU, Rounding::PlusInf, true)
FARSIDE_TO_INT(FCVTMS, Rounding::MinusInf, false)
FARSIDE_TO_INT(FCVTMU, Rounding::MinusInf, true)
FARSIDE_TO_INT(FCVTZS, Rounding::Zero, false)
FARSIDE_TO_INT(FCVTZU, Rounding::Zero, true)
#undef FARSIDE_TO_INT

#define FARSIDE_FROM_INT(name, is_unsigned)                                          \
  template <class X>                                                                 \
  Flow name##_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {                  \
    return simd_fp::vector_from_int(x, q, sz, n, d, {is_unsigned, 0});               \
  }                                                                                  \
  template <class X>                                                                 \
  Flow name##_vector_half(X& x, Imm<1> q, RegNo n, RegNo d) {                        \
    return simd_fp::from_int_of<u16>(x, n, d, {is_unsigned, 0}, ops::lanes<u16>(q)); \
  }                                                                                  \
  template <class X>                                                                 \
  Flow name##_scalar(X& x, Imm<1> sz, RegNo n, RegNo d) {                            \
    return simd_fp::scalar_from_int(x, sz, n, d, {is_unsigned, 0});                  \
  }                                                                                  \
  template <class X>                                                                 \
  Flow name##_scalar_half(X& x, RegNo n, RegNo d) {                                  \
    return simd_fp::from_int_of<u16>(x, n, d, {is_unsigned, 0}, 1);                  \
  }
FARSIDE_FROM_INT(SCVTF, false)
FARSIDE_FROM_INT(UCVTF, true)
#undef FARSIDE_FROM_INT

// Fixed-point. `how` stands before the fraction bits in the conversion's description.
#define FARSIDE_FIXED(name, convert, ...)                                                                       \
  template <class X>                                                                                            \
  Flow name##_fixed_vector_half(X& x, Imm<1> q, Imm<4> imm, RegNo n, RegNo d) {                                 \
    return simd_fp::convert<u16>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u16>(imm)}, ops::lanes<u16>(q)); \
  }                                                                                                             \
  template <class X>                                                                                            \
  Flow name##_fixed_vector_single(X& x, Imm<1> q, Imm<5> imm, RegNo n, RegNo d) {                               \
    return simd_fp::convert<u32>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u32>(imm)}, ops::lanes<u32>(q)); \
  }                                                                                                             \
  template <class X>                                                                                            \
  Flow name##_fixed_vector_double(X& x, Imm<1> q, Imm<6> imm, RegNo n, RegNo d) {                               \
    if (!q) return x.undefined();                                                                               \
    return simd_fp::convert<u64>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u64>(imm)}, 2);                  \
  }                                                                                                             \
  template <class X>                                                                                            \
  Flow name##_fixed_scalar_half(X& x, Imm<4> imm, RegNo n, RegNo d) {                                           \
    return simd_fp::convert<u16>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u16>(imm)}, 1);                  \
  }                                                                                                             \
  template <class X>                                                                                            \
  Flow name##_fixed_scalar_single(X& x, Imm<5> imm, RegNo n, RegNo d) {                                         \
    return simd_fp::convert<u32>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u32>(imm)}, 1);                  \
  }                                                                                                             \
  template <class X>                                                                                            \
  Flow name##_fixed_scalar_double(X& x, Imm<6> imm, RegNo n, RegNo d) {                                         \
    return simd_fp::convert<u64>(x, n, d, {__VA_ARGS__, simd_fp::fraction_bits<u64>(imm)}, 1);                  \
  }
FARSIDE_FIXED(SCVTF, from_int_of, false)
FARSIDE_FIXED(UCVTF, from_int_of, true)
FARSIDE_FIXED(FCVTZS, to_int_of, Rounding::Zero, false)
FARSIDE_FIXED(FCVTZU, to_int_of, Rounding::Zero, true)
#undef FARSIDE_FIXED

// Between precisions; sz is 1 for single and double, 0 for half and single.
template <class X>
Flow FCVTL_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, sz ? x.call_fp(ops::lengthen<u64, u32>, x.vec(n), q != 0)
                  : x.call_fp(ops::lengthen<u32, u16>, x.vec(n), q != 0));
  return Flow::Next;
}
template <class X>
Flow FCVTN_vector(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, sz ? x.call_fp(ops::shorten<u32, u64, false>, x.vec(d), x.vec(n), q != 0)
                  : x.call_fp(ops::shorten<u16, u32, false>, x.vec(d), x.vec(n), q != 0));
  return Flow::Next;
}
template <class X>
Flow FCVTXN_vector(X& x, Imm<1> q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::shorten<u32, u64, true>, x.vec(d), x.vec(n), q != 0));
  return Flow::Next;
}
template <class X>
Flow FCVTXN_scalar(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::scalar_convert_to_odd, x.vec(n)));
  return Flow::Next;
}

// Pairwise scalar and across lanes.
#define FARSIDE_SCALAR_PAIR(name, Op)                     \
  template <class X>                                      \
  Flow name##_scalar(X& x, Imm<1> sz, RegNo n, RegNo d) { \
    return simd_fp::scalar_pair<Op>(x, sz, n, d);         \
  }                                                       \
  template <class X>                                      \
  Flow name##_scalar_half(X& x, RegNo n, RegNo d) {       \
    return simd_fp::scalar_pair_of<Op, u16>(x, n, d);     \
  }
FARSIDE_SCALAR_PAIR(FMAXNMP, ops::MaxNum)
FARSIDE_SCALAR_PAIR(FADDP, ops::Add)
FARSIDE_SCALAR_PAIR(FMAXP, ops::Max)
FARSIDE_SCALAR_PAIR(FMINNMP, ops::MinNum)
FARSIDE_SCALAR_PAIR(FMINP, ops::Min)
#undef FARSIDE_SCALAR_PAIR

#define FARSIDE_ACROSS(name, Op)                       \
  template <class X>                                   \
  Flow name(X& x, RegNo n, RegNo d) {                  \
    return simd_fp::across_of<Op, u32>(x, true, n, d); \
  }                                                    \
  template <class X>                                   \
  Flow name##_half(X& x, Imm<1> q, RegNo n, RegNo d) { \
    return simd_fp::across_of<Op, u16>(x, q, n, d);    \
  }
FARSIDE_ACROSS(FMAXNMV, ops::MaxNum)
FARSIDE_ACROSS(FMAXV, ops::Max)
FARSIDE_ACROSS(FMINNMV, ops::MinNum)
FARSIDE_ACROSS(FMINV, ops::Min)
#undef FARSIDE_ACROSS

// By element; L is reserved with doubles.
#define FARSIDE_ELEMENT(name, Op, shape)                                                                \
  template <class X>                                                                                    \
  Flow name##_element(X& x, Imm<1> q, Imm<1> sz, Imm<1> l, RegNo m, Imm<1> h, RegNo n, RegNo d) {       \
    if (simd_fp::lanes_reserved(q, sz) || (sz && l)) return x.undefined();                              \
    if (sz) return simd_fp::shape<Op, u64>(x, {m, h.raw, false, true}, n, d);                           \
    return simd_fp::shape<Op, u32>(x, {m, simd_fp::single_index(h, l), false, q != 0}, n, d);           \
  }                                                                                                     \
  template <class X>                                                                                    \
  Flow name##_element_half(X& x, Imm<1> q, Imm<1> l, Imm<1> m0, Imm<4> m, Imm<1> h, RegNo n, RegNo d) { \
    const unsigned index = simd_fp::half_index(h, l, m0);                                               \
    return simd_fp::shape<Op, u16>(x, {simd_fp::low_reg(m), index, false, q != 0}, n, d);               \
  }                                                                                                     \
  template <class X>                                                                                    \
  Flow name##_scalar_element(X& x, Imm<1> sz, Imm<1> l, RegNo m, Imm<1> h, RegNo n, RegNo d) {          \
    if (sz && l) return x.undefined();                                                                  \
    if (sz) return simd_fp::shape<Op, u64>(x, {m, h.raw, true, false}, n, d);                           \
    return simd_fp::shape<Op, u32>(x, {m, simd_fp::single_index(h, l), true, false}, n, d);             \
  }                                                                                                     \
  template <class X>                                                                                    \
  Flow name##_scalar_element_half(X& x, Imm<1> l, Imm<1> m0, Imm<4> m, Imm<1> h, RegNo n, RegNo d) {    \
    const unsigned index = simd_fp::half_index(h, l, m0);                                               \
    return simd_fp::shape<Op, u16>(x, {simd_fp::low_reg(m), index, true, false}, n, d);                 \
  }
FARSIDE_ELEMENT(FMLA, ops::MulAdd, element3_of)
FARSIDE_ELEMENT(FMLS, ops::MulSub, element3_of)
FARSIDE_ELEMENT(FMUL, ops::Mul, element2_of)
FARSIDE_ELEMENT(FMULX, ops::MulX, element2_of)
#undef FARSIDE_ELEMENT

}  // namespace farside::isa::a64
