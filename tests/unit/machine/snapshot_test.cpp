// tests/unit/machine/snapshot_test.cpp - a machine that is saved and restored has the same future as one that was not.
#include "frontends/machine/snapshot.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "firmware/hyp/vm.h"
#include "frontends/machine/machine.h"
#include "tests/unit/catch.h"
#include "tests/unit/machine/tiny_guest.h"
#include "tests/unit/saved_state.h"

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

TinyGuest worker(u32 cpus) {
  return TinyGuest(cpus == 1 ? kWorker + call_psci(kSystemOff) : kWakeOther + kWorker + call_psci(kSystemOff));
}

/// What follows a snapshot is the same in the machine that goes on, in a new one with either engine, and in one without
/// a stop.
void check_future(MachineConfig config) {
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
  if (config.cache != "off") return;
  config.engine = config.engine == Engine::Jit ? Engine::Interp : Engine::Jit;
  const auto other = make(config);
  REQUIRE(other->restore(file.path).ok());
  CHECK(run_out(*other) == rest);
}

}  // namespace

TEST_CASE("the future of a snapshot is that of the machine") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const u32 cpus = GENERATE(1, 2);
  const TinyGuest guest = worker(cpus);
  MachineConfig config = guest.config(el2);
  config.cpus = cpus;
  config.engine = GENERATE(Engine::Interp, Engine::Jit);
  config.thp = GENERATE(ThpMode::Always, ThpMode::Never);
  CAPTURE(static_cast<int>(el2), static_cast<int>(config.engine), cpus, static_cast<int>(config.thp));
  check_future(config);
}

TEST_CASE("the future of a snapshot is that of the machine with its caches") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const u32 cpus = GENERATE(1, 2);
  const TinyGuest guest = worker(cpus);
  MachineConfig config = guest.config(el2);
  config.cpus = cpus;
  config.engine = Engine::Interp;
  config.cache = GENERATE("coherent", "model", "adversarial");
  CAPTURE(static_cast<int>(el2), cpus, config.cache);
  check_future(config);
}

namespace {

/// A machine of kWorker between two turns, and its snapshot.
struct Paused {
  TinyGuest guest{kWorker + call_psci(kSystemOff)};
  MachineConfig config = guest.config(El2Mode::Kvm);
  std::unique_ptr<Machine> machine = make(config);
  std::vector<u8> bytes;
  Paused() {
    machine->set_checkpoint(1000);
    REQUIRE(machine->run().cause == StopCause::Checkpoint);
    const auto file = machine->snapshot();
    REQUIRE(file.ok());
    bytes = file->bytes();
  }
};

std::string error_of(const Result<void, UserError>& result) {
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find('\n') == std::string::npos);
  return result.error().message;
}

}  // namespace

TEST_CASE("a truncated file, and a file with one bit flipped anywhere, is refused") {
  const Paused paused;
  CHECK(SnapshotFile::parse(paused.bytes).ok());
  const usize step = paused.bytes.size() / 300 + 1;
  for (usize at = 0; at < paused.bytes.size(); at += step) {
    CHECK_FALSE(SnapshotFile::parse(std::span(paused.bytes).first(at)).ok());
    std::vector<u8> flipped = paused.bytes;
    flipped[at] ^= static_cast<u8>(1 << at % 8);
    CHECK_FALSE(SnapshotFile::parse(flipped).ok());
  }
  std::vector<u8> longer = paused.bytes;
  longer.push_back(0);
  CHECK_FALSE(SnapshotFile::parse(longer).ok());
}

TEST_CASE("another format version is refused by its number") {
  Paused paused;
  paused.bytes[8] = 9;
  const auto parsed = SnapshotFile::parse(paused.bytes);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().message.find("version 9") != std::string::npos);
}

TEST_CASE("another machine is refused by what is different about it") {
  const Paused paused;
  const auto file = SnapshotFile::parse(paused.bytes);
  const auto refusal = [&](auto change) {
    MachineConfig config = paused.config;
    change(config);
    return error_of(make(config)->restore(*file));
  };
  CHECK(refusal([](MachineConfig& c) { c.cpus = 2; }).find("--smp 2") != std::string::npos);
  CHECK(refusal([](MachineConfig& c) { c.memory *= 2; }).find("--memory 128") != std::string::npos);
  CHECK(refusal([](MachineConfig& c) { c.seed = 7; }).find("--seed 7") != std::string::npos);
  CHECK(refusal([](MachineConfig& c) { c.el2 = El2Mode::None; }).find("--el2 none") != std::string::npos);
  CHECK(refusal([](MachineConfig& c) { c.gic = 2; }).find("--gic 2") != std::string::npos);
}

