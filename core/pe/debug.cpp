// core/pe/debug.cpp - self-hosted debug: software step, breakpoints and watchpoints.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

constexpr u64 kDebugFsc = 0x22;
constexpr u64 kStepIsv = u64{1} << 24, kStepEx = u64{1} << 6, kWatchWnr = u64{1} << 6;
constexpr u64 kAddressBits = ones(49);

constexpr SysReg bvr(unsigned n) { return sysreg_at(SysReg::DBGBVR0_EL1, n, 4); }
constexpr SysReg bcr(unsigned n) { return sysreg_at(SysReg::DBGBCR0_EL1, n, 4); }
constexpr SysReg wvr(unsigned n) { return sysreg_at(SysReg::DBGWVR0_EL1, n, 4); }
constexpr SysReg wcr(unsigned n) { return sysreg_at(SysReg::DBGWCR0_EL1, n, 4); }

// DBGBCR<n>_EL1.BT without its lowest bit, which says "linked".
constexpr u64 kAddressMatch = 0, kContextId = 1, kVmid = 4, kVmidAndContext = 5;

}  // namespace

/// The EL that debug exceptions from EL0 and EL1 are taken to.
El Pe::debug_target() const {
  if (!features().el2) return El::EL1;
  const bool to_el2 = el() == El::EL2 || has(Hcr::TGE.mask) || MdcrEl2::of(s.sys[SysReg::MDCR_EL2])[MdcrEl2::TDE];
  return to_el2 ? El::EL2 : El::EL1;
}

/// AArch64.GenerateDebugExceptionsFrom: `masked` is PSTATE.D at `from`.
bool Pe::debug_exceptions_from(El from, bool masked) const {
  if (os_locked_) return false;
  const bool to_el2 = features().el2 && (has(Hcr::TGE.mask) || MdcrEl2::of(s.sys[SysReg::MDCR_EL2])[MdcrEl2::TDE]);
  const El target = to_el2 ? El::EL2 : El::EL1;
  if (from == target) return Mdscr::of(s.sys[SysReg::MDSCR_EL1])[Mdscr::KDE] && !masked;
  return number(target) > number(from);
}

void Pe::debug_changed() {
  const Mdscr control = Mdscr::of(s.sys[SysReg::MDSCR_EL1]);
  bool active = false, watching = false;
  if ((control[Mdscr::SS] || control[Mdscr::MDE]) && debug_exceptions_from(el(), s.pstate[Pstate::D])) {
    active = control[Mdscr::SS];
    for (unsigned n = 0; control[Mdscr::MDE] && n < features().breakpoints; ++n) active |= (s.sys[bcr(n)] & 1) != 0;
    for (unsigned n = 0; control[Mdscr::MDE] && n < features().watchpoints; ++n) watching |= (s.sys[wcr(n)] & 1) != 0;
  }
  const bool was_active = debug_active;
  debug_active = active || watching;
  if (watching && !was_active) {  // pages that L0 holds would hide accesses from watchpoint_hit
    l0_.clear_all();
    context_changed();
  }
}

/// AArch64.StateMatch without linking, for Non-secure state.
bool Pe::privilege_matches(bool hmc, unsigned ssc, unsigned pxc, El at) const {
  if (ssc == 2 || (ssc == 3 && !hmc)) return false;  // Secure state only
  switch (at) {
    case El::EL0: return (pxc & 2) != 0;
    case El::EL1: return (pxc & 1) != 0;
    default: return (hmc && !(ssc == 2 && pxc == 0)) || ssc == 3;
  }
}

/// The context half of breakpoint `n`: CONTEXTIDR_EL1, the VMID, or both.
bool Pe::context_matches(unsigned n) const {
  if (n >= features().breakpoints || n < features().breakpoints - u32{features().context_breakpoints}) return false;
  const u64 type = Dbgbcr::of(s.sys[bcr(n)])[Dbgbcr::BT] >> 1, value = s.sys[bvr(n)];
  const bool guest = el() != El::EL2 && !at_e2h(el());
  const u64 context = s.sys[at_e2h(el()) ? SysReg::CONTEXTIDR_EL2 : SysReg::CONTEXTIDR_EL1];
  const bool context_equal = (guest || at_e2h(el())) && (value & ones(32)) == (context & ones(32));
  const unsigned vmid_bits = features().VMID16 ? 16 : 8;
  const bool vmid_equal =
      features().el2 && guest && bits(value, 31 + vmid_bits, 32) == bits(s.sys[SysReg::VTTBR_EL2], 47 + vmid_bits, 48);
  switch (type) {
    case kContextId: return context_equal;
    case kVmid: return vmid_equal;
    case kVmidAndContext: return context_equal && vmid_equal;
    default: return false;
  }
}

