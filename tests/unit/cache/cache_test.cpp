// tests/unit/cache/cache_test.cpp - which line of a set makes room for a new one.
#include "cache/cache.h"

#include <vector>

#include "cache/shared_cache.h"
#include "tests/unit/cache/fixture.h"

namespace farside::cache {
namespace {

using Ways = std::vector<u64>;

/// One set of four ways of an L2, filled with lines 0, 1, 2, ... by a rule; what is in it afterwards, by way.
struct OneSet {
  FakeRam ram;
  Directory directory{ram};
  SharedCache cache{Geometry{4 * 64, 4}};
  Way& fill(u64 line, bool dirty, Way& (SharedCache::*rule)(u64)) {
    Way& chosen = (cache.*rule)(0);
    if (chosen.valid()) cache.release(chosen);
    cache.occupy(chosen, *directory.find(kRam + line * kLine));
    cache.set_dirty(chosen, dirty ? 1 : 0);
    return chosen;
  }
  Ways ways() const {
    Ways lines;
    for (u32 way = 0; way < 4; ++way) lines.push_back((Directory::address_of(*cache.at(0, way).info) - kRam) / kLine);
    return lines;
  }
};

}  // namespace

TEST_CASE("the oldest line leaves") {
  OneSet set;
  for (u64 line = 0; line < 7; ++line) set.fill(line, true, &SharedCache::victim);
  CHECK(set.ways() == Ways{4, 5, 6, 3});
  Cache first(Geometry{4 * 64, 4});
  Ways ways(4);
  for (u64 line = 0; line < 7; ++line) {
    Line& chosen = first.victim(0);
    if (chosen.valid()) first.release(chosen);
    first.occupy(chosen, line * kLine);
    chosen.state = State::Exclusive;
    ways[first.way_of(chosen)] = line;
  }
  CHECK(ways == Ways{4, 5, 6, 3});
}

TEST_CASE("the adversary's replacement keeps the first dirty lines in half of the ways") {
  OneSet set;
  for (u64 line = 0; line < 7; ++line) set.fill(line, true, &SharedCache::victim_that_keeps_dirty);
  CHECK(set.ways() == Ways{0, 1, 6, 5});
  set.cache.set_dirty(set.cache.at(0, 1), 0);  // cleaned: nothing is left to be kept
  set.fill(7, true, &SharedCache::victim_that_keeps_dirty);
  CHECK(set.ways() == Ways{0, 7, 6, 5});
}

TEST_CASE("a cache of one way has no choice") {
  FakeRam ram;
  Directory directory(ram);
  SharedCache cache(Geometry{64, 1});
  cache.occupy(cache.victim_that_keeps_dirty(0), *directory.find(kRam));
  cache.set_dirty(cache.at(0, 0), 1);
  CHECK(&cache.victim_that_keeps_dirty(0) == &cache.at(0, 0));
}

TEST_CASE("a line of the L2 shares its bytes with memory until it has its own") {
  OneSet set;
  Way& way = set.fill(0, false, &SharedCache::victim);
  set.ram.at(Pa{kRam + 5}) = 1;
  CHECK(set.cache.data(way)[5] == 1);
  set.cache.own(way)[6] = 2;
  set.ram.at(Pa{kRam + 5}) = 3;
  CHECK(set.cache.data(way)[5] == 1);
  CHECK(set.cache.data(way)[6] == 2);
  set.cache.share(way);
  CHECK(set.cache.data(way)[5] == 3);
  set.cache.own(way);
  set.cache.release(way);
  CHECK(!set.cache.owns(set.fill(1, false, &SharedCache::victim)));
}

}  // namespace farside::cache
