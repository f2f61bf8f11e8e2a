// tests/unit/machine/standstill_test.cpp - a guest that can only take one abort after another ends its run.
#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {

TEST_CASE("a guest whose vector lies where no memory is ends its run, although no instruction is executed") {
  const TinyGuest guest(std::vector<u32>{0xd4000001});  // svc #0: to VBAR_EL1 + 0x200, below all memory
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.max_instructions = 1'000'000;
  auto machine = Machine::create(config);
  REQUIRE(machine.ok());
  const RunResult result = (*machine)->run();
  CHECK(result.cause == StopCause::RunError);
  CHECK(result.text.find("executes nothing any more: IABT_LOW at pc 0x200") != std::string::npos);
  CHECK((*machine)->instructions() < 10);
}

TEST_CASE("a guest that goes on is not stopped, however often it traps") {
  // movz x1, #0x900, lsl #16; movz x3, #3, lsl #16; loop: ldr w2, [x1, #0x18]; subs x3, x3, #1; b.ne loop
  const TinyGuest guest(std::vector<u32>{0xd2a12001, 0xd2a00063, 0xb9401822, 0xf1000463, 0x54ffffc1} +
                        call_psci(kSystemOff));
  auto machine = Machine::create(guest.config(El2Mode::Kvm));
  REQUIRE(machine.ok());
  CHECK((*machine)->run().cause == StopCause::PowerOff);  // after 196608 exits
}

}  // namespace farside::machine
