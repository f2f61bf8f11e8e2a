// core/isa/fp/host.h - the host's own arithmetic, used where it gives the architecture's result bit for bit.
//
// The host runs with its default environment: nearest-even, no flushing. So it agrees with the architecture when FPCR
// asks for nearest-even, the operands are zero or normal and the result is neither tiny nor huge. The inexact flag is
// then all that can be missing: it is found from an error-free residual, and not looked for once IXC is set.
#pragma once
#include <cmath>
#include <type_traits>

#include "core/isa/fp/format.h"

namespace farside::fp::host {

template <class T>
concept Native = std::same_as<T, u32> || std::same_as<T, u64>;
template <Native T>
using Float = std::conditional_t<sizeof(T) == 4, float, double>;

template <Native T>
inline Float<T> to_host(T v) {
  return std::bit_cast<Float<T>>(v);
}
inline u32 from_host(float v) { return std::bit_cast<u32>(v); }
inline u64 from_host(double v) { return std::bit_cast<u64>(v); }

inline bool nearest(const FpEnv& env) { return (env.fpcr.raw & Fpcr::RMode.mask) == 0; }
inline bool inexact_known(const FpEnv& env) { return env.fpsr[Fpsr::IXC]; }

/// Neither zero, denormal, infinite nor NaN.
template <Native T>
constexpr bool is_normal(T v) {
  using F = Format<T>;
  return static_cast<T>((v & F::exp_mask) - (T{1} << F::frac_bits)) <
         static_cast<T>(F::exp_mask - (T{1} << F::frac_bits));
}
template <Native T>
constexpr bool is_plain(T v) {
  return is_normal(v) || is_zero(v);
}
/// A normal result that was not tiny before rounding either, with room below for an exact residual.
template <Native T>
constexpr bool is_safe_result(T v) {
  return is_normal(v) && exp_field(v) > (sizeof(T) == 4 ? 1 : Format<T>::frac_bits + 8);
}

/// Whether std::fma is one instruction here; otherwise the exact significands are quicker.
inline bool has_fma() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma");
#elif defined(__FP_FAST_FMA)
  return true;
#else
  return false;
#endif
}
double fused(double a, double b, double c);
float fused(float a, float b, float c);

/// Whether `sum` differs from the exact a + b (Knuth's TwoSum; no overflow).
template <class F>
inline bool sum_inexact(F a, F b, F sum) {
  const F part = sum - a;
  return (a - (sum - part)) + (b - part) != 0;
}

/// Each returns whether `out` (and FPSR.IXC) hold the architecture's result; otherwise nothing was changed.
template <Native T>
inline bool add(FpEnv& env, T a, T b, T& out) {
  if (!nearest(env) || !is_plain(a) || !is_plain(b)) return false;
  const Float<T> x = to_host(a), y = to_host(b), sum = x + y;
  const T bits = from_host(sum);
  if (!is_plain(bits)) return false;
  if (!inexact_known(env) && sum_inexact(x, y, sum)) raise(env, Fpsr::IXC);
  out = bits;
  return true;
}

template <Native T>
inline bool mul(FpEnv& env, T a, T b, T& out) {
  if (!nearest(env) || !is_plain(a) || !is_plain(b)) return false;
  const Float<T> x = to_host(a), y = to_host(b), product = x * y;
  const T bits = from_host(product);
  if (!is_safe_result(bits)) {
    if (!is_zero(a) && !is_zero(b)) return false;
    out = bits;
    return true;
  }
  if (!inexact_known(env)) {
    if constexpr (sizeof(T) == 4) {
      if (static_cast<double>(x) * y != product) raise(env, Fpsr::IXC);
    } else {
      if (!has_fma()) return false;
      if (fused(x, y, -product) != 0) raise(env, Fpsr::IXC);
    }
  }
  out = bits;
  return true;
}

template <Native T>
inline bool div(FpEnv& env, T a, T b, T& out) {
  if (!nearest(env) || !is_safe_result(a) || !is_normal(b)) return false;
  const Float<T> x = to_host(a), y = to_host(b), quotient = x / y;
  const T bits = from_host(quotient);
  if (!is_safe_result(bits)) return false;
  if (!inexact_known(env)) {
    if constexpr (sizeof(T) == 4) {
      if (static_cast<double>(quotient) * y != x) raise(env, Fpsr::IXC);
    } else {
      if (!has_fma()) return false;
      if (fused(quotient, y, -x) != 0) raise(env, Fpsr::IXC);
    }
  }
  out = bits;
  return true;
}

template <Native T>
inline bool sqrt(FpEnv& env, T a, T& out) {
  if (!nearest(env) || !is_safe_result(a) || sign_of(a)) return false;
  const Float<T> x = to_host(a), root = std::sqrt(x);
  if (!inexact_known(env)) {
    if constexpr (sizeof(T) == 4) {
      if (static_cast<double>(root) * root != x) raise(env, Fpsr::IXC);
    } else {
      if (!has_fma()) return false;
      if (fused(root, root, -x) != 0) raise(env, Fpsr::IXC);
    }
  }
  out = from_host(root);
  return true;
}

/// addend + a * b. A fused result has no cheap residual, so this waits until IXC is set.
template <Native T>
inline bool mul_add(FpEnv& env, T addend, T a, T b, T& out) {
  if (!nearest(env) || !inexact_known(env) || !is_plain(addend) || !is_plain(a) || !is_plain(b) || !has_fma())
    return false;
  const T bits = from_host(fused(to_host(a), to_host(b), to_host(addend)));
  if (!is_safe_result(bits)) return false;
  out = bits;
  return true;
}

}  // namespace farside::fp::host
