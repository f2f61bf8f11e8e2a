// tests/unit/cache/paths_test.cpp - which copy each kind of access sees, and what each operation reaches.
#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

u64 dirty_lines(const Machine& m, Level level, u32 core = 0) {
  u64 dirty = 0;
  for (const Copy& copy : m.caches.copies(kX)) {
    if (copy.level == level && copy.core == core) dirty |= copy.dirty;
  }
  return dirty;
}
bool holds(const Machine& m, Level level, u32 core = 0) {
  for (const Copy& copy : m.caches.copies(kX)) {
    if (copy.level == level && copy.core == core) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("without a model accesses are memory and operations are counted") {
  Machine m(Knobs{});
  m.store(kWb, 5);
  CHECK(m.ram.at(kX) == 5);
  CHECK(m.load(kNc) == 5);
  CHECK(m.fetch(kWb) == 5);
  m.civac();
  CHECK(m.caches.counts().clean_invalidate == 1);
  CHECK(m.caches.line_pointer(m.by(kWb), kX, true).data == nullptr);
  CHECK(m.reports.empty());
}

TEST_CASE("accesses outside RAM are refused whole") {
  Machine m;
  u8 bytes[16] = {};
  const Pa last{kRam + 16 * 4096 - 8};
  CHECK_FALSE(m.caches.write(m.by(kWb), last, bytes));
  CHECK(m.caches.copies(last).back().data[56] == 0);
  CHECK_FALSE(m.caches.read(m.by(kWb), Pa{0x1000}, bytes));
  CHECK_FALSE(m.caches.fetch(m.by(kWb), Pa{0x1000}).has_value());
  CHECK_FALSE(m.caches.peek(last, bytes, View::Cached));
  CHECK_FALSE(m.caches.zero_line(m.by(kWb), Pa{0x1000}));
  m.caches.apply(CacheOpByPa{.base = Pa{0x1000}, .size = 1 << 30});
}

TEST_CASE("an access across lines and pages is whole") {
  Machine m;
  const Pa pa = kX + 4096 - 3;
  m.store(kWb, 0x0807060504030201, pa);
  CHECK(m.load(kWb, pa, 1) == 0x0807060504030201);
  CHECK(m.load(kWb, pa + 3) == 0x0807060504);
}

TEST_CASE("MESI: a store takes the line, a load of another core shares it and sees the dirty bytes") {
  Machine m;
  m.store(kWb, 1, kX, 0);
  CHECK(dirty_lines(m, Level::L1D, 0) == 0xff);
  CHECK(m.load(kWb, kX, 1) == 1);
  CHECK(dirty_lines(m, Level::L1D, 0) == 0);
  CHECK(dirty_lines(m, Level::L2) == 0xff);
  m.store(kWb, 2, kX, 1);
  CHECK_FALSE(holds(m, Level::L1D, 0));
  CHECK(m.load(kWb, kX, 0) == 2);
  CHECK(m.caches.counters(Level::L1D, 1).snoops == 1);
  CHECK(m.ram.at(kX) == 0);
  CHECK(m.errors().empty());
}

TEST_CASE("a full set evicts its oldest line, whose dirty bytes move to L2 and from there to memory") {
  Machine m(quiet(), tiny());  // L1D: 4 sets of 2; L2: 8 sets of 4
  for (u64 i = 0; i < 3; ++i) m.store(kWb, i + 1, kX + i * 256);
  CHECK_FALSE(holds(m, Level::L1D));
  CHECK(dirty_lines(m, Level::L2) == 0xff);
  CHECK(m.ram.at(kX) == 0);
  for (u64 i = 0; i < 5; ++i) m.store(kWb, 9, kX + 0x2000 + i * 512);
  CHECK(m.ram.at(kX) == 1);
  CHECK(m.load(kWb) == 1);
  CHECK(m.caches.counters(Level::L1D).evictions >= 1);
  CHECK(m.caches.counters(Level::L2).writebacks >= 1);
}

TEST_CASE("nc_hit decides what an access around the caches finds") {
  const struct {
    std::string_view knob;
    u64 read_over_dirty, cached_after_write;
  } rows[] = {{"nc_hit=bypass", 0, 1}, {"nc_hit=lookup", 1, 2}, {"nc_hit=clean-first", 1, 2}, {"nc_hit=hostile", 1, 1}};
  for (const auto& row : rows) {
    INFO(row.knob);
    Machine m(quiet({row.knob}));
    m.store(kWb, 1);
    CHECK(m.load(kNc) == row.read_over_dirty);
    m.store(kNc, 2);
    CHECK(m.load(kWb) == row.cached_after_write);
  }
}

TEST_CASE("Write-Through is not cached, and an access with only one cacheable attribute neither") {
  const MemAttr mixed = normal_attr(kWriteBackRaWa, kNonCacheable, Shareability::Inner);
  for (const MemAttr& attr : {kWt, mixed, kOff}) {
    Machine m;
    m.store(attr, 3);
    CHECK(m.ram.at(kX) == 3);
    CHECK_FALSE(holds(m, Level::L1D));
  }
}

TEST_CASE("c0_policy: with SCTLR.C = 0 a resident line is hit or not, and never allocated") {
  for (bool hits : {false, true}) {
    Machine m(quiet({hits ? "c0_policy=hits" : "c0_policy=bypass"}));
    AccessInfo off = m.by(kNc);
    off.cache_disabled = true;
    u8 byte = 0;
    REQUIRE(m.caches.read(off, kX, {&byte, 1}));
    CHECK_FALSE(holds(m, Level::L1D));
    m.store(kWb, 1);
    REQUIRE(m.caches.read(off, kX, {&byte, 1}));
    CHECK(byte == (hits ? 1 : 0));
  }
}

TEST_CASE("Non-shareable lines of another core are seen or not, as the knob says") {
  for (bool snooped : {true, false}) {
    Machine m(quiet({snooped ? "nsh=snooped" : "nsh=private"}));
    m.store(kWbNsh, 1, kX, 0);
    CHECK(m.load(kWbNsh, kX, 1) == (snooped ? 1 : 0));
    CHECK(m.errors() == (snooped ? Errors{} : Errors{Finding::STALE_CACHED}));
  }
}

TEST_CASE("DMA sees memory, or the caches when the device is coherent") {
  Machine m;
  m.store(kWb, 1);
  CHECK(m.dma_read(kX, true) == 1);
  CHECK(m.errors().empty());
  CHECK(m.dma_read() == 0);
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
  m.dma_write(2, kX, true);
  CHECK(m.load(kWb) == 2);
  CHECK(m.dma_read() == 2);
}

TEST_CASE("table walks look where the knob says") {
  const struct {
    std::string_view knob;
    u64 sees;
    Errors errors;
    Point point;
  } rows[] = {{"walker=l1d", 1, {}, Point::PoC},
              {"walker=l2", 0, {Finding::STALE_WALK}, Point::PoU},
              {"walker=nc", 0, {Finding::STALE_WALK}, Point::PoC}};
  for (const auto& row : rows) {
    INFO(row.knob);
    Machine m(quiet({row.knob}));
    m.store(kWb, 1);
    CHECK(m.walk(kWb) == row.sees);
    CHECK(m.errors() == row.errors);
    if (!row.errors.empty()) CHECK(m.reports.back().remedy.point == row.point);
    m.cvac();
    CHECK(m.walk(kWb) == 1);
  }
  Machine m;  // tables mapped non-cacheable for the walker (TCR.IRGN = 0)
  m.store(kWb, 1);
  CHECK(m.walk(kNc) == 0);
  CHECK(m.errors() == Errors{Finding::STALE_WALK});
}

TEST_CASE("compare-exchange stores only what it expected") {
  Machine m;
  m.store(kWb, 7);
  const u8 seven[1] = {7}, eight[1] = {8}, nine[1] = {9};
  u8 seen[1];
  REQUIRE(m.caches.compare_exchange(m.by(kWb, 0, 1), kX, eight, nine, seen));
  CHECK(seen[0] == 7);
  CHECK(m.load(kWb) == 7);
  REQUIRE(m.caches.compare_exchange(m.by(kWb, 0, 1), kX, seven, nine, seen));
  CHECK(m.load(kWb) == 9);
}

TEST_CASE("streams of whole lines go to L2 without allocating in L1") {
  Machine m(quiet({"write_stream=on"}));
  m.load(kWb, kX, 1);
  REQUIRE(m.caches.zero_line(m.by(kWb), kX));
  std::array<u8, 64> ones_;
  ones_.fill(1);
  REQUIRE(m.caches.write(m.by(kWb), kX, ones_));
  CHECK_FALSE(holds(m, Level::L1D, 0));
  CHECK_FALSE(holds(m, Level::L1D, 1));
  CHECK(dirty_lines(m, Level::L2) == ~u64{0});
  CHECK(m.load(kWb, kX, 1) == 0x0101010101010101);
}

TEST_CASE("DC by address reaches its point and its scope") {
  Machine m;
  m.store(kWb, 1, kX, 1);
  m.dc(Action::Clean, Point::PoC, kX, 0, Scope::ThisPe);  // another core's line is out of scope
  CHECK(m.ram.at(kX) == 0);
  m.cvau(kX, 0);
  CHECK(dirty_lines(m, Level::L1D, 1) == 0);
  CHECK(dirty_lines(m, Level::L2) == 0xff);
  CHECK(m.ram.at(kX) == 0);
  m.cvac(kX, 0);
  CHECK(m.ram.at(kX) == 1);
  CHECK(holds(m, Level::L1D, 1));
  m.civac(kX, 0);
  CHECK_FALSE(holds(m, Level::L1D, 1));
  CHECK_FALSE(holds(m, Level::L2));
  CHECK(m.caches.counts().lines_cleaned == 2);
}

TEST_CASE("a range covers every line that it touches and no other") {
  Machine m;
  for (u64 i = 0; i < 70; ++i) m.store(kWb, i + 1, kX + i * 64);
  m.caches.apply(CacheOpByPa{.action = Action::CleanInvalidate, .base = kX + 63, .size = 4096}, m.caches.host_core());
  for (u64 i = 0; i < 70; ++i) CHECK(m.ram.at(kX + i * 64) == (i <= 64 ? i + 1 : 0));
}

TEST_CASE("set/way operations reach one place of this core, and L2 only as the knob says") {
  const auto everywhere = [](Machine& m, Action action, u64 level) {
    const Geometry g = level == 0 ? m.caches.config().l1d : m.caches.config().l2;
    for (u64 way = 0; way < g.ways; ++way) {
      for (u64 set = 0; set < g.sets(); ++set) {
        m.caches.apply(CacheOpBySetWay{action, way << (level == 0 ? 31 : 28) | set << 6 | level << 1});
      }
    }
  };
  for (bool shared : {true, false}) {
    Machine m(quiet({shared ? "sw_scope=l2" : "sw_scope=private"}));
    m.store(kWb, 1);
    m.store(kWb, 2, kX + 64, 1);
    everywhere(m, Action::CleanInvalidate, 0);
    CHECK_FALSE(holds(m, Level::L1D, 0));
    CHECK(dirty_lines(m, Level::L2) == 0xff);
    everywhere(m, Action::CleanInvalidate, 1);
    CHECK(m.ram.at(kX) == (shared ? 1 : 0));
    CHECK(m.caches.copies(kX + 64).front().dirty == 0xff);  // the other core's
  }
  Machine m;
  m.store(kWb, 1);
  everywhere(m, Action::Invalidate, 0);
  CHECK(m.load(kWb) == 0);
  CHECK(m.errors() == Errors{Finding::DISCARDED_DIRTY});
}

TEST_CASE("completion=dsb: maintenance waits for DSB, except for this core's own accesses to the line") {
  Machine m(quiet({"completion=dsb"}));
  m.store(kWb, 1);
  m.cvac();
  CHECK(m.ram.at(kX) == 0);
  m.dsb(1);
  CHECK(m.ram.at(kX) == 0);
  m.dsb();
  CHECK(m.ram.at(kX) == 1);
  m.store(kWb, 2);
  m.cvac();
  m.load(kWb);
  CHECK(m.ram.at(kX) == 2);
  m.store(kWb, 3);
  m.cvac();
  m.caches.barrier(0, Barrier::Dmb);
  CHECK(m.ram.at(kX) == 3);
  m.store(kWb, 4);
  m.cvac(kX, m.caches.host_core());
  CHECK(m.ram.at(kX) == 4);
}

TEST_CASE("instruction caches are filled from the point of unification and keep what they have") {
  Machine m;
  m.store(kWb, 1);
  CHECK(m.fetch(kWb) == 0);  // dirty in L1D only
  CHECK(m.errors() == Errors{Finding::STALE_ICACHE});
  CHECK(m.reports.back().remedy.data);
  CHECK(m.reports.back().remedy.point == Point::PoU);
  m.cvau();
  CHECK(m.fetch(kWb) == 0);
  m.ivau();
  CHECK(m.fetch(kWb) == 1);
  m.store(kWb, 2);
  m.cvau();
  m.caches.apply(ICacheInvalidateAll{Scope::ThisPe}, 1);
  CHECK(m.fetch(kWb) == 1);
  m.caches.apply(ICacheInvalidateAll{Scope::InnerShareable}, 1);
  CHECK(m.fetch(kWb) == 2);
}

TEST_CASE("IDC makes the clean unnecessary, DIC the invalidation") {
  Config config = *preset("neoverse-n1");
  config.idc = true;
  Machine idc(quiet(), config);
  idc.fetch(kWb);
  idc.store(kWb, 1);
  CHECK(idc.fetch(kWb) == 0);
  idc.ivau();
  CHECK(idc.fetch(kWb) == 1);
  config.dic = true;
  Machine both(quiet(), config);
  both.fetch(kWb, kX, 1);
  both.store(kWb, 1);
  CHECK(both.fetch(kWb, kX, 1) == 1);
  CHECK(both.errors().empty());
}

TEST_CASE("virtual indexing: IC IVAU reaches the alias it names; VMID tags: only its own") {
  Config config = *preset("cortex-a53");  // 16 KiB per way
  Machine vipt(quiet(), config);
  vipt.fetch(kWb, kX, 0, 1, 0x1000);
  vipt.fetch(kWb, kX, 0, 1, 0x2000);
  vipt.store(kWb, 1);
  vipt.cvau();
  vipt.caches.apply(
      CacheOpByPa{.instruction = true, .action = Action::Invalidate, .base = kX, .has_va = true, .va = 0x1000});
  CHECK(vipt.fetch(kWb, kX, 0, 1, 0x1000) == 1);
  CHECK(vipt.fetch(kWb, kX, 0, 1, 0x2000) == 0);
  vipt.ivau();
  CHECK(vipt.fetch(kWb, kX, 0, 1, 0x2000) == 1);

  config.icache = ICacheKind::VPIPT;
  Machine vpipt(quiet(), config);
  vpipt.fetch(kWb, kX, 0, 1, 0x1000, 5);
  vpipt.store(kWb, 1);
  vpipt.cvau();
  vpipt.caches.apply(
      CacheOpByPa{.instruction = true, .action = Action::Invalidate, .base = kX, .has_va = true, .vmid = 0});
  CHECK(vpipt.fetch(kWb, kX, 0, 1, 0x1000, 5) == 0);
  CHECK(vpipt.fetch(kWb, kX, 0, 1, 0x1000, 6) == 1);
}

TEST_CASE("a finding is delivered once for its PC and line") {
  Machine m;
  m.store(kWb, 1);
  for (unsigned i = 0; i < 3; ++i) m.load(kNc, kX, 0, 0x100);
  CHECK(m.errors().size() == 1);
  m.load(kNc, kX, 0, 0x104);
  CHECK(m.errors().size() == 2);
  CHECK(m.caches.sanitizer().errors() == 2);
}

TEST_CASE("the machine's remarks stand in a line's history") {
  Machine m;
  m.store(kWb, 1, kX, 0, 0x77);
  m.caches.note_event(kX, 42, m.by(kWb, 0x99));
  const auto events = m.caches.history(kX);
  REQUIRE(events.size() == 3);
  CHECK(events[0].kind == EventKind::External);
  CHECK(events[0].remark == 42);
  CHECK(events[1].kind == EventKind::Write);
  CHECK(events[1].pc == 0x77);
}

TEST_CASE("peek shows each view and changes nothing") {
  Machine m;
  m.set_memory(1);
  m.store(kWb, 2);
  m.cvau();
  m.store(kWb, 3);
  const u64 hash = m.caches.state_hash();
  CHECK(m.peek(View::Memory) == 1);
  CHECK(m.peek(View::Unification) == 2);
  CHECK(m.peek(View::Cached) == 3);
  CHECK(m.peek(View::Golden) == 3);
  CHECK(m.caches.state_hash() == hash);
}

TEST_CASE("adopt takes memory as it is; flush_all writes everything to it") {
  Machine m;
  m.store(kWb, 1);
  m.set_memory(9);
  m.caches.adopt(kX, 8);
  CHECK(m.load(kWb) == 9);
  m.store(kWb, 2);
  m.caches.flush_all();
  CHECK(m.ram.at(kX) == 2);
  CHECK_FALSE(holds(m, Level::L1D));
  CHECK(m.errors().empty());
}
