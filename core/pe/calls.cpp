// core/pe/calls.cpp - instructions whose purpose is an exception or a wait: SVC, HVC, SMC, BRK, HLT, WFI, WFE, ESB, FP
// traps.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {

bool Pe::supervisor_call(u16 imm) {
  raise(Ec::SVC64, imm, 4);
  return false;
}

bool Pe::hypervisor_call(u16 imm) {
  const bool to_el2 = features().el2 && (el() == El::EL2 || (el() == El::EL1 && !has(Hcr::HCD.mask)));
  if (to_el2) {
    raise(Ec::HVC64, imm, 4, El::EL2);
    return false;
  }
  if (!features().el2 && el() == El::EL1 && ports.firmware != nullptr && ports.firmware->call(*this, false))
    return true;
  raise(Ec::UNKNOWN, 0);
  return false;
}

bool Pe::secure_monitor_call(u16 imm) {
  if (el() == El::EL1 && has(Hcr::TSC.mask)) {
    raise(Ec::SMC64, imm, 0, El::EL2);  // a trap: the return address is the SMC itself
    return false;
  }
  if (el() != El::EL0 && ports.firmware != nullptr && ports.firmware->call(*this, true)) return true;
  raise(Ec::UNKNOWN, 0);
  return false;
}

bool Pe::breakpoint_instruction(u16 imm) {
  raise(Ec::BRK64, imm, 0, debug_target());
  return false;
}

bool Pe::halt_instruction(u16 imm, bool& again) {
  constexpr u16 kSemihosting = 0xf000;  // in A64 state
  again = false;
  if (imm == kSemihosting && ports.semihosting != nullptr && el() != El::EL0)
    return ports.semihosting->call(*this, again);
  raise(Ec::UNKNOWN, 0);
  return false;
}

namespace {
/// ISS of WFx traps and FP traps: CV = 1, COND = 0b1110.
constexpr u64 kCondAlways = 0x1e00000;
}  // namespace

/// SCTLR_ELx.nTWI and nTWE, then HCR_EL2.TWI and TWE. True: a trap is pending.
bool Pe::trap_wfx(bool wfe) {
  const u64 ntw = wfe ? Sctlr::nTWE.mask : Sctlr::nTWI.mask, tw = wfe ? Hcr::TWE.mask : Hcr::TWI.mask;
  const u64 iss = kCondAlways | u64{wfe};
  if (el() == El::EL0 && (sctlr() & ntw) == 0) {
    raise(Ec::WFX, iss);
    return true;
  }
  if (el() != El::EL2 && has(tw) && !at_e2h(el())) {
    raise(Ec::WFX, iss, 0, El::EL2);
    return true;
  }
  return false;
}

bool Pe::wait_for_interrupt(bool& wait) {
  wait = false;
  if (wakeup_pending()) return true;
  if (trap_wfx(false)) return false;
  wait = waiting = true;
  waiting_for_event = false;
  return true;
}

bool Pe::wait_for_event(bool& wait) {
  wait = false;
  if (event_register) {
    event_register = false;
    return true;
  }
  if (trap_wfx(true)) return false;
  if (wakeup_pending()) return true;
  wait = waiting = waiting_for_event = true;
  event_stream_at_ = ports.clock != nullptr ? event_stream_expiry(ports.clock->counter(*this)) : ~u64{0};
  if (event_stream_at_ != ~u64{0}) ports.clock->timers_changed(index_);
  return true;
}

void Pe::error_synchronization_barrier() {
  const u64 status = u64{1} << 31;  // A: an SError was consumed
  const bool virtual_errors = features().el2 && el() != El::EL2 && !has(Hcr::TGE.mask) && has(Hcr::AMO.mask);
  if (virtual_errors && has(Hcr::VSE.mask) && s.pstate[Pstate::A]) {
    s.sys[SysReg::VDISR_EL2] = status | s.sys[SysReg::VSESR_EL2];
    s.sys[SysReg::HCR_EL2] &= ~Hcr::VSE.mask;
  } else if (lines.serror && s.pstate[Pstate::A]) {
    lines.serror = false;
    s.sys[SysReg::DISR_EL1] = status;
  }
}

/// AArch64.CheckFPAdvSIMDEnabled: which EL an FP or SIMD instruction traps to, if any.
El Pe::fp_trap_target(bool& trapped) const {
  const El now = el();
  trapped = true;
  const bool e2h = has(Hcr::E2H.mask), tge = has(Hcr::TGE.mask);
  if (now != El::EL2 && !(e2h && tge)) {
    const u64 fpen = bits(s.sys[SysReg::CPACR_EL1], 21, 20);
    if ((fpen & 1) == 0 || (fpen == 1 && now == El::EL0)) return El::EL1;
  }
  if (features().el2) {
    const u64 cptr = s.sys[SysReg::CPTR_EL2];
    if (!e2h && bit(cptr, 10)) return El::EL2;
    const u64 fpen = bits(cptr, 21, 20);
    if (e2h && ((fpen & 1) == 0 || (fpen == 1 && now == El::EL0 && tge))) return El::EL2;
  }
  trapped = false;
  return El::EL1;
}

void Pe::update_fp_trap() {
  bool trapped;
  fp_trap_target(trapped);
  fp_enabled_ = !trapped;
}

void Pe::raise_fp_trap() {
  bool trapped;
  const El target = fp_trap_target(trapped);
  // AArch64.AdvSIMDFPAccessTrap: what TGE takes to EL2 in place of EL1 is reported as UNKNOWN.
  if (target == El::EL1 && el() == El::EL0 && has(Hcr::TGE.mask)) {
    raise(Ec::UNKNOWN, 0);
  } else {
    raise(Ec::FP_ASIMD, kCondAlways, 0, target);
  }
}

}  // namespace farside::pe
