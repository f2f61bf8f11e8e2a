// core/pe/pe.cpp - construction, reset and PSTATE as a whole.
#include "core/pe/pe.h"

#include "core/arch/id_regs.h"
#include "core/arch/sysreg_fields.h"

namespace farside::pe {
namespace {

/// The stack pointer that PSTATE selects, as an index of State::sp_bank.
unsigned sp_index(Pstate pstate) { return pstate[Pstate::SP] ? number(pstate[Pstate::EL]) : 0; }

constexpr u64 kCounterFrequency = 62'500'000;

}  // namespace

Pe::Pe(u32 index, const CpuModel& cpu, const Ports& p, std::optional<u32> physical)
    : ports(p), index_(index), physical_(physical.value_or(index)), cpu_(cpu) {
  reset(0, cpu.features.el2 ? El::EL2 : El::EL1);
}

void Pe::reset_registers(u64 entry_pc) {
  for (usize i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    s.sys[reg] = id_register(reg, cpu_, index_) | sysreg_res1(reg, features(), false);
  }
  if (!features().el2) s.sys[SysReg::HCR_EL2] = 0;  // "behaves as 0" where EL2 is not implemented
  s.sys[SysReg::CNTFRQ_EL0] = kCounterFrequency;
  s.sys[SysReg::MDCR_EL2] = features().pmu_counters;  // HPMN: EL1 sees every counter
  s.sys[SysReg::PMCR_EL0] = Pmcr{}.with(Pmcr::LC, true).raw;
  s.sys[SysReg::OSLSR_EL1] = 0b1010;  // OSLM: an OS lock is implemented; OSLK: and locked
  s.sys[SysReg::RVBAR_EL1] = s.sys[SysReg::RVBAR_EL2] = entry_pc;
}

void Pe::reset(u64 entry_pc, El el) {
  s = State{};
  pending = {};
  monitor = {};
  event_register = waiting = waiting_for_event = false;
  step_taken_ = step_exclusive_ = false;
  os_locked_ = true;
  reset_pc_ = entry_pc;
  reset_registers(entry_pc);
  s.pc = entry_pc;
  s.pstate = Pstate{}.with(Pstate::DAIF, u64{15}).with(Pstate::EL, el).with(Pstate::SP, true);
  pmu_running_ = pmu_prescaler_ = 0;
  pmu_counted_ = instructions();
  event_stream_at_ = ~u64{0};
  for (unsigned intid = 16; intid < 32; ++intid) set_ppi(intid, false);
  tlb.clear();
  translation_changed();
  update_fp_trap();
  debug_changed();
}

bool Pe::at_e2h(El el) const {
  const Hcr now = Hcr::of(hcr());
  return now[Hcr::E2H] && (el == El::EL2 || (el == El::EL0 && now[Hcr::TGE]));
}

Pstate Pe::pstate() const { return Pstate::of(s.pstate.raw | s.nzcv).with(Pstate::BTYPE, u64{s.btype}); }

void Pe::set_pstate(Pstate p) {
  update_pmu();
  s.nzcv = p.raw & Pstate::NZCV.mask;
  s.btype = static_cast<u8>(p[Pstate::BTYPE]);
  replace_pstate(p.with(Pstate::NZCV, u64{0}).with(Pstate::BTYPE, u64{0}));
  update_fp_trap();
  pmu_changed();
}

void Pe::replace_pstate(Pstate p) {
  s.sp_bank[sp_index(s.pstate)] = s.sp;
  s.pstate = p;
  s.sp = s.sp_bank[sp_index(p)];
  context_changed();
  debug_changed();
}

}  // namespace farside::pe
