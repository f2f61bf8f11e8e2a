// core/jit/host_fp.h - MXCSR stands for FPCR while translated code computes, and its flags are moved to FPSR after it.
#pragma once
#include <immintrin.h>

#include "core/arch/fp_env.h"

namespace farside::jit::host_fp {

/// All exceptions masked, nearest-even, nothing flushed: what C++ expects.
constexpr u32 kDefault = 0x1f80;

/// Whether x86 computes as FPCR asks; flushing raises other flags there, and half precision has one format.
constexpr bool serves(const Fpcr& fpcr) { return !fpcr[Fpcr::FZ] && !fpcr[Fpcr::FZ16] && !fpcr[Fpcr::AHP]; }

/// MXCSR with FPCR's rounding mode and no flags.
constexpr u32 mxcsr(const Fpcr& fpcr) {
  constexpr u32 kMode[] = {0, 2, 1, 3};  // nearest, up, down, to zero
  return kDefault | kMode[static_cast<u32>(fpcr[Fpcr::RMode])] << 13;
}

/// FPSR gains the flags that MXCSR has collected; "denormal operand" is no flag of Arm's without FZ.
inline void collect(FpEnv& env) {
  const u32 flags = _mm_getcsr();
  env.fpsr.raw |= (flags & 1)               // invalid, IOC
                  | (flags >> 2 & 1) << 1   // division by zero, DZC
                  | (flags >> 3 & 1) << 2   // overflow, OFC
                  | (flags >> 4 & 1) << 3   // underflow, UFC
                  | (flags >> 5 & 1) << 4;  // inexact, IXC
}

}  // namespace farside::jit::host_fp
