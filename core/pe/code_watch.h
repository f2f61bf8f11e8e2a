// core/pe/code_watch.h - tells an engine that keeps translated code when memory under that code is written.
#pragma once
#include <vector>

#include "core/base/types.h"

namespace farside::pe {

/// Pages that hold translated code have no L0 entry for writing, so every store to them takes the slow path and is
/// reported here. Pages are named by the host address of their first byte.
class CodeWatch {
 public:
  CodeWatch() : code_(kSlots), writable_(kSlots) {}
  virtual ~CodeWatch() = default;
  /// No write entry may be installed for this page. (Rarely also true of a page that shares its slot with one.)
  bool holds_code(const u8* page) const { return code_[slot(page)] != 0; }
  /// A write entry for this page is being installed.
  void note_writable(const u8* page) { writable_[slot(page)] = 1; }
  /// Memory of this page is being written by other means than an L0 entry.
  void written(const u8* page) {
    if (holds_code(page)) [[unlikely]]
      on_write(page);
  }
  void written(const u8* from, usize size) {
    const u8* page = reinterpret_cast<const u8*>(reinterpret_cast<u64>(from) & ~u64{4095});
    for (; page < from + size; page += 4096) written(page);
  }

 protected:
  /// Must stop watching the page.
  virtual void on_write(const u8* page) = 0;
  /// Returns true if some L0 may have a write entry for the page, which must then be revoked.
  bool watch(const u8* page) {
    ++code_[slot(page)];
    const bool writable = writable_[slot(page)] != 0;
    writable_[slot(page)] = 0;
    return writable;
  }
  void unwatch(const u8* page) { --code_[slot(page)]; }

 private:
  static constexpr usize kSlots = usize{1} << 20;  // 4 GiB of RAM without sharing
  static usize slot(const u8* page) { return (reinterpret_cast<u64>(page) >> 12) & (kSlots - 1); }
  std::vector<u16> code_;
  std::vector<u8> writable_;
};

}  // namespace farside::pe
