// core/pe/sysreg_trap.cpp - which control bits send a register access to EL1 or to EL2, group by group.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

u64 iss_for(SysRegEncoding e, bool read, unsigned rt) {
  return IssSys{}
      .with(IssSys::Op0, u64{sysreg_op0(e)})
      .with(IssSys::Op1, u64{sysreg_op1(e)})
      .with(IssSys::CRn, u64{sysreg_crn(e)})
      .with(IssSys::CRm, u64{sysreg_crm(e)})
      .with(IssSys::Op2, u64{sysreg_op2(e)})
      .with(IssSys::Rt, u64{rt})
      .with(IssSys::Direction, read)
      .raw;
}

constexpr u64 kPmuserenrEn = 1, kPmuserenrSw = 2, kPmuserenrCr = 4, kPmuserenrEr = 8;

}  // namespace

/// Raises the EC 0x18 trap; always true, for `return trap_to(...)`.
bool Pe::trap_to(El target, SysRegEncoding e, bool read, unsigned rt) {
  raise(Ec::SYS64, iss_for(e, read, rt), 0, target);
  return true;
}

/// EL0 accesses that the OS has not opened: CNTKCTL_EL1, or CNTHCTL_EL2 under a VHE host (same low bits).
bool Pe::counter_closed_to_el0(TrapGroup group) const {
  const Cntkctl c = Cntkctl::of(s.sys[at_e2h(El::EL0) ? SysReg::CNTHCTL_EL2 : SysReg::CNTKCTL_EL1]);
  switch (group) {
    case TrapGroup::CNTFRQ: return !c[Cntkctl::EL0PCTEN] && !c[Cntkctl::EL0VCTEN];
    case TrapGroup::CNTPCT: return !c[Cntkctl::EL0PCTEN];
    case TrapGroup::CNTVCT: return !c[Cntkctl::EL0VCTEN];
    case TrapGroup::CNTP: return !c[Cntkctl::EL0PTEN];
    default: return !c[Cntkctl::EL0VTEN];
  }
}

/// EL1 and EL0 accesses to the physical counter and timer that CNTHCTL_EL2 keeps for EL2.
bool Pe::counter_closed_to_el1(TrapGroup group) const {
  if (at_e2h(el())) return false;
  const Cnthctl c = Cnthctl::of(s.sys[SysReg::CNTHCTL_EL2]);
  const bool e2h = has(Hcr::E2H.mask);
  if (group == TrapGroup::CNTPCT) return e2h ? !c[Cnthctl::EL1PCTEN_E2H] : !c[Cnthctl::EL1PCTEN];
  if (group == TrapGroup::CNTP) return e2h ? !c[Cnthctl::EL1PTEN_E2H] : !c[Cnthctl::EL1PCEN];
  return false;
}

/// EL0 accesses that the OS has not opened, to EL1 (or to EL2 with TGE).
bool Pe::closed_to_el0(TrapGroup group, bool read) const {
  const Sctlr control = Sctlr::of(sctlr());
  const u64 user = s.sys[SysReg::PMUSERENR_EL0];
  switch (group) {
    case TrapGroup::CTR: return !control[Sctlr::UCT];
    case TrapGroup::DAIF: return !control[Sctlr::UMA];
    case TrapGroup::CNTFRQ:
    case TrapGroup::CNTPCT:
    case TrapGroup::CNTVCT:
    case TrapGroup::CNTP:
    case TrapGroup::CNTV: return counter_closed_to_el0(group);
    case TrapGroup::PMU:
    case TrapGroup::PMCR: return (user & kPmuserenrEn) == 0;
    case TrapGroup::PMSWINC: return (user & (kPmuserenrEn | kPmuserenrSw)) == 0;
    case TrapGroup::PMCC: return (user & (kPmuserenrEn | (read ? kPmuserenrCr : 0))) == 0;
    case TrapGroup::PMER: return (user & (kPmuserenrEn | (read ? kPmuserenrEr : 0))) == 0;
    case TrapGroup::PMSEL: return (user & (kPmuserenrEn | kPmuserenrEr)) == 0;
    case TrapGroup::TDCC: return Mdscr::of(s.sys[SysReg::MDSCR_EL1])[Mdscr::TDCC];
    default: return false;
  }
}

/// EL1 and EL0 accesses that the hypervisor wants to see.
bool Pe::wanted_by_el2(TrapGroup group, bool read) const {
  const Hcr now = Hcr::of(hcr());
  const MdcrEl2 mdcr = MdcrEl2::of(s.sys[SysReg::MDCR_EL2]);
  const bool at_el1 = el() == El::EL1, debug = mdcr[MdcrEl2::TDE] || now[Hcr::TGE];
  switch (group) {
    case TrapGroup::TVM: return at_el1 && (read ? now[Hcr::TRVM] : now[Hcr::TVM]);
    case TrapGroup::TACR: return at_el1 && now[Hcr::TACR];
    case TrapGroup::TCPAC: return at_el1 && bit(s.sys[SysReg::CPTR_EL2], 31);
    case TrapGroup::TID1: return at_el1 && now[Hcr::TID1];
    case TrapGroup::TID2: return at_el1 && (now[Hcr::TID2] || now[Hcr::TID4]);
    case TrapGroup::TID3: return at_el1 && now[Hcr::TID3];
    case TrapGroup::CTR: return now[Hcr::TID2] && !at_e2h(el());
    case TrapGroup::APK: return at_el1 && !now[Hcr::APK];
    case TrapGroup::TLOR: return at_el1 && now[Hcr::TLOR];
    case TrapGroup::TERR: return at_el1 && now[Hcr::TERR];
    case TrapGroup::CNTPCT:
    case TrapGroup::CNTP: return counter_closed_to_el1(group);
    case TrapGroup::PMCR: return mdcr[MdcrEl2::TPM] || mdcr[MdcrEl2::TPMCR];
    case TrapGroup::PMU:
    case TrapGroup::PMSWINC:
    case TrapGroup::PMER:
    case TrapGroup::PMSEL:
    case TrapGroup::PMCC:
    case TrapGroup::PMUSER: return mdcr[MdcrEl2::TPM];
    case TrapGroup::TDA:
    case TrapGroup::TDCC: return debug || mdcr[MdcrEl2::TDA];
    case TrapGroup::TDOSA: return debug || mdcr[MdcrEl2::TDOSA];
    case TrapGroup::TDRA: return debug || mdcr[MdcrEl2::TDRA];
    case TrapGroup::SGI: return at_el1 && (now[Hcr::IMO] || now[Hcr::FMO]) && !ports.icc->takes_virtual_sgis();
    default: return false;
  }
}

/// True: a trap is pending. The order is the Arm ARM's: EL1's controls first, then EL2's.
bool Pe::trap_sysreg(SysRegEncoding e, TrapGroup group, bool read, unsigned rt) {
  if (group == TrapGroup::FP) {
    if (fp_enabled_) return false;
    raise_fp_trap();
    return true;
  }
  if (el() == El::EL0 && closed_to_el0(group, read)) return trap_to(El::EL1, e, read, rt);
  if (features().el2 && wanted_by_el2(group, read)) return trap_to(El::EL2, e, read, rt);
  return false;
}

}  // namespace farside::pe
