// tests/unit/cache/whole_test.cpp - pages=whole: nobody can tell that a page has no lines.
#include <functional>

#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

struct Call {
  unsigned core;
  u64 lines;
  Withdrawn what;
  friend bool operator==(const Call&, const Call&) = default;
};

struct Listener : LineListener {
  void line_withdrawn(unsigned, Side, Pa, u32, Withdrawn) override {}
  void page_withdrawn(unsigned core, const u8*, u32, u64 lines, Withdrawn what) override {
    calls.push_back({core, lines, what});
  }
  std::vector<Call> calls;
};

/// Silicon that does nothing unasked, but might: so that pages are lent as a whole.
struct Whole : Machine {
  explicit Whole(std::initializer_list<std::string_view> assignments = {})
      : Machine(with(quiet({"pages=whole", "spec_fill=nearby"}), assignments)) {
    caches.set_listener(&listener);
  }
  LinePointer lend(bool for_write, Pa pa = kX, u32 core = 0) {
    return caches.line_pointer(by(kWb, 0x700, core), pa, for_write);
  }
  u64 split() const { return caches.pages_split(); }
  std::vector<Call> calls() { return std::exchange(listener.calls, {}); }
  Listener listener;
};

using Calls = std::vector<Call>;

}  // namespace

TEST_CASE("a page that is used through the caches only has no lines, and all of it is lent for loads") {
  Whole m;
  const LinePointer p = m.lend(true, kX + 8);
  REQUIRE(p.data == m.ram.ram_page(kX));
  CHECK(p.page == m.ram.ram_page(kX));
  CHECK(p.writable);
  p.data[0] = 7;
  CHECK(m.load(kWb, kX, 1) == 7);
  CHECK(m.host_load() == 7);
  CHECK(m.walk(kWb) == 7);
  CHECK(m.dma_read(kX, true) == 7);
  CHECK(m.split() == 0);
  CHECK(m.caches.counters(Level::L1D, 0).fills == 0);
  CHECK(m.errors().empty());
}

TEST_CASE("what the point of coherency has is kept from the first store on, and is what looks there see") {
  Whole m;
  m.store(kWb, 7);
  CHECK(m.peek(View::Memory) == 0);
  CHECK(m.peek(View::Unification) == 0);
  CHECK(m.peek(View::Cached) == 7);
  CHECK(m.peek(View::Golden) == 7);
  const auto copies = m.caches.copies(kX);
  REQUIRE(copies.size() == 2);
  CHECK((copies[0].level == Level::L1D && copies[0].dirty == 1 && copies[0].data[0] == 7));
  CHECK((copies[1].level == Level::Memory && copies[1].data[0] == 0));
  m.cvau();
  CHECK(m.peek(View::Memory) == 0);
  CHECK(m.peek(View::Unification) == 7);
  CHECK(m.caches.copies(kX)[0].level == Level::L2);
  m.cvac();
  CHECK(m.peek(View::Memory) == 7);
  CHECK(m.split() == 0);
}

TEST_CASE("a load around the caches of what they have not written back sees the old bytes, and is reported") {
  Whole m;
  m.store(kWb, 7);
  m.store(kWb, 9, kX + 0x80);
  CHECK(m.load(kNc, kX + 0x40) == 0);  // nothing to be seen there
  CHECK(m.split() == 0);
  CHECK(m.load(kNc) == 0);
  CHECK(m.split() == 1);
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
  CHECK(m.reports.back().writer.pc == 0x200);
  CHECK(m.load(kWb) == 7);
  CHECK(m.load(kWb, kX + 0x80) == 9);
  CHECK(m.memory(kX + 0x80) == 0);
}

TEST_CASE("stores by pointer are written, too, and the pointers die when the page gets lines") {
  Whole m;
  m.lend(true).data[0] = 7;
  m.lend(true, kX + 0x40).data[0] = 8;
  CHECK(m.calls().empty());
  CHECK(m.load(kNc) == 0);
  CHECK(m.calls() == Calls{{0, 3, Withdrawn::Write}, {0, 0, Withdrawn::All}});
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
  CHECK(m.load(kWb) == 7);
  CHECK(m.load(kWb, kX + 0x40) == 8);
  const LinePointer line = m.lend(true);
  CHECK((line.data != nullptr && line.page == nullptr));
}

