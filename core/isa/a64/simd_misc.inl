// core/isa/a64/simd_misc.inl - Advanced SIMD two-register miscellaneous and across lanes, vector forms.
#pragma once
#include "core/isa/a64/simd_immediate.inl"

namespace farside::isa::a64 {
namespace form {

template <class Op, Sign S, unsigned Max, class X>
inline Flow one(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (size > Max || (size == 3 && !q)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q),
             with_lane<S, Max>(size, [&]<class T>(Lane<T>) { return x.call(simd::each1<Op, T>, x.vec(n)); }));
}
template <class Op, Sign S, unsigned Max, class X>
inline Flow one_sat(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (size > Max || (size == 3 && !q)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each1_sat<Op, T>, low_part(x, n, vector_bits(q)));
            }));
  return Flow::Next;
}
/// SUQADD and USQADD; S is the destination's signedness.
template <class Op, Sign S, unsigned Max, class X>
inline Flow one_into_sat(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (size > Max || (size == 3 && !q)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, Max>(size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each2_sat<Op, T>, low_part(x, d, vector_bits(q)), low_part(x, n, vector_bits(q)));
            }));
  return Flow::Next;
}
/// Operations on bytes or wider groups that do not depend on `size`: the Op works on 64 bits at once.
template <class Op, class X>
inline Flow bitwise(X& x, bool q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q), x.call(simd::each1<Op, u64>, x.vec(n)));
}
template <Sign S, class X>
inline Flow add_pairs(X& x, bool q, u32 size, RegNo n, RegNo d, bool accumulate) {
  if (size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  const auto start = accumulate ? x.vec(d) : x.call(simd::from_halves, x.imm(0), x.imm(0));
  return put(x, d, vector_bits(q),
             with_lane<S, 2>(size, [&]<class T>(Lane<T>) { return x.call(simd::add_long_pairs<T>, start, x.vec(n)); }));
}
template <Sign S, Sign From, class X>
inline Flow extract_narrow_sat(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  return put_narrow(x, d, q, narrowed_sat<simd::ShiftRight, S, From>(x, size, 0, x.vec(n)));
}
constexpr bool reserved_across(bool q, u32 size) { return size == 3 || (size == 2 && !q); }
template <class Op, Sign S, class X>
inline Flow reduce(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (reserved_across(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, 2>(size, [&]<class T>(Lane<T>) {
              return x.call(simd::across<Op, T>, x.vec(n), x.imm(vector_bits(q)));
            }));
  return Flow::Next;
}
template <Sign S, class X>
inline Flow reduce_long(X& x, bool q, u32 size, RegNo n, RegNo d) {
  if (reserved_across(q, size)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, 2>(size, [&]<class T>(Lane<T>) {
              return x.call(simd::add_across_long<T>, x.vec(n), x.imm(vector_bits(q)));
            }));
  return Flow::Next;
}

}  // namespace form

// Lines below: instruction, shape, then the shape's template arguments.
#define FARSIDE_TWO(name, shape, ...)                          \
  template <class X>                                           \
  Flow name(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) { \
    using enum form::Sign;                                     \
    using namespace simd;                                      \
    return form::shape<__VA_ARGS__>(x, Q, size, Rn, Rd);       \
  }
FARSIDE_TWO(SUQADD, one_into_sat, AddMixedSat, Signed, 3)
FARSIDE_TWO(USQADD, one_into_sat, AddMixedSat, Unsigned, 3)
FARSIDE_TWO(CLS_vec, one, LeadingSigns, Unsigned, 2)
FARSIDE_TWO(CLZ_vec, one, LeadingZeros, Unsigned, 2)
FARSIDE_TWO(SQABS, one_sat, AbsSat, Signed, 3)
FARSIDE_TWO(SQNEG, one_sat, NegSat, Signed, 3)
FARSIDE_TWO(CMGT_zero, one, GtZero, Signed, 3)
FARSIDE_TWO(CMGE_zero, one, GeZero, Signed, 3)
FARSIDE_TWO(CMEQ_zero, one, EqZero, Signed, 3)
FARSIDE_TWO(CMLE_zero, one, LeZero, Signed, 3)
FARSIDE_TWO(CMLT_zero, one, LtZero, Signed, 3)
FARSIDE_TWO(ABS, one, Abs, Signed, 3)
FARSIDE_TWO(NEG_vec, one, Neg, Signed, 3)
FARSIDE_TWO(SQXTUN, extract_narrow_sat, Unsigned, Signed)
FARSIDE_TWO(SQXTN, extract_narrow_sat, Signed, Signed)
FARSIDE_TWO(UQXTN, extract_narrow_sat, Unsigned, Unsigned)
FARSIDE_TWO(SADDLV, reduce_long, Signed)
FARSIDE_TWO(UADDLV, reduce_long, Unsigned)
FARSIDE_TWO(SMAXV, reduce, Max, Signed)
FARSIDE_TWO(UMAXV, reduce, Max, Unsigned)
FARSIDE_TWO(SMINV, reduce, Min, Signed)
FARSIDE_TWO(UMINV, reduce, Min, Unsigned)
FARSIDE_TWO(ADDV, reduce, Add, Unsigned)
#undef FARSIDE_TWO

template <class X>
Flow SADDLP(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::add_pairs<form::Sign::Signed>(x, Q, size, Rn, Rd, false);
}
template <class X>
Flow UADDLP(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::add_pairs<form::Sign::Unsigned>(x, Q, size, Rn, Rd, false);
}
template <class X>
Flow SADALP(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::add_pairs<form::Sign::Signed>(x, Q, size, Rn, Rd, true);
}
template <class X>
Flow UADALP(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  return form::add_pairs<form::Sign::Unsigned>(x, Q, size, Rn, Rd, true);
}

template <class X>
Flow REV64(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  if (size == 3) return x.undefined();
  if (size == 0) return form::bitwise<simd::Reverse<64, u8>>(x, Q, Rn, Rd);
  if (size == 1) return form::bitwise<simd::Reverse<64, u16>>(x, Q, Rn, Rd);
  return form::bitwise<simd::Reverse<64, u32>>(x, Q, Rn, Rd);
}
template <class X>
Flow REV32_vec(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  if (size >= 2) return x.undefined();
  if (size == 0) return form::bitwise<simd::Reverse<32, u8>>(x, Q, Rn, Rd);
  return form::bitwise<simd::Reverse<32, u16>>(x, Q, Rn, Rd);
}
template <class X>
Flow REV16_vec(X& x, Imm<1> Q, RegNo Rn, RegNo Rd) {
  return form::bitwise<simd::Reverse<16, u8>>(x, Q, Rn, Rd);
}
template <class X>
Flow CNT(X& x, Imm<1> Q, RegNo Rn, RegNo Rd) {
  return form::bitwise<simd::CountBits>(x, Q, Rn, Rd);
}
template <class X>
Flow NOT(X& x, Imm<1> Q, RegNo Rn, RegNo Rd) {
  return form::bitwise<simd::Not>(x, Q, Rn, Rd);
}
template <class X>
Flow RBIT_vec(X& x, Imm<1> Q, RegNo Rn, RegNo Rd) {
  return form::bitwise<simd::ReverseBits>(x, Q, Rn, Rd);
}

template <class X>
Flow XTN(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  if (size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::put_narrow(x, Rd, Q, form::with_lane<form::Sign::Unsigned, 2>(size, [&]<class T>(form::Lane<T>) {
                            auto fn = simd::narrow_shift<simd::ShiftRight, T, simd::Wide<T>>;
                            return x.call(fn, x.vec(Rn), x.imm(0));
                          }));
}
template <class X>
Flow SHLL(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rd) {
  if (size == 3) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, form::with_lane<form::Sign::Unsigned, 2>(size, [&]<class T>(form::Lane<T>) {
              return x.call(simd::shift_long<T>, form::half_part(x, Rn, Q), x.imm(form::lane_bits(size)));
            }));
  return Flow::Next;
}

}  // namespace farside::isa::a64
