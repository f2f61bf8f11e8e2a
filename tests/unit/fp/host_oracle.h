// tests/unit/fp/host_oracle.h - the host FPU under a chosen rounding mode, with the flags that it raised.
#pragma once
#include "core/arch/fp_env.h"

namespace farside::fp::test {

/// A result and IOC, DZC, OFC, UFC, IXC in FPSR's positions (underflow is the host's: tiny after rounding).
struct HostResult {
  u64 bits;
  u64 flags;
};
enum class HostOp { Add, Sub, Mul, Div, Sqrt, Fma, Narrow, Rint, FromI64, FromU64, FromI32, ToI64, ToI32 };

/// Operands and result are bit patterns of double (or single, when `single`); Narrow is double to single.
HostResult host_compute(HostOp op, bool single, Rounding mode, u64 a, u64 b, u64 c);

}  // namespace farside::fp::test
