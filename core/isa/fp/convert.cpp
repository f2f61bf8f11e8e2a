// core/isa/fp/convert.cpp - the conversion pseudocode of the Arm ARM.
#include "core/isa/fp/convert.h"

namespace farside::fp {
namespace {

/// FPConvertNaN: the fraction keeps its upper bits; the result is quiet.
template <Bits To, Bits From>
To convert_nan(From v) {
  constexpr int up = Format<To>::frac_bits - Format<From>::frac_bits;
  const u64 frac = v & Format<From>::frac_mask;
  const u64 moved = up >= 0 ? frac << (up & 63) : frac >> (-up & 63);
  return with_sign<To>(sign_of(v), static_cast<To>(Format<To>::exp_mask | Format<To>::quiet_bit | moved));
}

/// A magnitude rounded to an integer. `whole` is valid below 2^64; `huge` says that it is not.
struct Integral {
  u64 whole = 0;
  bool inexact = false;
  bool huge = false;
};

bool away_from_zero(Rounding mode, bool sign, bool odd, int versus_half) {
  switch (mode) {
    case Rounding::TieEven: return versus_half > 0 || (versus_half == 0 && odd);
    case Rounding::TieAway: return versus_half >= 0;
    case Rounding::PlusInf: return !sign;
    case Rounding::MinusInf: return sign;
    default: return false;
  }
}

Integral integral(const Real& r, Rounding mode) {
  if (r.sig == 0) return {};
  if (r.exp >= 64) return {0, false, true};
  if (r.exp == 63) return {r.sig, false, false};
  const int shift = 63 - r.exp;  // at least 1
  const u64 whole = shift >= 64 ? 0 : r.sig >> shift;
  const u64 dropped = shift > 64 ? 1 : r.sig << (64 - shift);
  if (dropped == 0) return {whole, false, false};
  constexpr u64 half = u64{1} << 63;
  const int versus_half = dropped > half ? 1 : dropped == half ? 0 : -1;
  return {whole + away_from_zero(mode, r.sign, whole & 1, versus_half), true, false};  // whole < 2^63: no carry out
}

template <Bits T>
T from_integral(bool sign, u64 whole) {
  if (whole == 0) return zero<T>(sign);
  const int lead = std::countl_zero(whole);
  const u64 frac = ((whole << lead) >> (63 - Format<T>::frac_bits)) & Format<T>::frac_mask;
  return with_sign<T>(sign,
                      static_cast<T>((static_cast<u64>(63 - lead + Format<T>::bias) << Format<T>::frac_bits) | frac));
}

}  // namespace

namespace exact {

template <Bits To, Bits From>
To convert(FpEnv& env, From v, Rounding mode) {
  const bool alternative = env.fpcr[Fpcr::AHP];
  const bool alternative_in = sizeof(From) == 2 && alternative;
  const bool alternative_out = sizeof(To) == 2 && alternative;
  const From x = sizeof(From) == 2 ? v : flush_input(env, v);  // FPUnpackCV
  if (is_nan(x) && !alternative_in) {
    if (is_snan(x) || alternative_out) raise(env, Fpsr::IOC);
    if (alternative_out) return zero<To>(sign_of(x));
    return env.fpcr[Fpcr::DN] ? default_nan<To>() : convert_nan<To, From>(x);
  }
  if (is_infinity(x) && !alternative_in) {
    if (!alternative_out) return infinity<To>(sign_of(x));
    raise(env, Fpsr::IOC);
    return with_sign<To>(sign_of(x), magnitude(static_cast<To>(~To{0})));
  }
  const Real value = real_of(x);  // an alternative half with all exponent bits set is a number like the others
  if constexpr (sizeof(To) == 2) {
    return alternative ? round_alternative_half(env, value, mode) : round<u16>(env, value, mode, false);
  } else {
    return round<To>(env, value, mode);
  }
}
template u16 convert<u16, u32>(FpEnv&, u32, Rounding);
template u16 convert<u16, u64>(FpEnv&, u64, Rounding);
template u32 convert<u32, u16>(FpEnv&, u16, Rounding);
template u32 convert<u32, u64>(FpEnv&, u64, Rounding);
template u64 convert<u64, u16>(FpEnv&, u16, Rounding);
template u64 convert<u64, u32>(FpEnv&, u32, Rounding);

template <Bits T>
T from_fixed(FpEnv& env, u64 integer, int fraction_bits, bool is_unsigned, Rounding mode) {
  if (integer == 0) return zero<T>(false);
  const bool sign = !is_unsigned && static_cast<i64>(integer) < 0;
  const u64 mag = sign ? ~integer + 1 : integer;
  const int lead = std::countl_zero(mag);
  return round<T>(env, {sign, 63 - lead - fraction_bits, mag << lead}, mode);
}
template u16 from_fixed<u16>(FpEnv&, u64, int, bool, Rounding);
template u32 from_fixed<u32>(FpEnv&, u64, int, bool, Rounding);
template u64 from_fixed<u64>(FpEnv&, u64, int, bool, Rounding);

}  // namespace exact

template <Bits T>
u64 to_fixed(FpEnv& env, T v, int fraction_bits, bool is_unsigned, Rounding mode, int width) {
  const T x = flush_input(env, v);
  if (is_nan(x)) {
    raise(env, Fpsr::IOC);
    return 0;
  }
  Real value = real_of(x);
  value.exp += fraction_bits;
  const Integral i = is_infinity(x) ? Integral{0, false, true} : integral(value, mode);
  const bool sign = sign_of(x);
  const u64 most = is_unsigned ? (sign ? 0 : ones(width)) : ones(width - 1) + sign;  // largest magnitude of this sign
  if (i.huge || i.whole > most) {
    raise(env, Fpsr::IOC);
    return most;  // -2^(width-1) is its own magnitude
  }
  if (i.inexact) raise(env, Fpsr::IXC);
  return (sign ? ~i.whole + 1 : i.whole) & ones(width);
}
template u64 to_fixed<u16>(FpEnv&, u16, int, bool, Rounding, int);
template u64 to_fixed<u32>(FpEnv&, u32, int, bool, Rounding, int);
template u64 to_fixed<u64>(FpEnv&, u64, int, bool, Rounding, int);

template <Bits T>
T round_int(FpEnv& env, T v, Rounding mode, bool signal_inexact) {
  const T x = flush_input(env, v);
  if (is_nan(x)) return process_nan(env, x);
  if (exp_field(x) - Format<T>::bias >= Format<T>::frac_bits || is_zero(x)) return x;  // integral, or infinite
  const Integral i = integral(real_of(x), mode);
  if (i.inexact && signal_inexact) raise(env, Fpsr::IXC);
  return from_integral<T>(sign_of(x), i.whole);
}
template u16 round_int<u16>(FpEnv&, u16, Rounding, bool);
template u32 round_int<u32>(FpEnv&, u32, Rounding, bool);
template u64 round_int<u64>(FpEnv&, u64, Rounding, bool);

template <Bits T>
T round_int_n(FpEnv& env, T v, Rounding mode, int int_bits) {
  const T x = flush_input(env, v);
  const bool finite = !is_nan(x) && !is_infinity(x);
  const Integral i = finite ? integral(real_of(x), mode) : Integral{0, false, true};
  if (i.huge || i.whole > ones(int_bits - 1) + sign_of(x)) {
    raise(env, Fpsr::IOC);
    return from_integral<T>(true, u64{1} << (int_bits - 1));
  }
  if (i.inexact) raise(env, Fpsr::IXC);
  return from_integral<T>(sign_of(x), i.whole);
}
template u32 round_int_n<u32>(FpEnv&, u32, Rounding, int);
template u64 round_int_n<u64>(FpEnv&, u64, Rounding, int);

u64 to_int_js(FpEnv& env, u64 v) {
  constexpr u64 exact_flag = u64{1} << 32;
  const u64 x = flush_input(env, v);
  if (is_nan(x) || is_infinity(x)) {
    raise(env, Fpsr::IOC);
    return 0;
  }
  if (is_zero(x)) return v == 0 ? exact_flag : 0;  // neither -0 nor a flushed denormal is exact
  const Real r = real_of(x);
  const bool sign = sign_of(x);
  const Integral i = integral(r, Rounding::Zero);
  if (i.huge || i.whole > ones(31) + sign) {
    raise(env, Fpsr::IOC);
    // Modulo 2^32: a number of 2^84 or more has no bits that low.
    const u64 low = !i.huge ? i.whole : r.exp - 63 < 32 ? r.sig << (r.exp - 63) : 0;
    return static_cast<u32>(sign ? ~low + 1 : low);
  }
  if (i.inexact) raise(env, Fpsr::IXC);
  return static_cast<u32>(sign ? ~i.whole + 1 : i.whole) | (i.inexact ? 0 : exact_flag);
}

}  // namespace farside::fp
