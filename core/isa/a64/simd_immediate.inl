// core/isa/a64/simd_immediate.inl - Advanced SIMD modified immediate (MOVI and kin) and shift by immediate, vector
// forms.
#pragma once
#include "core/isa/a64/simd_form.inl"
#include "core/isa/simd/shift.h"

namespace farside::isa::a64 {
namespace form {

// AdvSIMDExpandImm, one function per group of cmode.
constexpr u64 imm8(Imm<3> abc, Imm<5> defgh) { return abc.raw << 5 | defgh.raw; }
constexpr u64 twice_32(u64 v) { return v << 32 | v; }
constexpr u64 four_times_16(u64 v) { return twice_32(v << 16 | v); }
constexpr u64 ones_shifted_in(u64 v, u32 shift) { return twice_32(v << (shift ? 16 : 8) | (shift ? 0xffff : 0xff)); }
/// Each bit of imm8 becomes a byte.
constexpr u64 byte_per_bit(u64 v) {
  u64 out = 0;
  for (unsigned i = 0; i < 8; ++i) out |= bit(v, i) ? u64{0xff} << (8 * i) : 0;
  return out;
}
/// VFPExpandImm: sign a, exponent NOT(b):b...b:cd, fraction efgh, for a format of `bits` with `exponent` bits.
constexpr u64 expand_fp(u64 v, unsigned bits, unsigned exponent) {
  const u64 b = bit(v, 6);
  const u64 exp = (b ^ 1) << (exponent - 1) | (b ? ones(exponent - 3) << 2 : 0) | farside::bits(v, 5, 4);
  const unsigned fraction = bits - 1 - exponent;
  return u64{bit(v, 7)} << (bits - 1) | exp << fraction | (v & 15) << (fraction - 4);
}

/// 64 bits into one or both halves.
template <class X>
inline typename X::Vec immediate(X& x, bool q, u64 half) {
  return x.call(simd::from_halves, x.imm(half), x.imm(q ? half : 0));
}
template <class X>
inline Flow move_immediate(X& x, bool q, RegNo d, u64 half) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, immediate(x, q, half));
  return Flow::Next;
}
/// ORR and BIC with an immediate.
template <class Op, class X>
inline Flow logic_immediate(X& x, bool q, RegNo d, u64 half) {
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q), x.call(simd::each2<Op, u64>, x.vec(d), immediate(x, q, half)));
}

/// immh:immb: the highest 1 of immh gives the lane size. Right shifts count down from twice the lane, left shifts up.
struct ShiftField {
  u32 size;
  u64 value;
  constexpr ShiftField(Imm<4> immh, Imm<3> immb)
      : size(immh == 0 ? 4 : static_cast<u32>(log2_floor(immh.raw))), value(immh.raw << 3 | immb.raw) {}
  constexpr bool reserved(bool q, u32 max = 3) const { return size > max || (size == 3 && !q); }
  constexpr u64 right() const { return 2 * lane_bits(size) - value; }
  constexpr u64 left() const { return value - lane_bits(size); }
};

enum class Towards { Right, Left };
template <Towards D>
constexpr u64 amount(ShiftField f) {
  return D == Towards::Right ? f.right() : f.left();
}