/// The breakpoint that an address match links to: enabled, and of a linked context type.
bool Pe::link_matches(unsigned n) const {
  if (n >= features().breakpoints) return false;
  const Dbgbcr control = Dbgbcr::of(s.sys[bcr(n)]);
  return control[Dbgbcr::E] && (control[Dbgbcr::BT] & 1) != 0 && context_matches(n);
}

bool Pe::breakpoint_matches(unsigned n) const {
  const Dbgbcr control = Dbgbcr::of(s.sys[bcr(n)]);
  if (!control[Dbgbcr::E]) return false;
  const u64 type = control[Dbgbcr::BT] >> 1;
  const bool linked = (control[Dbgbcr::BT] & 1) != 0;
  if (!privilege_matches(control[Dbgbcr::HMC], static_cast<unsigned>(control[Dbgbcr::SSC]),
                         static_cast<unsigned>(control[Dbgbcr::PMC]), el()))
    return false;
  if (type != kAddressMatch) return !linked && context_matches(n);  // linked ones only qualify others
  if (((s.pc ^ s.sys[bvr(n)]) & kAddressBits & ~u64{3}) != 0) return false;
  return !linked || link_matches(static_cast<unsigned>(control[Dbgbcr::LBN]));
}

/// The instruction at PC is a load-exclusive: the step exception's ISS.EX will say so.
bool Pe::stepped_load_exclusive() {
  u32 word = 0;
  return peek(Va{s.pc}, &word, sizeof word) && (word & 0x3fc00000) == 0x08400000;
}

bool Pe::check_before_instruction() {
  const Mdscr control = Mdscr::of(s.sys[SysReg::MDSCR_EL1]);
  if (!debug_exceptions_from(el(), s.pstate[Pstate::D])) return false;
  if (control[Mdscr::SS] && !s.pstate[Pstate::SS]) {  // active-pending
    const u64 iss = kDebugFsc | (step_taken_ ? kStepIsv : 0) | (step_taken_ && step_exclusive_ ? kStepEx : 0);
    raise(Ec::SOFTSTP_LOW, iss, 0, debug_target());
    step_taken_ = false;
    return true;
  }
  step_taken_ = control[Mdscr::SS];
  step_exclusive_ = step_taken_ && stepped_load_exclusive();
  if (!control[Mdscr::MDE]) return false;
  for (unsigned n = 0; n < features().breakpoints; ++n) {
    if (!breakpoint_matches(n)) continue;
    step_taken_ = false;
    raise(Ec::BREAKPT_LOW, kDebugFsc, 0, debug_target());
    return true;
  }
  return false;
}

/// `hit` is the lowest byte of the access that the watchpoint covers.
bool Pe::watchpoint_matches(unsigned n, u64 va, unsigned size, bool write, El at, u64& hit) const {
  const Dbgwcr control = Dbgwcr::of(s.sys[wcr(n)]);
  if (!control[Dbgwcr::E] || (control[Dbgwcr::LSC] & (write ? 2 : 1)) == 0) return false;
  if (!privilege_matches(control[Dbgwcr::HMC], static_cast<unsigned>(control[Dbgwcr::SSC]),
                         static_cast<unsigned>(control[Dbgwcr::PAC]), at))
    return false;
  if (control[Dbgwcr::WT] && !link_matches(static_cast<unsigned>(control[Dbgwcr::LBN]))) return false;
  const u64 base = s.sys[wvr(n)], select = control[Dbgwcr::BAS], mask = control[Dbgwcr::MASK];
  const u64 ignored = mask > 2 ? ones(static_cast<unsigned>(mask)) : u64{7};
  for (unsigned i = 0; i < size; ++i) {
    const u64 byte = va + i;
    if (((byte ^ base) & kAddressBits & ~ignored) != 0) continue;
    if (mask > 2 || bit(select << (base & 4), byte & 7)) {
      hit = byte;
      return true;
    }
  }
  return false;
}

bool Pe::watchpoint_hit(u64 va, unsigned size, bool write, bool unprivileged) {
  if (!Mdscr::of(s.sys[SysReg::MDSCR_EL1])[Mdscr::MDE] || !debug_exceptions_from(el(), s.pstate[Pstate::D]))
    return false;
  const El at = unprivileged ? El::EL0 : el();
  for (unsigned n = 0; n < features().watchpoints; ++n) {
    u64 hit = 0;
    if (!watchpoint_matches(n, va, size, write, at, hit)) continue;
    raise(Ec::WATCHPT_LOW, kDebugFsc | (write ? kWatchWnr : 0), 0, debug_target());
    pending.far = hit;
    return true;
  }
  return false;
}

}  // namespace farside::pe
