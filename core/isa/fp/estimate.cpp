// core/isa/fp/estimate.cpp - the estimates of the Arm ARM, from tables that are computed at build time.
#include "core/isa/fp/estimate.h"

#include <array>

namespace farside::fp {
namespace {

constexpr auto kRecip = [] {
  std::array<u16, 512> table{};
  for (u32 a = 256; a < 512; ++a) table[a] = static_cast<u16>(recip_estimate_9bit(a));
  return table;
}();
constexpr auto kRsqrt = [] {
  std::array<u16, 512> table{};
  for (u32 a = 128; a < 512; ++a) table[a] = static_cast<u16>(rsqrt_estimate_9bit(a));
  return table;
}();

/// The 52-bit fraction of any format, upper bits first.
template <Bits T>
u64 fraction52(T v) {
  return static_cast<u64>(v & Format<T>::frac_mask) << (52 - Format<T>::frac_bits);
}

template <Bits T>
T assemble(bool sign, int exponent, u64 fraction) {
  const u64 mag = (static_cast<u64>(exponent) << Format<T>::frac_bits) | (fraction >> (52 - Format<T>::frac_bits));
  return with_sign<T>(sign, static_cast<T>(mag));
}

/// 1 / v is too large for the format.
template <Bits T>
T overflowed_estimate(FpEnv& env, bool sign) {
  raise(env, Fpsr::OFC);
  raise(env, Fpsr::IXC);
  const Rounding mode = rounding(env);
  const bool to_infinity = mode == Rounding::TieEven || mode == (sign ? Rounding::MinusInf : Rounding::PlusInf);
  return to_infinity ? infinity<T>(sign) : max_normal<T>(sign);
}

constexpr u64 kFractionTop = u64{1} << 51;

}  // namespace

template <Bits T>
T recip_estimate(FpEnv& env, T v) {
  using F = Format<T>;
  const T x = flush_input(env, v);
  const bool sign = sign_of(x);
  if (is_nan(x)) return process_nan(env, x);
  if (is_infinity(x)) return zero<T>(sign);
  if (is_zero(x)) {
    raise(env, Fpsr::DZC);
    return infinity<T>(sign);
  }
  if (magnitude(x) < (T{1} << (F::frac_bits - 2))) return overflowed_estimate<T>(env, sign);  // |x| < 2^(min_exp - 2)
  int exponent = exp_field(x);
  if (flushes<T>(env) && exponent >= F::exp_ones - 2) {  // the result would be denormal
    raise(env, Fpsr::UFC);
    return zero<T>(sign);
  }
  u64 fraction = fraction52(x);
  if (exponent == 0) {
    const bool one_down = !(fraction & kFractionTop);
    if (one_down) exponent = -1;
    fraction = (fraction << (one_down ? 2 : 1)) & ones(52);
  }
  const u32 estimate = kRecip[256 | (fraction >> 44)];
  int result_exponent = 2 * F::bias - 1 - exponent;
  u64 result = static_cast<u64>(estimate & 0xff) << 44;
  if (result_exponent == 0) {
    result = kFractionTop | (result >> 1);
  } else if (result_exponent == -1) {
    result = (kFractionTop >> 1) | (result >> 2);
    result_exponent = 0;
  }
  return assemble<T>(sign, result_exponent, result);
}
template u16 recip_estimate<u16>(FpEnv&, u16);
template u32 recip_estimate<u32>(FpEnv&, u32);
template u64 recip_estimate<u64>(FpEnv&, u64);

template <Bits T>
T rsqrt_estimate(FpEnv& env, T v) {
  using F = Format<T>;
  const T x = flush_input(env, v);
  if (is_nan(x)) return process_nan(env, x);
  if (is_zero(x)) {
    raise(env, Fpsr::DZC);
    return infinity<T>(sign_of(x));
  }
  if (sign_of(x)) return invalid<T>(env);
  if (is_infinity(x)) return zero<T>(false);
  int exponent = exp_field(x);
  u64 fraction = fraction52(x);
  if (exponent == 0) {
    const int lead = std::countl_zero(fraction) - 12;  // zeros above the leading one
    exponent = -lead;
    fraction = (fraction << (lead + 1)) & ones(52);
  }
  const u32 scaled = exponent & 1 ? 128 | static_cast<u32>(fraction >> 45) : 256 | static_cast<u32>(fraction >> 44);
  const int result_exponent = (3 * F::bias - 1 - exponent) >> 1;
  return assemble<T>(false, result_exponent, static_cast<u64>(kRsqrt[scaled] & 0xff) << 44);
}
template u16 rsqrt_estimate<u16>(FpEnv&, u16);
template u32 rsqrt_estimate<u32>(FpEnv&, u32);
template u64 rsqrt_estimate<u64>(FpEnv&, u64);

template <Bits T>
T recip_exponent(FpEnv& env, T v) {
  using F = Format<T>;
  const T x = flush_input(env, v);
  if (is_nan(x)) return process_nan(env, x);
  if (exp_field(x) == 0)
    return with_sign<T>(sign_of(x), static_cast<T>(T{static_cast<T>(F::exp_ones - 1)} << F::frac_bits));
  return with_sign<T>(sign_of(x), static_cast<T>(~x & F::exp_mask));
}
template u16 recip_exponent<u16>(FpEnv&, u16);
template u32 recip_exponent<u32>(FpEnv&, u32);
template u64 recip_exponent<u64>(FpEnv&, u64);

u32 unsigned_recip_estimate(u32 v) {
  if (!(v >> 31)) return ~u32{0};
  return u32{kRecip[v >> 23]} << 23;
}
u32 unsigned_rsqrt_estimate(u32 v) {
  if (!(v >> 30)) return ~u32{0};
  return u32{kRsqrt[v >> 23]} << 23;
}

}  // namespace farside::fp
