// core/pe/pmu.cpp - PMUv3: the cycle counter (one cycle per instruction) and event counters, counted by difference.
#include <algorithm>
#include <bit>

#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

constexpr unsigned kCycleCounter = 31;
constexpr unsigned kPpi = 23;
constexpr u64 kSwIncr = 0x00, kInstRetired = 0x08, kCpuCycles = 0x11;

constexpr SysReg counter_register(unsigned n) {
  return n == kCycleCounter ? SysReg::PMCCNTR_EL0 : sysreg_at(SysReg::PMEVCNTR0_EL0, n);
}
constexpr SysReg filter_register(unsigned n) {
  return n == kCycleCounter ? SysReg::PMCCFILTR_EL0 : sysreg_at(SysReg::PMEVTYPER0_EL0, n);
}

/// The number n when `reg` is the nth of the family that starts at `first`.
std::optional<unsigned> member(SysReg reg, SysReg first) {
  const unsigned n = static_cast<unsigned>(reg) - static_cast<unsigned>(first);
  if (static_cast<unsigned>(reg) < static_cast<unsigned>(first) || n >= 31) return std::nullopt;
  return n;
}

}  // namespace

/// How many event counters the current EL sees: MDCR_EL2.HPMN keeps the rest for EL2.
unsigned Pe::pmu_visible() const {
  const unsigned all = features().pmu_counters;
  if (!features().el2 || el() == El::EL2) return all;
  return std::min<unsigned>(all, static_cast<unsigned>(MdcrEl2::of(s.sys[SysReg::MDCR_EL2])[MdcrEl2::HPMN]));
}

u64 Pe::pmu_mask() const { return u64{1} << kCycleCounter | ones(pmu_visible()); }

bool Pe::pmu_register_exists(SysReg reg) const {
  if (const auto n = member(reg, SysReg::PMEVCNTR0_EL0)) return *n < pmu_visible();
  if (const auto n = member(reg, SysReg::PMEVTYPER0_EL0)) return *n < pmu_visible();
  return true;
}

/// Enabled, and not filtered or prohibited at the current EL. What a counter counts is another question.
bool Pe::pmu_counts(unsigned n) const {
  if (!bit(s.sys[SysReg::PMCNTENSET_EL0], n)) return false;
  const MdcrEl2 mdcr = MdcrEl2::of(s.sys[SysReg::MDCR_EL2]);
  const bool el2_owned = features().el2 && n != kCycleCounter && n >= mdcr[MdcrEl2::HPMN];
  const Pmcr pmcr = Pmcr::of(s.sys[SysReg::PMCR_EL0]);
  if (!(el2_owned ? mdcr[MdcrEl2::HPME] : pmcr[Pmcr::E])) return false;
  const PmFilter filter = PmFilter::of(s.sys[filter_register(n)]);
  switch (el()) {
    case El::EL0: return !filter[PmFilter::U];
    case El::EL1: return !filter[PmFilter::P];
    default: break;
  }
  const bool prohibited = mdcr[MdcrEl2::HPMD] && !el2_owned && (n != kCycleCounter || pmcr[Pmcr::DP]);
  return filter[PmFilter::NSH] && !prohibited;
}

void Pe::pmu_changed() {
  pmu_running_ = 0;
  pmu_counted_ = instructions();
  for (u64 rest = s.sys[SysReg::PMCNTENSET_EL0]; rest != 0; rest &= rest - 1) {
    const unsigned n = static_cast<unsigned>(std::countr_zero(rest));
    const u64 event = n == kCycleCounter ? kCpuCycles : PmFilter::of(s.sys[filter_register(n)])[PmFilter::evtCount];
    if ((event == kInstRetired || event == kCpuCycles) && pmu_counts(n)) pmu_running_ |= u64{1} << n;
  }
}

void Pe::pmu_add(unsigned n, u64 amount) {
  const Pmcr pmcr = Pmcr::of(s.sys[SysReg::PMCR_EL0]);
  if (n == kCycleCounter && pmcr[Pmcr::D] && !pmcr[Pmcr::LC]) {  // every 64th cycle
    pmu_prescaler_ += amount;
    amount = pmu_prescaler_ / 64;
    pmu_prescaler_ %= 64;
  }
  u64& counter = s.sys[counter_register(n)];
  const u64 before = counter;
  const bool wide = n == kCycleCounter && pmcr[Pmcr::LC];
  const bool overflow = wide ? before + amount < before : (before & ones(32)) + amount > ones(32);
  counter = n == kCycleCounter ? before + amount : (before + amount) & ones(32);
  if (overflow) s.sys[SysReg::PMOVSSET_EL0] |= u64{1} << n;
}

void Pe::update_pmu() {
  if (pmu_running_ != 0) {
    const u64 now = instructions(), amount = now - pmu_counted_;
    pmu_counted_ = now;
    for (u64 rest = pmu_running_; rest != 0; rest &= rest - 1)
      pmu_add(static_cast<unsigned>(std::countr_zero(rest)), amount);
  }
  const u64 due = s.sys[SysReg::PMOVSSET_EL0] & s.sys[SysReg::PMINTENSET_EL1];
  if (due == 0) [[likely]]
    return set_ppi(kPpi, false);
  const MdcrEl2 mdcr = MdcrEl2::of(s.sys[SysReg::MDCR_EL2]);
  const u64 el2_owned = features().el2 ? ones(31) & ~ones(static_cast<unsigned>(mdcr[MdcrEl2::HPMN])) : 0;
  const bool el1_due = Pmcr::of(s.sys[SysReg::PMCR_EL0])[Pmcr::E] && (due & ~el2_owned) != 0;
  set_ppi(kPpi, el1_due || (mdcr[MdcrEl2::HPME] && (due & el2_owned) != 0));
}

