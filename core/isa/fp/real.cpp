// core/isa/fp/real.cpp - FPRound in all formats, and exact addition.
#include "core/isa/fp/real.h"

namespace farside::fp {
namespace {

/// What rounding drops, as a fraction of the last kept bit.
enum class Error : u8 { None, BelowHalf, Half, AboveHalf };

struct Kept {
  u64 mantissa;
  Error error;
};

/// Splits `sig` at bit `shift` (at least 1).
Kept split(u64 sig, int shift) {
  if (shift > 64) return {0, sig == 0 ? Error::None : Error::BelowHalf};
  const u64 kept = shift == 64 ? 0 : sig >> shift;
  const u64 dropped = sig << (64 - shift);
  constexpr u64 half = u64{1} << 63;
  if (dropped == 0) return {kept, Error::None};
  return {kept, dropped < half ? Error::BelowHalf : dropped == half ? Error::Half : Error::AboveHalf};
}

bool rounds_up(const Kept& kept, bool sign, Rounding mode) {
  switch (mode) {
    case Rounding::TieEven: return kept.error == Error::AboveHalf || (kept.error == Error::Half && (kept.mantissa & 1));
    case Rounding::TieAway: return kept.error >= Error::Half;
    case Rounding::PlusInf: return kept.error != Error::None && !sign;
    case Rounding::MinusInf: return kept.error != Error::None && sign;
    case Rounding::Zero:
    case Rounding::Odd: return false;
  }
  return false;
}

bool overflows_to_infinity(bool sign, Rounding mode) {
  switch (mode) {
    case Rounding::PlusInf: return !sign;
    case Rounding::MinusInf: return sign;
    case Rounding::Zero:
    case Rounding::Odd: return false;
    default: return true;
  }
}

/// FPRoundBase after its flush to zero. `alternative` is the half-precision format without infinities and NaNs.
template <Bits T>
T round_base(FpEnv& env, const Real& value, Rounding mode, bool alternative) {
  using F = Format<T>;
  if (value.sig == 0) return zero<T>(value.sign);
  int biased = value.exp - F::min_exp + 1;
  int shift = 63 - F::frac_bits;
  if (biased <= 0) {  // denormal: the exponent stays, the significand moves down
    shift += 1 - biased;
    biased = 0;
  }
  Kept kept = split(value.sig, shift);
  if (biased == 0 && kept.error != Error::None) raise(env, Fpsr::UFC);
  if (rounds_up(kept, value.sign, mode)) {
    ++kept.mantissa;
    if (kept.mantissa == u64{1} << F::frac_bits && biased == 0) biased = 1;  // a denormal became the least normal
    if (kept.mantissa == u64{2} << F::frac_bits) {
      kept.mantissa >>= 1;
      ++biased;
    }
  }
  if (mode == Rounding::Odd && kept.error != Error::None) kept.mantissa |= 1;
  if (alternative && biased > F::exp_ones) {  // no inexact: the operation is invalid instead
    raise(env, Fpsr::IOC);
    return static_cast<T>(zero<T>(value.sign) | magnitude(static_cast<T>(~T{0})));
  }
  if (!alternative && biased >= F::exp_ones) {
    raise(env, Fpsr::OFC);
    raise(env, Fpsr::IXC);
    return overflows_to_infinity(value.sign, mode) ? infinity<T>(value.sign) : max_normal<T>(value.sign);
  }
  if (kept.error != Error::None) raise(env, Fpsr::IXC);
  return with_sign<T>(value.sign,
                      static_cast<T>((static_cast<u64>(biased) << F::frac_bits) | (kept.mantissa & F::frac_mask)));
}

}  // namespace

Real narrow(const Wide& w) {
  if (w.sig == 0) return {w.sign, 0, 0};
  return {w.sign, w.exp, static_cast<u64>(shift_right_jam<u128>(w.sig, 63))};
}

Real add(const Wide& a, const Wide& b, Rounding mode) {
  if (a.sig == 0 && b.sig == 0) return {a.sign == b.sign ? a.sign : mode == Rounding::MinusInf, 0, 0};
  if (a.sig == 0) return narrow(b);
  if (b.sig == 0) return narrow(a);
  const bool swap = b.exp > a.exp || (b.exp == a.exp && b.sig > a.sig);
  const Wide& big = swap ? b : a;
  const Wide& small = swap ? a : b;
  const u128 aligned = shift_right_jam<u128>(small.sig, big.exp - small.exp);
  u128 sum = big.sign == small.sign ? big.sig + aligned : big.sig - aligned;
  if (sum == 0) return {mode == Rounding::MinusInf, 0, 0};
  const u64 high = static_cast<u64>(sum >> 64);
  const int lead = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<u64>(sum));
  sum <<= lead;
  return {big.sign, big.exp + 1 - lead, static_cast<u64>(shift_right_jam<u128>(sum, 64))};
}

template <Bits T>
T round(FpEnv& env, const Real& value, Rounding mode, bool flush) {
  if (flush && value.sig != 0 && value.exp < Format<T>::min_exp) {
    raise(env, Fpsr::UFC);
    return zero<T>(value.sign);
  }
  return round_base<T>(env, value, mode, false);
}
template u16 round<u16>(FpEnv&, const Real&, Rounding, bool);
template u32 round<u32>(FpEnv&, const Real&, Rounding, bool);
template u64 round<u64>(FpEnv&, const Real&, Rounding, bool);

u16 round_alternative_half(FpEnv& env, const Real& value, Rounding mode) {
  return round_base<u16>(env, value, mode, true);
}

}  // namespace farside::fp