template <class Op, Sign S, Towards D, class X>
inline Flow shift_same(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q), with_lane<S>(f.size, [&]<class T>(Lane<T>) {
               return x.call(simd::each_shift<Op, T>, x.vec(n), x.imm(amount<D>(f)));
             }));
}
template <class Op, Sign S, Towards D, class X>
inline Flow shift_into(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put(x, d, vector_bits(q), with_lane<S>(f.size, [&]<class T>(Lane<T>) {
               return x.call(simd::each_shift_into<Op, T>, x.vec(d), x.vec(n), x.imm(amount<D>(f)));
             }));
}
template <class Op, Sign S, Towards D, class X>
inline Flow shift_sat(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S>(f.size, [&]<class T>(Lane<T>) {
              return x.call_fp(simd::each_shift_sat<Op, T>, low_part(x, n, vector_bits(q)), x.imm(amount<D>(f)));
            }));
  return Flow::Next;
}
template <class Op, Sign S, Towards D, class X>
inline Flow shift_narrow(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q, 2)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put_narrow(x, d, q, with_lane<S, 2>(f.size, [&]<class T>(Lane<T>) {
                      auto fn = simd::narrow_shift<Op, T, simd::Wide<T>>;
                      return x.call(fn, x.vec(n), x.imm(f.right()));
                    }));
}
/// The narrowing shift of `bits` of Rn: S is the result's signedness, From the source's.
template <class Op, Sign S, Sign From, class X>
inline typename X::Vec narrowed_sat(X& x, u32 size, u64 shift, typename X::Vec v) {
  return with_lane<S, 2>(size, [&]<class T>(Lane<T>) {
    using Source = simd::IntegerOf<sizeof(T) * 2, From == Sign::Signed>;
    auto fn = simd::narrow_shift_sat<Op, T, Source>;
    return x.call_fp(fn, v, x.imm(shift));
  });
}
template <class Op, Sign S, Sign From, class X>
inline Flow shift_narrow_sat(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q, 2)) return x.undefined();
  TRY_VOID(x.fp_access());
  return put_narrow(x, d, q, narrowed_sat<Op, S, From>(x, f.size, f.right(), x.vec(n)));
}
template <Sign S, class X>
inline Flow shift_lengthen(X& x, bool q, ShiftField f, RegNo n, RegNo d) {
  if (f.reserved(q, 2)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(d, with_lane<S, 2>(f.size, [&]<class T>(Lane<T>) {
              return x.call(simd::shift_long<T>, half_part(x, n, q), x.imm(f.left()));
            }));
  return Flow::Next;
}

}  // namespace form

#define FARSIDE_IMMEDIATE_SHIFTED(name, width, action, value)                       \
  template <class X>                                                                \
  Flow name(X& x, Imm<1> Q, Imm<3> abc, Imm<width> shift, Imm<5> defgh, RegNo Rd) { \
    const u64 imm = form::imm8(abc, defgh);                                         \
    return form::action(x, Q, Rd, value);                                           \
  }
