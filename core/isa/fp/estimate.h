// core/isa/fp/estimate.h - the reciprocal and reciprocal square root estimates (8 bits of precision) and FRECPX.
#pragma once
#include "core/isa/fp/real.h"

namespace farside::fp {

/// RecipEstimate: `a` in 256..511 stands for a / 512; the result, in 256..511, for r / 256.
constexpr u32 recip_estimate_9bit(u32 a) {
  const u32 middle = a * 2 + 1;
  return ((u32{1} << 19) / middle + 1) / 2;
}
/// RecipSqrtEstimate: `a` in 128..511 stands for a / 512; the result, in 256..511, for r / 256.
constexpr u32 rsqrt_estimate_9bit(u32 a) {
  const u64 middle = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
  u64 b = 512;
  while (middle * (b + 1) * (b + 1) < (u64{1} << 28)) ++b;
  return static_cast<u32>((b + 1) / 2);
}

/// FPRecipEstimate (FRECPE).
template <Bits T>
T recip_estimate(FpEnv& env, T v);
/// FPRSqrtEstimate (FRSQRTE).
template <Bits T>
T rsqrt_estimate(FpEnv& env, T v);
/// FPRecpX (FRECPX): the exponent's complement.
template <Bits T>
T recip_exponent(FpEnv& env, T v);
/// UnsignedRecipEstimate and UnsignedRSqrtEstimate (URECPE, URSQRTE); FPCR plays no part.
u32 unsigned_recip_estimate(u32 v);
u32 unsigned_rsqrt_estimate(u32 v);

}  // namespace farside::fp
