// core/isa/a64/alu_register.inl - semantics of shifted, extended, conditional and multiply forms; part of alu.inl.
#pragma once
#include "core/isa/a64/operands.inl"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

// Logical (shifted register).

template <class X>
Flow AND_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.and_(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf)));
  return Flow::Next;
}

template <class X>
Flow BIC_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.and_(x.reg(Rn, sf), x.not_(shift_reg(x, Rm, shift, imm6, sf), sf)));
  return Flow::Next;
}

template <class X>
Flow ORR_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.orr(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf)));
  return Flow::Next;
}

template <class X>
Flow ORN_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.orr(x.reg(Rn, sf), x.not_(shift_reg(x, Rm, shift, imm6, sf), sf)));
  return Flow::Next;
}

template <class X>
Flow EOR_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.eor(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf)));
  return Flow::Next;
}

template <class X>
Flow EON_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.eor(x.reg(Rn, sf), x.not_(shift_reg(x, Rm, shift, imm6, sf), sf)));
  return Flow::Next;
}

template <class X>
Flow ANDS_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  const auto result = x.and_(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf));
  x.logic_flags(result, sf);
  x.set_reg(Rd, sf, result);
  return Flow::Next;
}

template <class X>
Flow BICS_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!sf && imm6.bit(5)) [[unlikely]]
    return x.undefined();
  const auto result = x.and_(x.reg(Rn, sf), x.not_(shift_reg(x, Rm, shift, imm6, sf), sf));
  x.logic_flags(result, sf);
  x.set_reg(Rd, sf, result);
  return Flow::Next;
}

// Add/subtract (shifted register): no ROR.

constexpr bool add_shift_allocated(Imm<1> sf, Imm<2> shift, Imm<6> imm6) { return shift != 3 && (sf || !imm6.bit(5)); }

template <class X>
Flow ADD_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!add_shift_allocated(sf, shift, imm6)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.add(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf), sf));
  return Flow::Next;
}