FARSIDE_IMMEDIATE_SHIFTED(MOVI_32, 2, move_immediate, form::twice_32(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(ORR_imm_32, 2, logic_immediate<simd::Orr>, form::twice_32(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(MOVI_16, 1, move_immediate, form::four_times_16(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(ORR_imm_16, 1, logic_immediate<simd::Orr>, form::four_times_16(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(MOVI_msl, 1, move_immediate, form::ones_shifted_in(imm, shift))
FARSIDE_IMMEDIATE_SHIFTED(MVNI_32, 2, move_immediate, ~form::twice_32(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(BIC_imm_32, 2, logic_immediate<simd::Bic>, form::twice_32(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(MVNI_16, 1, move_immediate, ~form::four_times_16(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(BIC_imm_16, 1, logic_immediate<simd::Bic>, form::four_times_16(imm << (8 * shift)))
FARSIDE_IMMEDIATE_SHIFTED(MVNI_msl, 1, move_immediate, ~form::ones_shifted_in(imm, shift))
#undef FARSIDE_IMMEDIATE_SHIFTED

template <class X>
Flow MOVI_8(X& x, Imm<1> Q, Imm<3> abc, Imm<5> defgh, RegNo Rd) {
  return form::move_immediate(x, Q, Rd, form::imm8(abc, defgh) * 0x0101010101010101);
}
template <class X>
Flow MOVI_64(X& x, Imm<1> Q, Imm<3> abc, Imm<5> defgh, RegNo Rd) {
  return form::move_immediate(x, Q, Rd, form::byte_per_bit(form::imm8(abc, defgh)));
}
template <class X>
Flow FMOV_imm_s(X& x, Imm<1> Q, Imm<3> abc, Imm<5> defgh, RegNo Rd) {
  return form::move_immediate(x, Q, Rd, form::twice_32(form::expand_fp(form::imm8(abc, defgh), 32, 8)));
}
template <class X>
Flow FMOV_imm_h(X& x, Imm<1> Q, Imm<3> abc, Imm<5> defgh, RegNo Rd) {
  return form::move_immediate(x, Q, Rd, form::four_times_16(form::expand_fp(form::imm8(abc, defgh), 16, 5)));
}
template <class X>
Flow FMOV_imm_d(X& x, Imm<3> abc, Imm<5> defgh, RegNo Rd) {
  return form::move_immediate(x, true, Rd, form::expand_fp(form::imm8(abc, defgh), 64, 11));
}

// Lines below: instruction, shape, then the shape's template arguments.
#define FARSIDE_SHIFT(name, shape, ...)                                          \
  template <class X>                                                             \
  Flow name(X& x, Imm<1> Q, Imm<4> immh, Imm<3> immb, RegNo Rn, RegNo Rd) {      \
    using enum form::Sign;                                                       \
    using enum form::Towards;                                                    \
    using namespace simd;                                                        \
    return form::shape<__VA_ARGS__>(x, Q, form::ShiftField(immh, immb), Rn, Rd); \
  }
FARSIDE_SHIFT(SSHR, shift_same, ShiftRight, Signed, Right)
FARSIDE_SHIFT(USHR, shift_same, ShiftRight, Unsigned, Right)
FARSIDE_SHIFT(SSRA, shift_into, ShiftAccumulate<ShiftRight>, Signed, Right)
FARSIDE_SHIFT(USRA, shift_into, ShiftAccumulate<ShiftRight>, Unsigned, Right)
FARSIDE_SHIFT(SRSHR, shift_same, ShiftRightRound, Signed, Right)
FARSIDE_SHIFT(URSHR, shift_same, ShiftRightRound, Unsigned, Right)
FARSIDE_SHIFT(SRSRA, shift_into, ShiftAccumulate<ShiftRightRound>, Signed, Right)
FARSIDE_SHIFT(URSRA, shift_into, ShiftAccumulate<ShiftRightRound>, Unsigned, Right)
FARSIDE_SHIFT(SRI, shift_into, ShiftRightInsert, Unsigned, Right)
FARSIDE_SHIFT(SHL, shift_same, ShiftLeft, Unsigned, Left)
FARSIDE_SHIFT(SLI, shift_into, ShiftLeftInsert, Unsigned, Left)
FARSIDE_SHIFT(SQSHLU, shift_sat, ShiftLeftSatUnsigned, Signed, Left)
FARSIDE_SHIFT(SQSHL_imm, shift_sat, ShiftLeftSat, Signed, Left)
FARSIDE_SHIFT(UQSHL_imm, shift_sat, ShiftLeftSat, Unsigned, Left)
FARSIDE_SHIFT(SHRN, shift_narrow, ShiftRight, Unsigned, Right)
FARSIDE_SHIFT(RSHRN, shift_narrow, ShiftRightRound, Unsigned, Right)
FARSIDE_SHIFT(SQSHRUN, shift_narrow_sat, ShiftRight, Unsigned, Signed)
FARSIDE_SHIFT(SQRSHRUN, shift_narrow_sat, ShiftRightRound, Unsigned, Signed)
FARSIDE_SHIFT(SQSHRN, shift_narrow_sat, ShiftRight, Signed, Signed)
FARSIDE_SHIFT(UQSHRN, shift_narrow_sat, ShiftRight, Unsigned, Unsigned)
FARSIDE_SHIFT(SQRSHRN, shift_narrow_sat, ShiftRightRound, Signed, Signed)
FARSIDE_SHIFT(UQRSHRN, shift_narrow_sat, ShiftRightRound, Unsigned, Unsigned)
FARSIDE_SHIFT(SSHLL, shift_lengthen, Signed)
FARSIDE_SHIFT(USHLL, shift_lengthen, Unsigned)
#undef FARSIDE_SHIFT

}  // namespace farside::isa::a64
