// core/isa/fp/host_lanes.h - whole registers at once through the host's vector arithmetic, on the terms of host.h.
//
// These wait until IXC is set, so there is no residual to compute: all that remains is to see that every lane is plain.
#pragma once
#include <limits>

#include "core/arch/vec.h"
#include "core/isa/fp/host.h"

namespace farside::fp::host {

template <Native T>
struct Lanes {
  using F = Float<T>;
  typedef F Floats __attribute__((vector_size(16)));
  typedef T Words __attribute__((vector_size(16)));
  typedef std::make_signed_t<T> Mask __attribute__((vector_size(16)));
};

/// The lanes in use; the others are zero, which is plain.
template <Native T>
inline typename Lanes<T>::Floats load_lanes(const Vec& v, bool q) {
  typename Lanes<T>::Floats out;
  std::memcpy(&out, &v, sizeof out);
  if (q) return out;
  typedef u64 Halves __attribute__((vector_size(16)));
  return reinterpret_cast<typename Lanes<T>::Floats>(reinterpret_cast<Halves>(out) & Halves{~u64{0}, 0});
}
template <Native T>
inline typename Lanes<T>::Floats magnitude_lanes(typename Lanes<T>::Floats v) {
  const typename Lanes<T>::Words mag =
      reinterpret_cast<typename Lanes<T>::Words>(v) & static_cast<T>(~Format<T>::sign_bit);
  return reinterpret_cast<typename Lanes<T>::Floats>(mag);
}
template <Native T>
inline typename Lanes<T>::Mask zero_lanes(typename Lanes<T>::Floats v) {
  return v == Float<T>{0};
}
/// Zero or normal; NaNs fail the comparisons.
template <Native T>
inline typename Lanes<T>::Mask plain_lanes(typename Lanes<T>::Floats v) {
  const auto mag = magnitude_lanes<T>(v);
  using Limits = std::numeric_limits<Float<T>>;
  return ((mag >= Limits::min()) & (mag <= Limits::max())) | zero_lanes<T>(v);
}
/// Normal and not tiny before rounding either: at least twice the least normal number.
template <Native T>
inline typename Lanes<T>::Mask safe_lanes(typename Lanes<T>::Floats v) {
  const auto mag = magnitude_lanes<T>(v);
  using Limits = std::numeric_limits<Float<T>>;
  return (mag >= 2 * Limits::min()) & (mag <= Limits::max());
}
template <class M>
inline bool all_lanes(M mask) {
  const Vec bits = std::bit_cast<Vec>(mask);
  return (bits.lo & bits.hi) == ~u64{0};
}

/// Each returns whether `out` is the architecture's result; otherwise nothing was changed.
template <Native T>
inline bool add_lanes(const FpEnv& env, const Vec& a, const Vec& b, bool q, bool subtract, Vec& out) {
  if (!nearest(env) || !inexact_known(env)) return false;
  const auto x = load_lanes<T>(a, q), y = load_lanes<T>(b, q);
  const typename Lanes<T>::Floats sum = subtract ? x - y : x + y;
  if (!all_lanes(plain_lanes<T>(x) & plain_lanes<T>(y) & plain_lanes<T>(sum))) return false;
  out = std::bit_cast<Vec>(sum);
  if (!q) out.hi = 0;
  return true;
}
template <Native T>
inline bool mul_lanes(const FpEnv& env, const Vec& a, const Vec& b, bool q, Vec& out) {
  if (!nearest(env) || !inexact_known(env)) return false;
  const auto x = load_lanes<T>(a, q), y = load_lanes<T>(b, q);
  const typename Lanes<T>::Floats product = x * y;
  const auto good = safe_lanes<T>(product) | zero_lanes<T>(x) | zero_lanes<T>(y);
  if (!all_lanes(plain_lanes<T>(x) & plain_lanes<T>(y) & good)) return false;
  out = std::bit_cast<Vec>(product);
  return true;
}
/// c + a * b in each lane.
void fused_lanes(const float* a, const float* b, float* c);
void fused_lanes(const double* a, const double* b, double* c);
/// An unused or zero lane has no safe result, so this serves full registers of non-zero sums.
template <Native T>
inline bool mul_add_lanes(const FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q, bool subtract, Vec& out) {
  if (!q || !nearest(env) || !inexact_known(env) || !has_fma()) return false;
  auto x = load_lanes<T>(a, q), y = load_lanes<T>(b, q), sum = load_lanes<T>(c, q);
  if (!all_lanes(plain_lanes<T>(x) & plain_lanes<T>(y) & plain_lanes<T>(sum))) return false;
  if (subtract) x = -x;
  fused_lanes(reinterpret_cast<const Float<T>*>(&x), reinterpret_cast<const Float<T>*>(&y),
              reinterpret_cast<Float<T>*>(&sum));
  if (!all_lanes(safe_lanes<T>(sum))) return false;
  out = std::bit_cast<Vec>(sum);
  return true;
}

}  // namespace farside::fp::host
