// tests/unit/cache/rows_test.cpp - the boot and aliasing scenarios of the catalogue, without cores: on a coherent
// machine, with the right maintenance, and with that piece of maintenance missing.
#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

namespace {

constexpr u64 kOld = 0x1111'1111'1111'1111, kNew = 0x2222'2222'2222'2222, kA = 0xaaaa'aaaa'aaaa'aaaa;

/// Whether the machine is coherent, or the maintenance of the row is done, or left out.
enum class Column { Coherent, Correct, Missing };

}  // namespace

TEST_CASE("row 1: the VMM's image is dirty in a cache when the guest reads with caches off") {
  for (Column column : {Column::Coherent, Column::Correct, Column::Missing}) {
    Machine m(column == Column::Coherent ? knobs_of("coherent") : quiet());
    m.set_memory(kOld);
    m.host_store(kNew);
    if (column == Column::Correct) m.civac(kX, m.caches.host_core());
    const u64 want = column == Column::Missing ? kOld : kNew;
    CHECK(m.load(kOff) == want);
    CHECK(m.fetch(kNc) == static_cast<u32>(want));
    CHECK(m.errors() == (column == Column::Missing ? Errors{Finding::STALE_RAM, Finding::STALE_ICACHE} : Errors{}));
  }
}

TEST_CASE("row 1: the report names the writer, the values and the clean") {
  Machine m;
  m.set_memory(kOld);
  m.host_store(kNew);
  m.load(kOff);
  const auto found =
      std::find_if(m.reports.begin(), m.reports.end(), [](const Report& r) { return r.finding == Finding::STALE_RAM; });
  REQUIRE(found != m.reports.end());
  CHECK(found->pa == kX);
  CHECK(found->size == 8);
  CHECK(found->seen[0] == 0x11);
  CHECK(found->expected[0] == 0x22);
  CHECK(found->level == Level::Memory);
  CHECK(found->access.pc == 0x100);
  CHECK(found->writer.core == m.caches.host_core());
  CHECK(found->writer.kind == cache::AccessKind::Host);
  CHECK(found->writer.pc == 0x500);
  CHECK(found->remedy.data);
  CHECK(found->remedy.action == Action::Clean);
  CHECK(found->remedy.point == Point::PoC);
  CHECK(found->remedy.after_writer);
  REQUIRE(found->history.size() == 2);
  CHECK(found->history[0].kind == EventKind::Write);
  CHECK(found->history[1].kind == EventKind::Fill);
  CHECK(print(*found).find("DC CVAC") != std::string::npos);
}

TEST_CASE("row 2: a clean line is older than what the guest wrote with caches off") {
  for (Column column : {Column::Coherent, Column::Correct, Column::Missing}) {
    Machine m(column == Column::Coherent ? knobs_of("coherent") : quiet());
    m.host_load();
    m.store(kOff, kA);
    if (column == Column::Correct) m.ivac();
    CHECK(m.load(kWb) == (column == Column::Missing ? 0 : kA));
    CHECK(m.errors() == (column == Column::Missing ? Errors{Finding::STALE_CACHED} : Errors{}));
    if (column == Column::Missing) {
      CHECK(m.reports.back().remedy.action == Action::Invalidate);
      CHECK(m.reports.back().writer.cached == false);
    }
  }
}

TEST_CASE("row 3: speculation through the host's alias after the mapping was cleaned") {
  for (bool flush_on_enable : {true, false}) {
    Machine m;
    m.host_load();
    m.civac(kX, m.caches.host_core());
    m.caches.speculative_fill(m.caches.host_core(), kX);
    m.store(kOff, kA);
    if (flush_on_enable) m.civac(kX, m.caches.host_core());
    CHECK(m.load(kWb) == (flush_on_enable ? kA : 0));
    CHECK(m.errors() == (flush_on_enable ? Errors{} : Errors{Finding::STALE_CACHED}));
  }
}

