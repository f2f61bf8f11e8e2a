// core/pe/interrupt.cpp - physical and virtual IRQ, FIQ and SError: routing, masks, wake-up.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

constexpr u64 kVectorIrq = 0x80, kVectorFiq = 0x100, kVectorSError = 0x180;
constexpr u64 kVirtualPending = Hcr::VI.mask | Hcr::VF.mask | Hcr::VSE.mask;

}  // namespace

/// An interrupt to a higher EL is taken whatever PSTATE says, unless EL0 runs directly under a host (E2H and TGE);
/// one to a lower EL is never taken.
bool Pe::unmasked(El target, bool mask) const {
  if (number(target) < number(el())) return false;
  if (number(target) > number(El::EL1) && el() != El::EL2 && !at_e2h(el())) return true;
  return !mask;
}

bool Pe::take_physical(bool pending_now, u64 route, bool mask, u64 vector) {
  if (!pending_now) return false;
  const bool to_el2 = features().el2 && has(route | Hcr::TGE.mask);
  const El target = to_el2 ? El::EL2 : El::EL1;
  if (!unmasked(target, mask)) return false;
  if (vector == kVectorSError) {
    lines.serror = false;
    take_serror(target, 0);
    return true;
  }
  if (to_el2) write_hpfar(nullptr);
  enter(target, vector, s.pc, pstate());
  return true;
}

bool Pe::take_virtual(bool pending_now, u64 route, bool mask, u64 vector) {
  if (!pending_now || mask || !has(route)) return false;
  if (vector == kVectorSError) {
    s.sys[SysReg::HCR_EL2] &= ~Hcr::VSE.mask;  // taking it clears it (AArch64.TakeVirtualSErrorException)
    take_serror(El::EL1, features().RAS ? s.sys[SysReg::VSESR_EL2] & 0x1ffffff : 0);
    return true;
  }
  enter(El::EL1, vector, s.pc, pstate());
  return true;
}

void Pe::take_serror(El target, u64 iss) {
  const bool el2 = target == El::EL2;
  s.sys[el2 ? SysReg::ESR_EL2 : SysReg::ESR_EL1] = make_esr(Ec::SERROR, iss).raw;
  if (el2) write_hpfar(nullptr);
  enter(target, kVectorSError, s.pc, pstate());
}

bool Pe::take_interrupt() {
  const u64 now = hcr();
  if (!(lines.irq | lines.fiq | lines.serror | lines.virq | lines.vfiq) && (now & kVirtualPending) == 0) [[likely]]
    return false;
  const Pstate p = s.pstate;
  if (take_physical(lines.serror, Hcr::AMO.mask, p[Pstate::A], kVectorSError)) return true;
  if (take_physical(lines.fiq, Hcr::FMO.mask, p[Pstate::F], kVectorFiq)) return true;
  if (take_physical(lines.irq, Hcr::IMO.mask, p[Pstate::I], kVectorIrq)) return true;
  if (!features().el2 || el() == El::EL2 || has(Hcr::TGE.mask)) return false;
  if (take_virtual((now & Hcr::VSE.mask) != 0, Hcr::AMO.mask, p[Pstate::A], kVectorSError)) return true;
  if (take_virtual(lines.vfiq || (now & Hcr::VF.mask), Hcr::FMO.mask, p[Pstate::F], kVectorFiq)) return true;
  return take_virtual(lines.virq || (now & Hcr::VI.mask), Hcr::IMO.mask, p[Pstate::I], kVectorIrq);
}

bool Pe::wakeup_pending() const {
  if (lines.irq || lines.fiq || lines.serror) return true;
  if (waiting && waiting_for_event && event_register) return true;
  if (!features().el2 || el() == El::EL2 || has(Hcr::TGE.mask)) return false;
  return ((lines.virq || has(Hcr::VI.mask)) && has(Hcr::IMO.mask)) ||
         ((lines.vfiq || has(Hcr::VF.mask)) && has(Hcr::FMO.mask)) || (has(Hcr::VSE.mask) && has(Hcr::AMO.mask));
}

/// ISR_EL1: at EL1 the virtual interrupts stand in for those that HCR_EL2 takes away.
u64 Pe::isr() const {
  const bool guest = features().el2 && el() == El::EL1 && !has(Hcr::TGE.mask);
  const auto pick = [&](u64 route, bool physical, bool virt) { return guest && has(route) ? virt : physical; };
  const bool a = pick(Hcr::AMO.mask, lines.serror, has(Hcr::VSE.mask));
  const bool i = pick(Hcr::IMO.mask, lines.irq, lines.virq || has(Hcr::VI.mask));
  const bool f = pick(Hcr::FMO.mask, lines.fiq, lines.vfiq || has(Hcr::VF.mask));
  return u64{a} << 8 | u64{i} << 7 | u64{f} << 6;
}

}  // namespace farside::pe
