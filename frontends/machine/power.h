// frontends/machine/power.h - PSCI's view of the machine: starting and stopping cores, system off and reset.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "core/pe/pe.h"
#include "firmware/hyp/ports.h"

namespace farside::machine {

class Scheduler;

/// Serves PSCI for the hosted hypervisor and, without one, for the HVC conduit of the machine itself.
class Power : public hyp::PsciPort, public pe::FirmwarePort {
 public:
  using Cores = std::vector<std::unique_ptr<pe::Pe>>;
  Power(Cores& cores, Scheduler& scheduler, const Trace& trace);
  /// How a core starts at EL1 with the MMU off: a plain reset, or through the hypervisor.
  void set_starter(std::function<void(pe::Pe&, u64 entry)> starter) { starter_ = std::move(starter); }
  void start(pe::Pe& core, u64 entry, u64 x0);
  void stop_run(std::string error);

  hyp::CpuOnResult cpu_on(u64 mpidr, u64 entry, u64 context) override;
  void cpu_off(unsigned vcpu) override;
  void cpu_suspend(unsigned vcpu) override;
  std::optional<hyp::AffinityState> affinity_info(u64 mpidr, unsigned lowest_level) const override;
  void system_off() override;
  void system_reset(hyp::ResetKind kind) override;

  bool call(pe::Pe& pe, bool smc) override;

 private:
  pe::Pe* find(u64 mpidr) const;
  Cores& cores_;
  Scheduler& scheduler_;
  const Trace& trace_;
  std::function<void(pe::Pe&, u64)> starter_;
};

}  // namespace farside::machine
