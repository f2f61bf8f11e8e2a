// cache/cache.h - one set-associative cache of lines with data.
#pragma once
#include <bit>
#include <vector>

#include "cache/config.h"
#include "cache/line.h"
#include "core/base/bits.h"
#include "core/base/state.h"

namespace farside::cache {

/// Counted per cache.
struct Counters {
  u64 hits = 0, misses = 0, fills = 0, evictions = 0, writebacks = 0, snoops = 0;
};

/// Lines are found by tag (physical line address) in a set chosen by an index,
/// which is the physical address except in virtually indexed caches.
/// Replacement is round robin by fills: hits that the fast path hides cannot
/// matter.
class Cache {
 public:
  static constexpr u64 kNoTag = 1;  ///< not line-aligned, so no line matches
  Cache() = default;
  explicit Cache(Geometry geometry);
  bool present() const { return sets_ != 0; }
  u32 sets() const { return sets_; }
  u32 ways() const { return ways_; }
  /// Set number of an index address.
  u32 set_of(u64 index) const { return static_cast<u32>(index >> 6) & (sets_ - 1); }

  /// The valid line `pa` (aligned) in the set of `index`, or null.
  Line* find(u64 pa, u64 index) {
    const u64* const tags = &tags_[usize{set_of(index)} * ways_];
    for (u32 way = 0; way < ways_; ++way) {
      if (tags[way] == pa) return &at(set_of(index), way);
    }
    return nullptr;
  }
  Line* find(u64 pa) { return find(pa, pa); }
  const Line* find(u64 pa) const { return const_cast<Cache*>(this)->find(pa, pa); }
  /// The way that the next fill of this set takes: an invalid one, else the
  /// oldest.
  Line& victim(u64 index) {
    const u32 set = set_of(index);
    if (const auto free = static_cast<u32>(std::countr_one(used_[set])); free < ways_) return at(set, free);
    const u32 way = next_way_[set];
    next_way_[set] = static_cast<u8>(way + 1 == ways_ ? 0 : way + 1);
    return at(set, way);
  }
  /// Makes `line` hold `pa`; the caller has emptied it and sets everything
  /// else.
  void occupy(Line& line, u64 pa) {
    const u32 set = set_of(line), way = way_of(line);
    tags_[usize{set} * ways_ + way] = pa;
    used_[set] |= u64{1} << way;
    ++counters.fills;
  }
  void release(Line& line);
  /// The line at a place, valid or not.
  Line& at(u32 set, u32 way) { return lines_[usize{way} * sets_ + set]; }
  const Line& at(u32 set, u32 way) const { return lines_[usize{way} * sets_ + set]; }
  /// Bits of the index above the page offset: how many sets one physical line
  /// may be in (1 for physical indexing).
  u32 aliases() const { return sets_ * kLine > 4096 ? sets_ * static_cast<u32>(kLine) / 4096 : 1; }

  /// Whether a pointer leads into one of the lines.
  bool holds(const u8* data) const {
    const auto* const first = reinterpret_cast<const u8*>(lines_.data());
    return data >= first && data < first + lines_.size() * sizeof(Line);
  }
  /// The number of a line's place: 0 up to sets() * ways() - 1, the ways of a set one after the other.
  u32 place_of(const Line& line) const { return set_of(line) * ways_ + way_of(line); }
  u32 set_of(const Line& line) const { return index_of(line) & (sets_ - 1); }
  u32 way_of(const Line& line) const { return index_of(line) >> sets_log2_; }
  Line& at_place(u32 place) { return at(place / ways_, place % ways_); }
  /// Content when a pointer for writing was lent or last looked at: what differs has been written since.
  std::array<u8, kLine>& before(const Line& line) {
    if (before_.empty()) before_.resize(lines_.size());
    return before_[index_of(line)].bytes;
  }
  const std::array<u8, kLine>& before(const Line& line) const { return before_[index_of(line)].bytes; }
  /// snapshot.cpp
  template <class Home>
  void visit_state(StateVisitor& visitor, Home home);

  /// Calls `visit(Line&)` for every valid line.
  template <class Visit>
  void for_each(Visit visit) {
    for (Line& line : lines_) {
      if (line.valid()) visit(line);
    }
  }
  Counters counters;

 private:
  u32 index_of(const Line& line) const { return static_cast<u32>(&line - lines_.data()); }

  u32 sets_ = 0, sets_log2_ = 0, ways_ = 0;
  /// Way by way: lines of neighbouring addresses are neighbours, which the host's prefetchers see.
  std::vector<Line> lines_;
  std::vector<LineBytes> before_;  ///< where lines are lent for writing
  std::vector<u64> tags_;
  std::vector<u64> used_;  ///< by set, one bit for each way that has a tag
  std::vector<u8> next_way_;
};

}  // namespace farside::cache
