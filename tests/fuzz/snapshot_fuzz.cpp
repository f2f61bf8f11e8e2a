// tests/fuzz/snapshot_fuzz.cpp - the loader of snapshots: bytes as they come, and sections with sound checksums but
// other contents.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>

#include "frontends/machine/machine.h"
#include "frontends/machine/snapshot_file.h"
#include "tests/fuzz/text.h"

using namespace farside;
using namespace farside::machine;

namespace {

/// SCTLR_EL1.I = 1, then: adr x1, .; add x1, x1, #4, lsl #12; loop: str x2, [x1], #8; and x1, x1, #~0x800;
/// add x2, x2, #1; b loop
constexpr u32 kGuest[] = {0xd2820000, 0xd5181000, 0xd5033fdf, 0xd503201f, 0x10000001, 0x91401021,
                          0xf8008422, 0x9274f821, 0x91000442, 0x17fffffd, 0xd503201f, 0xd503201f,
                          0xd503201f, 0xd503201f, 0xd503201f, 0xd503201f};

/// A file without a name, for the life of the process.
std::string file_of(const void* bytes, usize size) {
  const int file = memfd_create("fuzz", 0);
  CHECK(write(file, bytes, size) == static_cast<ssize_t>(size), "memfd");
  return fmt::format("/proc/self/fd/{}", file);
}

/// Caches so small that many snapshots of them can be read each second.
constexpr std::string_view kGeometry = "name tiny\nline 64\nl1i 1K 2\nl1d 1K 2\nl2 4K 4\n";

MachineConfig plain() {
  MachineConfig config;
  config.kernel = file_of(kGuest, sizeof kGuest);
  config.memory = u64{4} << 20;
  config.cpu = "cortex-a72";
  config.engine = Engine::Interp;
  config.thp = ThpMode::Never;
  return config;
}

/// Two vCPUs on caches that hold lines.
MachineConfig cached() {
  MachineConfig config = plain();
  config.cpus = 2;
  config.cache = "adversarial";
  config.cache_config = file_of(kGeometry.data(), kGeometry.size());
  return config;
}

/// Without a hypervisor, but with many devices.
MachineConfig rich() {
  static constexpr std::array<u8, 4096> kDisk{};
  MachineConfig config = plain();
  config.el2 = El2Mode::None;
  config.gic = 2;
  config.balloon = true;
  config.console = ConsoleDevice::Virtio;
  config.semihosting.emplace();
  config.serial2 = "null";
  config.drives.push_back({.path = file_of(kDisk.data(), kDisk.size()), .read_only = true});
  return config;
}

/// A machine that has run for a while, and what its snapshot has in each section.
struct Target {
  explicit Target(const MachineConfig& config) : machine(make(config)), sound(own_state(*machine)) {
    for (const SnapshotFile::Section& section : sound.sections()) {
      SectionReader reader(section, {});
      std::vector<u8>& content = contents.emplace_back(section.size);
      reader.field("", content.data(), content.size());
    }
  }
  static std::unique_ptr<Machine> make(const MachineConfig& config) {
    auto made = Machine::create(config);
    CHECK(made.ok(), "{}", made.error().message);
    for (u32 core = 1; core < config.cpus; ++core) (*made)->start_core(core, (*made)->cores()[0]->s.pc);
    for (u32 turn = 0; turn < 2 * config.cpus; ++turn) (*made)->run_core(turn % config.cpus, 500);
    return std::move(*made);
  }
  static SnapshotFile own_state(Machine& machine) {
    auto file = machine.snapshot();
    CHECK(file.ok(), "{}", file.error().message);
    return std::move(*file);
  }
  std::unique_ptr<Machine> machine;
  SnapshotFile sound;
  std::vector<std::vector<u8>> contents;
};

/// One change of a section's contents. Most are near the beginning, where counts and sizes are.
void change(std::vector<u8>& content, fuzz::Input& input) {
  static constexpr u64 kNumbers[] = {0, 1, ~u64{0}, ~u64{0} >> 1, ~u64{0} << 63, ~u64{0} >> 32, 0x4000'0000, 4096};
  const u8 kind = input.take<u8>();
  const u64 reach = kind & 0x80 ? input.take<u32>() : input.take<u16>() % 4096;
  if (content.empty()) return;
  const usize place = reach % content.size(), room = content.size() - place;
  const auto at = content.begin() + static_cast<std::ptrdiff_t>(place);
  switch (kind % 8) {
    case 0: content.resize(place); break;
    case 1: content.insert(at, 1 + input.take<u8>() % 64, input.take<u8>()); break;
    case 2: std::memcpy(&*at, &kNumbers[input.take<u8>() % std::size(kNumbers)], std::min<usize>(room, 8)); break;
    case 3: {  // what is sound elsewhere
      const usize from = input.take<u16>() % content.size();
      std::memmove(&*at, &content[from], std::min<usize>({room, content.size() - from, usize{8} << (kind >> 3 & 3)}));
      break;
    }
    default:
      for (usize i = 0; const u8 byte : input.bytes(std::min<usize>(room, 1 + (kind >> 3 & 7)))) at[i++] = byte;
  }
}

/// `content` packed again, so that its checksum is sound.
SnapshotFile::Section pack(std::vector<u8>& content, const std::string& name) {
  SectionWriter writer({});
  writer.field("", content.data(), content.size());
  return writer.finish(name);
}

/// The target's own snapshot with changes in one section or two.
void restore_forged(const Target& target, fuzz::Input& input) {
  const usize sections = target.contents.size();
  const usize victims[] = {input.take<u8>() % sections, input.take<u8>() % sections};
  std::vector<u8> contents[] = {target.contents[victims[0]], target.contents[victims[1]]};
  while (!input.empty()) change(contents[input.take<u8>() % 4 == 0], input);
  SnapshotFile forged;
  for (usize i = 0; i < sections; ++i) {
    const SnapshotFile::Section& sound = target.sound.sections()[i];
    const usize which = i == victims[0] ? 0 : i == victims[1] ? 1 : 2;
    forged.add(which == 2 ? sound : pack(contents[which], sound.name));
  }
  Machine& machine = *target.machine;
  if (!machine.restore(forged).ok()) return;
  // What is accepted can be lived in, and left.
  for (u32 turn = 0; turn < 4; ++turn) machine.run_core(turn % machine.config().cpus, 500);
  CHECK(machine.restore(target.sound).ok(), "a machine does not take its own state");
}

/// The input as a file: with `repair` its magic, version and checksums are right, so that what is behind them is read.
void parse_bytes(std::span<const u8> bytes, bool repair) {
  constexpr usize kHeader = 16, kEntry = 40;
  std::vector<u8> file(bytes.begin(), bytes.end());
  const auto crc = [&](usize from, usize size) { return static_cast<u32>(crc32_z(0, &file[from], size)); };
  if (repair && file.size() >= kHeader + 4) {
    std::memcpy(file.data(), "FARSNAP\n\1\0\0", 11);
    const usize count = std::min<usize>(file[12], (file.size() - kHeader - 4) / kEntry),
                table = kHeader + count * kEntry;
    const u32 number = static_cast<u32>(count);
    std::memcpy(&file[12], &number, 4);
    usize at = table + 4;
    for (usize i = 0; i < count; ++i) {
      u64 packed = 0;
      std::memcpy(&packed, &file[kHeader + i * kEntry + 24], 8);
      if (packed > file.size() - at) break;
      const u32 sum = packed == 0 ? 0 : crc(at, packed);
      std::memcpy(&file[kHeader + i * kEntry + 32], &sum, 4);
      at += packed;
    }
    const u32 sum = crc(0, table);
    std::memcpy(&file[table], &sum, 4);
  }
  if (const auto parsed = SnapshotFile::parse(file)) {
    CHECK(SnapshotFile::parse(parsed->bytes()).ok(), "a snapshot that is not read again");
  } else {
    fuzz::check(parsed.error());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  static const std::array<Target, 3> targets{Target(plain()), Target(cached()), Target(rich())};
  fuzz::Input input(data, size);
  const u8 kind = input.take<u8>() % 8;
  if (kind < 6) {
    restore_forged(targets[kind % targets.size()], input);
  } else {
    parse_bytes(input.bytes(size), kind == 7);
  }
  return 0;
}
