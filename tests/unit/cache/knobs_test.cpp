// tests/unit/cache/knobs_test.cpp - choices of silicon that come unasked: each is seen with its knob, and not without.
#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

/// Lets time pass on core 0, so that everything that has a period happens.
void pass_time(Machine& m) {
  for (unsigned i = 0; i < 5000; ++i) m.caches.speculate(0, 100);
}
bool in_cache(const Machine& m, Level level, Pa pa = kX) {
  for (const Copy& copy : m.caches.copies(pa)) {
    if (copy.level == level) return true;
  }
  return false;
}
constexpr Pa kNext{kX.value + kLine};

}  // namespace

TEST_CASE("spec_fill brings lines without an access: beside a stream, or from anywhere") {
  for (std::string_view how : {"spec_fill=none", "spec_fill=nearby", "spec_fill=any"}) {
    INFO(how);
    Machine m(quiet({how, "spec_period=100"}));
    m.load(kWb);
    pass_time(m);
    CHECK(in_cache(m, Level::L1D, kNext) == (how != "spec_fill=none"));
    CHECK(in_cache(m, Level::L1D, kX + 10 * kLine) == (how == "spec_fill=any"));
  }
}

TEST_CASE("host_alias=off: memory that nobody maps cacheable is not speculated") {
  for (bool alias : {true, false}) {
    Machine m(quiet({"spec_fill=any", "spec_period=10", alias ? "host_alias=on" : "host_alias=off"}));
    m.load(kNc);
    pass_time(m);
    CHECK(in_cache(m, Level::L1D) == alias);
    m.load(kWb, kNext);  // a mapping that is used
    m.civac(kNext);
    pass_time(m);
    CHECK(in_cache(m, Level::L1D, kNext));
  }
}

TEST_CASE("evict lets dirty lines go to memory, which lazy caches never do") {
  for (std::string_view how : {"evict=lazy", "evict=random", "evict=oldest"}) {
    INFO(how);
    Machine m(quiet({how, "evict_period=1"}), tiny());
    m.store(kWb, 7);
    pass_time(m);
    CHECK((m.memory() == 7) == (how != "evict=lazy"));
  }
}

TEST_CASE("ifetch=snoop: instruction fetches see what a data cache holds") {
  for (bool snoop : {false, true}) {
    Machine m(quiet({snoop ? "ifetch=snoop" : "ifetch=pou"}));
    m.store(kWb, 7);
    CHECK(m.fetch(kWb) == (snoop ? 7 : 0));
    m.store(kWb, 8);
    CHECK(m.fetch(kWb) == (snoop ? 8 : 0));
  }
}

TEST_CASE("icache_refetch replaces an old line of the instruction cache by what is there now") {
  for (bool refetches : {false, true}) {
    Machine m(quiet({refetches ? "icache_refetch=1" : "icache_refetch=0"}), tiny());
    CHECK(m.fetch(kWb) == 0);
    m.store(kWb, 7);
    m.cvau();
    pass_time(m);
    CHECK(m.fetch(kWb) == (refetches ? 7 : 0));
  }
}

TEST_CASE("fetch_ahead: lines behind the one that is executed are old before their turn comes") {
  for (bool ahead : {false, true}) {
    Machine m(quiet({ahead ? "fetch_ahead=2" : "fetch_ahead=0"}));
    m.fetch(kWb);
    m.store(kWb, 7, kNext);
    m.cvau(kNext);
    CHECK(m.fetch(kWb, kNext) == (ahead ? 0 : 7));
  }
}
