// tests/unit/monitor/monitor_test.cpp - monitor commands on a machine with a guest of a few instructions.
#include "frontends/monitor/monitor.h"

#include <filesystem>

#include "frontends/machine/board.h"

#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"

using namespace farside;
using namespace farside::machine;

namespace {

struct Stopped {
  TinyGuest guest{{0xd2a82001, 0xf9000021, 0x14000000}};  // movz x1, #0x4100, lsl #16; str x1, [x1]; b .
  std::unique_ptr<Machine> machine;
  std::unique_ptr<monitor::Monitor> monitor;
  explicit Stopped(El2Mode el2 = El2Mode::Kvm) {
    MachineConfig config = guest.config(el2);
    config.max_instructions = 100;
    config.cpus = 2;
    auto made = Machine::create(config);
    REQUIRE(made.ok());
    machine = std::move(*made);
    machine->run();
    monitor = std::make_unique<monitor::Monitor>(*machine);
  }
  std::string operator()(const char* line) { return monitor->execute(line); }
  bool says(const char* line, const char* part) {
    const std::string out = (*this)(line);
    INFO(line << "\n" << out);
    const bool found = out.find(part) != std::string::npos;
    CHECK(found);
    return found;
  }
};

}  // namespace

TEST_CASE("code has its name wherever a program counter is shown, where names are known") {
  Stopped m;
  CHECK(m("info cpus").find('<') == std::string::npos);
  CHECK(m("info registers").find('<') == std::string::npos);
  m.machine->set_names(
      [](u64 pc, El el) { return el == El::EL1 && pc >= 0x4000'0000 ? std::string("spin+0x4") : std::string(); });
  m.says("info cpus", " <spin+0x4> EL1");
  m.says("info registers", "PC <spin+0x4>");
  m.says("x /1i pc", " <spin+0x4>  14000000  b ");
}

TEST_CASE("registers, memory map, slots, stage 2 and TLB are shown") {
  Stopped m;
  m.says("info registers", "X01=0000000041000000");
  m.says("info mtree", "pl011");
  m.says("info slots", "slot 0 ipa:4000_0000 size 64M");
  m.says("info s2", "ipa:4100_0000 ->");
  m.says("info s2", "2 leaves");
  m.says("info tlb", "ipa:4100_0000");
  m.says("info cpus", "cpu 1: pc");
  m.says("info cpus", "off");
}

TEST_CASE("without a hypervisor the hypervisor's views say so") {
  Stopped m(El2Mode::None);
  m.says("info slots", "no hypervisor");
  m.says("info s2", "no hypervisor");
}

TEST_CASE("memory is examined by virtual and by guest-physical address") {
  Stopped m;
  m.says("x /1xg 0x41000000", "0x0000000041000000");
  m.says("xp/2xw 0x41000000", "0x41000000 0x00000000");
  m.says("x /2i pc", "b");
  m.says("x /1xb 0x3000", "not mapped");
  m.says("xp /1xg ipa:4100_0000", "0x0000000041000000");
}

TEST_CASE("xlate shows the walk of both stages") {
  Stopped m;
  const std::string out = m("xlate 0x41000000 w");
  INFO(out);
  CHECK(out.find("va:4100_0000") != std::string::npos);
  CHECK((out.find("stage 2") != std::string::npos || out.find("Stage 2") != std::string::npos));
}

TEST_CASE("mistakes are answered with one line") {
  Stopped m;
  for (const char* line : {"frobnicate", "x", "xp /9q 0", "xlate", "cpu 7", "info nothing", "x /0xg 0", "xlate zzz"}) {
    const std::string out = m(line);
    INFO(line << ": " << out);
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  }
  CHECK(m("").empty());
  CHECK_FALSE(m.monitor->quit());
  m("quit");
  CHECK(m.monitor->quit());
}

TEST_CASE("stop and cont say whether the machine is to run") {
  Stopped m;
  CHECK_FALSE(m.monitor->stopped());
  CHECK(m("stop").empty());
  CHECK(m.monitor->stopped());
  m.says("info status", "stopped");
  CHECK(m("cont").empty());
  m.says("info status", "running");
  CHECK(m("s").empty());
  m.says("info status", "stopped");
  CHECK(m("c").empty());
  m.says("info status", "running");
}

TEST_CASE("a state is saved under a plain name, listed, and comes back") {
  Stopped m;
  const auto folder = std::filesystem::temp_directory_path() / "farside-monitor-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  m.monitor = std::make_unique<monitor::Monitor>(*m.machine, folder.string());
  m.says("info snapshots", "no snapshots");
  CHECK(m("savevm here").empty());
  m.says("info snapshots", "here ");
  const u64 then = m.machine->state_hash();
  CHECK(m("system_reset").empty());
  CHECK(m.machine->state_hash() != then);
  CHECK(m("loadvm here").empty());
  CHECK(m.machine->state_hash() == then);
  for (const char* name : {"savevm", "savevm ../out", "savevm .hidden", "savevm two words"})
    m.says(name, "give a name");
  m.says("loadvm nothing", "No such file");
  CHECK(m.machine->state_hash() == then);
  m.says("delvm nothing", "No such file");
  m.says("delvm ../out", "give the name");
  CHECK(m("delvm here").empty());
  m.says("info snapshots", "no snapshots");
  std::filesystem::remove_all(folder);
}

TEST_CASE("drives and ways into the guest are listed") {
  machine::MachineConfig config;
  CHECK(monitor::format_drives(config) == "no drives\n");
  CHECK(monitor::format_network(config) == "no network\n");
  for (unsigned i = 0; i < 28; ++i) config.drives.push_back({.path = std::to_string(i), .read_only = i == 0});
  const std::string drives = monitor::format_drives(config);
  CHECK_THAT(drives, Catch::StartsWith("vda: 0 (raw, read-only)\nvdb: 1 (raw, read-write)\n"));
  CHECK_THAT(drives,
             Catch::EndsWith("vdz: 25 (raw, read-write)\nvdaa: 26 (raw, read-write)\nvdab: 27 (raw, read-write)\n"));
  config.net.emplace();
  config.net->forwards.push_back({.host_port = 2222, .guest_port = 22});
  CHECK_THAT(monitor::format_network(config), Catch::EndsWith("  tcp 127.0.0.1:2222 leads to 10.0.2.15:22\n"));
}

TEST_CASE("balloon tells the guest's driver how much to give, and says what it has given") {
  Stopped none;
  CHECK(none.says("balloon 32", "--balloon"));
  CHECK(none.says("info balloon", "--balloon"));
  const TinyGuest guest({0x14000000});                 // b .
  MachineConfig config = guest.config(El2Mode::None);  // 64 MiB
  config.rng = RngMode::None;                          // so that slot 0 has the balloon
  config.balloon = true;
  auto made = Machine::create(config);
  REQUIRE(made.ok());
  monitor::Monitor monitor(**made);
  constexpr u64 kNumPages = 0x0a00'0100, kActual = kNumPages + 4;
  dev::Bus& bus = (*made)->board().bus();
  CHECK(monitor.execute("balloon 48").empty());
  CHECK(bus.read(kNumPages, 4, 0).value == (16 << 20) / 4096);
  CHECK(monitor.execute("info balloon").find("64 MiB of 64") != std::string::npos);
  bus.write(kActual, 4, (8 << 20) / 4096, 0);  // the driver's report
  CHECK(monitor.execute("info balloon").find("56 MiB of 64") != std::string::npos);
  for (const char* bad : {"balloon", "balloon 0", "balloon 65", "balloon 1G"})
    CHECK(monitor.execute(bad).find("1 to 64") != std::string::npos);
}

TEST_CASE("the power key is down for a tenth of a second of the machine's time") {
  const TinyGuest guest({0x14000000});  // b .
  auto made = Machine::create(guest.config(El2Mode::None));
  REQUIRE(made.ok());
  Machine& machine = **made;
  monitor::Monitor monitor(machine);
  // GPIODATA of line 3: address bits 9:2 select the lines.
  const auto line = [&] { return machine.board().bus().read(0x0903'0000 + (u64{8} << 2), 4, 0).value; };
  const auto run_until = [&](u64 instructions) {
    machine.set_checkpoint(instructions);
    REQUIRE(machine.run().cause == StopCause::Checkpoint);
  };
  run_until(1'000'000);
  CHECK(line() == 0);
  CHECK(monitor.execute("system_powerdown").empty());
  CHECK(line() == 8);
  run_until(90'000'000);
  CHECK(line() == 8);
  run_until(110'000'000);
  CHECK(line() == 0);
}
