// frontends/cli/lockstep.cpp - runs the twins, shows what the guest says, and reports in one line or with the
// registers.
#include "frontends/cli/lockstep.h"

#include <fmt/format.h>

#include <cstdio>

#include "frontends/cli/run.h"
#include "frontends/machine/lockstep.h"

namespace farside::cli {

Result<int, UserError> run_on_both(const machine::MachineConfig& config, u64 every) {
  const auto show = [](u8 byte) {
    std::fputc(byte, stdout);
    if (byte == '\n') std::fflush(stdout);
  };
  const machine::LockstepResult result =
      TRY(machine::run_lockstep({.machine = config, .every = every, .output = show}));
  std::fflush(stdout);
  fmt::print(stderr, "farside: {} instructions on both engines, compared {} times: ", result.instructions,
             result.comparisons);
  if (result.difference.empty()) {
    fmt::print(stderr, "no difference\n");
    return kExitPowerOff;
  }
  fmt::print(stderr, "they differ\n{}", result.difference);
  return kExitDifference;
}

}  // namespace farside::cli
