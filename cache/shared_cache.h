// cache/shared_cache.h - the L2: what it knows of a line in 16 bytes, and data only where memory has others.
#pragma once
#include <bit>
#include <vector>

#include "cache/cache.h"
#include "cache/directory.h"

namespace farside::cache {

/// One way of one set of the L2.
struct Way {
  LineInfo* info = nullptr;  ///< null: empty
  u64 dirty = 0;             ///< one bit per byte; SharedCache::set_dirty() changes it
  bool valid() const { return info != nullptr; }
};

/// The cache that all cores share. LineInfo::l2 says where a line is. Most lines are what memory has, and have no data
/// of their own: such a line is filled and evicted without its data being touched. Hierarchy::diverge() gives a line
/// its own before memory changes beside it.
class SharedCache {
 public:
  SharedCache() = default;
  explicit SharedCache(Geometry geometry);
  bool present() const { return count_ != 0; }
  u32 sets() const { return count_; }
  u32 ways() const { return ways_; }
  u32 set_of(u64 pa) const { return static_cast<u32>(pa >> 6) & (count_ - 1); }
  Way& at(u32 set, u32 way) { return entries_[usize{way} * count_ + set]; }
  const Way& at(u32 set, u32 way) const { return entries_[usize{way} * count_ + set]; }
  u32 set_of(const Way& way) const { return index_of(way) & (count_ - 1); }
  u32 way_of(const Way& way) const { return index_of(way) >> count_log2_; }

  /// The way that the next fill of this set takes: an empty one, else the oldest.
  Way& victim(u64 pa) {
    const u32 number = set_of(pa);
    Set& set = sets_[number];
    if (const auto free = static_cast<u32>(std::countr_one(set.used)); free < ways_) return at(number, free);
    const u32 way = set.next;
    set.next = static_cast<u8>(way + 1 == ways_ ? 0 : way + 1);
    return at(number, way);
  }
  /// The way that a replacement takes which keeps what memory does not have: an empty one; else one of the first half
  /// that is clean; else the oldest of the second half. What is dirty in the first half stays until maintenance.
  Way& victim_that_keeps_dirty(u64 pa);
  /// Makes a way hold `line`, with what memory has. What was in it has been forgotten by its record.
  void occupy(Way& way, LineInfo& line) {
    const u32 number = way_of(way);
    Set& set = sets_[set_of(way)];
    set.used |= u64{1} << number;
    set.own &= ~(u64{1} << number);
    set.dirty &= ~(u64{1} << number);
    way = {&line, 0};
    line.l2 = static_cast<u8>(1 + number);
    ++counters.fills;
  }
  void release(Way& way);
  void set_dirty(Way& way, u64 dirty) {
    way.dirty = dirty;
    Set& set = sets_[set_of(way)];
    set.dirty = (set.dirty & ~(u64{1} << way_of(way))) | u64{dirty != 0} << way_of(way);
  }

  /// The 64 bytes.
  const u8* data(const Way& way) const {
    return owns(way) ? data_[index_of(way)].bytes.data() : Directory::memory_of(*way.info);
  }
  bool owns(const Way& way) const { return bit(sets_[set_of(way)].own, way_of(way)); }
  /// The 64 bytes as its own from now on, to be changed in part or to be kept while memory changes.
  u8* own(Way& way);
  /// The same, with any content: all of it will be written.
  u8* own_new(Way& way) {
    sets_[set_of(way)].own |= u64{1} << way_of(way);
    return data_[index_of(way)].bytes.data();
  }
  /// Memory has the same bytes.
  void share(Way& way) { sets_[set_of(way)].own &= ~(u64{1} << way_of(way)); }

  /// Calls `visit(Way&)` for every way that has a line.
  template <class Visit>
  void for_each(Visit visit) {
    for (Way& way : entries_) {
      if (way.valid()) visit(way);
    }
  }
  /// snapshot.cpp
  template <class Home>
  void visit_state(StateVisitor& visitor, Home home);
  Counters counters;

 private:
  struct Set {
    u64 used = 0, own = 0, dirty = 0;  ///< one bit for each way
    u8 next = 0;
  };
  u32 index_of(const Way& way) const { return static_cast<u32>(&way - entries_.data()); }

  u32 count_ = 0, count_log2_ = 0;  ///< of sets
  u32 ways_ = 0;
  std::vector<Set> sets_;
  /// Way by way: lines of neighbouring addresses are neighbours, which the host's prefetchers see.
  std::vector<Way> entries_;
  std::vector<LineBytes> data_;  ///< of those that have their own
};

}  // namespace farside::cache
