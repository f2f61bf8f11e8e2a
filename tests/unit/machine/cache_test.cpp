// tests/unit/machine/cache_test.cpp - tiny guests on modelled caches: correct hypervisors are clean, others are caught.
#include "core/arch/sysreg.h"
#include "firmware/hyp/policy.h"
#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

std::unique_ptr<Machine> make(const MachineConfig& config) {
  auto machine = Machine::create(config);
  REQUIRE(machine.ok());
  return std::move(machine.value());
}

u64 errors(const Machine& machine) {
  u64 sum = 0;
  for (std::string_view finding : Machine::finding_names()) {
    if (finding != "AMBIGUOUS" && finding != "MISMATCH") sum += machine.findings(finding);
  }
  return sum;
}

// movz x1, #0x4100, lsl #16; movz x2, #0x1234; str x2, [x1]; ldr x20, [x1]: MMU off, so around the caches. The
// hypervisor has zeroed the page through its own cacheable alias just before.
const std::vector<u32> kStoreAndLoad{0xd2a82001, 0xd2824682, 0xf9000022, 0xf9400034};

MachineConfig with_caches(const TinyGuest& guest, El2Mode el2, const std::string& profile) {
  MachineConfig config = guest.config(el2);
  config.cache = profile;
  return config;
}

}  // namespace

TEST_CASE("a guest runs on every profile, with a hypervisor and without, and nothing is found") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const std::string profile = GENERATE("off", "coherent", "model", "adversarial");
  CAPTURE(profile, static_cast<int>(el2));
  const TinyGuest guest(kStoreAndLoad + call_psci(kSystemOff));
  const auto machine = make(with_caches(guest, el2, profile));
  CHECK(machine->run().cause == StopCause::PowerOff);
  CHECK(machine->cores().front()->s.x[20] == 0x1234);
  CHECK(errors(*machine) == 0);
  CHECK(machine->cache_figures().empty() == (profile == "off"));
  u64 value = 0;
  CHECK(machine->peek_ipa(0x4100'0000, &value, 8));
  CHECK(value == 0x1234);
}

/// Reads the last pages of its own image of 4 MiB, MMU off: the VMM has just written them through its cacheable alias,
/// while the code at the beginning has left the caches since.
std::vector<u32> large_reader() {
  // adrp x1, . + 1000 pages; movz x3, #1024; loop: ldr x20, [x1], #64; sub x3, x3, #1; cbnz x3, loop
  std::vector<u32> code =
      std::vector<u32>{0x90001f41, 0xd2808003, 0xf8440434, 0xd1000463, 0xb5ffffc3} + call_psci(kSystemOff);
  code.resize(usize{1} << 20, 0xd503201f);
  return code;
}

TEST_CASE("the clean at map is what lets a guest with its caches off read what the VMM has written") {
  const bool clean = GENERATE(true, false);
  const TinyGuest guest(large_reader());
  MachineConfig config = with_caches(guest, El2Mode::Kvm, "model");
  config.thp = ThpMode::Never;  // zeroing a huge page would push everything out of the caches
  config.max_instructions = 100'000;
  if (!clean) config.change_policy = [](hyp::Policy& policy) { policy.clean_at_map = hyp::CleanAtMap::Never; };
  const auto machine = make(config);
  std::string text;
  machine->set_finding_sink([&](const cache::Report& report) {
    if (report.finding == cache::Finding::STALE_RAM && text.empty()) text = cache::print(report);
  });
  machine->run();
  INFO(text);
  CHECK((machine->findings("STALE_RAM") == 0) == clean);
  CHECK((errors(*machine) == 0) == clean);
  if (clean) {
    CHECK(machine->cores().front()->s.x[20] == 0xd503201fd503201f);
  } else {
    CHECK(text.find("missing: DC CVAC") != std::string::npos);
    CHECK(text.find("last written by the host") != std::string::npos);
    CHECK(text.find("stage-2 map of ipa 0x4") != std::string::npos);
    CHECK(text.find("stage 2 Normal inner WB") != std::string::npos);
  }
}

TEST_CASE("the lines of exclusives, atomics and DC ZVA are those of ordinary accesses") {
  const std::string profile = GENERATE("off", "model", "adversarial");
  // x1 = 0x41000000; dc zva, x1 is not for Device memory, which MMU-off data is: ldxr and stxr alone, then ldr.
  // movz x2, #5; str x2, [x1]; ldxr x3, [x1]; add x3, x3, #1; stxr w4, x3, [x1]; ldr x20, [x1]
  const TinyGuest guest(
      std::vector<u32>{0xd2a82001, 0xd28000a2, 0xf9000022, 0xc85f7c23, 0x91000463, 0xc8047c23, 0xf9400034} +
      call_psci(kSystemOff));
  const auto machine = make(with_caches(guest, El2Mode::Kvm, profile));
  CHECK(machine->run().cause == StopCause::PowerOff);
  CHECK(machine->cores().front()->s.x[20] == 6);
  CHECK(machine->cores().front()->s.x[4] == 0);
  CHECK(errors(*machine) == 0);
}

TEST_CASE("identification registers are those of the modelled caches, and of none without a model") {
  const TinyGuest guest(call_psci(kSystemOff));
  const auto ctr = [&](const std::string& profile) {
    return make(with_caches(guest, El2Mode::None, profile))->cores().front()->s.sys[SysReg::CTR_EL0];
  };
  CHECK((ctr("off") >> 28 & 3) == 3);
  CHECK((ctr("model") >> 28 & 3) == 0);
}

TEST_CASE("a run with caches repeats to the bit, and its digest depends on them") {
  const TinyGuest guest(kStoreAndLoad + call_psci(kSystemOff));
  const auto digest = [&](const std::string& profile) {
    const auto machine = make(with_caches(guest, El2Mode::Kvm, profile));
    machine->run();
    return machine->state_hash();
  };
  CHECK(digest("adversarial") == digest("adversarial"));
  CHECK(digest("model") != digest("off"));
}

TEST_CASE("mistakes about caches are one line each") {
  const TinyGuest guest(call_psci(kSystemOff));
  const auto error = [&](auto change) {
    MachineConfig config = with_caches(guest, El2Mode::Kvm, "model");
    change(config);
    const auto machine = Machine::create(config);
    REQUIRE_FALSE(machine.ok());
    CHECK(machine.error().message.find('\n') == std::string::npos);
    return machine.error().message;
  };
  CHECK(error([](MachineConfig& c) { c.cache = "fast"; }).find("adversarial") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.knobs = {"speed=1"}; }).find("no such knob") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.knobs = {"evict=never"}; }).find("lazy") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.cache = "off", c.knobs = {"evict=lazy"}; }).find("--cache") !=
        std::string::npos);
}

}  // namespace farside::machine
