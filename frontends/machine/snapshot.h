// frontends/machine/snapshot.h - what a snapshot says about the machine that it was taken of.
#pragma once
#include <string>
#include <vector>

#include "cache/config.h"
#include "core/base/result.h"
#include "frontends/machine/config.h"
#include "frontends/machine/snapshot_file.h"

namespace farside::machine {

/// The options that make a machine what it is and that differ from the defaults, as `name value`, sorted. Two machines
/// with equal lists can have each other's state. `caches` is the geometry that the machine has got.
std::vector<std::string> describe(const MachineConfig& config, const cache::Config& caches);

/// The writable disk images as they are now: name, size and time of the last write. Snapshots do not hold their
/// contents, but a state is worth nothing, and harmful, with other contents.
struct DiskMark {
  std::string path;
  u64 size = 0;
  i64 written = 0;  ///< nanoseconds since 1970; 0 for block devices, which have no such time
};
Result<std::vector<DiskMark>, UserError> disk_marks(const MachineConfig& config);

/// The section "machine": description and marks.
SnapshotFile::Section write_identity(const MachineConfig& config, const cache::Config& caches,
                                     std::vector<DiskMark> marks);
/// Says in one line why `section` is not of a machine like `config`, or why its disks are not as they were then.
Result<void, UserError> check_identity(const SnapshotFile::Section& section, const MachineConfig& config,
                                       const cache::Config& caches, const std::vector<DiskMark>& marks);

}  // namespace farside::machine
