// tests/fuzz/snapshot_fuzz.cpp - the loader of snapshots: bytes as they come, and sections with sound checksums but
// other contents.
#include "frontends/machine/machine.h"
#include "frontends/machine/snapshot_file.h"
#include "tests/fuzz/fuzz.h"

using namespace farside;
using namespace farside::machine;

namespace {

std::unique_ptr<Machine> make_machine() {
  MachineConfig config;
  config.memory = u64{16} << 20;
  config.cpu = "cortex-a72";
  config.cpus = 2;
  auto made = Machine::create_bare(config);
  CHECK(made.ok(), "{}", made.error().message);
  return std::move(*made);
}

SnapshotFile own_state(Machine& machine) {
  auto file = machine.snapshot();
  CHECK(file.ok(), "{}", file.error().message);
  return std::move(*file);
}

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
  static const std::unique_ptr<Machine> machine = make_machine();
  static const SnapshotFile sound = own_state(*machine);
  if (const auto parsed = SnapshotFile::parse({data, size})) (void)machine->restore(*parsed);
  fuzz::Input input(data, size);
  const usize victim = input.take<u8>() % sound.sections().size();
  SnapshotFile forged;
  for (usize i = 0; i < sound.sections().size(); ++i)
    forged.add(i == victim ? forge(sound.sections()[i], input) : sound.sections()[i]);
  if (machine->restore(forged).ok()) CHECK(machine->restore(sound).ok(), "a machine does not take its own state");
  return 0;
}
