// frontends/machine/snapshot.cpp - saves and restores a whole machine, section by section.
#include "frontends/machine/snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "frontends/machine/board.h"
#include "frontends/machine/hyp_adapter.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/scheduler.h"
#include "frontends/machine/semihosting.h"

namespace farside::machine {
namespace {

/// A snapshot that outlives a crash of the host needs disks that do.
void sync_disks(const MachineConfig& config) {
  for (const DriveConfig& drive : config.drives) {
    if (drive.read_only) continue;
    const int fd = open(drive.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    fsync(fd);
    close(fd);
  }
}

}  // namespace

/// The order matters for restoring: devices move flash in and out of the address space, which the hypervisor's state
/// then replaces; what caches know of memory comes after it, and what cores know of both at last.
void Machine::for_each_section(const SectionVisit& visit) {
  visit("devices", [this](StateVisitor& v) { board_->visit_state(v); });
  if (hyp_ != nullptr) visit("hypervisor", [this](StateVisitor& v) { hyp_->visit_state(v); });
  visit("memory", [this](StateVisitor& v) {
    board_->ram().visit_state(v);
    if (v.restoring()) board_->wrote(board_->ram_base(), board_->ram().size());
  });
  if (board_->code() != nullptr) visit("code", [this](StateVisitor& v) { board_->code()->visit_state(v); });
  if (board_->caches().modelled()) visit("caches", [this](StateVisitor& v) { board_->caches().visit_state(v); });
  for (const auto& core : cores_)
    visit(fmt::format("core {}", core->index()), [&](StateVisitor& v) { core->visit_state(v); });
  visit("physical cores", [this](StateVisitor& v) { board_->physical().visit_state(v); });
  visit("scheduler", [this](StateVisitor& v) { scheduler_->visit_state(v); });
  if (semihosting_ != nullptr) visit("semihosting", [this](StateVisitor& v) { semihosting_->visit_state(v); });
}

Result<SnapshotFile, UserError> Machine::snapshot() {
  SnapshotFile file;
  file.add(write_identity(config_, board_->caches().config(), TRY(disk_marks(config_))));
  const RamWindow ram{board_->ram().data(), board_->ram().size()};
  for_each_section([&](const std::string& name, const auto& state) {
    SectionWriter writer(ram);
    state(writer);
    file.add(writer.finish(name));
  });
  return file;
}

Result<void, UserError> Machine::save(const std::string& path) {
  sync_disks(config_);
  return TRY(snapshot()).write(path);
}

/// Reads the sections into the machine. The error is the first field that makes no sense.
Result<void, UserError> Machine::apply(const SnapshotFile& file) {
  const RamWindow ram{board_->ram().data(), board_->ram().size()};
  std::string wrong;
  for_each_section([&](const std::string& name, const auto& state) {
    if (!wrong.empty()) return;
    SectionReader reader(*file.find(name), ram, file.version());
    state(reader);
    if (!reader.wrong().empty()) wrong = fmt::format("section '{}' makes no sense ({})", name, reader.wrong());
  });
  const auto entry = [this](Pa pa) {
    u64 value = 0;
    board_->peek(pa, &value, sizeof value);
    return value;
  };
  if (wrong.empty() && hyp_ != nullptr && !hyp_->is_sound(entry)) wrong = "the hypervisor's state contradicts itself";
  if (!wrong.empty()) return UserError{"is damaged: " + wrong};
  return {};
}

Result<void, UserError> Machine::restore(const SnapshotFile& file) {
  const SnapshotFile::Section* identity = file.find("machine");
  if (identity == nullptr) return UserError{"is damaged: section 'machine' is missing"};
  TRY_VOID(check_identity(*identity, config_, board_->caches().config(), TRY(disk_marks(config_))));
  usize sections = 1;
  std::string missing;
  for_each_section([&](const std::string& name, const auto&) {
    ++sections;
    if (file.find(name) == nullptr) missing = name;
  });
  if (!missing.empty()) return UserError{fmt::format("is damaged: section '{}' is missing", missing)};
  if (file.sections().size() != sections) return UserError{"is damaged: it has sections of another machine"};
  const SnapshotFile backup = TRY(snapshot());
  const auto done = apply(file);
  if (!done) CHECK(apply(backup).ok(), "a machine does not take its own state");
  return done;
}

Result<void, UserError> Machine::restore(const std::string& path) {
  const SnapshotFile file = TRY(SnapshotFile::read(path));
  const auto done = restore(file);
  if (!done) return UserError{fmt::format("snapshot {}: {}", path, done.error().message)};
  return {};
}

}  // namespace farside::machine
