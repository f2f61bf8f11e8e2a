// devices/virtio/disk.h - where the bytes of a block device live: an interface, and raw image files of the host.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::dev::virtio {

inline constexpr u64 kSectorSize = 512;

/// Storage of a fixed size. Offsets and lengths are bytes; what is outside fails, as does what the host refuses.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual u64 size() const = 0;
  virtual bool read_only() const = 0;
  virtual bool read(u64 offset, std::span<u8> out) = 0;
  /// Visible to later reads at once, lasting after flush().
  virtual bool write(u64 offset, std::span<const u8> bytes) = 0;
  /// Everything written before survives a crash of the host.
  virtual bool flush() = 0;
  /// The range reads as zeros. `unmap`: its storage may be given back.
  virtual bool write_zeroes(u64 offset, u64 length, bool unmap) = 0;
  /// The contents of the range do not matter any more.
  virtual bool discard(u64 offset, u64 length) = 0;
  /// At most 20 characters that tell this disk from others.
  virtual std::string serial() const = 0;
};

/// How to open an image.
struct DiskConfig {
  std::string path;
  bool read_only = false;
  bool any_content = false;  ///< format=raw was said: do not look for other formats
};

/// Opens a raw image: a regular file or a block device of the host, a multiple of 512 bytes, locked against a second
/// user for as long as it is open (readers share). Another image format is refused by name. Errors are one line.
Result<std::unique_ptr<Disk>, UserError> open_raw_disk(const DiskConfig& config);

}  // namespace farside::dev::virtio