TEST_CASE("one core has the pointers for stores to a page; a store of another takes its line back") {
  Whole m;
  REQUIRE(m.lend(true, kX, 0).writable);
  m.store(kWb, 1, kX + 0x40, 1);
  CHECK(m.calls().empty());
  m.store(kWb, 1, kX, 1);
  CHECK(m.calls() == Calls{{0, 1, Withdrawn::Write}});
  REQUIRE(m.lend(true, kX, 0).writable);
  REQUIRE(m.lend(true, kX + 0x40, 0).writable);
  REQUIRE(m.lend(true, kX + 0x80, 1).writable);
  CHECK(m.calls() == Calls{{0, 3, Withdrawn::Write}});
}

TEST_CASE("a store around the caches to what they may have makes their copies stale") {
  Whole m;
  CHECK(m.load(kWb) == 0);
  m.store(kNc, 5, kX + 0x40);  // no cache has that line
  CHECK(m.split() == 0);
  m.store(kNc, 5);
  CHECK(m.split() == 1);
  CHECK(m.load(kWb) == 0);  // evict=lazy: nothing has left the caches
  CHECK(m.errors() == Errors{Finding::STALE_CACHED});
}

TEST_CASE("after cleaning and invalidating there is nothing to be stale, line by line") {
  Whole m;
  m.store(kWb, 1);
  m.civac();
  m.store(kNc, 5);
  CHECK(m.load(kWb) == 5);
  CHECK(m.split() == 0);
  CHECK(m.errors().empty());
}

TEST_CASE("maintenance takes pointers back as far as it has to") {
  Whole m;
  m.lend(true).data[0] = 1;
  m.cvac(kX + 0x40);
  CHECK(m.calls().empty());
  m.cvac();
  CHECK(m.calls() == Calls{{0, 1, Withdrawn::Write}});
  m.civac(kX + 0x80);
  CHECK(m.calls() == Calls{{0, 0, Withdrawn::All}});
  CHECK(m.peek(View::Memory) == 1);
}

TEST_CASE("a DC IVAC that throws written bytes away does so") {
  Whole m;
  m.store(kWb, 7);
  m.ivac();
  CHECK(m.load(kWb) == 0);
  CHECK(m.errors() == Errors{Finding::DISCARDED_DIRTY});
}

TEST_CASE("instructions are fetched from the point of unification") {
  Whole m;
  m.store(kWb, 7);
  CHECK(m.fetch(kWb) == 0);
  CHECK(m.errors() == Errors{Finding::STALE_ICACHE});
  Whole cleaned;
  cleaned.store(kWb, 7);
  cleaned.cvau();
  CHECK(cleaned.fetch(kWb) == 7);
  CHECK(cleaned.split() == 0);
  cleaned.store(kWb, 8);
  cleaned.cvau();
  CHECK(cleaned.fetch(kWb) == 7);  // no IC IVAU
  CHECK(cleaned.errors() == Errors{Finding::STALE_ICACHE});
  CHECK(cleaned.fetch(kNc, kX) == 0);
}

TEST_CASE("a line of instructions that is lent hears of stores by pointer") {
  Whole m;
  REQUIRE(m.lend(true).writable);
  AccessInfo info = m.by(kWb, 0x700);
  info.kind = AccessKind::Fetch;
  info.va = kX.value;
  REQUIRE(m.caches.fetch_pointer(info, kX) != nullptr);  // nothing has been written
  CHECK(m.calls() == Calls{{0, 1, Withdrawn::Write}});
  m.ivau();
  m.lend(true).data[0] = 1;
  CHECK(m.caches.fetch_pointer(info, kX) == nullptr);
  CHECK(m.calls().front() == Call{0, 1, Withdrawn::Write});
}

TEST_CASE("what the hypervisor has cleaned and invalidated as a whole is whole again") {
  Whole m;
  m.store(kWb, 7);
  CHECK(m.load(kNc) == 0);
  REQUIRE(m.split() == 1);
  CHECK(m.lend(false).page == nullptr);
  m.caches.apply(CacheOpByPa{.action = Action::CleanInvalidate, .base = kX, .size = 4096}, m.caches.host_core());
  CHECK(m.lend(false).page != nullptr);
  CHECK(m.load(kWb) == 7);
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
}

