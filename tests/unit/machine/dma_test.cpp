// tests/unit/machine/dma_test.cpp - devices that see the caches and devices that see memory alone.
#include <array>
#include <cstring>

#include "firmware/hyp/vm.h"
#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

constexpr u64 kBuffer = 0x4100'0000;

std::unique_ptr<Machine> make(El2Mode el2, const std::string& cache, std::vector<std::string> knobs = {}) {
  const TinyGuest guest(call_psci(kSystemOff));
  MachineConfig config = guest.config(el2);
  config.cache = cache;
  config.knobs = std::move(knobs);
  auto machine = Machine::create(config);
  INFO((machine.ok() ? std::string() : machine.error().message));
  REQUIRE(machine.ok());
  return std::move(machine.value());
}

void put(Machine& machine, u64 value, DmaKind kind, u64 at = kBuffer) {
  std::array<u8, 8> bytes;
  std::memcpy(bytes.data(), &value, 8);
  REQUIRE(machine.device_write(at, bytes, kind));
}

u64 get(Machine& machine, DmaKind kind, u64 at = kBuffer) {
  std::array<u8, 8> bytes;
  REQUIRE(machine.device_read(at, bytes, kind));
  u64 value;
  std::memcpy(&value, bytes.data(), 8);
  return value;
}

}  // namespace

TEST_CASE("without caches, or where all of them are coherent, both kinds see the same") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const std::string cache = GENERATE("off", "coherent");
  const auto machine = make(el2, cache);
  put(*machine, 1, DmaKind::Coherent);
  CHECK(get(*machine, DmaKind::NonCoherent) == 1);
  put(*machine, 2, DmaKind::NonCoherent);
  CHECK(get(*machine, DmaKind::Coherent) == 2);
}

TEST_CASE("a device of the VMM leaves its data in the caches, where a non-coherent one does not find it") {
  const auto machine = make(El2Mode::Kvm, "model");
  put(*machine, 1, DmaKind::Coherent);
  CHECK(get(*machine, DmaKind::Coherent) == 1);
  CHECK(machine->findings("STALE_RAM") == 0);
  CHECK(get(*machine, DmaKind::NonCoherent) == 0);
  CHECK(machine->findings("STALE_RAM") == 1);
}

TEST_CASE("what a non-coherent device has written stays invisible while a copy is cached") {
  const auto machine = make(El2Mode::Kvm, "model");
  put(*machine, 7, DmaKind::Coherent);
  put(*machine, 1, DmaKind::NonCoherent);
  CHECK(get(*machine, DmaKind::NonCoherent) == 1);
  CHECK(get(*machine, DmaKind::Coherent) == 7);
  CHECK(machine->findings("STALE_CACHED") == 1);
}

TEST_CASE("the knob dma=snoop makes every device coherent") {
  const auto machine = make(El2Mode::Kvm, "model", {"dma=snoop"});
  put(*machine, 1, DmaKind::Coherent);
  CHECK(get(*machine, DmaKind::NonCoherent) == 1);
  CHECK(machine->findings("STALE_RAM") == 0);
}

TEST_CASE("an access across pages follows the host's frames, and one that leaves RAM fails") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const DmaKind kind = GENERATE(DmaKind::Coherent, DmaKind::NonCoherent);
  const TinyGuest guest(call_psci(kSystemOff));
  MachineConfig config = guest.config(el2);
  config.thp = ThpMode::Never;  // frames in any order
  auto machine = std::move(*Machine::create(config));
  std::vector<u8> pattern(3 * 4096 + 100), seen(pattern.size());
  for (usize i = 0; i < pattern.size(); ++i) pattern[i] = static_cast<u8>(i * 7 + i / 4096);
  REQUIRE(machine->device_write(kBuffer + 4000, pattern, kind));
  REQUIRE(machine->device_read(kBuffer + 4000, seen, kind));
  CHECK(seen == pattern);
  REQUIRE(machine->peek_ipa(kBuffer + 4000, seen.data(), seen.size()));
  CHECK(seen == pattern);
  const u64 last = 0x4000'0000 + config.memory - 4;
  CHECK_FALSE(machine->device_read(last, std::span(seen).first(8), kind));
  CHECK_FALSE(machine->device_write(last, std::span(pattern).first(8), kind));
  CHECK_FALSE(machine->device_read(0x1000, std::span(seen).first(8), kind));
}

TEST_CASE("the device tree calls each slot what its device is") {
  const TinyGuest guest({0x14000000});  // b .
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.max_instructions = 100;
  config.net = NetConfig{};
  config.net->dma = DmaKind::NonCoherent;  // slot 1, after the entropy device
  const auto machine = std::move(*Machine::create(config));
  machine->run();
  std::vector<u8> tree(16384);
  REQUIRE(machine->peek_ipa(machine->cores().front()->s.x[0], tree.data(), tree.size()));
  const std::string text(tree.begin(), tree.end());
  CHECK(text.find("dma-noncoherent") != std::string::npos);
}

}  // namespace farside::machine