TEST_CASE("row 4: a dirty zero page is written back over what the guest wrote with caches off") {
  for (Column column : {Column::Coherent, Column::Correct, Column::Missing}) {
    Machine m(column == Column::Coherent ? knobs_of("coherent") : quiet());
    m.set_memory(0x5ec7e7);
    m.host_store(0);
    if (column == Column::Correct) m.civac(kX, m.caches.host_core());
    m.store(kOff, kA);
    m.caches.evict_line(kX);
    CHECK(m.load(kOff) == (column == Column::Missing ? 0 : kA));
    CHECK(m.errors() == (column == Column::Missing ? Errors{Finding::LOST_WRITE} : Errors{}));
  }
}

TEST_CASE("row 5: what another owner left in memory shows below a dirty zero page") {
  Machine m;
  m.set_memory(0x5ec7e7);
  m.host_store(0);
  CHECK(m.load(kOff) == 0x5ec7e7);
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
}

TEST_CASE("row 6: an image cleaned to the point of unification only is right for instructions and wrong for literals") {
  for (Point point : {Point::PoU, Point::PoC}) {
    Machine m;
    m.set_memory(kOld);
    m.host_store(kNew);
    m.dc(Action::Clean, point, kX, m.caches.host_core());
    CHECK(m.fetch(kWt) == static_cast<u32>(kNew));  // MMU off, I = 1
    CHECK(m.load(kOff) == (point == Point::PoC ? kNew : kOld));
    CHECK(m.errors() == (point == Point::PoC ? Errors{} : Errors{Finding::STALE_RAM}));
  }
}

TEST_CASE("row 7: a device tree written again on reboot is half old: line by line") {
  Machine m;
  for (unsigned i = 0; i < 4; ++i) m.host_store(kOld, kX + i * 64);
  for (unsigned i = 0; i < 4; ++i) m.civac(kX + i * 64, m.caches.host_core());
  for (unsigned i = 0; i < 4; ++i) m.host_store(kNew, kX + i * 64);
  m.caches.evict_line(kX + 64);
  CHECK(m.load(kOff, kX) == kOld);
  CHECK(m.load(kOff, kX + 64) == kNew);
  CHECK(m.load(kOff, kX + 128) == kOld);
  CHECK(m.errors() == Errors{Finding::STALE_RAM, Finding::STALE_RAM});
}

TEST_CASE("row 8: instructions of before the reset are still in the instruction cache") {
  for (bool invalidates : {true, false}) {
    Machine m;
    m.host_store(kOld);
    m.civac(kX, m.caches.host_core());
    CHECK(m.fetch(kWt) == static_cast<u32>(kOld));
    m.host_store(kNew);
    m.civac(kX, m.caches.host_core());
    if (invalidates) m.ivau(kX, m.caches.host_core());
    CHECK(m.fetch(kWt) == static_cast<u32>(invalidates ? kNew : kOld));
    CHECK(m.errors() == (invalidates ? Errors{} : Errors{Finding::STALE_ICACHE}));
    if (!invalidates) {
      CHECK(m.reports.back().remedy.instruction);
      CHECK_FALSE(m.reports.back().remedy.data);
    }
  }
}

TEST_CASE("row 22: a true DC IVAC destroys what the VMM wrote; one that cleans does not") {
  for (std::string_view ivac : {"ivac=invalidate", "ivac=clean"}) {
    const bool destroys = ivac == "ivac=invalidate";
    Machine m(quiet({ivac}));
    m.set_memory(kOld);
    m.host_store(kNew);
    m.ivac();
    CHECK(m.load(kWb) == (destroys ? kOld : kNew));
    CHECK(m.errors() == (destroys ? Errors{Finding::DISCARDED_DIRTY} : Errors{}));
    if (destroys) CHECK(m.reports.back().remedy.action == Action::CleanInvalidate);
  }
}