TEST_CASE("set/way operations find what whole pages have") {
  Whole m;
  m.store(kWb, 7);
  const Geometry l1d = m.caches.config().l1d, l2 = m.caches.config().l2;
  const auto sweep = [&](unsigned level, const Geometry& g) {
    const unsigned way_bits = g.ways == 1 ? 0 : log2_floor(g.ways - 1) + 1;
    for (u64 set = 0; set < g.sets(); ++set)
      for (u64 way = 0; way < g.ways; ++way)
        m.caches.apply(CacheOpBySetWay{Action::CleanInvalidate, way << (32 - way_bits) | set << 6 | level << 1});
  };
  sweep(0, l1d);
  CHECK(m.peek(View::Memory) == 0);
  sweep(1, l2);
  CHECK(m.peek(View::Memory) == 7);
  CHECK(m.errors().empty());
}

TEST_CASE("more written pages than caches could hold are written back, the oldest first; the adversary keeps some") {
  constexpr unsigned kPages = KeptImages::kPlaces + 10;
  for (const bool adversary : {false, true}) {
    FakeRam ram(kPages);
    const Knobs knobs = adversary ? knobs_of("adversarial") : quiet({"pages=whole", "spec_fill=nearby"});
    Hierarchy caches(*preset("cortex-a57"), knobs, 1, ram, 1);
    const u8 one = 1;
    for (u64 page = 0; page < kPages; ++page) REQUIRE(caches.host_write(Pa{kRam + page * 4096}, {&one, 1}));
    const auto memory = [&](u64 page) {
      u8 byte = 0;
      REQUIRE(caches.peek(Pa{kRam + page * 4096}, {&byte, 1}, View::Memory));
      return byte;
    };
    const u64 first = adversary ? KeptImages::kPlaces / 2 : 0;
    CHECK(memory(first) == 1);
    CHECK(memory(first + 9) == 1);
    CHECK(memory(first + 10) == 0);
    CHECK(memory(0) == (adversary ? 0 : 1));
  }
}

TEST_CASE("where lines only come by accesses pages always have lines") {
  Machine m(quiet({"pages=whole", "spec_fill=none"}));
  CHECK(m.caches.line_pointer(m.by(kWb), kX, false).page == nullptr);
  CHECK(m.caches.counters(Level::L1D, 0).fills == 1);
}

TEST_CASE("use with other attributes is noticed in lines that loads by pointer may have used") {
  Whole m;
  REQUIRE(m.lend(false).page != nullptr);
  m.load(kNc, kX + 0x100);
  REQUIRE(m.reports.size() == 1);
  CHECK(m.reports[0].finding == Finding::MISMATCH);
}

namespace {

const u8* lend_code(Whole& m, u32 core = 0) {
  AccessInfo info = m.by(kWb, 0x700, core);
  info.kind = AccessKind::Fetch;
  info.va = kX.value;
  return m.caches.fetch_pointer(info, kX);
}

}  // namespace

TEST_CASE(
    "instructions that are as old as memory are executed there, until a store leaves the instruction cache behind") {
  Whole m;
  m.store(kWb, 7);
  m.cvau();
  REQUIRE(lend_code(m) == m.ram.ram_page(kX));
  CHECK(m.caches.counters(Level::L1I, 0).fills == 0);
  m.store(kWb, 8);
  CHECK(m.caches.counters(Level::L1I, 0).fills == 1);
  m.cvau();
  CHECK(lend_code(m) == nullptr);
  CHECK(m.fetch(kWb) == 7);
  CHECK(m.errors() == Errors{Finding::STALE_ICACHE});
  m.ivau();
  REQUIRE(lend_code(m) != nullptr);
  CHECK(*lend_code(m) == 8);
  CHECK(m.split() == 0);
}

TEST_CASE("what an instruction cache was made to forget does not stay behind a later store") {
  for (const bool all : {false, true}) {
    Whole m;
    REQUIRE(lend_code(m, 0) != nullptr);
    REQUIRE(lend_code(m, 1) != nullptr);
    if (all) {
      m.caches.apply(ICacheInvalidateAll{Scope::ThisPe}, 0);
    } else {
      m.caches.apply(CacheOpByPa{.instruction = true,
                                 .action = Action::Invalidate,
                                 .point = Point::PoU,
                                 .scope = Scope::ThisPe,
                                 .base = kX},
                     0);
    }
    m.store(kWb, 8);
    m.cvau();
    CHECK(m.caches.counters(Level::L1I, 0).fills == (all ? 0 : 1));  // of a line: as if core 0 had fetched it again
    CHECK(m.caches.counters(Level::L1I, 1).fills == 1);
    if (all) CHECK(m.fetch(kWb, kX, 0) == 8);
    CHECK(m.fetch(kWb, kX, 1) == 0);
    CHECK(m.errors() == Errors{Finding::STALE_ICACHE});
  }
}
