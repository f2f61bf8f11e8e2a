// core/pe/code_watch.h - tells an engine that keeps translated code when memory under that code is written.
#pragma once
#include <cstdlib>
#include <memory>

#include "core/base/check.h"
#include "core/base/types.h"

namespace farside::pe {

/// Pages that hold translated code have no L0 entry for writing, so every store to them takes the slow path and is
/// reported here. Pages are named by the host address of their first byte.
class CodeWatch {
 public:
  CodeWatch() : code_(zeros<u16>()), writable_(zeros<u8>()) {}
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
  /// These bytes, which stores do not reach (BusPort::code_page), are others now.
  virtual void changed(const u8* from, usize size) = 0;

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
  /// From the host's untouched memory: few of the slots are ever used, and start-up need not write them all.
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  template <class T>
  static std::unique_ptr<T[], Free> zeros() {
    T* const memory = static_cast<T*>(std::calloc(kSlots, sizeof(T)));
    CHECK(memory != nullptr, "no memory for {} slots", kSlots);
    return std::unique_ptr<T[], Free>(memory);
  }
  std::unique_ptr<u16[], Free> code_;
  std::unique_ptr<u8[], Free> writable_;
};

}  // namespace farside::pe
