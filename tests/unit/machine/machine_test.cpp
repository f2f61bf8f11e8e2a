// tests/unit/machine/machine_test.cpp - whole machines with guests of a few instructions: endings, time, devices,
// cores.
#include "frontends/machine/machine.h"

#include "firmware/hyp/vm.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

using namespace farside;
using namespace farside::machine;

namespace {

std::unique_ptr<Machine> make(const MachineConfig& config) {
  auto machine = Machine::create(config);
  INFO((machine.ok() ? std::string() : machine.error().message));
  REQUIRE(machine.ok());
  return std::move(*machine);
}

}  // namespace

TEST_CASE("PSCI ends the run, with and without a hypervisor") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const TinyGuest off(call_psci(kSystemOff)), reset(call_psci(kSystemReset));
  CHECK(make(off.config(el2))->run().cause == StopCause::PowerOff);
  CHECK(make(reset.config(el2))->run().cause == StopCause::Reset);
}

TEST_CASE("the guest starts at EL1 with the device tree in X0 and interrupts masked") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const TinyGuest guest({0x14000000});  // b .
  MachineConfig config = guest.config(el2);
  config.max_instructions = 100;
  const auto machine = make(config);
  CHECK(machine->run().cause == StopCause::InstructionLimit);
  const pe::Pe& core = *machine->cores().front();
  CHECK(core.el() == El::EL1);
  CHECK(core.s.pstate[Pstate::DAIF] == 0xf);
  u32 magic = 0;
  REQUIRE(machine->peek_ipa(core.s.x[0], &magic, 4));
  CHECK(magic == 0xedfe0dd0);  // 0xd00dfeed, big-endian
}

TEST_CASE("a store to the UART reaches the console") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  // movz x1, #0x900, lsl #16; movz w2, #'F'; strb w2, [x1]
  const TinyGuest guest(std::vector<u32>{0xd2a12001, 0x528008c2, 0x39000022} + call_psci(kSystemOff));
  const auto machine = make(guest.config(el2));
  std::string seen;
  machine->set_console({.output = [&](u8 byte) { seen += static_cast<char>(byte); }});
  CHECK(machine->run().cause == StopCause::PowerOff);
  CHECK(seen == "F");
}

