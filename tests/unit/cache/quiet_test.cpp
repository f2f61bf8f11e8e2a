// tests/unit/cache/quiet_test.cpp - what silicon does unasked is known beforehand.
#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

constexpr u64 kStep = 500;

/// Touches some lines, so that there is something to evict and to fill.
void touch(Machine& m, Chance& chance) {
  for (unsigned i = 0; i < 20; ++i) m.store(kWb, chance.next(), Pa{kRam + 64 * chance.below(256)});
}

}  // namespace

TEST_CASE("one call when something is due does what a call after each step does") {
  for (std::string_view profile : {"model", "adversarial", "coherent"}) {
    Machine stepped(knobs_of(profile), tiny()), jumped(knobs_of(profile), tiny());
    Chance one(1, "touch"), two(1, "touch");
    for (unsigned round = 0; round < 200; ++round) {
      touch(stepped, one), touch(jumped, two);
      const u64 quiet = std::min<u64>(jumped.caches.quiet_instructions(0, kStep), 20 * kStep);
      REQUIRE(quiet % kStep == 0);
      REQUIRE(quiet >= kStep);
      jumped.caches.speculate(0, quiet);
      for (u64 done = 0; done < quiet; done += kStep) stepped.caches.speculate(0, kStep);
      REQUIRE(stepped.caches.state_hash() == jumped.caches.state_hash());
    }
  }
}

TEST_CASE("silicon that does nothing unasked is quiet for ever") {
  Machine m(knobs_of("coherent"));
  CHECK(m.caches.quiet_instructions(0, kStep) > u64{1} << 60);
}
