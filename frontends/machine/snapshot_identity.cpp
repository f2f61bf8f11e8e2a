// frontends/machine/snapshot_identity.cpp - tells whether a snapshot belongs to this machine and to its disks.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "frontends/machine/snapshot.h"

namespace farside::machine {
namespace {

constexpr u64 kMostLines = 256, kMostText = 4096;

void visit_text(StateVisitor& v, std::string& text) {
  const u64 length = v.count("text", text.size(), kMostText);
  if (v.restoring()) text.assign(length, 0);
  if (length != 0) v.field("text", text.data(), length);
}

void visit_identity(StateVisitor& v, std::vector<std::string>& options, std::vector<DiskMark>& marks) {
  const u64 lines = v.count("options", options.size(), kMostLines, sizeof(u64));
  if (v.restoring()) options.assign(lines, {});
  for (std::string& option : options) visit_text(v, option);
  const u64 disks = v.count("disks", marks.size(), kMostLines, sizeof(u64));
  if (v.restoring()) marks.assign(disks, {});
  for (DiskMark& mark : marks) {
    visit_text(v, mark.path);
    v.value("size", mark.size);
    v.value("written", mark.written);
  }
}

std::string_view yes(bool given) { return given ? "given" : ""; }

/// The geometry without its name, which is that of a file.
std::string one_line(cache::Config caches) {
  caches.name.clear();
  std::string text = cache::print_config(caches);
  text.erase(0, text.find('\n') + 1);
  text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ',');
  return text;
}

/// What `theirs` has and `ours` has not.
std::vector<std::string> missing(const std::vector<std::string>& theirs, const std::vector<std::string>& ours) {
  std::vector<std::string> out;
  std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(), std::back_inserter(out));
  return out;
}

}  // namespace

std::vector<std::string> describe(const MachineConfig& config, const cache::Config& caches) {
  const MachineConfig fallback;
  std::vector<std::string> lines;
  const auto add = [&](std::string_view name, const auto& value, const auto& usual) {
    if (value != usual) lines.push_back(fmt::format("--{} {}", name, value));
  };
  add("memory", config.memory >> 20, fallback.memory >> 20);
  add("smp", config.cpus, fallback.cpus);
  add("pcpus", config.pcpus, fallback.pcpus);
  if (config.migrate_seed) lines.push_back(fmt::format("--migrate {}", *config.migrate_seed));
  add("gic", config.gic, fallback.gic);
  add("serial2", yes(!config.serial2.empty()), "");
  add("cpu", config.cpu, fallback.cpu);
  add("seed", config.seed, fallback.seed);
  if (config.el2 == El2Mode::None) lines.emplace_back("--el2 none");
  add("policy", config.policy, fallback.policy);
  if (config.thp == ThpMode::Never) lines.emplace_back("--thp never");
  add("cache", config.cache, fallback.cache);
  if (config.code == CodeMode::Arch) lines.emplace_back("--code arch");
  if (!config.cache_config.empty()) lines.push_back("--cache-config with " + one_line(caches));
  for (const std::string& knob : config.knobs) lines.push_back("--knob " + knob);
  if (config.dma == DmaKind::NonCoherent) lines.emplace_back("--dma noncoherent");
  for (usize i = 0; i < config.drives.size(); ++i)
    lines.push_back(fmt::format("--drive number {}{}", i, config.drives[i].read_only ? ",ro" : ""));
  if (config.net) lines.emplace_back("--net user");
  if (config.rng != RngMode::Seeded) lines.push_back(config.rng == RngMode::Host ? "--rng host" : "--rng none");
  if (config.console == ConsoleDevice::Virtio) lines.emplace_back("--console virtio");
  if (config.semihosting) lines.emplace_back("--semihosting");
  for (const ShareConfig& share : config.shares) lines.push_back("--share with tag " + share.tag);
  add("balloon", yes(config.balloon), "");
  add("bios", yes(!config.bios.empty()), "");
  add("pflash", yes(!config.pflash.empty()), "");
  std::sort(lines.begin(), lines.end());
  return lines;
}

Result<std::vector<DiskMark>, UserError> disk_marks(const MachineConfig& config) {
  std::vector<DiskMark> marks;
  for (const DriveConfig& drive : config.drives) {
    struct stat status {};
    if (stat(drive.path.c_str(), &status) != 0)
      return UserError{fmt::format("--drive {}: {}", drive.path, std::strerror(errno))};
    DiskMark mark{.path = drive.path, .size = static_cast<u64>(status.st_size)};
    if (!drive.read_only && S_ISREG(status.st_mode))
      mark.written = i64{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    marks.push_back(std::move(mark));
  }
  return marks;
}

SnapshotFile::Section write_identity(const MachineConfig& config, const cache::Config& caches,
                                     std::vector<DiskMark> marks) {
  SectionWriter writer({});
  std::vector<std::string> options = describe(config, caches);
  visit_identity(writer, options, marks);
  return writer.finish("machine");
}

Result<void, UserError> check_identity(const SnapshotFile::Section& section, const MachineConfig& config,
                                       const cache::Config& caches, const std::vector<DiskMark>& marks) {
  SectionReader reader(section, {});
  std::vector<std::string> theirs;
  std::vector<DiskMark> disks;
  visit_identity(reader, theirs, disks);
  if (!reader.wrong().empty()) return UserError{"is damaged: it does not say of which machine it is"};
  const std::vector<std::string> ours = describe(config, caches);
  const auto list = [](const std::vector<std::string>& options) {
    return options.empty() ? "the default there" : fmt::format("{}", fmt::join(options, " "));
  };
  if (theirs != ours) {
    return UserError{
        fmt::format("is of another machine: it has {}, this one has {}; give the options it was taken with",
                    list(missing(theirs, ours)), list(missing(ours, theirs)))};
  }
  for (usize i = 0; i < std::min(disks.size(), marks.size()); ++i) {
    const std::string& path = marks[i].path;
    if (disks[i].size != marks[i].size)
      return UserError{
          fmt::format("was taken with a disk of {} bytes, --drive {} has {}", disks[i].size, path, marks[i].size)};
    if (disks[i].written != marks[i].written)
      return UserError{
          fmt::format("--drive {} has been written since the snapshot, which does not hold it: put back a copy "
                      "from then (cp --preserve=timestamps)",
                      path)};
  }
  return {};
}

}  // namespace farside::machine
