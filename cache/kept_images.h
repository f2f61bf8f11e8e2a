// cache/kept_images.h - what the point of coherency has of whole pages whose memory is newer: of a bounded number of
// pages, as caches are bounded.
#pragma once
#include <array>
#include <bit>

#include "cache/line.h"
#include "core/base/bits.h"
#include "core/base/host_memory.h"

namespace farside::cache {

/// Places of 4 KiB each. They are given out in the order of their numbers, the lowest free one first; when none is free
/// the one that has been held longest is next.
class KeptImages {
 public:
  static constexpr u32 kPlaces = 1024;
  KeptImages() : bytes_(u64{kPlaces} * 4096, HostPages::Small) {}

  /// The page that has to give up its place before take(); null while one is free. `keeps_oldest`: half of the places
  /// are never taken back.
  PageInfo* in_the_way(bool keeps_oldest) {
    if (used_ < kPlaces) return nullptr;
    const u32 first = keeps_oldest ? kPlaces / 2 : 0;
    if (next_ < first) next_ = first;
    const u32 place = next_;
    next_ = place + 1 == kPlaces ? first : place + 1;
    return pages_[place];
  }
  /// Gives `page` a place; one is free.
  void take(PageInfo& page) {
    u32 word = 0;
    while (~taken_[word] == 0) ++word;
    take(page, word * 64 + static_cast<u32>(std::countr_one(taken_[word])));
  }
  void take(PageInfo& page, u32 place) {
    taken_[place / 64] |= u64{1} << place % 64;
    pages_[place] = &page;
    page.image = static_cast<u16>(1 + place);
    ++used_;
  }
  void give_back(PageInfo& page) {
    const u32 place = page.image - 1u;
    taken_[place / 64] &= ~(u64{1} << place % 64);
    pages_[place] = nullptr;
    page.image = 0;
    --used_;
  }
  /// The page at a place, or null.
  PageInfo* at(u32 place) const { return pages_[place]; }
  bool empty() const { return used_ == 0; }
  /// The older bytes of line `number` of a page that has a place.
  u8* line(const PageInfo& page, unsigned number) const {
    return bytes_.data() + (page.image - 1u) * u64{4096} + number * kLine;
  }
  u32& next() { return next_; }

 private:
  HostMemory bytes_;
  std::array<PageInfo*, kPlaces> pages_{};
  std::array<u64, kPlaces / 64> taken_{};
  u32 used_ = 0, next_ = 0;
};

}  // namespace farside::cache
