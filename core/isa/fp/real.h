// core/isa/fp/real.h - exact values between unpacking and rounding: FPUnpack, FPRound, FPProcessNaN(s).
#pragma once
#include <optional>

#include "core/isa/fp/format.h"

namespace farside::fp {

/// A non-zero number is +-sig * 2^(exp - 63) with bit 63 of sig set; sig == 0 is zero. Bit 0 may be sticky: "and a
/// little more", which every format's rounding sees because none keeps more than 53 bits.
struct Real {
  bool sign = false;
  int exp = 0;
  u64 sig = 0;
};

/// As Real with the leading bit at 126, so that two of them can be added without a carry out.
struct Wide {
  bool sign = false;
  int exp = 0;
  u128 sig = 0;
};

/// `v >> by`, with the bits that fall out OR-ed into bit 0.
template <class U>
constexpr U shift_right_jam(U v, int by) {
  constexpr int width = sizeof(U) * 8;
  if (by <= 0) return v;
  if (by >= width) return v != 0;
  return (v >> by) | ((v << (width - by)) != 0);
}

/// The value of a finite pattern that was flushed if it had to be.
template <Bits T>
constexpr Real real_of(T v) {
  using F = Format<T>;
  const u64 frac = v & F::frac_mask;
  if (exp_field(v) != 0)
    return {sign_of(v), exp_field(v) - F::bias, (frac | u64{1} << F::frac_bits) << (63 - F::frac_bits)};
  if (frac == 0) return {sign_of(v), 0, 0};
  const int lead = std::countl_zero(frac);
  return {sign_of(v), F::min_exp + 63 - F::frac_bits - lead, frac << lead};
}

constexpr Wide widen(const Real& r) { return {r.sign, r.exp, u128{r.sig} << 63}; }
/// The exact product; the operands come from unpacked patterns, so the low bit that is shifted out is 0.
constexpr Wide multiply(const Real& a, const Real& b) {
  const u128 product = u128{a.sig} * b.sig;
  if (product == 0) return {a.sign != b.sign, 0, 0};
  if (product >> 127) return {a.sign != b.sign, a.exp + b.exp + 1, product >> 1};
  return {a.sign != b.sign, a.exp + b.exp, product};
}
/// The product or sum as one 64-bit significand with a sticky bit.
Real narrow(const Wide& w);
/// a + b with a sticky bit; an exact zero takes the sign that FPAdd gives under `mode` unless both signs agree.
Real add(const Wide& a, const Wide& b, Rounding mode);

/// FPRound: `flush` is whether tiny results become zero. Instantiated for the three formats.
template <Bits T>
T round(FpEnv& env, const Real& value, Rounding mode, bool flush);
/// FPRound with FPCR's flushing for the format.
template <Bits T>
T round(FpEnv& env, const Real& value, Rounding mode) {
  return round<T>(env, value, mode, flushes<T>(env));
}
/// FPRoundCV to the alternative half-precision format of FPCR.AHP.
u16 round_alternative_half(FpEnv& env, const Real& value, Rounding mode);

/// FPProcessNaN: `v` is a NaN.
template <Bits T>
constexpr T process_nan(FpEnv& env, T v) {
  if (is_snan(v)) raise(env, Fpsr::IOC);
  return env.fpcr[Fpcr::DN] ? default_nan<T>() : static_cast<T>(v | Format<T>::quiet_bit);
}
/// The result of an invalid operation.
template <Bits T>
constexpr T invalid(FpEnv& env) {
  raise(env, Fpsr::IOC);
  return default_nan<T>();
}
/// FPProcessNaNs and FPProcessNaNs3: signalling NaNs first, each group in operand order; at least one operand is a NaN.
template <Bits T, class... Rest>
constexpr T process_nans(FpEnv& env, T first, Rest... rest) {
  const T all[] = {first, rest...};
  for (T v : all)
    if (is_snan(v)) return process_nan(env, v);
  for (T v : all)
    if (is_nan(v)) return process_nan(env, v);
  return first;
}

}  // namespace farside::fp
