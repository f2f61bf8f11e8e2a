// core/isa/a64/simd_int.inl - integer Advanced SIMD: three same, three different, dot products; includes the other
// forms.
#pragma once
#include "core/isa/a64/simd_form.inl"
#include "core/isa/simd/element.h"
#include "core/isa/simd/shift.h"

namespace farside::isa::a64 {
namespace form {

/// Sizes Min..Max of a vector form; one 64-bit lane alone is always a scalar form's.
template <unsigned Min, unsigned Max>
constexpr bool reserved(bool q, u32 size) {
  return size < Min || size > Max || (size == 3 && !q);
}

template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow three_same(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (reserved<Min, Max>(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q),
             with_lane<S, Max>(size, [&]<class T>(Lane<T>) { return x.call(simd::each2<Op, T>, x.vec(n), x.vec(m)); }));
}
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow three_same_into(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (reserved<Min, Max>(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q), with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
               return x.call(simd::each3<Op, T>, x.vec(d), x.vec(n), x.vec(m));
             }));
}
// The saturating forms cut their operands instead of the result: lanes that do not exist must not set QC, and every
// saturating operation gives zero for zeroes.
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow three_same_sat(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (reserved<Min, Max>(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each2_sat<Op, T>, low_part(x, n, vector_bits(q)), low_part(x, m, vector_bits(q)));
            }));
  return Flow::Next;
}
template <bool Subtract, class X>
inline Flow three_same_high_add(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (reserved<1, 2>(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  const u64 bits = vector_bits(q);
  x.set_vec(d, multiply_high_add<Subtract>(x, size, low_part(x, d, bits), low_part(x, n, bits), low_part(x, m, bits)));
  return Flow::Next;
}
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow pairs(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (reserved<Min, Max>(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call(simd::pairwise<Op, T>, x.vec(n), x.vec(m), x.imm(vector_bits(q)));
            }));
  return Flow::Next;
}

template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow lengthen(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (size < Min || size > Max) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call(simd::long2<Op, T>, half_part(x, n, q), half_part(x, m, q));
            }));
  return Flow::Next;
}
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow lengthen_into(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (size < Min || size > Max) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call(simd::long3<Op, T>, x.vec(d), half_part(x, n, q), half_part(x, m, q));
            }));
  return Flow::Next;
}
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow widen(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (size < Min || size > Max) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(
                   size, [&]<class T>(Lane<T>) { return x.call(simd::wide2<Op, T>, x.vec(n), half_part(x, m, q)); }));
  return Flow::Next;
}
template <class Op, Sign S, unsigned Min, unsigned Max, class X>
inline Flow narrow(X& x, bool q, u32 size, RegNo m, RegNo n, RegNo d) {
  if (size < Min || size > Max) return x.undefined();
  TRY_VOID(x.fp_access());
  return put_narrow(x, d, q, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
                      return x.call(simd::narrow2<Op, T>, x.vec(n), x.vec(m));
                    }));
}
}  // namespace form

