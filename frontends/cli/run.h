// frontends/cli/run.h - `farside run`: from options to a machine connected to this terminal, to an exit status.
#pragma once
#include "core/base/result.h"
#include "frontends/cli/options.h"

namespace farside::cli {

/// What the process returns; the help page of `run` explains each.
enum ExitStatus : int {
  kExitPowerOff = 0,
  kExitStuck = 1,
  kExitUserError = 2,
  kExitReset = 3,
  kExitFinding = 4,
  kExitLimit = 5,
  kExitDifference = 6,
  kExitQuit = 130,
};

/// The machine of a run, with the files and the command line of a named guest filled in.
Result<machine::MachineConfig, UserError> complete_config(const RunOptions& options);
/// Fetches the guest if it is a named one, boots it and stays until the run ends.
Result<int, UserError> run_guest(const RunOptions& options);

}  // namespace farside::cli
