// firmware/boot/file_bytes.h - the bytes of a kernel or initrd: a mapping of the file, or memory of our own.
#pragma once
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::boot {

/// Read-only bytes that are copied into guest memory once. A mapping saves a second copy of them, which is most of the
/// time between the start of farside and the first guest instruction.
class FileBytes {
 public:
  FileBytes() = default;
  FileBytes(std::vector<u8> bytes)
      : own_(std::move(bytes)) {}  // NOLINT: what was unpacked or made is as good as a file
  FileBytes(FileBytes&& other) noexcept
      : own_(std::move(other.own_)), mapping_(std::exchange(other.mapping_, std::span<const u8>())) {}
  FileBytes& operator=(FileBytes&& other) noexcept {
    own_.swap(other.own_);
    std::swap(mapping_, other.mapping_);
    return *this;
  }
  ~FileBytes();

  /// The first `size` bytes (more than 0) of an open regular file; empty if the host cannot map it.
  static FileBytes map(int fd, usize size);

  std::span<const u8> span() const { return mapping_.empty() ? std::span<const u8>(own_) : mapping_; }
  operator std::span<const u8>() const { return span(); }
  const u8* data() const { return span().data(); }
  usize size() const { return span().size(); }
  bool empty() const { return size() == 0; }
  friend bool operator==(const FileBytes& a, std::span<const u8> b) { return std::ranges::equal(a.span(), b); }

 private:
  std::vector<u8> own_;
  std::span<const u8> mapping_;
};

}  // namespace farside::boot
