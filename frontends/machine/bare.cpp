// frontends/machine/bare.cpp - a machine without a guest: a scenario starts and runs its cores one by one.
#include "frontends/machine/board.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/power.h"
#include "frontends/machine/scheduler.h"

namespace farside::machine {

void Machine::start_core(u32 core, u64 entry) { power_->start(*cores_[core], entry, 0); }

std::optional<RunResult> Machine::run_core(u32 core, u64 instructions) {
  return scheduler_->run_alone(*cores_[core], instructions);
}

}  // namespace farside::machine