TEST_CASE("the hypervisor maps what the guest touches, in blocks or in pages as the host's policy says") {
  // movz x1, #0x4100, lsl #16; str x1, [x1]
  const TinyGuest guest(std::vector<u32>{0xd2a82001, 0xf9000021} + call_psci(kSystemOff));
  for (ThpMode thp : {ThpMode::Always, ThpMode::Never}) {
    MachineConfig config = guest.config(El2Mode::Kvm);
    config.thp = thp;
    const auto machine = make(config);
    machine->run();
    const hyp::Stats stats = machine->vm()->stats();
    CHECK(stats.mapped[thp == ThpMode::Always ? 2 : 3] == 2);  // code and data
    CHECK(stats.mapped[thp == ThpMode::Always ? 3 : 2] == 0);
    CHECK(stats.fault_count() == 2);
    u64 value = 0;
    CHECK(machine->peek_ipa(0x4100'0000, &value, 8));
    CHECK(value == 0x4100'0000);
  }
}

TEST_CASE("an access outside memory and devices is an external abort for the guest") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  // adr x2, handler - 0x200; msr vbar_el1, x2 needs 2 KiB alignment: movz x2, #0x4010, lsl #16 instead.
  // movz x1, #0x3000, lsl #16; ldr x1, [x1]
  const TinyGuest guest({0xd2a80202, 0xd518c002, 0xd2a60001, 0xf9400021});
  MachineConfig config = guest.config(el2);
  config.max_instructions = 1000;
  const auto machine = make(config);
  machine->run();
  const pe::Pe& core = *machine->cores().front();
  const Esr esr = Esr::of(core.s.sys[SysReg::ESR_EL1]);
  // The vector page holds zeros, so UDF exceptions follow the abort; the first one has left its mark in FAR_EL1.
  CHECK(core.s.sys[SysReg::FAR_EL1] == 0x3000'0000);
  CHECK((esr[Esr::EC] == Ec::UNKNOWN || esr[Esr::EC] == Ec::DABT_CUR));
}

TEST_CASE("a core that waits for ever with no timer set ends the run instead of hanging") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const TinyGuest guest({0xd503207f, 0x17ffffff});  // wfi; b .-4
  CHECK(make(guest.config(el2))->run().cause == StopCause::Idle);
}

TEST_CASE("WFI until a timer takes the timer's time, not the host's") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const std::vector<u32> open_the_gic{
      0xd2a10161, 0xf2802001, 0x52a10002, 0xb9000022,  // GICR_ISENABLER0 = 1 << 27, the virtual timer
      0xd2a10141, 0xf2800281, 0xb900003f,              // GICR_WAKER = 0
      0xd2a10001, 0x52800262, 0xb9000022,              // GICD_CTLR = ARE, EnableGrp1, EnableGrp0
      0xd2801fe2, 0xd5184602, 0xd2800022, 0xd518cce2,  // ICC_PMR_EL1 = 0xff, ICC_IGRPEN1_EL1 = 1
  };
  const std::vector<u32> one_second{
      0xd2a07721, 0xd51be301, 0xd2800021, 0xd51be321,  // CNTV_TVAL_EL0 = 0x3b90000, CNTV_CTL_EL0 = 1
      0xd503207f, 0xd53be321, 0x3617ffc1,              // wfi until CNTV_CTL_EL0.ISTATUS
  };
  const TinyGuest guest(open_the_gic + one_second + call_psci(kSystemOff));
  MachineConfig config = guest.config(el2);
  const auto machine = make(config);
  const RunResult result = machine->run();
  CHECK(result.cause == StopCause::PowerOff);
  CHECK(machine->time_ns() >= 999'000'000);
  CHECK(machine->instructions() < 10'000);
}

TEST_CASE("CPU_ON starts another core at the given address with its context, and twice is ALREADY_ON") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  // x0 = 0xc4000003 (CPU_ON), x1 = 1, x2 = entry = adr (to `b .` below), x3 = 77; hvc; mov x20, x0; again; mov x21, x0;
  // b .
  std::vector<u32> code{0x52800060, 0x72b88000, 0xd2800021, 0x10000142, 0xd28009a3, kHvc0,     0xaa0003f4,
                        0x52800060, 0x72b88000, kHvc0,      0xaa0003f5, 0x14000000, 0x14000000};
  code[3] = 0x10000000 | (12 - 3) << 5 | 2;  // adr x2, code + 12 words
  const TinyGuest guest(code);
  MachineConfig config = guest.config(el2);
  config.cpus = 2;
  config.max_instructions = 200'000;
  const auto machine = make(config);
  machine->run();
  const pe::Pe& first = *machine->cores()[0];
  const pe::Pe& second = *machine->cores()[1];
  CHECK(first.s.x[20] == 0);
  CHECK(first.s.x[21] == static_cast<u64>(-4));  // ALREADY_ON
  CHECK(second.powered_on);
  CHECK(second.s.x[0] == 77);
  CHECK(second.s.pc == first.s.pc + 4);
  CHECK(second.el() == El::EL1);
}

TEST_CASE("same config and seed give the same digest, another seed another") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const TinyGuest guest(call_psci(kSystemOff));
  const auto digest = [&](u64 seed) {
    MachineConfig config = guest.config(el2);
    config.seed = seed;
    const auto machine = make(config);
    machine->run();
    return machine->state_hash();
  };
  CHECK(digest(1) == digest(1));
  CHECK(digest(1) != digest(2));
}

TEST_CASE("a user's mistakes are one line each") {
  const TinyGuest guest(call_psci(kSystemOff));
  const auto error = [&](auto change) {
    MachineConfig config = guest.config(El2Mode::Kvm);
    change(config);
    const auto machine = Machine::create(config);
    REQUIRE_FALSE(machine.ok());
    CHECK(machine.error().message.find('\n') == std::string::npos);
    return machine.error().message;
  };
  CHECK(error([](MachineConfig& c) { c.cpu = "cortex-a9000"; }).find("cortex-a53") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.cpus = 9; }).find("8") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.memory = 3 << 20; }).find("2M") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.kernel = "/nonexistent"; }).find("/nonexistent") != std::string::npos);
  CHECK(error([](MachineConfig& c) { c.policy = "k9"; }).find("k6.1") != std::string::npos);
}
