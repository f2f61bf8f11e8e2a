// tests/unit/machine/physical_cores_test.cpp - vCPUs on physical cores: pinned, moved by hand, moved by a seed.
#include "core/arch/sysreg.h"
#include "firmware/hyp/policy.h"
#include "firmware/hyp/vm.h"
#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

namespace farside::machine {
namespace {

std::unique_ptr<Machine> make(const MachineConfig& config) {
  auto machine = Machine::create(config);
  INFO((machine.ok() ? std::string() : machine.error().message));
  REQUIRE(machine.ok());
  return std::move(machine.value());
}

std::string error_of(const MachineConfig& config) {
  const auto machine = Machine::create(config);
  REQUIRE(!machine.ok());
  return machine.error().message;
}

/// Counts to 400,000 in a page of memory, MMU off, and switches the machine off with the count in X20.
std::vector<u32> counter() {
  return std::vector<u32>{
             0xd2a82001,  // movz x1, #0x4100, lsl #16
             0xd2a000c3,  // movz x3, #6, lsl #16
             0xf2835003,  // movk x3, #0x1a80
             0xf9400034,  // loop: ldr x20, [x1]
             0x91000694,  // add x20, x20, #1
             0xf9000034,  // str x20, [x1]
             0xeb03029f,  // cmp x20, x3
             0x54ffff81,  // b.ne loop
         } +
         call_psci(kSystemOff);
}

/// Runs a function, tells the console, waits, writes another first instruction into the function and invalidates the
/// instruction cache with a local IC IALLU, tells the console, waits, runs the function again: X20 and X21 get what it
/// returned. MMU off, SCTLR_EL1.I on.
std::vector<u32> patcher() {
  std::vector<u32> code =
      std::vector<u32>{
          0xd5381002,  // mrs x2, sctlr_el1
          0xb2740042,  // orr x2, x2, #0x1000
          0xd5181002,  // msr sctlr_el1, x2
          0xd5033fdf,  // isb
          0x10000485,  // adr x5, function
          0xd63f00a0,  // blr x5
          0xaa0003f4,  // mov x20, x0
          0xd2a12001,  // movz x1, #0x900, lsl #16
          0x52800822,  // movz w2, #'A'
          0x39000022,  // strb w2, [x1]
          0xd2880003,  // movz x3, #0x4000
          0xf1000463,  // subs x3, x3, #1
          0x54ffffe1,  // b.ne . - 4
          0x52800046,  // movz w6, #2
          0x531b68c6,  // lsl w6, w6, #5
          0x72ba5006,  // movk w6, #0xd280, lsl #16: w6 = movz x0, #2
          0xb90000a6,  // str w6, [x5]
          0xd5033f9f,  // dsb sy
          0xd508751f,  // ic iallu
          0xd5033f9f,  // dsb sy
          0xd5033fdf,  // isb
          0x52800842,  // movz w2, #'B'
          0x39000022,  // strb w2, [x1]
          0xd2880003,  // movz x3, #0x4000
          0xf1000463,  // subs x3, x3, #1
          0x54ffffe1,  // b.ne . - 4
          0xd63f00a0,  // blr x5
          0xaa0003f5,  // mov x21, x0
      } +
      call_psci(kSystemOff);
  code.resize(40, 0xd503201f);
  return code + std::vector<u32>{0xd2800020, 0xd65f03c0};  // function: movz x0, #1; ret
}

}  // namespace

TEST_CASE("each vCPU has a physical core of its own unless told otherwise, and core i mod N then") {
  const TinyGuest guest(call_psci(kSystemOff));
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.cpus = 3;
  const auto own = make(config);
  for (u32 vcpu = 0; vcpu < 3; ++vcpu) CHECK(own->physical_core(vcpu) == vcpu);
  config.pcpus = 2;
  const auto shared = make(config);
  for (u32 vcpu = 0; vcpu < 3; ++vcpu) CHECK(shared->physical_core(vcpu) == vcpu % 2);
  CHECK(shared->migrate(2, 1));
  CHECK(shared->physical_core(2) == 1);
  CHECK_FALSE(shared->migrate(3, 0));
  CHECK_FALSE(shared->migrate(0, 2));
}

TEST_CASE("vCPUs begin in the caches of the cores that they share") {
  const TinyGuest guest(call_psci(kSystemOff));
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.cache = "model";
  config.cpus = 8;
  config.pcpus = 1;
  const auto machine = make(config);
  for (const auto& core : machine->cores()) CHECK(core->physical() == 0);
  CHECK(machine->run().cause == StopCause::PowerOff);
}

TEST_CASE("a vCPU that moves on every core computes what a pinned one computes, and one seed is one run") {
  const std::string profile = GENERATE("off", "model", "adversarial");
  CAPTURE(profile);
  const TinyGuest guest(counter());
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.cache = profile;
  config.pcpus = 3;
  const auto run = [&](std::optional<u64> migrate) {
    config.migrate_seed = migrate;
    auto machine = make(config);
    CHECK(machine->run().cause == StopCause::PowerOff);
    CHECK(machine->cores().front()->s.x[20] == 400'000);
    for (std::string_view finding : Machine::finding_names())
      if (finding != "AMBIGUOUS" && finding != "MISMATCH") CHECK(machine->findings(finding) == 0);
    return machine;
  };
  const auto pinned = run({}), first = run(1), again = run(1), other = run(2);
  CHECK(first->state_hash() == again->state_hash());
  CHECK(first->migrations() == again->migrations());
  CHECK(pinned->migrations() == 0);
  CHECK(first->migrations() > 5);
  CHECK(first->vm()->stats().entries > pinned->vm()->stats().entries + 5);
  CHECK(first->migrations() != other->migrations());
}

TEST_CASE("IC IALLU on one core leaves the line on another, unless HCR_EL2.FB broadcasts it") {
  const bool broadcasts = GENERATE(true, false);
  CAPTURE(broadcasts);
  const TinyGuest guest(patcher());
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.cache = "model";
  config.knobs = {"icache_refetch=0", "fetch_ahead=0"};
  config.pcpus = 2;
  config.change_policy = [=](hyp::Policy& policy) { policy.guest_maintenance_broadcasts = broadcasts; };
  const auto machine = make(config);
  machine->set_console({.output = [&](u8 byte) { machine->migrate(0, byte == 'A' ? 1 : 0); }});
  CHECK(machine->run().cause == StopCause::PowerOff);
  const pe::Pe& core = *machine->cores().front();
  CHECK(machine->migrations() == 2);
  CHECK(core.s.x[20] == 1);
  CHECK(core.s.x[21] == (broadcasts ? 2 : 1));
  CHECK((machine->findings("STALE_ICACHE") == 0) == broadcasts);
}

TEST_CASE("physical cores need a hypervisor, and moving needs two of them") {
  const TinyGuest guest(call_psci(kSystemOff));
  MachineConfig config = guest.config(El2Mode::None);
  config.pcpus = 2;
  CHECK(error_of(config) == "--pcpus: only a hypervisor moves vCPUs: leave out --el2 none");
  config = guest.config(El2Mode::Kvm);
  config.migrate_seed = 1;
  CHECK(error_of(config) == "--migrate: with one physical core there is nowhere to go: add --pcpus 2");
  config.pcpus = 9;
  CHECK(error_of(config) == "--pcpus 9: use 1 to 8 physical cores");
}

}  // namespace farside::machine
