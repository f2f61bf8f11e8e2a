// tests/unit/machine/code_test.cpp - a guest that patches its code: with --code arch and coherent, on both engines.
#include <fmt/format.h>

#include "frontends/machine/lockstep.h"
#include "frontends/machine/snapshot_file.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

constexpr u32 kNop = 0xd503201f, kIvau = 0xd50b7521, kIallu = 0xd508751f, kIalluis = 0xd508711f, kDsb = 0xd5033b9f,
              kIsb = 0xd5033fdf;

/// Calls `function`, which returns 1, stores `mov w0, #2` there, executes `maintenance`, waits for 200,000 times, calls
/// it again and leaves what it returns in X19.
TinyGuest patching(u32 maintenance, const std::vector<u32>& then = call_psci(kSystemOff)) {
  const std::vector<u32> code{
      0x100001e1, 0x52800802,  0x72aa5002,        // adr x1, function; movz w2, #0x40; movk w2, #0x5280, lsl #16
      0x9400000c, 0xb9000022,                     // bl function; str w2, [x1]
      kDsb,       maintenance, kDsb,       kIsb,  //
      0xd2a00063, 0xd1000463,  0xb5ffffe3,        // mov x3, #0x30000; loop: sub x3, x3, #1; cbnz x3, loop
      0x94000003, 0x2a0003f3,  0x14000003,        // bl function; mov w19, w0; b behind
      0x52800020, 0xd65f03c0};                    // function: mov w0, #1; ret
  return TinyGuest(code + then);
}

std::unique_ptr<Machine> make(const MachineConfig& config) {
  auto machine = Machine::create(config);
  INFO((machine.ok() ? std::string() : machine.error().message));
  REQUIRE(machine.ok());
  return std::move(*machine);
}

struct Setting {
  CodeMode code;
  Engine engine;
  El2Mode el2;
};

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (CodeMode code : {CodeMode::Coherent, CodeMode::Arch})
    for (Engine engine : {Engine::Interp, Engine::Jit})
      for (El2Mode el2 : {El2Mode::Kvm, El2Mode::None}) all.push_back({code, engine, el2});
  return all;
}

MachineConfig config_of(const TinyGuest& guest, const Setting& setting) {
  MachineConfig config = guest.config(setting.el2);
  config.code = setting.code;
  config.engine = setting.engine;
  config.jit.threshold = 0;
  return config;
}

u64 result(Machine& machine) { return machine.cores().front()->s.x[19]; }

}  // namespace

TEST_CASE("without maintenance the old instruction runs with code arch, the new one with code coherent") {
  for (const Setting& setting : settings()) {
    for (u32 maintenance : {kNop, kIvau, kIallu, kIalluis}) {
      const TinyGuest guest = patching(maintenance);
      const auto machine = make(config_of(guest, setting));
      CHECK(machine->run().cause == StopCause::PowerOff);
      CAPTURE(static_cast<int>(setting.code), static_cast<int>(setting.engine), static_cast<int>(setting.el2));
      CAPTURE(maintenance);
      CHECK(result(*machine) == (setting.code == CodeMode::Arch && maintenance == kNop ? 1 : 2));
    }
  }
}

TEST_CASE("CTR_EL0 says whether maintenance of instruction caches is needed") {
  const TinyGuest guest(std::vector<u32>{0xd53b0033} + call_psci(kSystemOff));  // mrs x19, ctr_el0
  for (const Setting& setting : settings()) {
    const auto machine = make(config_of(guest, setting));
    machine->run();
    CHECK((result(*machine) >> 28 & 1) == 1);  // IDC
    CHECK((result(*machine) >> 29 & 1) == (setting.code == CodeMode::Coherent));
  }
}

