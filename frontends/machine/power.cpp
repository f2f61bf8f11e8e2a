// frontends/machine/power.cpp - PSCI calls that act on cores and on the run.
#include "frontends/machine/power.h"

#include "firmware/hyp/psci.h"
#include "frontends/machine/scheduler.h"

namespace farside::machine {
namespace {

/// Aff3:Aff2:Aff1:Aff0 of an MPIDR value.
constexpr u64 kAffinity = 0xff00ffffff;

}  // namespace

Power::Power(Cores& cores, Scheduler& scheduler, const Trace& trace)
    : cores_(cores), scheduler_(scheduler), trace_(trace) {}

pe::Pe* Power::find(u64 mpidr) const {
  for (const auto& core : cores_)
    if ((core->s.sys[SysReg::MPIDR_EL1] & kAffinity) == (mpidr & kAffinity)) return core.get();
  return nullptr;
}

void Power::start(pe::Pe& core, u64 entry, u64 x0) {
  starter_(core, entry);
  core.s.x[0] = x0;
  core.waiting = false;
  core.powered_on = true;
}

hyp::CpuOnResult Power::cpu_on(u64 mpidr, u64 entry, u64 context) {
  pe::Pe* core = find(mpidr);
  if (core == nullptr) return hyp::CpuOnResult::NoSuchCpu;
  if (core->powered_on) return hyp::CpuOnResult::AlreadyOn;
  start(*core, entry, context);
  return hyp::CpuOnResult::Started;
}

void Power::cpu_off(unsigned vcpu) {
  cores_[vcpu]->powered_on = false;
  cores_[vcpu]->end_slice();
}

void Power::cpu_suspend(unsigned vcpu) { cores_[vcpu]->waiting = true; }

std::optional<hyp::AffinityState> Power::affinity_info(u64 mpidr, unsigned lowest_level) const {
  // Affinity levels 0..2 are one byte each from bit 0; level 3 is at bit 32.
  const u64 ignored = lowest_level >= 3 ? 0xffffff : ones(8 * lowest_level);
  std::optional<hyp::AffinityState> state;
  for (const auto& core : cores_) {
    const u64 own = core->s.sys[SysReg::MPIDR_EL1] & kAffinity;
    if (((own ^ mpidr) & kAffinity & ~ignored) != 0) continue;
    if (core->powered_on) return hyp::AffinityState::On;
    state = hyp::AffinityState::Off;
  }
  return state;
}

void Power::system_off() { scheduler_.stop(StopCause::PowerOff); }

void Power::system_reset(hyp::ResetKind) { scheduler_.stop(StopCause::Reset); }

/// HVC #0 with no EL2: the machine itself is the firmware, as QEMU's `virt` is. SMC has nobody to answer.
bool Power::call(pe::Pe& pe, bool smc) {
  if (smc) return false;
  u64* x = pe.s.x;
  const hyp::SmcccReply reply = hyp::smccc_call(*this, pe.index(), {x[0], x[1], x[2], x[3]});
  for (unsigned i = 0; i < 4; ++i) x[i] = reply.x[i];
  return true;
}

void Power::stop_run(std::string error) { scheduler_.stop(StopCause::RunError, std::move(error)); }

}  // namespace farside::machine
