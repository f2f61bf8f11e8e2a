// tests/unit/machine/snapshot_test.cpp - a machine that is saved and restored has the same future as one that was not.
#include "frontends/machine/snapshot.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

std::unique_ptr<Machine> make(const MachineConfig& config) {
  auto machine = Machine::create(config);
  INFO((machine.ok() ? std::string() : machine.error().message));
  REQUIRE(machine.ok());
  return std::move(*machine);
}

/// movz x1, #0x4100, lsl #16; movz x5, #0x900, lsl #16; movz x6, #'.'; movz x2, #60000
/// loop: str x2, [x1], #248; ldxr x3, [x1]; add x3, x3, x2; stxr w4, x3, [x1]; tst x2, #1023; b.ne skip; strb w6, [x5]
/// skip: sub x2, x2, #1; cbnz x2, loop
const std::vector<u32> kWorker{0xd2a82001, 0xd2a12005, 0xd28005c6, 0xd29d4c02, 0xf80f8422, 0xc85f7c23, 0x8b020063,
                               0xc8047c23, 0xf240245f, 0x54000041, 0x390000a6, 0xd1000442, 0xb5ffff02};

/// Wakes core 1 at the same work, then works: CPU_ON with x1 = 1 and x2 = the worker.
const std::vector<u32> kWakeOther{0x52800060, 0x72b88000, 0xd2800021, 0x10000082, 0xd4000002, 0xd503201f, 0xd503201f};

struct Future {
  StopCause cause;
  std::string output;
  u64 digest, instructions, time;
  friend bool operator==(const Future&, const Future&) = default;
};

Future run_out(Machine& machine) {
  std::string output;
  machine.set_console({.output = [&](u8 byte) { output += static_cast<char>(byte); }});
  const StopCause cause = machine.run().cause;
  machine.set_console({.output = [](u8) {}});
  return {cause, output, machine.state_hash(), machine.instructions(), machine.time_ns()};
}

struct TemporaryFile {
  std::string path = (std::filesystem::temp_directory_path() / "farside-snapshot-test").string();
  TemporaryFile() { path += std::to_string(reinterpret_cast<u64>(this)); }
  ~TemporaryFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("what follows a snapshot is the same in the machine that goes on, in a new one and in one without a stop") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const Engine engine = GENERATE(Engine::Interp, Engine::Jit);
  const u32 cpus = GENERATE(1, 2);
  const ThpMode thp = GENERATE(ThpMode::Always, ThpMode::Never);
  CAPTURE(static_cast<int>(el2), static_cast<int>(engine), cpus, static_cast<int>(thp));
  const TinyGuest guest(cpus == 1 ? kWorker + call_psci(kSystemOff) : kWakeOther + kWorker + call_psci(kSystemOff));
  MachineConfig config = guest.config(el2);
  config.cpus = cpus;
  config.engine = engine;
  config.thp = thp;
  const Future whole = run_out(*make(config));
  CHECK(whole.cause == StopCause::PowerOff);

  const auto first = make(config);
  std::string before;
  first->set_console({.output = [&](u8 byte) { before += static_cast<char>(byte); }});
  first->set_checkpoint(90'000);
  REQUIRE(first->run().cause == StopCause::Checkpoint);
  const TemporaryFile file;
  REQUIRE(first->save(file.path).ok());
  const u64 at_save = first->state_hash();
  const Future rest = run_out(*first);
  CHECK(before + rest.output == whole.output);
  CHECK(rest.digest == whole.digest);
  CHECK(rest.time == whole.time);

  const auto second = make(config);
  const auto restored = second->restore(file.path);
  INFO((restored.ok() ? std::string() : restored.error().message));
  REQUIRE(restored.ok());
  CHECK(second->state_hash() == at_save);
  CHECK(run_out(*second) == rest);

  // In the machine that has gone on, too, and with the other engine.
  REQUIRE(first->restore(file.path).ok());
  CHECK(run_out(*first) == rest);
  config.engine = engine == Engine::Jit ? Engine::Interp : Engine::Jit;
  const auto other = make(config);
  REQUIRE(other->restore(file.path).ok());
  CHECK(run_out(*other) == rest);
}

}  // namespace farside::machine
