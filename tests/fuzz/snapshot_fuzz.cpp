// tests/fuzz/snapshot_fuzz.cpp - the loader of snapshots: bytes as they come, and sections with sound checksums but
// other contents.
#include <sys/mman.h>
#include <unistd.h>

#include "frontends/machine/machine.h"
#include "frontends/machine/snapshot_file.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;
using namespace farside::machine;

namespace {

/// SCTLR_EL1.I = 1, then: adr x1, .; add x1, x1, #4, lsl #12; loop: str x2, [x1], #8; add x2, x2, #1; b loop
constexpr u32 kGuest[] = {0xd2820000, 0xd5181000, 0xd5033fdf, 0xd503201f, 0x10000001, 0x91401021,
                          0xf8008422, 0x91000442, 0x17fffffe, 0xd503201f, 0xd503201f, 0xd503201f,
                          0xd503201f, 0xd503201f, 0xd503201f, 0xd503201f};

/// A machine that has run for a while. Its caches, if it has any, hold lines and are shared by two vCPUs.
std::unique_ptr<Machine> make_machine(const char* cache) {
  const int file = memfd_create("guest", 0);
  CHECK(write(file, kGuest, sizeof kGuest) == sizeof kGuest, "memfd");
  MachineConfig config;
  config.kernel = fmt::format("/proc/self/fd/{}", file);
  config.memory = u64{16} << 20;
  config.cpu = "cortex-a72";
  config.cpus = 2;
  config.engine = Engine::Interp;
  config.cache = cache;
  auto made = Machine::create(config);
  CHECK(made.ok(), "{}", made.error().message);
  (*made)->set_checkpoint(20'000);
  CHECK((*made)->run().cause == StopCause::Checkpoint, "a loop that ends");
  return std::move(*made);
}

struct Target {
  explicit Target(const char* cache) : machine(make_machine(cache)), sound(own_state(*machine)) {}
  static SnapshotFile own_state(Machine& machine) {
    auto file = machine.snapshot();
    CHECK(file.ok(), "{}", file.error().message);
    return std::move(*file);
  }
  std::unique_ptr<Machine> machine;
  SnapshotFile sound;
};

/// `section` with some of its bytes replaced, or cut, as the input says.
SnapshotFile::Section forge(const SnapshotFile::Section& section, fuzz::Input& input) {
  std::vector<u8> content(section.size);
  SectionReader reader(section, {});
  reader.field("", content.data(), content.size());
  if (input.take<u8>() % 16 == 0) content.resize(content.size() * input.take<u8>() / 256);
  while (!input.empty() && !content.empty()) {
    // Most places are near the beginning, where counts and sizes are.
    const u32 reach = input.take<u8>() % 4 == 0 ? ~u32{0} : 2048;
    content[input.take<u32>() % std::min<u64>(content.size(), reach)] = input.take<u8>();
  }
  SectionWriter writer({});
  writer.field("", content.data(), content.size());
  return writer.finish(section.name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static const Target plain("off"), cached("adversarial");
  fuzz::Input input(data, size);
  const auto& [machine, sound] = input.take<u8>() % 2 == 0 ? plain : cached;
  if (const auto parsed = SnapshotFile::parse({data, size})) (void)machine->restore(*parsed);
  const usize victim = input.take<u8>() % sound.sections().size();
  SnapshotFile forged;
  for (usize i = 0; i < sound.sections().size(); ++i)
    forged.add(i == victim ? forge(sound.sections()[i], input) : sound.sections()[i]);
  if (!machine->restore(forged).ok()) return 0;
  // What is accepted can be lived in, and left.
  for (u32 turn = 0; turn < 4; ++turn) machine->run_core(turn % 2, 500);
  CHECK(machine->restore(sound).ok(), "a machine does not take its own state");
  return 0;
}