// Lines below: instruction, shape, element operation, signedness of a lane, smallest and largest size field.
#define FARSIDE_THREE(name, shape, op, sign, min, max)                                \
  template <class X>                                                                  \
  Flow name(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {              \
    return form::shape<simd::op, form::Sign::sign, min, max>(x, Q, size, Rm, Rn, Rd); \
  }

FARSIDE_THREE(SHADD, three_same, HalvingAdd, Signed, 0, 2)
FARSIDE_THREE(UHADD, three_same, HalvingAdd, Unsigned, 0, 2)
FARSIDE_THREE(SQADD, three_same_sat, AddSat, Signed, 0, 3)
FARSIDE_THREE(UQADD, three_same_sat, AddSat, Unsigned, 0, 3)
FARSIDE_THREE(SRHADD, three_same, RoundingHalvingAdd, Signed, 0, 2)
FARSIDE_THREE(URHADD, three_same, RoundingHalvingAdd, Unsigned, 0, 2)
FARSIDE_THREE(SHSUB, three_same, HalvingSub, Signed, 0, 2)
FARSIDE_THREE(UHSUB, three_same, HalvingSub, Unsigned, 0, 2)
FARSIDE_THREE(SQSUB, three_same_sat, SubSat, Signed, 0, 3)
FARSIDE_THREE(UQSUB, three_same_sat, SubSat, Unsigned, 0, 3)
FARSIDE_THREE(CMGT_reg, three_same, CompareGt, Signed, 0, 3)
FARSIDE_THREE(CMHI_reg, three_same, CompareGt, Unsigned, 0, 3)
FARSIDE_THREE(CMGE_reg, three_same, CompareGe, Signed, 0, 3)
FARSIDE_THREE(CMHS_reg, three_same, CompareGe, Unsigned, 0, 3)
FARSIDE_THREE(SSHL, three_same, ShiftBy<false>, Signed, 0, 3)
FARSIDE_THREE(USHL, three_same, ShiftBy<false>, Unsigned, 0, 3)
FARSIDE_THREE(SQSHL_reg, three_same_sat, ShiftBySat<false>, Signed, 0, 3)
FARSIDE_THREE(UQSHL_reg, three_same_sat, ShiftBySat<false>, Unsigned, 0, 3)
FARSIDE_THREE(SRSHL, three_same, ShiftBy<true>, Signed, 0, 3)
FARSIDE_THREE(URSHL, three_same, ShiftBy<true>, Unsigned, 0, 3)
FARSIDE_THREE(SQRSHL, three_same_sat, ShiftBySat<true>, Signed, 0, 3)
FARSIDE_THREE(UQRSHL, three_same_sat, ShiftBySat<true>, Unsigned, 0, 3)
FARSIDE_THREE(SMAX, three_same, Max, Signed, 0, 2)
FARSIDE_THREE(UMAX, three_same, Max, Unsigned, 0, 2)
FARSIDE_THREE(SMIN, three_same, Min, Signed, 0, 2)
FARSIDE_THREE(UMIN, three_same, Min, Unsigned, 0, 2)
FARSIDE_THREE(SABD, three_same, AbsDiff, Signed, 0, 2)
FARSIDE_THREE(UABD, three_same, AbsDiff, Unsigned, 0, 2)
FARSIDE_THREE(SABA, three_same_into, AbsDiffAdd, Signed, 0, 2)
FARSIDE_THREE(UABA, three_same_into, AbsDiffAdd, Unsigned, 0, 2)
FARSIDE_THREE(ADD_vec, three_same, Add, Unsigned, 0, 3)
FARSIDE_THREE(SUB_vec, three_same, Sub, Unsigned, 0, 3)
FARSIDE_THREE(CMTST, three_same, CompareTest, Unsigned, 0, 3)
FARSIDE_THREE(CMEQ_reg, three_same, CompareEq, Unsigned, 0, 3)
FARSIDE_THREE(MLA_vec, three_same_into, MulAdd, Unsigned, 0, 2)
FARSIDE_THREE(MLS_vec, three_same_into, MulSub, Unsigned, 0, 2)
FARSIDE_THREE(MUL_vec, three_same, Mul, Unsigned, 0, 2)
FARSIDE_THREE(PMUL, three_same, PolyMul, Unsigned, 0, 0)
FARSIDE_THREE(SMAXP, pairs, Max, Signed, 0, 2)
FARSIDE_THREE(UMAXP, pairs, Max, Unsigned, 0, 2)
FARSIDE_THREE(SMINP, pairs, Min, Signed, 0, 2)
FARSIDE_THREE(UMINP, pairs, Min, Unsigned, 0, 2)
FARSIDE_THREE(SQDMULH_vec, three_same_sat, DoubleMulHigh<false>, Signed, 1, 2)
FARSIDE_THREE(SQRDMULH_vec, three_same_sat, DoubleMulHigh<true>, Signed, 1, 2)
FARSIDE_THREE(ADDP_vec, pairs, Add, Unsigned, 0, 3)

FARSIDE_THREE(SADDL, lengthen, Add, Signed, 0, 2)
FARSIDE_THREE(UADDL, lengthen, Add, Unsigned, 0, 2)
FARSIDE_THREE(SADDW, widen, Add, Signed, 0, 2)
FARSIDE_THREE(UADDW, widen, Add, Unsigned, 0, 2)
FARSIDE_THREE(SSUBL, lengthen, Sub, Signed, 0, 2)
FARSIDE_THREE(USUBL, lengthen, Sub, Unsigned, 0, 2)
FARSIDE_THREE(SSUBW, widen, Sub, Signed, 0, 2)
FARSIDE_THREE(USUBW, widen, Sub, Unsigned, 0, 2)
FARSIDE_THREE(ADDHN, narrow, Add, Unsigned, 0, 2)
FARSIDE_THREE(RADDHN, narrow, RoundHighHalf<simd::Add>, Unsigned, 0, 2)
FARSIDE_THREE(SABAL, lengthen_into, AbsDiffAdd, Signed, 0, 2)
FARSIDE_THREE(UABAL, lengthen_into, AbsDiffAdd, Unsigned, 0, 2)
FARSIDE_THREE(SUBHN, narrow, Sub, Unsigned, 0, 2)
FARSIDE_THREE(RSUBHN, narrow, RoundHighHalf<simd::Sub>, Unsigned, 0, 2)
FARSIDE_THREE(SABDL, lengthen, AbsDiff, Signed, 0, 2)
FARSIDE_THREE(UABDL, lengthen, AbsDiff, Unsigned, 0, 2)
FARSIDE_THREE(SMLAL_vec, lengthen_into, MulAdd, Signed, 0, 2)
FARSIDE_THREE(UMLAL_vec, lengthen_into, MulAdd, Unsigned, 0, 2)
FARSIDE_THREE(SMLSL_vec, lengthen_into, MulSub, Signed, 0, 2)
FARSIDE_THREE(UMLSL_vec, lengthen_into, MulSub, Unsigned, 0, 2)
FARSIDE_THREE(SMULL_vec, lengthen, Mul, Signed, 0, 2)
FARSIDE_THREE(UMULL_vec, lengthen, Mul, Unsigned, 0, 2)
#undef FARSIDE_THREE

#define FARSIDE_LOGIC(name, op)                                              \
  template <class X>                                                         \
  Flow name(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {                  \
    TRY_VOID(x.fp_access());                                                 \
    const auto v = x.call(simd::each2<simd::op, u64>, x.vec(Rn), x.vec(Rm)); \
    return form::put(x, Rd, form::vector_bits(Q), v);                        \
  }
#define FARSIDE_LOGIC_INTO(name, op)                                                    \
  template <class X>                                                                    \
  Flow name(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {                             \
    TRY_VOID(x.fp_access());                                                            \
    const auto v = x.call(simd::each3<simd::op, u64>, x.vec(Rd), x.vec(Rn), x.vec(Rm)); \
    return form::put(x, Rd, form::vector_bits(Q), v);                                   \
  }
FARSIDE_LOGIC(AND_vec, And)
FARSIDE_LOGIC(BIC_reg, Bic)
FARSIDE_LOGIC(ORR_reg, Orr)
FARSIDE_LOGIC(ORN_vec, Orn)
FARSIDE_LOGIC(EOR_vec, Eor)
FARSIDE_LOGIC_INTO(BSL, BitSelect)
FARSIDE_LOGIC_INTO(BIT, BitInsertIfTrue)
FARSIDE_LOGIC_INTO(BIF, BitInsertIfFalse)
#undef FARSIDE_LOGIC
#undef FARSIDE_LOGIC_INTO

template <class X>
Flow SQRDMLAH_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {
  return form::three_same_high_add<false>(x, Q, size, Rm, Rn, Rd);
}
template <class X>
Flow SQRDMLSH_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {
  return form::three_same_high_add<true>(x, Q, size, Rm, Rn, Rd);
}
template <class X>
Flow SDOT_vec(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  return form::put(x, Rd, form::vector_bits(Q), x.call(simd::dot<i8>, x.vec(Rd), x.vec(Rn), x.vec(Rm)));
}
template <class X>
Flow UDOT_vec(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  return form::put(x, Rd, form::vector_bits(Q), x.call(simd::dot<u8>, x.vec(Rd), x.vec(Rn), x.vec(Rm)));
}

template <class X>
Flow SQDMLAL_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {
  if (size == 0 || size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  const auto a = form::half_part(x, Rn, Q), b = form::half_part(x, Rm, Q);
  x.set_vec(Rd, form::double_long_into<simd::AddSat>(x, size, x.vec(Rd), a, b));
  return Flow::Next;
}
template <class X>
Flow SQDMLSL_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {
  if (size == 0 || size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  const auto a = form::half_part(x, Rn, Q), b = form::half_part(x, Rm, Q);
  x.set_vec(Rd, form::double_long_into<simd::SubSat>(x, size, x.vec(Rd), a, b));
  return Flow::Next;
}
template <class X>
Flow SQDMULL_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {
  if (size == 0 || size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  const auto a = form::half_part(x, Rn, Q), b = form::half_part(x, Rm, Q);
  x.set_vec(Rd, form::double_long(x, size, a, b));
  return Flow::Next;
}
template <class X>
Flow PMULL(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::long2<simd::PolyMul, u8>, form::half_part(x, Rn, Q), form::half_part(x, Rm, Q)));
  return Flow::Next;
}

}  // namespace farside::isa::a64

#include "core/isa/a64/simd_element.inl"
#include "core/isa/a64/simd_immediate.inl"
#include "core/isa/a64/simd_misc.inl"
#include "core/isa/a64/simd_scalar.inl"
