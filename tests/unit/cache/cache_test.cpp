// tests/unit/cache/cache_test.cpp - which line of a set makes room for a new one.
#include "cache/cache.h"

#include <vector>

#include "tests/unit/catch.h"

namespace farside::cache {
namespace {

/// One set of four ways, filled with lines 0, 1, 2, ... by a rule; what is in it afterwards, by way.
struct OneSet {
  Cache cache{Geometry{4 * 64, 4}};
  std::vector<u64> ways{~u64{0}, ~u64{0}, ~u64{0}, ~u64{0}};
  void fill(u64 line, bool dirty, Line& (Cache::*rule)(u64)) {
    Line& chosen = (cache.*rule)(0);
    if (chosen.valid()) cache.release(chosen);
    cache.occupy(chosen, line * 64);
    chosen.state = State::Exclusive;
    chosen.dirty = dirty ? 1 : 0;
    for (u32 way = 0; way < 4; ++way)
      if (&cache.at(0, way) == &chosen) ways[way] = line;
  }
};

}  // namespace

TEST_CASE("the oldest line leaves") {
  OneSet set;
  for (u64 line = 0; line < 7; ++line) set.fill(line, true, &Cache::victim);
  CHECK(set.ways == std::vector<u64>{4, 5, 6, 3});
}

TEST_CASE("the adversary's replacement keeps the first dirty lines in half of the ways") {
  OneSet set;
  for (u64 line = 0; line < 7; ++line) set.fill(line, true, &Cache::victim_that_keeps_dirty);
  CHECK(set.ways == std::vector<u64>{0, 1, 6, 5});
  set.cache.at(0, 1).dirty = 0;  // cleaned: nothing is left to be kept
  set.fill(7, true, &Cache::victim_that_keeps_dirty);
  CHECK(set.ways == std::vector<u64>{0, 7, 6, 5});
}

TEST_CASE("a cache of one way has no choice") {
  Cache cache(Geometry{64, 1});
  cache.occupy(cache.victim_that_keeps_dirty(0), 0);
  cache.at(0, 0).state = State::Exclusive;
  cache.at(0, 0).dirty = 1;
  CHECK(&cache.victim_that_keeps_dirty(0) == &cache.at(0, 0));
}

}  // namespace farside::cache
