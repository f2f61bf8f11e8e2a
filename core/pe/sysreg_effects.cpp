// core/pe/sysreg_effects.cpp - what reading and writing a system register means beyond its storage.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

/// HCR_EL2 bits that translation depends on.
constexpr u64 kTranslationBits = Hcr::VM.mask | Hcr::DC.mask | Hcr::TGE.mask | Hcr::E2H.mask | u64{1} << 2 /* PTW */ |
                                 u64{3} << 32 /* CD, ID */ | u64{1} << 46 /* FWB */;

/// With E2H, EL1 names at EL2 mean the EL2 registers.
std::optional<SysReg> el2_twin(SysReg reg) {
  switch (reg) {
    case SysReg::SCTLR_EL1: return SysReg::SCTLR_EL2;
    case SysReg::CPACR_EL1: return SysReg::CPTR_EL2;
    case SysReg::TTBR0_EL1: return SysReg::TTBR0_EL2;
    case SysReg::TTBR1_EL1: return SysReg::TTBR1_EL2;
    case SysReg::TCR_EL1: return SysReg::TCR_EL2;
    case SysReg::AFSR0_EL1: return SysReg::AFSR0_EL2;
    case SysReg::AFSR1_EL1: return SysReg::AFSR1_EL2;
    case SysReg::ESR_EL1: return SysReg::ESR_EL2;
    case SysReg::FAR_EL1: return SysReg::FAR_EL2;
    case SysReg::MAIR_EL1: return SysReg::MAIR_EL2;
    case SysReg::AMAIR_EL1: return SysReg::AMAIR_EL2;
    case SysReg::VBAR_EL1: return SysReg::VBAR_EL2;
    case SysReg::CONTEXTIDR_EL1: return SysReg::CONTEXTIDR_EL2;
    case SysReg::CNTKCTL_EL1: return SysReg::CNTHCTL_EL2;
    case SysReg::SPSR_EL1: return SysReg::SPSR_EL2;
    case SysReg::ELR_EL1: return SysReg::ELR_EL2;
    case SysReg::CNTP_TVAL_EL0: return SysReg::CNTHP_TVAL_EL2;
    case SysReg::CNTP_CTL_EL0: return SysReg::CNTHP_CTL_EL2;
    case SysReg::CNTP_CVAL_EL0: return SysReg::CNTHP_CVAL_EL2;
    case SysReg::CNTV_TVAL_EL0: return SysReg::CNTHV_TVAL_EL2;
    case SysReg::CNTV_CTL_EL0: return SysReg::CNTHV_CTL_EL2;
    case SysReg::CNTV_CVAL_EL0: return SysReg::CNTHV_CVAL_EL2;
    default: return std::nullopt;
  }
}

/// The register behind an op1 = 5 alias (SCTLR_EL12 ... CNTP_CTL_EL02), which exists only for a VHE host.
std::optional<SysReg> el12_alias(SysRegEncoding e) {
  const bool timer = sysreg_crn(e) == 14 && sysreg_crm(e) >= 2;
  const auto reg =
      find_sysreg(encode_sysreg(sysreg_op0(e), timer ? 3 : 0, sysreg_crn(e), sysreg_crm(e), sysreg_op2(e)));
  return reg && el2_twin(*reg) ? reg : std::nullopt;
}

}  // namespace

std::optional<SysReg> Pe::redirect(SysRegEncoding e) const {
  const auto reg = find_sysreg(e);
  const bool timer_of_el0 = el() == El::EL0 && reg && sysreg_info(*reg).kind == SysRegKind::Timer;
  if (!has(Hcr::E2H.mask) || (el() != El::EL2 && !timer_of_el0)) [[likely]]
    return reg;
  if (timer_of_el0) return at_e2h(El::EL0) ? el2_twin(*reg) : reg;  // EL0 under a VHE host uses the host's timers
  if (reg) return el2_twin(*reg).value_or(*reg);
  return sysreg_op1(e) == 5 ? el12_alias(e) : std::nullopt;
}

