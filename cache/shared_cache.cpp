// cache/shared_cache.cpp - placement and replacement of lines in the L2.
#include "cache/shared_cache.h"

#include <cstring>

namespace farside::cache {

SharedCache::SharedCache(Geometry geometry)
    : count_(geometry.sets()),
      count_log2_(static_cast<u32>(std::countr_zero(count_))),
      ways_(geometry.ways),
      sets_(count_),
      entries_(usize{count_} * ways_),
      data_(entries_.size()) {}

Way& SharedCache::victim_that_keeps_dirty(u64 pa) {
  const u32 number = set_of(pa), half = ways_ / 2;
  Set& set = sets_[number];
  if (const auto free = static_cast<u32>(std::countr_one(set.used)); free < ways_) return at(number, free);
  if (const u64 clean = ~set.dirty & ones(half); clean != 0) return at(number, log2_floor(clean));
  const u32 next = set.next % (ways_ - half);
  set.next = static_cast<u8>((next + 1) % (ways_ - half));
  return at(number, half + next);
}

void SharedCache::release(Way& way) {
  Set& set = sets_[set_of(way)];
  const u64 mask = ~(u64{1} << way_of(way));
  set.used &= mask;
  set.own &= mask;
  set.dirty &= mask;
  way.info->l2 = 0;
  way = {};
}

u8* SharedCache::own(Way& way) {
  if (!owns(way)) std::memcpy(data_[index_of(way)].bytes.data(), Directory::memory_of(*way.info), kLine);
  return own_new(way);
}

}  // namespace farside::cache
