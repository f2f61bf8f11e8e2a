// frontends/machine/lockstep.cpp - runs the twins turn by turn; on a difference narrows the turn down by repeating it.
#include "frontends/machine/lockstep.h"

#include "core/pe/compare.h"

namespace farside::machine {
namespace {

constexpr u64 kComparisonsPerHash = 100;

/// Both machines at the same moment.
class Twins {
 public:
  static Result<Twins, UserError> create(const LockstepConfig& config, bool speaks) {
    Twins twins(config);
    twins.interpreting_ = TRY(build(config.machine, Engine::Interp));
    twins.translating_ = TRY(build(config.machine, Engine::Jit));
    if (twins.translating_->jit_report().empty())
      return UserError{"--engine lockstep: this build or this host has no translating engine"};
    if (speaks && config.output) twins.interpreting_->set_console({.output = config.output});
    return twins;
  }

  /// Both run one turn of all cores.
  RunResult turn() {
    if (config_.disturb) config_.disturb(*translating_, turns_);
    ++turns_;
    const RunResult ours = interpreting_->run();
    translated_end_ = translating_->run().cause;
    return ours;
  }
  /// Both let one core run alone.
  void run_core(u32 core, u64 instructions) {
    interpreting_->run_core(core, instructions);
    translating_->run_core(core, instructions);
  }
  void disturb() {
    if (config_.disturb) config_.disturb(*translating_, turns_);
  }
  std::string compare_core(usize i) const { return pe::compare(*interpreting_->cores()[i], *translating_->cores()[i]); }
  std::string compare_cores() const {
    std::string report;
    for (usize i = 0; i < interpreting_->cores().size(); ++i) {
      const std::string core = compare_core(i);
      if (!core.empty()) report += fmt::format(" core {}, jit:\n{}", i, core);
    }
    return report;
  }
  bool memory_differs() const { return interpreting_->state_hash() != translating_->state_hash(); }
  Machine& interpreting() { return *interpreting_; }
  StopCause translated_end() const { return translated_end_; }
  u64 turns() const { return turns_; }

 private:
  explicit Twins(const LockstepConfig& config) : config_(config) {}
  static Result<std::unique_ptr<Machine>, UserError> build(MachineConfig config, Engine engine) {
    config.engine = engine;
    config.max_instructions = 1;  // Machine::run returns after one turn
    return Machine::create(config);
  }

  const LockstepConfig& config_;
  std::unique_ptr<Machine> interpreting_, translating_;
  StopCause translated_end_ = StopCause::InstructionLimit;
  u64 turns_ = 0;
};

/// The twins after `turns` turns of a new run.
Result<Twins, UserError> replay(const LockstepConfig& config, u64 turns) {
  Twins twins = TRY(Twins::create(config, false));
  while (twins.turns() < turns) twins.turn();
  return twins;
}

/// The twins after `turns` turns, of which the cores before `core` have run as many more instructions as `lengths`
/// says, and `core` itself `length`.
Result<Twins, UserError> replay_into(const LockstepConfig& config, u64 turns, const std::vector<u64>& lengths, u32 core,
                                     u64 length) {
  Twins twins = TRY(replay(config, turns));
  twins.disturb();
  for (u32 i = 0; i < core; ++i) twins.run_core(i, lengths[i]);
  twins.run_core(core, length);
  return twins;
}

/// The smallest number of instructions of `core` after which it differs, `most` being one that does.
Result<u64, UserError> narrow(const LockstepConfig& config, u64 turns, const std::vector<u64>& lengths, u32 core,
                              u64 most) {
  u64 equal = 0;
  while (most - equal > 1) {
    const u64 middle = equal + (most - equal) / 2;
    Twins twins = TRY(replay_into(config, turns, lengths, core, middle));
    (twins.compare_core(core).empty() ? equal : most) = middle;
  }
  return most;
}

/// Text about the first difference after `turns` equal turns. `lengths`: what each core executed in the turn behind.
Result<std::string, UserError> locate(const LockstepConfig& config, u64 turns, const std::vector<u64>& lengths) {
  for (u32 core = 0; core < lengths.size(); ++core) {
    Twins after = TRY(replay_into(config, turns, lengths, core, lengths[core]));
    if (after.compare_core(core).empty()) continue;
    const u64 length = TRY(narrow(config, turns, lengths, core, lengths[core]));
    Twins before = TRY(replay_into(config, turns, lengths, core, length - 1));
    Twins behind = TRY(replay_into(config, turns, lengths, core, length));
    pe::Pe& pe = *before.interpreting().cores()[core];
    u32 word = 0;
    pe.peek(Va{pe.s.pc}, &word, sizeof word);
    return fmt::format("the first difference is behind instruction {} of core {}, {:08x} at {:#x}; jit:\n{}",
                       pe.instructions() + 1, core, word, pe.s.pc, behind.compare_core(core));
  }
  return std::string("with one core at a time the difference does not show\n");
}

std::vector<u64> instructions_of(Machine& machine) {
  std::vector<u64> counts;
  for (const auto& core : machine.cores()) counts.push_back(core->instructions());
  return counts;
}

/// The turns up to `equal` leave equal states, that of `differs` does not: looks at each of those between.
Result<std::string, UserError> first_difference(const LockstepConfig& config, u64 equal, u64 differs) {
  Twins twins = TRY(replay(config, equal));
  for (u64 turns = equal; turns < differs; ++turns) {
    const std::vector<u64> before = instructions_of(twins.interpreting());
    twins.turn();
    if (twins.compare_cores().empty()) continue;
    std::vector<u64> lengths = instructions_of(twins.interpreting());
    for (usize i = 0; i < lengths.size(); ++i) lengths[i] -= before[i];
    return locate(config, turns, lengths);
  }
  return std::string("no register shows it\n");
}

}  // namespace

Result<LockstepResult, UserError> run_lockstep(const LockstepConfig& config) {
  Twins twins = TRY(Twins::create(config, true));
  LockstepResult result;
  u64 equal_turns = 0, compared_at = 0;
  for (;;) {
    result.end = twins.turn();
    result.instructions = twins.interpreting().instructions();
    const bool over = result.end.cause != StopCause::InstructionLimit ||
                      (config.machine.max_instructions != 0 && result.instructions >= config.machine.max_instructions);
    if (!over && result.instructions - compared_at < config.every) continue;
    ++result.comparisons;
    compared_at = result.instructions;
    std::string difference = twins.compare_cores();
    if ((over || result.comparisons % kComparisonsPerHash == 0) && twins.memory_differs())
      difference += " memory or devices\n";
    if (twins.translated_end() != result.end.cause) difference += " the way in which the run ended\n";
    if (!difference.empty()) {
      result.difference = fmt::format("after {} instructions the engines differ:\n{}", result.instructions, difference);
      result.difference += TRY(first_difference(config, equal_turns, twins.turns()));
    }
    if (over || !result.difference.empty()) return result;
    equal_turns = twins.turns();
  }
}

}  // namespace farside::machine
