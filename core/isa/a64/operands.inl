// core/isa/a64/operands.inl - shifted and extended register operands, which several groups use.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {

/// ShiftReg of the Arm ARM. `amount` is below the register width.
template <class X>
[[gnu::always_inline]] inline auto shift_reg(X& x, RegNo r, Imm<2> shift, Imm<6> amount, bool sf) {
  auto v = x.reg(r, sf);
  if (amount == 0) return v;
  switch (shift) {
    case 0: return x.lsl(v, x.imm(amount), sf);
    case 1: return x.lsr(v, x.imm(amount), sf);
    case 2: return x.asr(v, x.imm(amount), sf);
    default: return x.ror(v, x.imm(amount), sf);
  }
}

/// ExtendReg of the Arm ARM: UXTB..SXTX by `option`, then a left shift of 0..4.
template <class X>
[[gnu::always_inline]] inline auto extend_reg(X& x, RegNo r, Imm<3> option, unsigned shift, bool sf) {
  const unsigned from = 8u << (option & 3);
  auto v = x.reg(r, true);
  if (from < 64) v = option.bit(2) ? x.sext(v, from) : x.zext(v, from);
  return x.lsl(v, x.imm(shift), sf);
}

}  // namespace farside::isa::a64
