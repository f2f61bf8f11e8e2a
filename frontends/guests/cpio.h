// frontends/guests/cpio.h - writes a "newc" cpio archive, the format of a Linux initramfs, in memory.
#pragma once
#include <string>
#include <string_view>

#include "core/base/types.h"

namespace farside::guests {

/// Collects entries and returns the archive. Everything belongs to root and is dated 1970, so that equal contents make
/// equal archives. Paths have no leading slash; a folder must be added before what it holds.
class CpioWriter {
 public:
  void add_folder(std::string_view path, u32 permissions = 0755);
  void add_file(std::string_view path, std::string_view contents, u32 permissions = 0644);
  void add_link(std::string_view path, std::string_view target);
  /// A character device node; needs no privilege because it exists only in the archive.
  void add_char_device(std::string_view path, u32 major, u32 minor, u32 permissions = 0600);
  /// Appends the trailer and returns the archive; the writer is empty afterwards.
  std::string finish();

 private:
  struct Node {
    u32 mode = 0, device_major = 0, device_minor = 0;
  };
  void add(std::string_view path, Node node, std::string_view contents);
  void pad();

  std::string archive_;
  u32 next_inode_ = 1;
};

}  // namespace farside::guests
