// tests/unit/cache/correct_software_test.cpp - software that does its maintenance is never reported, whatever the seed;
// on a coherent machine no software is.
#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

constexpr unsigned kLines = 6;
Pa line_at(u64 i) { return kX + i * 64; }

void time_passes(Machine& m, Chance& chance) {
  m.caches.speculate(static_cast<unsigned>(chance.below(3)), 1 + chance.below(3000));
}

/// Hands lines to and fro between cacheable use by all cores and use around the caches, as DMA API, KVM and boot code
/// do.
void hand_over(Machine& m, Chance& chance, bool (&uncached)[kLines]) {
  const u64 i = chance.below(kLines);
  const auto core = static_cast<u32>(chance.below(2));
  // To uncached use: clean, so that nothing is lost, and nothing dirty remains. Back: drop what was speculated.
  uncached[i] ? m.ivac(line_at(i), core) : m.civac(line_at(i), core);
  m.dsb(core);
  uncached[i] = !uncached[i];
}

void use(Machine& m, Chance& chance, u64 i, bool uncached, u64 value) {
  const auto core = static_cast<u32>(chance.below(2));
  const Pa pa = line_at(i) + chance.below(8) * 8;
  if (!uncached) {
    switch (chance.below(5)) {
      case 0: m.store(kWb, value, pa, core); break;
      case 1: m.host_store(value, pa); break;
      case 2: m.host_load(pa); break;
      case 3: {
        const LinePointer p = m.caches.line_pointer(m.by(kWb, 0x700, core), pa, true);
        if (p.data != nullptr) std::memcpy(p.data + pa.offset_in(64), &value, 8);
        break;
      }
      default: m.load(kWb, pa, core);
    }
    return;
  }
  switch (chance.below(4)) {
    case 0: m.store(chance.one_in(2) ? kNc : kOff, value, pa, core); break;
    case 1: m.dma_write(value, pa); break;
    case 2: m.dma_read(pa); break;
    default: m.load(kNc, pa, core);
  }
}

/// A whole patch of code: store, clean to PoU, DSB, invalidate, DSB, ISB; then all cores run it.
void patch_code(Machine& m, Chance& chance, u64 value) {
  const Pa pa = kX + 0x1000 + chance.below(4) * 64;
  const auto core = static_cast<u32>(chance.below(2));
  m.store(kWb, value, pa, core);
  time_passes(m, chance);
  m.cvau(pa, core);
  m.dsb(core);
  time_passes(m, chance);
  m.ivau(pa, core);
  m.dsb(core);
  m.isb(core);
  for (u32 runner = 0; runner < 2; ++runner) m.fetch(kWb, pa, runner);
}

}  // namespace

TEST_CASE("software with all its maintenance reads what was written, and is not reported") {
  for (std::string_view name : {"model", "adversarial", "coherent"}) {
    for (u64 seed = 0; seed < 150; ++seed) {
      INFO(name << " seed " << seed);
      Chance chance(seed, name);
      Machine m(knobs_of(name, {"spec_period=300", "evict_period=200"}), seed % 2 ? tiny() : *preset("neoverse-n1"),
                seed);
      bool uncached[kLines] = {};
      for (u64 step = 0; step < 300; ++step) {
        time_passes(m, chance);
        const u64 i = chance.below(kLines);
        if (chance.one_in(6)) {
          hand_over(m, chance, uncached);
        } else if (chance.one_in(8)) {
          patch_code(m, chance, seed << 32 | step);
        } else {
          use(m, chance, i, uncached[i], seed << 32 | step);
        }
      }
      if (!m.errors().empty()) {
        for (const Report& r : m.reports) {
          if (!is_advisory(r.finding)) UNSCOPED_INFO(print(r));
        }
      }
      REQUIRE(m.errors() == Errors{});
    }
  }
}

TEST_CASE("on a coherent machine every read is what was last written, whatever software does") {
  for (u64 seed = 0; seed < 150; ++seed) {
    INFO("seed " << seed);
    Chance chance(seed, "coherent");
    Machine m(knobs_of("coherent", {"spec_fill=any", "evict=random", "evict_period=100", "spec_period=100"}), tiny(),
              seed);
    std::vector<u64> last(kLines * 8);
    for (u64 step = 1; step < 400; ++step) {
      time_passes(m, chance);
      const u64 word = chance.below(last.size());
      const Pa pa = kX + word * 8;
      const auto core = static_cast<u32>(chance.below(2));
      switch (chance.below(9)) {
        case 0: m.store(kWb, last[word] = step, pa, core); break;
        case 1: m.store(kNc, last[word] = step, pa, core); break;
        case 2: m.host_store(last[word] = step, pa); break;
        case 3: m.dma_write(last[word] = step, pa); break;
        case 4: REQUIRE(m.load(kWb, pa, core) == last[word]); break;
        case 5: REQUIRE(m.load(kOff, pa, core) == last[word]); break;
        case 6: REQUIRE(m.fetch(chance.one_in(2) ? kWb : kNc, pa, core) == static_cast<u32>(last[word])); break;
        case 7: REQUIRE(m.dma_read(pa) == last[word]); break;
        default: m.dc(static_cast<Action>(chance.below(3)), Point::PoC, pa, core);
      }
      REQUIRE(m.peek(View::Golden, pa) == last[word]);
      REQUIRE(m.peek(View::Cached, pa) == last[word]);
    }
    REQUIRE(m.errors().empty());
  }
}

TEST_CASE("one seed is one history; another seed is another") {
  const auto run = [](u64 seed) {
    Machine m(knobs_of("model", {"spec_fill=any", "spec_period=300", "evict_period=200", "pages=lines"}), tiny(), seed);
    Chance chance(5, "program");
    bool uncached[kLines] = {};
    for (u64 step = 0; step < 500; ++step) {
      time_passes(m, chance);
      use(m, chance, chance.below(kLines), uncached[0], step);
    }
    return m.caches.state_hash();
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("the adversary finds each piece of missing maintenance under most seeds") {
  unsigned stale_cached = 0, lost = 0, stale_instruction = 0;
  for (u64 seed = 0; seed < 40; ++seed) {
    const Knobs knobs = knobs_of("adversarial", {"spec_period=100", "evict_period=100"});
    Machine spec(knobs, *preset("cortex-a57"),
                 seed);  // a store around the caches, no invalidation before cacheable use
    spec.store(kOff, 1);
    spec.load(kWb);
    stale_cached += spec.errors() == Errors{Finding::STALE_CACHED};

    Machine dirty(knobs, *preset("cortex-a57"), seed);  // a dirty line, no clean before a store around the caches
    dirty.store(kWb, 1);
    dirty.store(kNc, 2);
    for (unsigned i = 0; i < 20; ++i) dirty.caches.speculate(0, 200);
    lost += dirty.errors() == Errors{Finding::LOST_WRITE};

    Machine code(knobs, *preset("cortex-a57"), seed);  // code written into a page that is executed, no IC
    code.fetch(kWb, kX + 0x40);
    code.store(kWb, 0x1234'5678);
    code.cvau();
    code.dsb();
    code.isb();
    code.fetch(kWb);
    stale_instruction += code.errors() == Errors{Finding::STALE_ICACHE};
  }
  CHECK(stale_cached >= 10);
  CHECK(lost >= 35);
  CHECK(stale_instruction >= 10);
}
