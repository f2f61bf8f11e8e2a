// core/isa/fp/arith.h - FPAdd, FPSub, FPMul, FPMulX, FPDiv, FPSqrt, FPMulAdd and the Newton steps.
#pragma once
#include "core/isa/fp/host.h"
#include "core/isa/fp/real.h"

namespace farside::fp {

/// The architecture's pseudocode on exact significands, for every case; instantiated for u16, u32 and u64.
namespace exact {
template <Bits T>
T add(FpEnv& env, T a, T b, bool subtract);
template <Bits T>
T mul(FpEnv& env, T a, T b);
template <Bits T>
T div(FpEnv& env, T a, T b);
template <Bits T>
T sqrt(FpEnv& env, T a);
template <Bits T>
T mul_add(FpEnv& env, T addend, T a, T b);
}  // namespace exact

/// FPAdd.
template <Bits T>
inline T add(FpEnv& env, T a, T b) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::add(env, a, b, out)) [[likely]]
      return out;
  }
  return exact::add(env, a, b, false);
}
/// FPSub: a NaN operand keeps its sign.
template <Bits T>
inline T sub(FpEnv& env, T a, T b) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::add(env, a, neg(b), out)) [[likely]]
      return out;
  }
  return exact::add(env, a, b, true);
}
/// FPMul.
template <Bits T>
inline T mul(FpEnv& env, T a, T b) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::mul(env, a, b, out)) [[likely]]
      return out;
  }
  return exact::mul(env, a, b);
}
/// FNMUL: FPNeg(FPMul()), which also changes the sign of a NaN result.
template <Bits T>
inline T neg_mul(FpEnv& env, T a, T b) {
  return neg(mul(env, a, b));
}
/// FPDiv.
template <Bits T>
inline T div(FpEnv& env, T a, T b) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::div(env, a, b, out)) [[likely]]
      return out;
  }
  return exact::div(env, a, b);
}
/// FPSqrt.
template <Bits T>
inline T sqrt(FpEnv& env, T a) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::sqrt(env, a, out)) [[likely]]
      return out;
  }
  return exact::sqrt(env, a);
}
/// FPMulAdd: addend + a * b, rounded once.
template <Bits T>
inline T mul_add(FpEnv& env, T addend, T a, T b) {
  if constexpr (host::Native<T>) {
    T out;
    if (host::mul_add(env, addend, a, b, out)) [[likely]]
      return out;
  }
  return exact::mul_add(env, addend, a, b);
}
/// addend - a * b as FMSUB and FMLS have it: FPMulAdd(addend, FPNeg(a), b).
template <Bits T>
inline T mul_sub(FpEnv& env, T addend, T a, T b) {
  return mul_add(env, addend, neg(a), b);
}
/// FNMADD: -addend - a * b.
template <Bits T>
inline T neg_mul_add(FpEnv& env, T addend, T a, T b) {
  return mul_add(env, neg(addend), neg(a), b);
}
/// FNMSUB: -addend + a * b.
template <Bits T>
inline T neg_mul_sub(FpEnv& env, T addend, T a, T b) {
  return mul_add(env, neg(addend), a, b);
}
/// FABD: FPAbs(FPSub()).
template <Bits T>
inline T abs_diff(FpEnv& env, T a, T b) {
  return abs(sub(env, a, b));
}

/// FPMulX: as FPMul, but zero times infinity is 2.
template <Bits T>
T mul_extended(FpEnv& env, T a, T b);
/// FPRecipStepFused: 2 - a * b.
template <Bits T>
T recip_step(FpEnv& env, T a, T b);
/// FPRSqrtStepFused: (3 - a * b) / 2.
template <Bits T>
T rsqrt_step(FpEnv& env, T a, T b);
/// FPMulAddH: single-precision addend + half-precision a * b (FMLAL, FMLSL).
u32 mul_add_half(FpEnv& env, u32 addend, u16 a, u16 b);

}  // namespace farside::fp
