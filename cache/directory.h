// cache/directory.h - what is known of each line of memory that has ever been used.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "cache/line.h"
#include "cache/port.h"
#include "core/base/bits.h"
#include "core/base/host_memory.h"

namespace farside::cache {

/// Records of lines and pages, made when a page is first used. Those of 2 MiB of memory lie together in 2 MiB of the
/// host: so a record needs no pointers.
class Directory {
 public:
  Directory() = default;
  explicit Directory(Backing& backing) : backing_(&backing) {}

  /// The record of the line of `pa`; null if its page has not been used.
  LineInfo* known(u64 pa) const {
    const u64 number = pa / kRegion;
    if (number >= regions_.size() || regions_[number].data() == nullptr) [[unlikely]]
      return nullptr;
    Region& region = at(number);
    return region.pages[pa % kRegion / 4096].memory == nullptr ? nullptr : &region.lines[pa % kRegion / kLine];
  }
  /// The same, and its page is known from now on; null if it is not RAM.
  LineInfo* find(u64 pa) {
    LineInfo* const line = known(pa);
    return line != nullptr ? line : create(pa);
  }
  static LinePast& past_of(const LineInfo& line) { return region_of(line).past[number_of(line)]; }
  static PageInfo& page_of(const LineInfo& line) { return region_of(line).pages[number_of(line) / kLinesOfPage]; }
  static u64 address_of(const LineInfo& line) { return region_of(line).base + number_of(line) * kLine; }
  /// Which of its page's lines it is.
  static unsigned number_in_page(const LineInfo& line) { return static_cast<unsigned>(number_of(line) % kLinesOfPage); }
  static u64 address_of(const PageInfo& page) { return region_of(page).base + number_of(page) * 4096; }
  /// The 64 bytes at the point of coherency, or newer ones of a whole page (PageInfo).
  static u8* memory_of(const LineInfo& line) { return page_of(line).memory + number_of(line) % kLinesOfPage * kLine; }
  /// The 4 KiB of memory that `pa` is in, used or not; null if it is not RAM.
  const u8* memory_at(u64 pa) const {
    return backing_ == nullptr ? nullptr : backing_->ram_page(Pa{align_down(pa, 4096)});
  }
  static std::span<LineInfo> lines_of(const PageInfo& page) {
    return {&region_of(page).lines[number_of(page) * kLinesOfPage], kLinesOfPage};
  }
  /// In the order of first use.
  const std::vector<PageInfo*>& pages() const { return pages_; }
  void clear();

 private:
  static constexpr u64 kRegion = HostMemory::kAlign, kLinesOfPage = 4096 / kLine;
  struct Region {
    std::array<LineInfo, kRegion / kLine> lines;
    std::array<LinePast, kRegion / kLine> past;
    std::array<PageInfo, kRegion / 4096> pages;
    u64 base;  ///< physical address
  };
  static_assert(sizeof(Region) <= HostMemory::kAlign);
  /// Of a record in it, which lies within kAlign bytes of its beginning.
  template <class Record>
  static Region& region_of(const Record& record) {
    return *reinterpret_cast<Region*>(align_down(reinterpret_cast<u64>(&record), HostMemory::kAlign));
  }
  static u64 number_of(const LineInfo& line) { return static_cast<u64>(&line - region_of(line).lines.data()); }
  static u64 number_of(const PageInfo& page) { return static_cast<u64>(&page - region_of(page).pages.data()); }
  Region& at(u64 number) const { return *reinterpret_cast<Region*>(regions_[number].data()); }
  LineInfo* create(u64 pa);

  Backing* backing_ = nullptr;
  std::vector<HostMemory> regions_;  ///< by number
  std::vector<PageInfo*> pages_;
};

}  // namespace farside::cache
