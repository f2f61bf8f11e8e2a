// core/pe/exception.cpp - raising, routing, taking and returning from exceptions.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

constexpr u64 kLowerEl = 0x400, kSameElSpx = 0x200, kSameElSp0 = 0;

/// Classes that come in pairs: the second of each is for an exception from the target EL itself.
bool has_same_el_form(Ec ec) {
  return ec == Ec::BREAKPT_LOW || ec == Ec::SOFTSTP_LOW || ec == Ec::WATCHPT_LOW || ec == Ec::IABT_LOW ||
         ec == Ec::DABT_LOW;
}

/// AArch64.TakeException: SPSR.BTYPE survives only where the exception precedes the branch target's execution.
bool keeps_btype(Ec ec) {
  switch (ec) {
    case Ec::SOFTSTP_LOW:
    case Ec::BREAKPT_LOW:
    case Ec::IABT_LOW:
    case Ec::PC_ALIGN:
    case Ec::ILLEGAL_STATE:
    case Ec::BTI: return true;
    default: return false;
  }
}

}  // namespace

void Pe::raise(const Fault& fault) {
  pending = {};
  pending.kind = Pending::Kind::Abort;
  pending.fault = fault;
  pending.return_pc = s.pc;
}

void Pe::raise(Ec ec, u64 iss, u64 return_offset, El minimum_target) {
  pending = {};
  pending.kind = Pending::Kind::Sync;
  pending.esr = make_esr(ec, iss);
  pending.return_pc = s.pc + return_offset;
  pending.minimum_target = minimum_target;
}

void Pe::raise_sp_alignment() { raise(Ec::SP_ALIGN, 0); }

El Pe::target_of(const Pending& what) const {
  if (el() == El::EL2) return El::EL2;
  if (!features().el2) return El::EL1;
  if (what.minimum_target == El::EL2) return El::EL2;
  const Hcr now = Hcr::of(hcr());
  if (el() == El::EL0 && now[Hcr::TGE]) return El::EL2;
  if (what.kind == Pending::Kind::Abort) {
    const Fault& fault = what.fault;
    if (fault.stage == 2) return El::EL2;
    const bool external = fault.kind == FaultKind::SyncExternal || fault.kind == FaultKind::SyncExternalOnWalk;
    if (external && now[Hcr::TEA]) return El::EL2;
  }
  return El::EL1;
}

/// HPFAR_EL2 holds the IPA of a stage-2 fault where the architecture says so, and is UNKNOWN otherwise.
void Pe::write_hpfar(const Fault* fault) {
  constexpr u64 fipa = ones(44) & ~u64{15};
  if (fault != nullptr && fault->stage == 2 && fault->ipa_valid) {
    s.sys[SysReg::HPFAR_EL2] = (fault->ipa.value >> 12 << 4) & fipa;
  } else if (scribble_hpfar) {
    s.sys[SysReg::HPFAR_EL2] = chance.next() & fipa;
  }
}

Pstate Pe::entry_pstate(El target) const {
  const bool el2 = target == El::EL2;
  const Sctlr control = Sctlr::of(s.sys[el2 ? SysReg::SCTLR_EL2 : SysReg::SCTLR_EL1]);
  Pstate p = Pstate::of(pstate().raw & (Pstate::NZCV.mask | Pstate::PAN.mask | Pstate::DIT.mask));
  p = p.with(Pstate::EL, target).with(Pstate::SP, true).with(Pstate::DAIF, u64{15});
  // R: PSTATE.PAN is set when SPAN is 0 at an EL that hosts EL0.
  const bool hosts_el0 = !el2 || (has(Hcr::E2H.mask) && has(Hcr::TGE.mask));
  if (features().PAN && hosts_el0 && !control[Sctlr::SPAN]) p = p.with(Pstate::PAN, true);
  if (features().SSBS) p = p.with(Pstate::SSBS, control[Sctlr::DSSBS]);
  return p;
}

void Pe::enter(El target, u64 vector, u64 return_pc, Pstate saved) {
  const bool el2 = target == El::EL2;
  if (target != el()) {
    vector += kLowerEl;
  } else {
    vector += s.pstate[Pstate::SP] ? kSameElSpx : kSameElSp0;
  }
  s.sys[el2 ? SysReg::SPSR_EL2 : SysReg::SPSR_EL1] = saved.raw;
  s.sys[el2 ? SysReg::ELR_EL2 : SysReg::ELR_EL1] = return_pc;
  ++counters.exceptions_to[number(target)];
  set_pstate(entry_pstate(target));
  s.pc = s.sys[el2 ? SysReg::VBAR_EL2 : SysReg::VBAR_EL1] + vector;
  waiting = false;
  if (el2 && ports.el2_host != nullptr) ports.el2_host->on_exception_to_el2(*this);
}

