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

namespace {

/// What the fetch unit of core 1 is given of the line at kX, as its PE asks for it.
const u8* fetch_pointer(Machine& m, u32 core = 1) {
  AccessInfo info = m.by(kWb, 0x300, core);
  info.kind = AccessKind::Fetch;
  info.va = kX.value;
  return m.caches.fetch_pointer(info, kX);
}
/// Core 0 stores a new instruction and makes it visible by the book.
void patch(Machine& m, u64 value) {
  m.store(kWb, value);
  m.cvau();
  m.ivau();
}

}  // namespace

TEST_CASE("fetch_buffer: an instruction fetched before a store may be executed until its core synchronises itself") {
  for (std::string_view use : {"fetch_buffer=none", "fetch_buffer=adversarial"}) {
    INFO(use);
    Machine m(quiet({use}));
    const bool keeps = use != "fetch_buffer=none";
    REQUIRE(fetch_pointer(m) != nullptr);
    patch(m, 7);
    CHECK((fetch_pointer(m) == nullptr) == keeps);  // each fetch has to be looked at
    CHECK(m.fetch(kWb, kX, 1) == (keeps ? 0 : 7));
    CHECK(m.fetch(kWb, kX, 0) == 7);  // core 0 has fetched nothing ahead
    m.caches.barrier(0, Barrier::Isb);
    CHECK(m.fetch(kWb, kX, 1) == (keeps ? 0 : 7));  // nor does its ISB concern core 1
    m.caches.barrier(1, Barrier::Isb);
    CHECK(m.fetch(kWb, kX, 1) == 7);
  }
}

TEST_CASE("fetch_buffer: after an exception or a change of translations nothing is fetched ahead") {
  Machine m(quiet({"fetch_buffer=adversarial"}));
  REQUIRE(fetch_pointer(m) != nullptr);
  m.caches.forget_fetched(1);
  patch(m, 7);  // fetched under other translations: not fetched ahead under these
  CHECK(m.fetch(kWb, kX, 1) == 7);
  REQUIRE(fetch_pointer(m) != nullptr);
  patch(m, 8);
  CHECK(m.fetch(kWb, kX, 1) == 7);
  m.caches.forget_fetched(1);
  CHECK(m.fetch(kWb, kX, 1) == 8);
}

TEST_CASE("fetch_buffer: a core fetches in program order") {
  for (bool newer : {false, true}) {
    Machine m(quiet({"fetch_buffer=adversarial"}));
    REQUIRE(fetch_pointer(m) != nullptr);
    patch(m, 7);
    m.store(kWb, 9, kNext);
    m.cvau(kNext);
    if (newer) CHECK(m.fetch(kWb, kNext, 1) == 9);  // so kX, fetched after it, cannot be from before its IC
    CHECK(m.fetch(kWb, kX, 1) == (newer ? 7 : 0));
  }
}

TEST_CASE("fetch_buffer: what CacheSan reports of it asks for no more than ISB, if the writer has done its part") {
  for (bool by_the_book : {true, false}) {
    Machine m(quiet({"fetch_buffer=adversarial"}));
    REQUIRE(fetch_pointer(m) != nullptr);
    m.store(kWb, 7);
    m.cvau();
    if (by_the_book) m.ivau();
    m.fetch(kWb, kX, 1);
    REQUIRE(m.errors() == Errors{Finding::STALE_ICACHE});
    const Report& report = m.reports.back();
    CHECK(report.level == Level::FetchBuffer);
    using Words = std::vector<std::string_view>;
    CHECK(instructions_of(report.remedy) == (by_the_book ? Words{"ISB"} : Words{"IC IVAU", "DSB", "ISB"}));
  }
}

TEST_CASE("fetch_buffer: with DIC an ISB right after a core's own store may come before the store, until a DSB") {
  for (bool dsb : {false, true}) {
    Config config = *preset("cortex-a57");
    config.dic = config.idc = true;
    Machine m(quiet({"fetch_buffer=adversarial"}), config);
    REQUIRE(fetch_pointer(m, 0) != nullptr);
    m.store(kWb, 7);
    if (dsb) m.caches.barrier(0, Barrier::Dsb);
    m.caches.barrier(0, Barrier::Isb);
    CHECK(m.fetch(kWb) == (dsb ? 7 : 0));
  }
}