u64 Pe::read_special(SysReg reg, SysRegKind kind) {
  const bool guest = features().el2 && el() == El::EL1;
  switch (kind) {
    case SysRegKind::Identity:
      if (guest && reg == SysReg::MIDR_EL1) return s.sys[SysReg::VPIDR_EL2];
      if (guest && reg == SysReg::MPIDR_EL1) return s.sys[SysReg::VMPIDR_EL2];
      return s.sys[reg];
    case SysRegKind::CacheId: {
      const u64 select = s.sys[SysReg::CSSELR_EL1], level = select >> 1;
      if (level == 0) return cpu_.ccsidr[select & 1];
      return level <= 2 && (select & 1) == 0 ? cpu_.ccsidr[level + 1] : 0;
    }
    case SysRegKind::Dczid: {
      const bool prohibited = (el() == El::EL0 && (sctlr() & Sctlr::DZE.mask) == 0) ||
                              (el() != El::EL2 && has(Hcr::TDZ.mask) && !at_e2h(el()));
      return s.sys[reg] | u64{prohibited} << 4;
    }
    case SysRegKind::Isr: return isr();
    case SysRegKind::Pstate: return read_pstate_register(reg);
    case SysRegKind::Random:
      s.nzcv = 0;  // Z = 1 would say that no entropy was there in time
      return ports.entropy != nullptr ? ports.entropy->next() : chance.next();
    case SysRegKind::Disr: return s.sys[guest && has(Hcr::AMO.mask) ? SysReg::VDISR_EL2 : reg];
    case SysRegKind::Counter: return read_counter(reg);
    case SysRegKind::Timer: return read_timer(reg);
    case SysRegKind::Pmu: return read_pmu(reg);
    case SysRegKind::DebugClaim: return reg == SysReg::DBGCLAIMSET_EL1 ? 0xff : s.sys[SysReg::DBGCLAIMCLR_EL1];
    case SysRegKind::Icc: return ports.icc != nullptr ? ports.icc->read(index_, sysreg_info(reg).encoding) : 0;
    default: return s.sys[reg];
  }
}

/// Keeps the writable bits, forces RES1, drops RES0.
void Pe::store_legal(SysReg reg, u64 value) {
  s.sys[reg] = (value & sysreg_writable(reg, features())) | sysreg_res1(reg, features(), has(Hcr::E2H.mask));
}

void Pe::write_special(SysReg reg, SysRegKind kind, u64 value) {
  const u64 before = s.sys[reg];
  switch (kind) {
    case SysRegKind::Pstate: return write_pstate_register(reg, value);
    case SysRegKind::Timer: return write_timer(reg, value);
    case SysRegKind::Pmu: return write_pmu(reg, value);
    case SysRegKind::Disr:
      s.sys[el() == El::EL1 && has(Hcr::AMO.mask) ? SysReg::VDISR_EL2 : reg] = value & sysreg_info(reg).writable;
      return;
    case SysRegKind::DebugClaim: {
      u64& claim = s.sys[SysReg::DBGCLAIMCLR_EL1];
      claim = reg == SysReg::DBGCLAIMSET_EL1 ? claim | (value & 0xff) : claim & ~value;
      return;
    }
    case SysRegKind::Icc:
      if (ports.icc != nullptr) ports.icc->write(index_, sysreg_info(reg).encoding, value);
      return;
    default: store_legal(reg, value);
  }
  const u64 changed = before ^ s.sys[reg];
  switch (kind) {
    case SysRegKind::Translation:
      if (changed != 0) translation_changed();
      break;
    case SysRegKind::Ttbr:
      if (changed != 0) ttbr_changed();
      break;
    case SysRegKind::Hypervisor:
      if ((changed & kTranslationBits) != 0) translation_changed();
      update_fp_trap();
      debug_changed();
      break;
    case SysRegKind::FpTrap: update_fp_trap(); break;
    case SysRegKind::Debug:
      if (reg == SysReg::OSLAR_EL1) {
        os_locked_ = (value & 1) != 0;
        s.sys[SysReg::OSLSR_EL1] = with_bits(s.sys[SysReg::OSLSR_EL1], 1, 1, os_locked_);
      }
      if (reg == SysReg::MDCR_EL2) update_pmu(), pmu_changed();
      debug_changed();
      break;
    case SysRegKind::Breakpoint:
    case SysRegKind::Watchpoint: debug_changed(); break;
    default: break;
  }
}