void Pe::take_pending() {
  const Pending what = pending;
  pending.kind = Pending::Kind::None;
  if (what.kind == Pending::Kind::None) return;
  const El target = target_of(what);
  const bool el2 = target == El::EL2, same_el = target == el();
  const bool abort = what.kind == Pending::Kind::Abort;

  Esr esr = abort ? esr_for_fault(what.fault, same_el) : what.esr;
  const Ec low = abort ? (what.fault.fetch ? Ec::IABT_LOW : Ec::DABT_LOW) : what.esr[Esr::EC];
  if (!abort && same_el && has_same_el_form(low)) esr = esr.with(Esr::EC, static_cast<Ec>(static_cast<u8>(low) + 1));

  const auto far = abort ? std::optional<u64>(what.fault.va.value) : what.far;
  s.sys[el2 ? SysReg::ESR_EL2 : SysReg::ESR_EL1] = esr.raw;
  if (far) s.sys[el2 ? SysReg::FAR_EL2 : SysReg::FAR_EL1] = *far;
  if (el2) write_hpfar(abort ? &what.fault : nullptr);

  Pstate saved = pstate();
  if (!keeps_btype(low)) saved = saved.with(Pstate::BTYPE, u64{0});
  if (ports.trace != nullptr && ports.trace->on(TraceGroup::Exc)) {
    ports.trace->emit(TraceGroup::Exc, index_, "exception",
                      {{"from", number(el())},
                       {"to", number(target)},
                       {"class", 0, ec_name(esr[Esr::EC])},
                       {"esr", esr.raw},
                       {"elr", what.return_pc},
                       {"far", far.value_or(0)}});
  }
  enter(target, 0, what.return_pc, saved);
}

bool Pe::illegal_return(Pstate spsr) const {
  const El to = spsr[Pstate::EL];
  if (spsr[Pstate::nRW] || (spsr.raw & 2) != 0) return true;  // AArch32, or reserved M[1]
  if (to == El::EL0 && spsr[Pstate::SP]) return true;
  if (number(to) > number(el())) return true;
  return to == El::EL1 && el() == El::EL2 && has(Hcr::TGE.mask);
}

/// SetPSTATEFromPSR with DebugExceptionReturnSS.
Pstate Pe::return_pstate(Pstate spsr) const {
  const bool illegal = illegal_return(spsr);
  const El to = illegal ? el() : spsr[Pstate::EL];
  const Features& f = features();
  u64 kept = Pstate::NZCV.mask | Pstate::DAIF.mask;
  if (f.PAN) kept |= Pstate::PAN.mask;
  if (!illegal) {
    kept |= Pstate::IL.mask | Pstate::SP.mask;
    if (f.UAO) kept |= Pstate::UAO.mask;
    if (f.DIT) kept |= Pstate::DIT.mask;
    if (f.SSBS) kept |= Pstate::SSBS.mask;
    if (f.BTI) kept |= Pstate::BTYPE.mask;
  }
  Pstate p = Pstate::of(spsr.raw & kept).with(Pstate::EL, to);
  if (illegal) {
    p = p.with(Pstate::IL, true).with(Pstate::SP, s.pstate[Pstate::SP]);
    p.raw |= s.pstate.raw & (Pstate::UAO.mask | Pstate::DIT.mask | Pstate::SSBS.mask);
  }
  if (Mdscr::of(s.sys[SysReg::MDSCR_EL1])[Mdscr::SS] && !debug_exceptions_from(el(), s.pstate[Pstate::D]) &&
      debug_exceptions_from(to, spsr[Pstate::D]))
    p = p.with(Pstate::SS, spsr[Pstate::SS]);
  return p;
}

void Pe::exception_return(std::optional<u64> to) {
  const bool el2 = el() == El::EL2;
  const Pstate spsr = Pstate::of(s.sys[el2 ? SysReg::SPSR_EL2 : SysReg::SPSR_EL1]);
  const u64 target = to.value_or(s.sys[el2 ? SysReg::ELR_EL2 : SysReg::ELR_EL1]);
  const Pstate next = return_pstate(spsr);
  clear_exclusive();
  event_register = true;  // AArch64.ExceptionReturn: SendEventLocal
  set_pstate(next);
  s.pc = target;
  if (ports.trace != nullptr && ports.trace->on(TraceGroup::Exc))
    ports.trace->emit(TraceGroup::Exc, index_, "eret", {{"to", number(el())}, {"pc", target}, {"spsr", spsr.raw}});
}

}  // namespace farside::pe
