// cache/directory.h - what is known of each line of memory that has ever been used.
#pragma once
#include <span>
#include <vector>

#include "cache/line.h"
#include "cache/port.h"
#include "core/base/bits.h"
#include "core/base/host_memory.h"

namespace farside::cache {

/// Records of lines and pages, made when a page is first used. Those of 2 MiB of memory lie in 2 MiB of the host at the
/// same offsets, and their pages behind them: so a record needs no pointers, and is one line of the host's caches.
class Directory {
 public:
  Directory() = default;
  explicit Directory(Backing& backing) : backing_(&backing) {}

  /// The record of the line of `pa`; null if its page has not been used.
  LineInfo* known(u64 pa) const {
    const u64 number = pa / kRegion;
    if (number >= regions_.size() || regions_[number].data() == nullptr) [[unlikely]]
      return nullptr;
    LineInfo& line = *reinterpret_cast<LineInfo*>(regions_[number].data() + align_down(pa % kRegion, kLine));
    return page_of(line).memory == nullptr ? nullptr : &line;
  }
  /// The host begins to fetch the record of the line of `pa`, if there is one.
  void prefetch(u64 pa) const {
    const u64 number = pa / kRegion;
    if (number < regions_.size()) __builtin_prefetch(regions_[number].data() + align_down(pa % kRegion, kLine), 1);
  }
  /// The same, and its page is known from now on; null if it is not RAM.
  LineInfo* find(u64 pa) {
    LineInfo* const line = known(pa);
    return line != nullptr ? line : create(pa);
  }
  static PageInfo& page_of(const LineInfo& line) {
    const u64 at = reinterpret_cast<u64>(&line);
    return reinterpret_cast<PageInfo*>(align_down(at, kRegion) + kRegion)[at % kRegion / 4096];
  }
  static u64 address_of(const LineInfo& line) { return page_of(line).pa + reinterpret_cast<u64>(&line) % 4096; }
  /// The 64 bytes at the point of coherency.
  static u8* memory_of(const LineInfo& line) { return page_of(line).memory + reinterpret_cast<u64>(&line) % 4096; }
  /// The 4 KiB of memory that `pa` is in, used or not; null if it is not RAM.
  const u8* memory_at(u64 pa) const {
    return backing_ == nullptr ? nullptr : backing_->ram_page(Pa{align_down(pa, 4096)});
  }
  std::span<LineInfo> lines_of(const PageInfo& page) const { return {known(page.pa), 4096 / kLine}; }
  /// In the order of first use.
  const std::vector<PageInfo*>& pages() const { return pages_; }
  void clear();

 private:
  static constexpr u64 kRegion = HostMemory::kAlign;
  static_assert(sizeof(LineInfo) == kLine);
  LineInfo* create(u64 pa);

  Backing* backing_ = nullptr;
  std::vector<HostMemory> regions_;  ///< by number
  std::vector<PageInfo*> pages_;
};

}  // namespace farside::cache
