// core/isa/fp/convert.h - between formats, to and from integers and fixed point, and to integral values.
#pragma once
#include "core/isa/fp/host.h"
#include "core/isa/fp/real.h"

namespace farside::fp {

namespace exact {
template <Bits To, Bits From>
To convert(FpEnv& env, From v, Rounding mode);
template <Bits T>
T from_fixed(FpEnv& env, u64 integer, int fraction_bits, bool is_unsigned, Rounding mode);
}  // namespace exact

/// FPConvert with a rounding mode (FCVTXN: to odd); half precision follows FPCR.AHP and ignores FZ16.
template <Bits To, Bits From>
inline To convert(FpEnv& env, From v, Rounding mode) {
  if constexpr (sizeof(To) == 8 && sizeof(From) == 4) {
    if (host::is_plain(v)) [[likely]]
      return host::from_host(static_cast<double>(host::to_host(v)));
  } else if constexpr (sizeof(To) == 4 && sizeof(From) == 8) {
    if (mode == Rounding::TieEven && host::is_plain(v)) [[likely]] {
      const double wide = host::to_host(v);
      const float narrowed = static_cast<float>(wide);
      const u32 out = host::from_host(narrowed);
      if (host::is_safe_result(out) || is_zero(v)) [[likely]] {
        if (narrowed != wide) raise(env, Fpsr::IXC);
        return out;
      }
    }
  }
  return exact::convert<To, From>(env, v, mode);
}
/// FPConvert under FPCR.RMode.
template <Bits To, Bits From>
inline To convert(FpEnv& env, From v) {
  return convert<To, From>(env, v, rounding(env));
}

/// FPToFixed: v * 2^fraction_bits as an integer of `width` (16, 32 or 64) bits, saturated; the upper bits are 0.
template <Bits T>
u64 to_fixed(FpEnv& env, T v, int fraction_bits, bool is_unsigned, Rounding mode, int width);

/// FixedToFP: `integer` (sign- or zero-extended to 64 bits) / 2^fraction_bits.
template <Bits T>
inline T from_fixed(FpEnv& env, u64 integer, int fraction_bits, bool is_unsigned, Rounding mode) {
  if constexpr (host::Native<T>) {
    if (fraction_bits == 0 && mode == Rounding::TieEven) [[likely]] {
      using F = host::Float<T>;
      const u64 mag = is_unsigned || static_cast<i64>(integer) >= 0 ? integer : ~integer + 1;
      constexpr int spare = 63 - Format<T>::frac_bits;
      if (mag != 0 && std::countl_zero(mag) + std::countr_zero(mag) < spare) raise(env, Fpsr::IXC);
      return host::from_host(is_unsigned ? static_cast<F>(integer) : static_cast<F>(static_cast<i64>(integer)));
    }
  }
  return exact::from_fixed<T>(env, integer, fraction_bits, is_unsigned, mode);
}

/// FPRoundInt; `signal_inexact` is FRINTX's.
template <Bits T>
T round_int(FpEnv& env, T v, Rounding mode, bool signal_inexact);
/// FPRoundIntN (FRINT32X ... FRINT64Z): integral, or -2^(int_bits - 1) with IOC when it does not fit; T is u32 or u64.
template <Bits T>
T round_int_n(FpEnv& env, T v, Rounding mode, int int_bits);

/// FPToFixedJS (FJCVTZS): the integer modulo 2^32 in bits 31:0; bit 32 is the Z flag ("exact").
u64 to_int_js(FpEnv& env, u64 v);

}  // namespace farside::fp