TEST_CASE("row 39: DC ZVA of non-cacheable memory with a dirty alias: zero, then the old value comes back") {
  for (bool cleaned : {true, false}) {
    Machine m;
    m.store(kWb, kOld);
    if (cleaned) m.civac();
    REQUIRE(m.caches.zero_line(m.by(kNc), kX + 8));
    CHECK(m.load(kNc) == 0);
    m.caches.evict_line(kX);
    CHECK(m.load(kNc) == (cleaned ? 0 : kOld));
    CHECK(m.errors() == (cleaned ? Errors{} : Errors{Finding::LOST_WRITE}));
  }
}

TEST_CASE("row 40: a neighbour's write-back takes a non-cacheable byte with it, when whole lines are written") {
  for (std::string_view granule : {"wb_granule=line", "wb_granule=bytes"}) {
    const bool lost = granule == "wb_granule=line";
    Machine m(quiet({granule}));
    m.store(kWb, kNew, kX + 8);
    m.store(kNc, kA, kX);
    m.caches.evict_line(kX);
    CHECK(m.load(kNc, kX + 8) == kNew);
    CHECK(m.load(kNc, kX) == (lost ? 0 : kA));
    CHECK(m.errors() == (lost ? Errors{Finding::LOST_WRITE} : Errors{}));
    if (lost) {
      CHECK(m.reports.back().remedy.after_writer == false);
      CHECK(m.reports.back().pa == kX);
      CHECK(m.reports.back().size == 8);
    }
  }
}

TEST_CASE("row 41: a page remapped non-cacheable without maintenance, and speculation through the linear map") {
  Machine m;
  m.store(kWb, kOld);  // through the linear map: dirty
  m.store(kNc, kA);    // the driver's mapping
  CHECK(m.load(kNc) == kA);
  CHECK(m.load(kWb) == kOld);
  m.caches.evict_line(kX);
  CHECK(m.load(kNc) == kOld);
  CHECK(m.errors() == Errors{Finding::STALE_CACHED, Finding::LOST_WRITE});
  CHECK(m.caches.sanitizer().count(Finding::MISMATCH) > 0);

  Machine correct;
  correct.store(kWb, kOld);
  correct.civac();
  correct.store(kNc, kA);
  CHECK(correct.load(kNc) == kA);
  correct.caches.evict_line(kX);
  CHECK(correct.load(kNc) == kA);
  CHECK(correct.errors().empty());
}

TEST_CASE("row 43: a secondary core's status word, written with caches off beside cached data") {
  for (bool invalidates : {true, false}) {
    Machine m;
    m.load(kWb, kX, 0);  // the primary polls: clean
    m.store(kOff, 1, kX, 1);
    if (invalidates) m.ivac(kX, 1);
    CHECK(m.load(kWb, kX, 0) == (invalidates ? 1 : 0));
    CHECK(m.errors() == (invalidates ? Errors{} : Errors{Finding::STALE_CACHED}));
  }
  Machine neighbour(quiet({"wb_granule=line"}));
  neighbour.store(kWb, 7, kX + 8, 0);  // the line is dirty because of its other half
  neighbour.store(kOff, 1, kX, 1);
  neighbour.caches.evict_line(kX);
  CHECK(neighbour.load(kWb, kX, 0) == 0);
  CHECK(neighbour.errors() == Errors{Finding::LOST_WRITE});
}

TEST_CASE("row 10: set/way maintenance on the core to which the vCPU has moved does not reach the first one's line") {
  Machine m;
  m.set_memory(kOld);
  m.store(kWb, kNew, kX, 0);
  const Config& config = m.caches.config();
  for (u64 level = 0; level < 2; ++level) {
    const Geometry g = level == 0 ? config.l1d : config.l2;
    const unsigned way_shift = 32 - (log2_floor(g.ways - 1) + 1);
    for (u64 way = 0; way < g.ways; ++way) {
      for (u64 set = 0; set < g.sets(); ++set) {
        m.caches.apply(CacheOpBySetWay{Action::CleanInvalidate, way << way_shift | set << 6 | level << 1}, 1);
      }
    }
  }
  CHECK(m.load(kOff, kX, 1) == kOld);
  CHECK(m.errors() == Errors{Finding::STALE_RAM});
}