/// When an overflow that interrupts could come next, estimated early: update_pmu then asks again.
u64 Pe::pmu_expiry(u64 now) const {
  u64 earliest = ~u64{0};
  for (u64 rest = pmu_running_ & s.sys[SysReg::PMINTENSET_EL1]; rest != 0; rest &= rest - 1) {
    const unsigned n = static_cast<unsigned>(std::countr_zero(rest));
    if (bit(s.sys[SysReg::PMOVSSET_EL0], n)) continue;
    const u64 left = n == kCycleCounter && Pmcr::of(s.sys[SysReg::PMCR_EL0])[Pmcr::LC]
                         ? ~s.sys[counter_register(n)]
                         : ones(32) - (s.sys[counter_register(n)] & ones(32));
    earliest = std::min(earliest, now + left / 64 + 1);
  }
  return earliest;
}

u64 Pe::read_pmu(SysReg reg) {
  update_pmu();
  const u64 mask = pmu_mask();
  if (const auto n = member(reg, SysReg::PMEVCNTR0_EL0)) return s.sys[counter_register(*n)];
  const unsigned selected = static_cast<unsigned>(s.sys[SysReg::PMSELR_EL0]);
  const bool selects = selected == kCycleCounter || selected < pmu_visible();
  switch (reg) {
    case SysReg::PMCR_EL0: return Pmcr::of(s.sys[reg] | u64{0x41} << 24).with(Pmcr::N, u64{pmu_visible()}).raw;
    case SysReg::PMCNTENSET_EL0:
    case SysReg::PMCNTENCLR_EL0: return s.sys[SysReg::PMCNTENSET_EL0] & mask;
    case SysReg::PMOVSSET_EL0:
    case SysReg::PMOVSCLR_EL0: return s.sys[SysReg::PMOVSSET_EL0] & mask;
    case SysReg::PMINTENSET_EL1:
    case SysReg::PMINTENCLR_EL1: return s.sys[SysReg::PMINTENSET_EL1] & mask;
    case SysReg::PMCEID0_EL0: return u64{1} << kSwIncr | u64{1} << kInstRetired | u64{1} << kCpuCycles;
    case SysReg::PMCEID1_EL0: return 0;
    case SysReg::PMXEVTYPER_EL0: return selects ? s.sys[filter_register(selected)] : 0;
    case SysReg::PMXEVCNTR_EL0: return selects && selected != kCycleCounter ? s.sys[counter_register(selected)] : 0;
    default: return s.sys[reg];
  }
}

void Pe::write_pmu(SysReg reg, u64 value) {
  update_pmu();
  const u64 mask = pmu_mask();
  const unsigned selected = static_cast<unsigned>(s.sys[SysReg::PMSELR_EL0]);
  const bool selects = selected == kCycleCounter || selected < pmu_visible();
  switch (reg) {
    case SysReg::PMCR_EL0:
      s.sys[reg] = value & 0x79;
      if (Pmcr::of(value)[Pmcr::P])
        for (unsigned n = 0; n < pmu_visible(); ++n) s.sys[counter_register(n)] = 0;
      if (Pmcr::of(value)[Pmcr::C]) s.sys[SysReg::PMCCNTR_EL0] = pmu_prescaler_ = 0;
      break;
    case SysReg::PMCNTENSET_EL0: s.sys[SysReg::PMCNTENSET_EL0] |= value & mask; break;
    case SysReg::PMCNTENCLR_EL0: s.sys[SysReg::PMCNTENSET_EL0] &= ~(value & mask); break;
    case SysReg::PMOVSSET_EL0: s.sys[SysReg::PMOVSSET_EL0] |= value & mask; break;
    case SysReg::PMOVSCLR_EL0: s.sys[SysReg::PMOVSSET_EL0] &= ~(value & mask); break;
    case SysReg::PMINTENSET_EL1: s.sys[SysReg::PMINTENSET_EL1] |= value & mask; break;
    case SysReg::PMINTENCLR_EL1: s.sys[SysReg::PMINTENSET_EL1] &= ~(value & mask); break;
    case SysReg::PMSWINC_EL0:
      for (unsigned n = 0; n < pmu_visible(); ++n)
        if (bit(value, n) && PmFilter::of(s.sys[filter_register(n)])[PmFilter::evtCount] == kSwIncr && pmu_counts(n))
          pmu_add(n, 1);
      break;
    case SysReg::PMXEVTYPER_EL0:
      if (selects) store_legal(filter_register(selected), value);
      break;
    case SysReg::PMXEVCNTR_EL0:
      if (selects && selected != kCycleCounter) s.sys[counter_register(selected)] = value & ones(32);
      break;
    default: store_legal(reg, value);
  }
  pmu_changed();
  update_pmu();
  if (ports.clock != nullptr && s.sys[SysReg::PMINTENSET_EL1] != 0) ports.clock->timers_changed(index_);
}

}  // namespace farside::pe
