// frontends/guests/store.h - the folder in the user's cache where guests are kept, and how files get into it whole.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::guests {

/// $XDG_CACHE_HOME/farside, else ~/.cache/farside.
std::string cache_folder();

/// The whole file, or what went wrong.
Result<std::string, UserError> read_file(const std::string& path);
/// Writes `contents` beside `path` and renames it into place, so that a reader sees all of it or nothing.
Result<void, UserError> write_file(const std::string& path, std::string_view contents);

/// CRC-32 as gzip computes it: enough to notice a truncated or damaged file. (apt has already checked the signature
/// chain of every package when it was fetched.)
u32 crc32_of(std::string_view contents);

/// What a complete folder must hold: file name -> size and CRC-32. Kept as text in the folder's file "manifest".
class Manifest {
 public:
  struct Entry {
    u64 size = 0;
    u32 crc = 0;
    bool operator==(const Entry&) const = default;
  };

  /// An absent or unreadable manifest is an empty one.
  static Manifest load(const std::string& folder);
  static Manifest parse(std::string_view text);
  std::string text() const;

  void record(std::string_view name, std::string_view contents);
  /// True when `name` is listed and the file in `folder` has the listed size and CRC-32.
  bool holds(const std::string& folder, const std::string& name) const;

 private:
  std::map<std::string, Entry> entries_;
};

/// Holds an exclusive lock on a folder while it exists, so that two processes do not fetch the same guest.
class FolderLock {
 public:
  /// Creates `folder` if needed and waits until no other process holds the lock.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace farside::guests