template <class X>
Flow ADDS_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!add_shift_allocated(sf, shift, imm6)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.add_flags(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SUB_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!add_shift_allocated(sf, shift, imm6)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.sub(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SUBS_shift(X& x, Imm<1> sf, Imm<2> shift, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  if (!add_shift_allocated(sf, shift, imm6)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.sub_flags(x.reg(Rn, sf), shift_reg(x, Rm, shift, imm6, sf), sf));
  return Flow::Next;
}

// Add/subtract (extended register).

template <class X>
Flow ADD_ext(X& x, Imm<1> sf, RegNo Rm, Imm<3> option, Imm<3> imm3, RegNo Rn, RegNo Rd) {
  if (imm3 > 4) [[unlikely]]
    return x.undefined();
  x.set_reg_sp(Rd, sf, x.add(x.reg_sp(Rn, sf), extend_reg(x, Rm, option, imm3, sf), sf));
  return Flow::Next;
}

template <class X>
Flow ADDS_ext(X& x, Imm<1> sf, RegNo Rm, Imm<3> option, Imm<3> imm3, RegNo Rn, RegNo Rd) {
  if (imm3 > 4) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.add_flags(x.reg_sp(Rn, sf), extend_reg(x, Rm, option, imm3, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SUB_ext(X& x, Imm<1> sf, RegNo Rm, Imm<3> option, Imm<3> imm3, RegNo Rn, RegNo Rd) {
  if (imm3 > 4) [[unlikely]]
    return x.undefined();
  x.set_reg_sp(Rd, sf, x.sub(x.reg_sp(Rn, sf), extend_reg(x, Rm, option, imm3, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SUBS_ext(X& x, Imm<1> sf, RegNo Rm, Imm<3> option, Imm<3> imm3, RegNo Rn, RegNo Rd) {
  if (imm3 > 4) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.sub_flags(x.reg_sp(Rn, sf), extend_reg(x, Rm, option, imm3, sf), sf));
  return Flow::Next;
}

// Add/subtract (with carry).

template <class X>
Flow ADC(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.adc(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow ADCS(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.adc_flags(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SBC(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.sbc(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SBCS(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.sbc_flags(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

// FEAT_FlagM.

template <class X>
Flow RMIF(X& x, Imm<6> imm6, RegNo Rn, Imm<4> mask) {
  const u64 chosen = u64{mask} << 28;
  const auto rotated = x.lsl(x.ror(x.reg(Rn, true), x.imm(imm6), true), x.imm(28), true);
  x.set_nzcv(x.orr(x.and_(x.nzcv(), x.imm(~chosen)), x.and_(rotated, x.imm(chosen))));
  return Flow::Next;
}

/// N is the top bit of a `width`-bit value, Z its being zero, V whether the next bit differs from N; C stays.
template <class X>
Flow set_flags_of_part(X& x, RegNo Rn, unsigned width) {
  const auto value = x.reg(Rn, false);
  const auto n = x.lsr(x.and_(x.lsl(value, x.imm(64 - width), true), x.imm(u64{1} << 63)), x.imm(32), true);
  const auto next = x.eor(value, x.lsl(value, x.imm(1), true));
  const auto v = x.and_(x.lsl(x.lsr(next, x.imm(width), true), x.imm(28), true), x.imm(u64{1} << 28));
  const auto z = x.select(x.is_zero(x.zext(value, width), true), x.imm(u64{1} << 30), x.imm(0));
  const auto c = x.and_(x.nzcv(), x.imm(u64{1} << 29));
  x.set_nzcv(x.orr(x.orr(n, z), x.orr(c, v)));
  return Flow::Next;
}

template <class X>
Flow SETF8(X& x, RegNo Rn) {
  return set_flags_of_part(x, Rn, 8);
}

template <class X>
Flow SETF16(X& x, RegNo Rn) {
  return set_flags_of_part(x, Rn, 16);
}

// Conditional compare: the comparison's flags if the condition holds, else the immediate.

template <class X, class Compare>
Flow conditional_compare(X& x, Imm<4> cond, Imm<4> nzcv, Compare&& compare) {
  const auto holds = x.cond(static_cast<CondCode>(cond.raw));
  compare();
  x.set_nzcv(x.select(holds, x.nzcv(), x.imm(u64{nzcv} << 28)));
  return Flow::Next;
}

template <class X>
Flow CCMN_reg(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, Imm<4> nzcv) {
  return conditional_compare(x, cond, nzcv, [&] { x.add_flags(x.reg(Rn, sf), x.reg(Rm, sf), sf); });
}

template <class X>
Flow CCMP_reg(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, Imm<4> nzcv) {
  return conditional_compare(x, cond, nzcv, [&] { x.sub_flags(x.reg(Rn, sf), x.reg(Rm, sf), sf); });
}

template <class X>
Flow CCMN_imm(X& x, Imm<1> sf, Imm<5> imm5, Imm<4> cond, RegNo Rn, Imm<4> nzcv) {
  return conditional_compare(x, cond, nzcv, [&] { x.add_flags(x.reg(Rn, sf), x.imm(imm5), sf); });
}

template <class X>
Flow CCMP_imm(X& x, Imm<1> sf, Imm<5> imm5, Imm<4> cond, RegNo Rn, Imm<4> nzcv) {
  return conditional_compare(x, cond, nzcv, [&] { x.sub_flags(x.reg(Rn, sf), x.imm(imm5), sf); });
}

// Conditional select.

template <class X>
Flow CSEL(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.select(x.cond(static_cast<CondCode>(cond.raw)), x.reg(Rn, sf), x.reg(Rm, sf)));
  return Flow::Next;
}

template <class X>
Flow CSINC(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, RegNo Rd) {
  const auto other = x.add(x.reg(Rm, sf), x.imm(1), sf);
  x.set_reg(Rd, sf, x.select(x.cond(static_cast<CondCode>(cond.raw)), x.reg(Rn, sf), other));
  return Flow::Next;
}

template <class X>
Flow CSINV(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, RegNo Rd) {
  const auto other = x.not_(x.reg(Rm, sf), sf);
  x.set_reg(Rd, sf, x.select(x.cond(static_cast<CondCode>(cond.raw)), x.reg(Rn, sf), other));
  return Flow::Next;
}

template <class X>
Flow CSNEG(X& x, Imm<1> sf, RegNo Rm, Imm<4> cond, RegNo Rn, RegNo Rd) {
  const auto other = x.sub(x.imm(0), x.reg(Rm, sf), sf);
  x.set_reg(Rd, sf, x.select(x.cond(static_cast<CondCode>(cond.raw)), x.reg(Rn, sf), other));
  return Flow::Next;
}

// Data processing (3 source).

template <class X>
Flow MADD(X& x, Imm<1> sf, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.add(x.reg(Ra, sf), x.mul(x.reg(Rn, sf), x.reg(Rm, sf), sf), sf));
  return Flow::Next;
}

template <class X>
Flow MSUB(X& x, Imm<1> sf, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.sub(x.reg(Ra, sf), x.mul(x.reg(Rn, sf), x.reg(Rm, sf), sf), sf));
  return Flow::Next;
}

/// The 64-bit product of two signed words.
template <class X>
auto signed_long_product(X& x, RegNo Rn, RegNo Rm) {
  return x.mul(x.sext(x.reg(Rn, false), 32), x.sext(x.reg(Rm, false), 32), true);
}

template <class X>
Flow SMADDL(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.add(x.reg(Ra, true), signed_long_product(x, Rn, Rm), true));
  return Flow::Next;
}

template <class X>
Flow SMSUBL(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.sub(x.reg(Ra, true), signed_long_product(x, Rn, Rm), true));
  return Flow::Next;
}

template <class X>
Flow SMULH(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.smulh(x.reg(Rn, true), x.reg(Rm, true)));
  return Flow::Next;
}

template <class X>
Flow UMADDL(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.add(x.reg(Ra, true), x.mul(x.reg(Rn, false), x.reg(Rm, false), true), true));
  return Flow::Next;
}

template <class X>
Flow UMSUBL(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.sub(x.reg(Ra, true), x.mul(x.reg(Rn, false), x.reg(Rm, false), true), true));
  return Flow::Next;
}

template <class X>
Flow UMULH(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.umulh(x.reg(Rn, true), x.reg(Rm, true)));
  return Flow::Next;
}

}  // namespace farside::isa::a64
