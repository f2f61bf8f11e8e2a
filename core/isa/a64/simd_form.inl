// core/isa/a64/simd_form.inl - what the SIMD forms share: lane type by size field, parts of registers, placing results.
#pragma once
#include "core/base/result.h"
#include "core/isa/exec.h"
#include "core/isa/simd/element.h"
#include "core/isa/simd/permute.h"

namespace farside::isa::a64::form {

template <class T>
struct Lane {
  using Type = T;
};
enum class Sign : bool { Unsigned, Signed };

/// Calls `fn(Lane<T>{})` with the lane type that a size field of at most Max means.
template <Sign S, unsigned Max = 3, class F>
inline auto with_lane(u32 size, F&& fn) {
  constexpr bool is_signed = S == Sign::Signed;
  if constexpr (Max >= 3)
    if (size == 3) return fn(Lane<simd::IntegerOf<8, is_signed>>{});
  if constexpr (Max >= 2)
    if (size == 2) return fn(Lane<simd::IntegerOf<4, is_signed>>{});
  if constexpr (Max >= 1)
    if (size == 1) return fn(Lane<simd::IntegerOf<2, is_signed>>{});
  return fn(Lane<simd::IntegerOf<1, is_signed>>{});
}

constexpr u64 lane_bits(u32 size) { return u64{8} << size; }
constexpr u64 vector_bits(bool q) { return q ? 128 : 64; }

/// The low `bits` bits of Rn.
template <class X>
inline typename X::Vec low_part(X& x, RegNo n, u64 bits) {
  return bits == 128 ? x.vec(n) : x.call(simd::keep_low, x.vec(n), x.imm(bits));
}
/// The half of Rn that a lengthening form reads, in the low half.
template <class X>
inline typename X::Vec half_part(X& x, RegNo n, bool q) {
  return q ? x.call(simd::high_half, x.vec(n)) : x.vec(n);
}
/// Writes the low `bits` bits of `v` to Rd and zeroes the rest.
template <class X>
inline Flow put(X& x, RegNo d, u64 bits, typename X::Vec v) {
  if (bits == 128)
    x.set_vec(d, v);
  else
    x.set_vec(d, x.call(simd::keep_low, v, x.imm(bits)));
  return Flow::Next;
}
/// Writes a narrowed result, whose upper half is zero: over all of Rd, or only to its upper half.
template <class X>
inline Flow put_narrow(X& x, RegNo d, bool q, typename X::Vec v) {
  if (q)
    x.set_vec(d, x.call(simd::join_halves, x.vec(d), v));
  else
    x.set_vec(d, v);
  return Flow::Next;
}

/// An element of Vm as the index fields name it; `valid` is false for reserved sizes.
struct Element {
  RegNo reg;
  u64 index = 0;
  bool valid = false;
};
/// For sizes 1 (index H:L:M, V0 to V15) and 2 (index H:L).
constexpr Element indexed_element(u32 size, Imm<1> L, Imm<1> M, Imm<4> Rm, Imm<1> H) {
  if (size == 1) return {RegNo{Rm.raw}, H.raw << 2 | L.raw << 1 | M.raw, true};
  if (size == 2) return {RegNo{M.raw << 4 | Rm.raw}, H.raw << 1 | L.raw, true};
  return {};
}
/// That element in every lane.
template <class X>
inline typename X::Vec spread(X& x, u32 size, Element e) {
  return size == 1 ? x.call(simd::dup_lane<u16>, x.vec(e.reg), x.imm(e.index))
                   : x.call(simd::dup_lane<u32>, x.vec(e.reg), x.imm(e.index));
}

// Doubling multiplies of sizes 1 and 2. Lanes whose operands are zero give zero and leave QC alone.

/// SQDMULH, SQRDMULH.
template <bool Round, class X>
inline typename X::Vec multiply_high(X& x, u32 size, typename X::Vec a, typename X::Vec b) {
  return size == 1 ? x.call_fp(simd::each2_sat<simd::DoubleMulHigh<Round>, i16>, a, b)
                   : x.call_fp(simd::each2_sat<simd::DoubleMulHigh<Round>, i32>, a, b);
}
/// SQRDMLAH, SQRDMLSH.
template <bool Subtract, class X>
inline typename X::Vec multiply_high_add(X& x, u32 size, typename X::Vec d, typename X::Vec a, typename X::Vec b) {
  return size == 1 ? x.call_fp(simd::each3_sat<simd::DoubleMulHighAccumulate<Subtract>, i16>, d, a, b)
                   : x.call_fp(simd::each3_sat<simd::DoubleMulHighAccumulate<Subtract>, i32>, d, a, b);
}
/// SQDMULL; the operands are in the low halves.
template <class X>
inline typename X::Vec double_long(X& x, u32 size, typename X::Vec a, typename X::Vec b) {
  return size == 1 ? x.call_fp(simd::long2_sat<simd::DoubleMulLong, i16>, a, b)
                   : x.call_fp(simd::long2_sat<simd::DoubleMulLong, i32>, a, b);
}
/// SQDMLAL with AddSat, SQDMLSL with SubSat.
template <class Op, class X>
inline typename X::Vec double_long_into(X& x, u32 size, typename X::Vec d, typename X::Vec a, typename X::Vec b) {
  return size == 1 ? x.call_fp(simd::long3_sat<simd::DoubleMulLongAccumulate<Op>, i16>, d, a, b)
                   : x.call_fp(simd::long3_sat<simd::DoubleMulLongAccumulate<Op>, i32>, d, a, b);
}

}  // namespace farside::isa::a64::form
