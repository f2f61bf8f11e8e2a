// tests/unit/cache/hierarchy_test.cpp - maintenance reaches the hierarchy and is counted by kind.
#include "cache/hierarchy.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::cache;

TEST_CASE("an operation on one address covers one line, a range covers its bytes") {
  Hierarchy caches;
  caches.apply(CacheOpByPa{.action = Action::Clean, .base = Pa{0x1000}});
  CHECK(caches.counts().bytes == Hierarchy::kLine);
  caches.apply(CacheOpByPa{.action = Action::CleanInvalidate, .base = Pa{0x20'0000}, .size = 0x20'0000});
  CHECK(caches.counts().bytes == Hierarchy::kLine + 0x20'0000);
}

TEST_CASE("each kind of maintenance has its own count") {
  Hierarchy caches;
  caches.apply(CacheOpByPa{.action = Action::Clean});
  caches.apply(CacheOpByPa{.action = Action::Invalidate});
  caches.apply(CacheOpByPa{.action = Action::CleanInvalidate});
  caches.apply(CacheOpByPa{.instruction = true, .action = Action::Invalidate});
  caches.apply(CacheOpBySetWay{Action::Clean, 0});
  caches.apply(ICacheInvalidateAll{Scope::InnerShareable});
  const MaintenanceCounts& n = caches.counts();
  CHECK(n.clean == 1);
  CHECK(n.invalidate == 1);
  CHECK(n.clean_invalidate == 1);
  CHECK(n.instruction == 1);
  CHECK(n.set_way == 1);
  CHECK(n.instruction_all == 1);
}