TEST_CASE("sections that make no sense leave the machine as it was") {
  Paused paused;
  const auto file = SnapshotFile::parse(paused.bytes);
  const u64 before = paused.machine->state_hash();
  Chance chance(1, "forged");
  for (const SnapshotFile::Section& victim : file->sections()) {
    for (unsigned round = 0; round < 6; ++round) {
      SnapshotFile forged;
      for (const SnapshotFile::Section& section : file->sections()) {
        if (&section != &victim) {
          forged.add(section);
          continue;
        }
        // Cut off, longer, or with bytes of chance.
        SectionReader reader(section, {});
        std::vector<u8> content(section.size);
        reader.field("", content.data(), content.size());
        if (round == 0) content.resize(content.size() / 2);
        if (round == 1) content.push_back(1);
        for (unsigned i = 0; round > 1 && i < 40; ++i)
          content[chance.below(std::min<u64>(content.size(), 4096))] = static_cast<u8>(chance.next());
        SectionWriter writer({});
        writer.field("", content.data(), content.size());
        forged.add(writer.finish(section.name));
      }
      CAPTURE(victim.name, round);
      const bool taken = paused.machine->restore(forged).ok();
      if (round < 2) CHECK_FALSE(taken);
      if (!taken) CHECK(paused.machine->state_hash() == before);
      REQUIRE(paused.machine->restore(*file).ok());
      CHECK(paused.machine->state_hash() == before);
    }
  }
}

namespace {

/// Gives back what was saved, but for one field.
class ForgeOne final : public StateVisitor {
 public:
  ForgeOne(const std::vector<u8>& bytes, std::string_view victim, u8 value)
      : bytes_(bytes), victim_(victim), value_(value) {}
  void field(std::string_view name, void* data, usize size) override {
    REQUIRE(at_ + size <= bytes_.size());
    std::memcpy(data, bytes_.data() + at_, size);
    at_ += size;
    if (name == victim_) std::memset(data, value_, size);
  }
  bool restoring() const override { return true; }
  u64 remaining() const override { return bytes_.size() - at_; }
  void reject(std::string_view why) override { rejected_ += why; }
  const std::string& rejected() const { return rejected_; }

 private:
  const std::vector<u8>& bytes_;
  usize at_ = 0;
  std::string_view victim_;
  u8 value_;
  std::string rejected_;
};

}  // namespace

TEST_CASE("a vCPU on a physical core that does not exist is refused before its caches are looked for") {
  const TinyGuest guest{kWorker + call_psci(kSystemOff)};
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.cache = "model";
  const auto machine = make(config);
  machine->set_checkpoint(1000);
  REQUIRE(machine->run().cause == StopCause::Checkpoint);
  SaveState saved;
  machine->cores()[0]->visit_state(saved);
  ForgeOne forged(saved.bytes(), "pe.physical", 0x7f);
  machine->cores()[0]->visit_state(forged);
  CHECK(forged.rejected() == "pe.physical");
}

TEST_CASE("no number of a core's state leads outside its caches") {
  const TinyGuest guest(kWorker + call_psci(kSystemOff));
  MachineConfig config = guest.config(El2Mode::None);
  config.cache = "adversarial";
  config.engine = Engine::Interp;
  const auto machine = make(config);
  machine->run_core(0, 200);
  const auto file = machine->snapshot();
  REQUIRE(file.ok());
  const SnapshotFile::Section& core = *file->find("core 0");
  SectionReader reader(core, {});
  std::vector<u8> sound(core.size);
  reader.field("", sound.data(), sound.size());
  // Cut off behind all ones: what follows reads as zeros, and what is derived from both must still hold.
  const usize ones = GENERATE(4, 16);
  for (usize end = ones; end < sound.size(); end += 2) {
    std::vector<u8> content(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(end));
    std::fill_n(content.rbegin(), ones, u8{0xff});
    SectionWriter writer({});
    writer.field("", content.data(), content.size());
    SnapshotFile forged;
    for (const SnapshotFile::Section& section : file->sections())
      forged.add(&section == &core ? writer.finish(core.name) : section);
    REQUIRE_FALSE(machine->restore(forged).ok());
  }
  CHECK(machine->restore(*file).ok());
}

