// cache/cache.cpp - placement and replacement of lines in one cache.
#include "cache/cache.h"

namespace farside::cache {

Cache::Cache(Geometry geometry)
    : sets_(geometry.sets()),
      ways_(geometry.ways),
      lines_(usize{sets_} * ways_),
      tags_(usize{sets_} * ways_, kNoTag),
      used_(sets_),
      next_way_(sets_) {}

Line& Cache::victim(u64 index) {
  const u32 set = set_of(index);
  if (const auto free = static_cast<u32>(std::countr_one(used_[set])); free < ways_) return at(set, free);
  const u32 way = next_way_[set];
  next_way_[set] = static_cast<u8>(way + 1 == ways_ ? 0 : way + 1);
  return at(set, way);
}

Line& Cache::victim_that_keeps_dirty(u64 index) {
  const u32 set = set_of(index), half = ways_ / 2;
  Line* clean = nullptr;
  for (u32 way = 0; way < ways_; ++way) {
    Line& line = at(set, way);
    if (!line.valid()) return line;
    if (way < half && line.dirty == 0) clean = &line;
  }
  if (clean != nullptr) return *clean;
  const u32 next = next_way_[set] % (ways_ - half);
  next_way_[set] = static_cast<u8>((next + 1) % (ways_ - half));
  return at(set, half + next);
}

void Cache::occupy(Line& line, u64 pa) {
  const u32 set = set_of(line), way = way_of(line);
  tags_[usize{set} * ways_ + way] = pa;
  used_[set] |= u64{1} << way;
  ++counters.fills;
}

void Cache::release(Line& line) {
  const u32 set = set_of(line), way = way_of(line);
  tags_[usize{set} * ways_ + way] = kNoTag;
  used_[set] &= ~(u64{1} << way);
  line.state = State::Invalid;
  line.info = nullptr;
  line.memory = nullptr;
  line.dirty = 0;
  line.lent_read = line.lent_write = false;
  // Whoever comes next sets what it needs; a snapshot keeps all of it.
  line.origin = Origin::Demand;
  line.snooped = true;
  line.vmid = line.asid = 0;
  line.lent_context = 0;
}

}  // namespace farside::cache