TEST_CASE("a snapshot has the instructions that were fetched before they were written over") {
  const TinyGuest guest = patching(kNop);
  for (const Setting& setting : settings()) {
    const auto first = make(config_of(guest, setting));
    first->set_checkpoint(100'000);  // in the loop
    REQUIRE(first->run().cause == StopCause::Checkpoint);
    const TemporaryFile file;
    REQUIRE(first->save(file.path).ok());
    for (Engine engine : {Engine::Interp, Engine::Jit}) {
      Setting other = setting;
      other.engine = engine;
      const auto second = make(config_of(guest, other));
      REQUIRE(second->restore(file.path).ok());
      CHECK(second->state_hash() == first->state_hash());
      second->run();
      CHECK(result(*second) == (setting.code == CodeMode::Arch ? 1 : 2));
    }
    // In the machine itself, once it knows better.
    const u64 saved = first->state_hash();
    first->run();
    REQUIRE(first->restore(file.path).ok());
    CHECK(first->state_hash() == saved);
    first->run();
    CHECK(result(*first) == (setting.code == CodeMode::Arch ? 1 : 2));
    Setting mode = setting;
    mode.code = setting.code == CodeMode::Arch ? CodeMode::Coherent : CodeMode::Arch;
    const auto refused = make(config_of(guest, mode))->restore(file.path);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("--code arch") != std::string::npos);
  }
}

TEST_CASE("a reset of the machine fetches everything again") {
  const TinyGuest guest = patching(kNop, call_psci(kSystemReset));
  for (const Setting& setting : settings()) {
    const auto machine = make(config_of(guest, setting));
    for (int time = 0; time < 2; ++time) {
      REQUIRE(machine->run().cause == StopCause::Reset);
      CHECK(result(*machine) == (setting.code == CodeMode::Arch ? 1 : 2));
      REQUIRE(machine->reset().ok());
    }
  }
}

#ifdef FARSIDE_JIT

namespace {

/// Instructions that compute, jump, and patch each other with and without maintenance, for ever.
std::vector<u32> random_patching(u64 seed) {
  Chance chance(seed, "code");
  std::vector<u32> code{0x10000001, 0xaa0103e4};  // adr x1, .; mov x4, x1
  for (u32 reg = 8; reg < 13; ++reg)              // add w15, w15, #n, which they store: movz w<reg>, #; movk w<reg>, #
    code.insert(code.end(), {0x52800000 | (0x05ef + reg * 0x400) << 5 | reg, 0x72a22000 | reg});
  const u32 prologue = static_cast<u32>(code.size()), words = 64;
  const auto pick = [&](std::initializer_list<u32> from) { return from.begin()[chance.below(from.size())]; };
  while (code.size() < words) {
    const u32 at = prologue + static_cast<u32>(chance.below(words - prologue));
    const u32 reg = 8 + static_cast<u32>(chance.below(5)), n = static_cast<u32>(chance.below(4));
    const u32 ahead = 1 + static_cast<u32>(chance.below(words - code.size()));
    switch (chance.below(7)) {
      case 0: code.push_back(0xb9000080 | at << 10 | reg); break;                     // str w<reg>, [x4, #at * 4]
      case 1: code.push_back(0x91000021 | 64 * n << 10); break;                       // add x1, x1, #64 * n
      case 2: code.push_back(pick({kIvau, kIvau, kIallu, kDsb, 0xaa0403e1})); break;  // or mov x1, x4
      case 3: code.push_back(0x36000000 | ahead << 5 | 15); break;                    // tbz w15, #0, ahead
      case 4: code.push_back(0xb940008d | at << 10); break;                           // ldr w13, [x4, #at * 4]
      case 5: code.push_back(0x72800000 | (0x05ef + n * 0x400) << 5 | reg); break;    // movk w<reg>, #: another n
      default: code.push_back(0x0b0d01ef); break;                                     // add w15, w15, w13
    }
  }
  code.push_back(0x14000000 | (prologue - words) & 0x3ffffff);  // back behind the prologue
  return code;
}

}  // namespace

TEST_CASE("guests that patch their code run alike on both engines") {
  u64 instructions = 0;
  for (u64 seed = 0; seed < 24; ++seed) {
    const TinyGuest guest(random_patching(seed));
    for (CodeMode code : {CodeMode::Coherent, CodeMode::Arch}) {
      LockstepConfig config{.machine = guest.config(seed % 2 == 0 ? El2Mode::None : El2Mode::Kvm), .every = 1};
      config.machine.code = code;
      config.machine.jit.threshold = seed % 3;
      config.machine.cpus = 1 + seed / 2 % 2;  // turns of another length
      config.machine.max_instructions = 600'000;
      const auto result = run_lockstep(config);
      REQUIRE(result.ok());
      CAPTURE(seed, static_cast<int>(code));
      CHECK(result->difference == "");
      instructions += result->instructions;
    }
  }
  CHECK(instructions > 10'000'000);
}

#endif

}  // namespace farside::machine
