// core/isa/fp/arith.cpp - the arithmetic pseudocode of the Arm ARM on exact significands.
#include "core/isa/fp/arith.h"

namespace farside::fp {
namespace {

/// floor(sqrt(v)) of a v with bit 127 or 126 set, and whether anything is left over.
u64 square_root(u128 v, bool& rest) {
  u128 remainder = 0;
  u64 root = 0;
  for (int i = 0; i < 64; ++i) {  // digit by digit: two bits of v give one of the root
    remainder = (remainder << 2) | (v >> 126);
    v <<= 2;
    const u128 trial = (u128{root} << 2) | 1;
    root <<= 1;
    if (remainder >= trial) {
      remainder -= trial;
      root |= 1;
    }
  }
  rest = remainder != 0;
  return root;
}

template <Bits T>
constexpr T constant(double value);
template <>
constexpr u16 constant<u16>(double value) {
  return value == 2.0 ? 0x4000 : 0x3e00;
}
template <>
constexpr u32 constant<u32>(double value) {
  return std::bit_cast<u32>(static_cast<float>(value));
}
template <>
constexpr u64 constant<u64>(double value) {
  return std::bit_cast<u64>(value);
}

/// The part that FPRecipStepFused and FPRSqrtStepFused share: (`start` - a * b) / 2^`halvings`, with `special` standing
/// for zero times infinity.
template <Bits T>
T newton_step(FpEnv& env, T a, T b, const Real& start, int halvings, T special) {
  a = neg(a);
  const T x = flush_input(env, a), y = flush_input(env, b);
  if (is_nan(x) || is_nan(y)) return process_nans(env, x, y);
  const bool sign = sign_of(x) != sign_of(y);
  if ((is_infinity(x) && is_zero(y)) || (is_zero(x) && is_infinity(y))) return special;
  if (is_infinity(x) || is_infinity(y)) return infinity<T>(sign);
  Real result = fp::add(widen(start), multiply(real_of(x), real_of(y)), rounding(env));
  result.exp -= halvings;
  return round<T>(env, result, rounding(env));
}

constexpr Real kTwo{false, 1, u64{1} << 63};
constexpr Real kThree{false, 1, u64{3} << 62};

}  // namespace

namespace exact {

template <Bits T>
T add(FpEnv& env, T a, T b, bool subtract) {
  const T x = flush_input(env, a), y = flush_input(env, b);
  if (is_nan(x) || is_nan(y)) return process_nans(env, x, y);
  const T z = subtract ? neg(y) : y;
  if (is_infinity(x) && is_infinity(z) && x != z) return invalid<T>(env);
  if (is_infinity(x)) return x;
  if (is_infinity(z)) return z;
  return round<T>(env, fp::add(widen(real_of(x)), widen(real_of(z)), rounding(env)), rounding(env));
}

template <Bits T>
T mul(FpEnv& env, T a, T b) {
  const T x = flush_input(env, a), y = flush_input(env, b);
  if (is_nan(x) || is_nan(y)) return process_nans(env, x, y);
  const bool sign = sign_of(x) != sign_of(y);
  if ((is_infinity(x) && is_zero(y)) || (is_zero(x) && is_infinity(y))) return invalid<T>(env);
  if (is_infinity(x) || is_infinity(y)) return infinity<T>(sign);
  return round<T>(env, narrow(multiply(real_of(x), real_of(y))), rounding(env));
}

template <Bits T>
T div(FpEnv& env, T a, T b) {
  const T x = flush_input(env, a), y = flush_input(env, b);
  if (is_nan(x) || is_nan(y)) return process_nans(env, x, y);
  const bool sign = sign_of(x) != sign_of(y);
  if ((is_infinity(x) && is_infinity(y)) || (is_zero(x) && is_zero(y))) return invalid<T>(env);
  if (is_infinity(x) || is_zero(y)) {
    if (!is_infinity(x)) raise(env, Fpsr::DZC);
    return infinity<T>(sign);
  }
  if (is_zero(x) || is_infinity(y)) return zero<T>(sign);
  const Real n = real_of(x), d = real_of(y);
  const bool less = n.sig < d.sig;  // keeps the quotient's leading bit at 63
  const u128 dividend = u128{n.sig} << (less ? 64 : 63);
  const u64 quotient = static_cast<u64>(dividend / d.sig) | (dividend % d.sig != 0);
  return round<T>(env, {sign, n.exp - d.exp - less, quotient}, rounding(env));
}

template <Bits T>
T sqrt(FpEnv& env, T a) {
  const T x = flush_input(env, a);
  if (is_nan(x)) return process_nan(env, x);
  if (is_zero(x)) return x;
  if (sign_of(x)) return invalid<T>(env);
  if (is_infinity(x)) return x;
  const Real v = real_of(x);
  const bool odd = v.exp & 1;
  bool rest = false;
  const u64 root = square_root(u128{v.sig} << (odd ? 64 : 63), rest);
  return round<T>(env, {false, (v.exp - odd) / 2, root | rest}, rounding(env));
}

template <Bits T>
T mul_add(FpEnv& env, T addend, T a, T b) {
  const T c = flush_input(env, addend), x = flush_input(env, a), y = flush_input(env, b);
  const bool zero_times_infinity = (is_infinity(x) && is_zero(y)) || (is_zero(x) && is_infinity(y));
  if (is_nan(c) || is_nan(x) || is_nan(y)) {
    const T result = process_nans(env, c, x, y);
    return is_nan(c) && !is_snan(c) && zero_times_infinity ? invalid<T>(env) : result;
  }
  const bool sign = sign_of(x) != sign_of(y);
  const bool infinite_product = is_infinity(x) || is_infinity(y);
  if (zero_times_infinity || (is_infinity(c) && infinite_product && sign_of(c) != sign)) return invalid<T>(env);
  if (is_infinity(c)) return c;
  if (infinite_product) return infinity<T>(sign);
  const Real sum = fp::add(widen(real_of(c)), multiply(real_of(x), real_of(y)), rounding(env));
  return round<T>(env, sum, rounding(env));
}

#define FARSIDE_INSTANTIATE(T)           \
  template T add<T>(FpEnv&, T, T, bool); \
  template T mul<T>(FpEnv&, T, T);       \
  template T div<T>(FpEnv&, T, T);       \
  template T sqrt<T>(FpEnv&, T);         \
  template T mul_add<T>(FpEnv&, T, T, T);
FARSIDE_INSTANTIATE(u16)
FARSIDE_INSTANTIATE(u32)
FARSIDE_INSTANTIATE(u64)
#undef FARSIDE_INSTANTIATE

}  // namespace exact

template <Bits T>
T mul_extended(FpEnv& env, T a, T b) {
  const T x = flush_input(env, a), y = flush_input(env, b);
  if ((is_infinity(x) && is_zero(y)) || (is_zero(x) && is_infinity(y)))
    return with_sign<T>(sign_of(x) != sign_of(y), constant<T>(2.0));
  return mul(env, x, y);
}
template u16 mul_extended<u16>(FpEnv&, u16, u16);
template u32 mul_extended<u32>(FpEnv&, u32, u32);
template u64 mul_extended<u64>(FpEnv&, u64, u64);

template <Bits T>
T recip_step(FpEnv& env, T a, T b) {
  return newton_step<T>(env, a, b, kTwo, 0, constant<T>(2.0));
}
template u16 recip_step<u16>(FpEnv&, u16, u16);
template u32 recip_step<u32>(FpEnv&, u32, u32);
template u64 recip_step<u64>(FpEnv&, u64, u64);

template <Bits T>
T rsqrt_step(FpEnv& env, T a, T b) {
  return newton_step<T>(env, a, b, kThree, 1, constant<T>(1.5));
}
template u16 rsqrt_step<u16>(FpEnv&, u16, u16);
template u32 rsqrt_step<u32>(FpEnv&, u32, u32);
template u64 rsqrt_step<u64>(FpEnv&, u64, u64);

namespace {

/// A half-precision NaN as single precision, signalling or quiet as it was: FPProcessNaNs3H sees its class.
u32 widen_nan(u16 v) {
  return with_sign<u32>(sign_of(v), Format<u32>::exp_mask | static_cast<u32>(v & Format<u16>::frac_mask) << 13);
}

}  // namespace

u32 mul_add_half(FpEnv& env, u32 addend, u16 a, u16 b) {
  const u32 c = flush_input(env, addend);
  const u16 x = flush_input(env, a), y = flush_input(env, b);
  const bool zero_times_infinity = (is_infinity(x) && is_zero(y)) || (is_zero(x) && is_infinity(y));
  if (is_nan(c) || is_nan(x) || is_nan(y)) {
    const u32 result = process_nans(env, c, is_nan(x) ? widen_nan(x) : u32{0}, is_nan(y) ? widen_nan(y) : u32{0});
    return is_nan(c) && !is_snan(c) && zero_times_infinity ? invalid<u32>(env) : result;
  }
  const bool sign = sign_of(x) != sign_of(y);
  const bool infinite_product = is_infinity(x) || is_infinity(y);
  if (zero_times_infinity || (is_infinity(c) && infinite_product && sign_of(c) != sign)) return invalid<u32>(env);
  if (is_infinity(c)) return c;
  if (infinite_product) return infinity<u32>(sign);
  const Real sum = fp::add(widen(real_of(c)), multiply(real_of(x), real_of(y)), rounding(env));
  return round<u32>(env, sum, rounding(env));
}

}  // namespace farside::fp
