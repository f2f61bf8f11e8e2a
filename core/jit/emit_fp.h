// core/jit/emit_fp.h - results that the host's floating-point unit must not be trusted with.
#pragma once
#include "core/jit/pure.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit::fp_check {

/// Leaves the fast path if a bit of `wrong` is set; the register is free afterwards.
inline void reject_any(PureCall& c, u8 wrong) {
  c.x.clobber_flags();
  c.kit.test_zero(wrong);
  c.kit.release(wrong);
  c.x.slow_if(Cc::NE);
}

/// Leaves the fast path if `value` has a NaN: in its low lane, or in any when `packed`. `wide`: double precision.
inline void reject_nan(PureCall& c, u8 value, bool packed, bool wide) {
  VectorKit& k = c.kit;
  if (packed) return reject_any(c, k.two(wide ? FARSIDE_VOP(C, c, mppd) : FARSIDE_VOP(C, c, mpps), value, value, 3));
  c.x.clobber_flags();
  const VectorOp op = wide ? FARSIDE_VOP(U, u, comisd) : FARSIDE_VOP(U, u, comiss);
  k.x86().emit(k.host().avx ? op.avx : op.sse, xmm(value), xmm(value));
  c.x.slow_if(Cc::P);
}

/// The same for NaNs and for plus or minus the least normal number.
inline void reject_least(PureCall& c, u8 value, bool packed, bool wide) {
  VectorKit& k = c.kit;
  const Constant least = wide ? Constant::Least64 : Constant::Least32;
  const u8 magnitude = k.two(lanes::kAnd, value, wide ? Constant::Abs64 : Constant::Abs32);
  if (!packed) {
    c.x.clobber_flags();
    const VectorOp op = wide ? FARSIDE_VOP(U, u, comisd) : FARSIDE_VOP(U, u, comiss);
    k.x86().emit(k.host().avx ? op.avx : op.sse, xmm(magnitude), k.address(least, wide ? 8 : 4));
    k.release(magnitude);
    return c.x.slow_if(Cc::E);  // equal, or unordered
  }
  const VectorOp compare = wide ? FARSIDE_VOP(C, c, mppd) : FARSIDE_VOP(C, c, mpps);
  if (k.host().avx) {
    k.x86().emit(compare.avx, xmm(magnitude), xmm(magnitude), k.address(least), 8);  // equal or unordered
  } else {
    const u8 nan = k.two(compare, magnitude, magnitude, 3);
    k.x86().emit(compare.sse, xmm(magnitude), k.address(least), 0);
    k.on(lanes::kOr, magnitude, nan);
    k.release(nan);
  }
  reject_any(c, magnitude);
}

/// The lanes of `a` rounded to integers, ties away from zero; leaves the fast path for NaNs and for large numbers, and
/// raises no flag.
u8 ties_away(PureCall& c, bool wide, u8 a);

}  // namespace farside::jit::fp_check
