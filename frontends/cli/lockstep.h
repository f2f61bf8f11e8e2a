// frontends/cli/lockstep.h - `farside run --engine lockstep`: both engines at once, and what was found.
#pragma once
#include "frontends/cli/options.h"

namespace farside::cli {

/// Runs the guest of `config` on both engines; returns an exit status.
Result<int, UserError> run_on_both(const machine::MachineConfig& config, u64 every);

}  // namespace farside::cli
