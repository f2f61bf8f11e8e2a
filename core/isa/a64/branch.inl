// core/isa/a64/branch.inl - semantics of branches and exception generation.
#pragma once
#include "core/arch/esr.h"
#include "core/arch/sysreg.h"
#include "core/base/result.h"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

/// PC-relative target of an immediate branch.
template <class X, unsigned N>
u64 branch_target(X& x, Imm<N> imm) {
  return x.fixed_pc() + (static_cast<u64>(imm.sext()) << 2);
}

// Immediate.

template <class X>
Flow B(X& x, Imm<26> imm26) {
  return x.jump(x.imm(branch_target(x, imm26)));
}

template <class X>
Flow BL(X& x, Imm<26> imm26) {
  x.set_reg(RegNo{30}, true, x.imm(x.fixed_pc() + 4));
  return x.jump(x.imm(branch_target(x, imm26)));
}

template <class X>
Flow B_cond(X& x, Imm<19> imm19, Imm<4> cond) {
  return x.branch_if(x.cond(static_cast<CondCode>(cond.raw)), branch_target(x, imm19));
}

template <class X>
Flow CBZ(X& x, Imm<1> sf, Imm<19> imm19, RegNo Rt) {
  return x.branch_if(x.is_zero(x.reg(Rt, sf), sf), branch_target(x, imm19));
}

template <class X>
Flow CBNZ(X& x, Imm<1> sf, Imm<19> imm19, RegNo Rt) {
  return x.branch_if(x.not_cond(x.is_zero(x.reg(Rt, sf), sf)), branch_target(x, imm19));
}

template <class X>
Flow TBZ(X& x, Imm<1> b5, Imm<5> b40, Imm<14> imm14, RegNo Rt) {
  return x.branch_if(x.not_cond(x.test_bit(x.reg(Rt, true), b5 << 5 | b40)), branch_target(x, imm14));
}

template <class X>
Flow TBNZ(X& x, Imm<1> b5, Imm<5> b40, Imm<14> imm14, RegNo Rt) {
  return x.branch_if(x.test_bit(x.reg(Rt, true), b5 << 5 | b40), branch_target(x, imm14));
}

// Register. BTYPE after BR depends on whether it sits in a guarded page and on its register (BTypeNext).

template <class X>
unsigned br_btype(X& x, RegNo Rn) {
  return x.guarded_page() && Rn != 16 && Rn != 17 ? 3 : 1;
}

template <class X>
Flow BR(X& x, RegNo Rn) {
  return x.jump_indirect(x.reg(Rn, true), br_btype(x, Rn));
}

template <class X>
Flow BLR(X& x, RegNo Rn) {
  auto target = x.reg(Rn, true);  // read before X30 is written: BLR X30 is legal
  x.set_reg(RegNo{30}, true, x.imm(x.fixed_pc() + 4));
  return x.jump_indirect(target, 2);
}

template <class X>
Flow RET(X& x, RegNo Rn) {
  return x.jump_indirect(x.reg(Rn, true), 0);
}

template <class X>
Flow BRAA(X& x, Imm<1> M, RegNo Rn, RegNo Rm) {
  auto target = TRY(x.auth_pac(x.reg(Rn, true), x.reg_sp(Rm, true), M ? PacKey::IB : PacKey::IA));
  return x.jump_indirect(target, br_btype(x, Rn));
}

template <class X>
Flow BRAAZ(X& x, Imm<1> M, RegNo Rn) {
  auto target = TRY(x.auth_pac(x.reg(Rn, true), x.imm(0), M ? PacKey::IB : PacKey::IA));
  return x.jump_indirect(target, br_btype(x, Rn));
}

template <class X>
Flow BLRAA(X& x, Imm<1> M, RegNo Rn, RegNo Rm) {
  auto target = TRY(x.auth_pac(x.reg(Rn, true), x.reg_sp(Rm, true), M ? PacKey::IB : PacKey::IA));
  x.set_reg(RegNo{30}, true, x.imm(x.fixed_pc() + 4));
  return x.jump_indirect(target, 2);
}

template <class X>
Flow BLRAAZ(X& x, Imm<1> M, RegNo Rn) {
  auto target = TRY(x.auth_pac(x.reg(Rn, true), x.imm(0), M ? PacKey::IB : PacKey::IA));
  x.set_reg(RegNo{30}, true, x.imm(x.fixed_pc() + 4));
  return x.jump_indirect(target, 2);
}

template <class X>
Flow RETAA(X& x, Imm<1> M) {
  auto target = TRY(x.auth_pac(x.reg(RegNo{30}, true), x.reg_sp(RegNo{31}, true), M ? PacKey::IB : PacKey::IA));
  return x.jump_indirect(target, 0);
}

/// ERET and its authenticating forms; UNDEFINED at EL0.
template <class X>
Flow ERET(X& x) {
  return x.call_pe([](auto& pe) {
    if (pe.el() == El::EL0) {
      pe.raise(Ec::UNKNOWN, 0);
      return Flow::Raise;
    }
    pe.exception_return();
    return Flow::SyncJump;
  });
}

template <class X>
Flow ERETAA(X& x, Imm<1> M) {
  return x.call_pe(
      [](auto& pe, bool b_key) {
        if (pe.el() == El::EL0) {
          pe.raise(Ec::UNKNOWN, 0);
          return Flow::Raise;
        }
        u64 target = pe.s.sys[pe.el() == El::EL2 ? SysReg::ELR_EL2 : SysReg::ELR_EL1];
        if (!pe.auth_pac(target, pe.s.sp, b_key ? PacKey::IB : PacKey::IA)) return Flow::Raise;
        pe.exception_return(target);
        return Flow::SyncJump;
      },
      M.bit(0));
}

/// Debug state only: UNDEFINED otherwise.
template <class X>
Flow DRPS(X& x) {
  return x.undefined();
}

// Exception generation. True from the PE: the call was answered and execution goes on.

template <class X>
Flow SVC(X& x, Imm<16> imm16) {
  return x.call_pe([](auto& pe, u16 imm) { return pe.supervisor_call(imm) ? Flow::Sync : Flow::Raise; },
                   static_cast<u16>(imm16.raw));
}

template <class X>
Flow HVC(X& x, Imm<16> imm16) {
  return x.call_pe([](auto& pe, u16 imm) { return pe.hypervisor_call(imm) ? Flow::Sync : Flow::Raise; },
                   static_cast<u16>(imm16.raw));
}

template <class X>
Flow SMC(X& x, Imm<16> imm16) {
  return x.call_pe([](auto& pe, u16 imm) { return pe.secure_monitor_call(imm) ? Flow::Sync : Flow::Raise; },
                   static_cast<u16>(imm16.raw));
}

template <class X>
Flow BRK(X& x, Imm<16> imm16) {
  return x.call_pe([](auto& pe, u16 imm) { return pe.breakpoint_instruction(imm) ? Flow::Sync : Flow::Raise; },
                   static_cast<u16>(imm16.raw));
}

template <class X>
Flow HLT(X& x, Imm<16> imm16) {
  return x.call_pe(
      [](auto& pe, u16 imm) {
        bool again;
        if (!pe.halt_instruction(imm, again)) return Flow::Raise;
        return again ? Flow::SyncJump : Flow::Sync;
      },
      static_cast<u16>(imm16.raw));
}

template <class X>
Flow UDF(X& x, Imm<16>) {
  return x.undefined();
}

}  // namespace farside::isa::a64
