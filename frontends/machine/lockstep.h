// frontends/machine/lockstep.h - one guest on both engines at once, compared as it runs.
#pragma once
#include "frontends/machine/config.h"
#include "frontends/machine/machine.h"

namespace farside::machine {

struct LockstepConfig {
  MachineConfig machine;  ///< its engine does not matter; it must need nothing from outside: no network, no wall clock
  u64 every = 100'000;    ///< instructions between comparisons, at least: a turn of the cores always ends
  std::function<void(u8)> output;  ///< what the guest says on its console; may be empty
  /// For tests: called before each turn of the machine that translates, with the number of turns so far.
  std::function<void(Machine& translating, u64 turn)> disturb;
};

struct LockstepResult {
  u64 instructions = 0, comparisons = 0;
  std::string difference;  ///< empty: none. Else where the engines part, and in what.
  RunResult end;           ///< of the interpreter
};

/// Runs until the guest ends or the states differ; then repeats the run to find the first instruction behind which they
/// do. Registers are compared each time, memory and devices every hundredth time and at the end.
Result<LockstepResult, UserError> run_lockstep(const LockstepConfig& config);

}  // namespace farside::machine