TEST_CASE("a section has a name that can be printed") {
  SectionWriter writer({});
  SnapshotFile file;
  file.add(writer.finish("two\nlines"));
  const auto parsed = SnapshotFile::parse(file.bytes());
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().message == "is damaged: section 0 has no name");
}

TEST_CASE("a disk that has been written since, or has another size, is refused") {
  const TinyGuest guest(kWorker + call_psci(kSystemOff));
  const TemporaryFile image, snapshot;
  std::ofstream(image.path) << std::string(8192, 'x');
  MachineConfig config = guest.config(El2Mode::Kvm);
  config.drives.push_back({.path = image.path});
  REQUIRE(make(config)->save(snapshot.path).ok());
  CHECK(make(config)->restore(snapshot.path).ok());
  std::filesystem::last_write_time(image.path, std::filesystem::last_write_time(image.path) + std::chrono::hours(1));
  CHECK(error_of(make(config)->restore(snapshot.path)).find("has been written") != std::string::npos);
  std::ofstream(image.path) << std::string(16384, 'x');
  CHECK(error_of(make(config)->restore(snapshot.path)).find("16384") != std::string::npos);
}

TEST_CASE("a file that cannot be written leaves nothing behind, and one that is no snapshot says so") {
  const Paused paused;
  CHECK(error_of(paused.machine->save("/nowhere/at/all")).find("/nowhere") != std::string::npos);
  CHECK(error_of(paused.machine->restore("/nowhere/at/all")).find("No such file") != std::string::npos);
  const TemporaryFile file;
  std::ofstream(file.path) << "hello, world, this is no snapshot at all";
  CHECK(error_of(paused.machine->restore(file.path)).find("no farside snapshot") != std::string::npos);
}

/// Counts its starts in memory that no image fills, overwrites its own code, and resets until the third.
const std::vector<u32> kResetter{0xd2a82001, 0xf9400022, 0x91000442, 0xf9000022, 0x10000043, 0x52800005, 0xb9400064,
                                 0xb81fc07f, 0xf9400426, 0xf1000c5f, 0x54000080, 0x52800120, 0x72b08000, 0xd4000002};

TEST_CASE("a reset keeps memory, puts the images back and starts the first core again") {
  const El2Mode el2 = GENERATE(El2Mode::Kvm, El2Mode::None);
  const Engine engine = GENERATE(Engine::Interp, Engine::Jit);
  const TinyGuest guest(kResetter + call_psci(kSystemOff));
  MachineConfig config = guest.config(el2);
  config.engine = engine;
  config.cpus = 2;
  const auto machine = make(config);
  unsigned resets = 0;
  while (machine->run().cause == StopCause::Reset) {
    ++resets;
    REQUIRE(resets < 5);
    REQUIRE(machine->reset().ok());
    CHECK(machine->cores()[0]->powered_on);
    CHECK_FALSE(machine->cores()[1]->powered_on);
    CHECK(machine->cores()[0]->el() == El::EL1);
  }
  CHECK(resets == 2);
  u64 starts = 0;
  CHECK(machine->peek_ipa(0x4100'0000, &starts, 8));
  CHECK(starts == 3);
}

TEST_CASE("a reset unmaps stage 2") {
  const TinyGuest guest(kResetter + call_psci(kSystemOff));
  const auto machine = make(guest.config(El2Mode::Kvm));
  REQUIRE(machine->run().cause == StopCause::Reset);
  CHECK(machine->vm()->stats().mapped[2] + machine->vm()->stats().mapped[3] != 0);
  REQUIRE(machine->reset().ok());
  const hyp::Stats stats = machine->vm()->stats();
  CHECK(stats.mapped[1] + stats.mapped[2] + stats.mapped[3] == 0);
}

}  // namespace farside::machine
