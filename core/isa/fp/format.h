// core/isa/fp/format.h - the three IEEE 754 formats of the architecture as bit patterns: u16, u32 and u64.
#pragma once
#include "core/arch/fp_env.h"
#include "core/base/bits.h"

namespace farside::fp {

/// A floating-point bit pattern: u16 is half, u32 single and u64 double precision.
template <class T>
concept Bits = std::same_as<T, u16> || std::same_as<T, u32> || std::same_as<T, u64>;

template <Bits T>
struct Format {
  static constexpr int width = sizeof(T) * 8;
  static constexpr int exp_bits = width == 16 ? 5 : width == 32 ? 8 : 11;
  static constexpr int frac_bits = width - 1 - exp_bits;
  static constexpr int exp_ones = (1 << exp_bits) - 1;
  static constexpr int bias = exp_ones >> 1;
  static constexpr int min_exp = 1 - bias;  ///< exponent of the smallest normal number
  static constexpr T sign_bit = static_cast<T>(T{1} << (width - 1));
  static constexpr T frac_mask = static_cast<T>(ones(frac_bits));
  static constexpr T exp_mask = static_cast<T>(T{static_cast<T>(exp_ones)} << frac_bits);
  static constexpr T quiet_bit = static_cast<T>(T{1} << (frac_bits - 1));
  static constexpr T one = static_cast<T>(T{static_cast<T>(bias)} << frac_bits);
};

template <Bits T>
constexpr bool sign_of(T v) {
  return v >> (Format<T>::width - 1);
}
template <Bits T>
constexpr int exp_field(T v) {
  return static_cast<int>((v & Format<T>::exp_mask) >> Format<T>::frac_bits);
}
template <Bits T>
constexpr T magnitude(T v) {
  return static_cast<T>(v & ~Format<T>::sign_bit);
}
template <Bits T>
constexpr bool is_nan(T v) {
  return magnitude(v) > Format<T>::exp_mask;
}
template <Bits T>
constexpr bool is_snan(T v) {
  return is_nan(v) && !(v & Format<T>::quiet_bit);
}
template <Bits T>
constexpr bool is_infinity(T v) {
  return magnitude(v) == Format<T>::exp_mask;
}
template <Bits T>
constexpr bool is_zero(T v) {
  return magnitude(v) == 0;
}
template <Bits T>
constexpr bool is_denormal(T v) {
  return magnitude(v) != 0 && magnitude(v) <= Format<T>::frac_mask;
}

// FPZero, FPInfinity, FPMaxNormal, FPDefaultNaN.
template <Bits T>
constexpr T with_sign(bool sign, T mag) {
  return static_cast<T>(mag | (sign ? Format<T>::sign_bit : T{0}));
}
template <Bits T>
constexpr T zero(bool sign) {
  return with_sign<T>(sign, 0);
}
template <Bits T>
constexpr T infinity(bool sign) {
  return with_sign<T>(sign, Format<T>::exp_mask);
}
template <Bits T>
constexpr T max_normal(bool sign) {
  return with_sign<T>(sign, static_cast<T>(Format<T>::exp_mask - 1));
}
template <Bits T>
constexpr T default_nan() {
  return static_cast<T>(Format<T>::exp_mask | Format<T>::quiet_bit);
}

/// FPAbs and FPNeg (without FEAT_AFP): NaNs change their sign like any other value.
template <Bits T>
constexpr T abs(T v) {
  return magnitude(v);
}
template <Bits T>
constexpr T neg(T v) {
  return static_cast<T>(v ^ Format<T>::sign_bit);
}

/// Sets one cumulative flag of FPSR: `raise(env, Fpsr::IXC)`.
template <unsigned N>
constexpr void raise(FpEnv& env, Field<N, N, bool>) {
  env.fpsr.raw |= u64{1} << N;
}

/// FPRoundingMode(FPCR).
constexpr Rounding rounding(const FpEnv& env) { return env.fpcr[Fpcr::RMode]; }

/// Whether denormal values of format T are flushed to zero (FPCR.FZ, or FZ16 for half precision).
template <Bits T>
constexpr bool flushes(const FpEnv& env) {
  if constexpr (sizeof(T) == 2) return env.fpcr[Fpcr::FZ16];
  return env.fpcr[Fpcr::FZ];
}

/// The flush of denormal inputs in FPUnpack: IDC is raised by FZ but never by FZ16.
template <Bits T>
constexpr T flush_input(FpEnv& env, T v) {
  if (is_denormal(v) && flushes<T>(env)) [[unlikely]] {
    if constexpr (sizeof(T) != 2) raise(env, Fpsr::IDC);
    return zero<T>(sign_of(v));
  }
  return v;
}

}  // namespace farside::fp