u64 Pe::read_pstate_register(SysReg reg) const {
  const Pstate p = s.pstate;
  switch (reg) {
    case SysReg::SP_EL0: return p[Pstate::SP] ? s.sp_bank[0] : s.sp;
    case SysReg::SP_EL1: return p[Pstate::SP] && el() == El::EL1 ? s.sp : s.sp_bank[1];
    case SysReg::SPSel: return p.raw & Pstate::SP.mask;
    case SysReg::CurrentEL: return p.raw & Pstate::EL.mask;
    case SysReg::PAN: return p.raw & Pstate::PAN.mask;
    case SysReg::UAO: return p.raw & Pstate::UAO.mask;
    case SysReg::NZCV: return s.nzcv;
    case SysReg::DAIF: return p.raw & Pstate::DAIF.mask;
    case SysReg::DIT: return p.raw & Pstate::DIT.mask;
    case SysReg::SSBS: return p.raw & Pstate::SSBS.mask;
    case SysReg::FPCR: return s.fp.fpcr.raw;
    case SysReg::FPSR: return s.fp.fpsr.raw;
    default: return s.sys[reg];
  }
}

void Pe::write_pstate_register(SysReg reg, u64 value) {
  const auto replace = [&](u64 mask) { s.pstate = Pstate::of((s.pstate.raw & ~mask) | (value & mask)); };
  switch (reg) {
    case SysReg::SP_EL0: (s.pstate[Pstate::SP] ? s.sp_bank[0] : s.sp) = value; break;
    case SysReg::SP_EL1: (s.pstate[Pstate::SP] && el() == El::EL1 ? s.sp : s.sp_bank[1]) = value; break;
    case SysReg::SPSel: replace_pstate(s.pstate.with(Pstate::SP, (value & 1) != 0)); break;
    case SysReg::PAN:
      replace(Pstate::PAN.mask);
      context_changed();
      break;
    case SysReg::UAO:
      replace(Pstate::UAO.mask);
      context_changed();
      break;
    case SysReg::NZCV: s.nzcv = value & Pstate::NZCV.mask; break;
    case SysReg::DAIF: {
      const bool debug = ((s.pstate.raw ^ value) & Pstate::D.mask) != 0;
      replace(Pstate::DAIF.mask);
      if (debug) debug_changed();
      break;
    }
    case SysReg::DIT: replace(Pstate::DIT.mask); break;
    case SysReg::SSBS: replace(Pstate::SSBS.mask); break;
    case SysReg::FPCR:
      s.fp.fpcr.raw = value & (Fpcr::AHP.mask | Fpcr::DN.mask | Fpcr::FZ.mask | Fpcr::RMode.mask |
                               (features().FP16 ? Fpcr::FZ16.mask : 0));
      break;
    case SysReg::FPSR: s.fp.fpsr.raw = value & 0x0800009f; break;
    default: break;
  }
}

bool Pe::write_pstate_field(unsigned op1, unsigned op2, u64 imm) {
  const auto field = [&](SysReg reg, bool present, unsigned lo) {
    if (!present || (op1 == 0 && el() == El::EL0)) {
      raise(Ec::UNKNOWN, 0);
      return false;
    }
    write_pstate_register(reg, (imm & 1) << lo);
    return true;
  };
  switch (op1 << 3 | op2) {
    case 003: return field(SysReg::UAO, features().UAO, Pstate::UAO.lo);
    case 004: return field(SysReg::PAN, features().PAN, Pstate::PAN.lo);
    case 005: return field(SysReg::SPSel, true, 0);
    case 031: return field(SysReg::SSBS, features().SSBS2, Pstate::SSBS.lo);
    case 032: return field(SysReg::DIT, features().DIT, Pstate::DIT.lo);
    case 036:    // DAIFSet
    case 037: {  // DAIFClr
      if (el() == El::EL0 && (sctlr() & Sctlr::UMA.mask) == 0)
        return !trap_to(El::EL1, encode_sysreg(0, op1, 4, static_cast<unsigned>(imm), op2), false, 31);
      const u64 mask = imm << Pstate::DAIF.lo, now = s.pstate.raw;
      write_pstate_register(SysReg::DAIF, op2 == 6 ? now | mask : now & ~mask);
      return true;
    }
    default: raise(Ec::UNKNOWN, 0); return false;
  }
}

}  // namespace farside::pe
