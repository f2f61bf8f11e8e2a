// tests/lockstep/boot.cpp - farside_lockstep: boots a guest on both engines side by side and compares every round.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "frontends/guests/guests.h"
#include "frontends/machine/machine.h"
#include "tests/lockstep/twins.h"

namespace farside::test {
namespace {

using machine::Engine, machine::Machine, machine::MachineConfig, machine::StopCause;

struct Options {
  MachineConfig machine;
  u64 instructions = 0;  ///< 0: until the guest ends
  u64 hash_every = 100;  ///< rounds between comparisons of all memory
};

Result<std::unique_ptr<Machine>, UserError> build(MachineConfig config, Engine engine) {
  config.engine = engine;
  config.max_instructions = 1;  // a run ends with its first round
  return Machine::create(config);
}

std::string compare(Machine& a, Machine& b, bool memory) {
  std::string report;
  for (usize i = 0; i < a.cores().size(); ++i) report += compare_cores(*a.cores()[i], *b.cores()[i]);
  if (memory && a.state_hash() != b.state_hash()) report += "  memory or devices\n";
  return report;
}

/// The number of rounds run, or an error.
Result<u64, UserError> run(const Options& options) {
  const auto ours = TRY(build(options.machine, Engine::Interp)), theirs = TRY(build(options.machine, Engine::Jit));
  for (u64 round = 1;; ++round) {
    const machine::RunResult a = ours->run(), b = theirs->run();
    const bool over = a.cause != StopCause::InstructionLimit ||
                      (options.instructions != 0 && ours->instructions() >= options.instructions);
    std::string report = compare(*ours, *theirs, over || round % options.hash_every == 0);
    if (a.cause != b.cause) report += "  the way in which the run ended\n";
    if (!report.empty())
      return UserError{fmt::format("round {}, after {} instructions:\n{}", round, ours->instructions(), report)};
    if (!over) continue;
    fmt::print("{} instructions in {} rounds: no difference\n", ours->instructions(), round);
    return round;
  }
}

Result<Options, UserError> parse(int argc, char** argv) {
  Options options;
  options.machine.memory = u64{512} << 20;
  const guests::GuestInfo* guest = guests::find_guest("debian");
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--kernel") options.machine.kernel = value;
    if (name == "--initrd") options.machine.initrd = value;
    if (name == "--append") options.machine.append = value;
    if (name == "--smp") options.machine.cpus = static_cast<u32>(std::strtoul(value, nullptr, 0));
    if (name == "--max-insns") options.instructions = std::strtoull(value, nullptr, 0);
  }
  if (!options.machine.kernel.empty()) return options;
  if (guest == nullptr) return UserError{"no guest of that name"};
  const guests::GuestFiles files = TRY(guests::get_guest(*guest));
  options.machine.kernel = files.kernel;
  options.machine.initrd = files.initrd;
  options.machine.append = guest->command_line;
  return options;
}

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  const auto result = options.ok() ? run(*options) : Result<u64, UserError>(options.error());
  if (!result.ok()) fmt::print(stderr, "farside_lockstep: {}\n", result.error().message);
  return result.ok() ? 0 : 1;
}

}  // namespace
}  // namespace farside::test

int main(int argc, char** argv) { return farside::test::main(argc, argv); }
