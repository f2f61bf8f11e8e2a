// cache/cache.cpp - placement and replacement of lines in one cache.
#include "cache/cache.h"

namespace farside::cache {

Cache::Cache(Geometry geometry)
    : sets_(geometry.sets()),
      sets_log2_(static_cast<u32>(std::countr_zero(sets_))),
      ways_(geometry.ways),
      lines_(usize{sets_} * ways_),
      tags_(usize{sets_} * ways_, kNoTag),
      used_(sets_),
      next_way_(sets_) {}

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
