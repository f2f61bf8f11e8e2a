// tests/unit/mmu/table_visit_test.cpp - the range visitor as table editors use it.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

/// Writes down what it sees.
struct Recorder : TableVisitor {
  std::vector<std::string> log;
  Visit note(const char* what, const TableEntry& e, Part part) {
    log.push_back(fmt::format("{} {} {:x} {:x}+{:x}", what, e.level, e.input, part.base, part.size));
    return Visit::Continue;
  }
  Visit pre(TableEntry& e, Part part) { return note("pre", e, part); }
  Visit leaf(TableEntry& e, Part part) { return note("leaf", e, part); }
  Visit post(TableEntry& e, Part part) { return note("post", e, part); }
};

/// Maps a range with the largest leaves that fit, as a hypervisor would.
struct Mapper : TableVisitor {
  FakeMemory& memory;
  u64 delta, attributes, next_table;
  Mapper(FakeMemory& m, u64 d, u64 a, u64 t) : memory(m), delta(d), attributes(a), next_table(t) {}
  Visit leaf(TableEntry& e, Part part) {
    const u64 out = e.input + delta;
    if (part.size == e.size() && leaf_allowed(e.granule, e.level) && is_aligned(out, e.size())) {
      memory.write_descriptor(e.address, make_leaf(e.level, out, attributes));
      return Visit::Continue;
    }
    memory.write_descriptor(e.address, make_table(next_table));
    next_table += page_size(e.granule);
    return Visit::Continue;
  }
};

/// Clears leaves and frees tables that have become empty.
struct Unmapper : TableVisitor {
  FakeMemory& memory;
  unsigned freed = 0;
  explicit Unmapper(FakeMemory& m) : memory(m) {}
  Visit leaf(TableEntry& e, Part) {
    if (bit(e.value, 0)) memory.write_descriptor(e.address, 0);
    return Visit::Continue;
  }
  Visit post(TableEntry& e, Part) {
    const u64 table = table_address(e.value, e.granule);
    for (unsigned i = 0; i < entries_per_table(e.granule); ++i) {
      if (memory.read_descriptor(table + i * 8) != 0) return Visit::Continue;
    }
    memory.write_descriptor(e.address, 0);
    ++freed;
    return Visit::Continue;
  }
};

constexpr TableRoot kRoot{.base = kVttbr, .granule = Granule::K4, .start_level = 1, .ia_bits = 40};

}  // namespace

TEST_CASE("entries are visited in order, cut to the range, tables before and after their entries") {
  FakeMemory memory;
  Tables tables(memory, Granule::K4, 1, 40, kVttbr);
  tables.map(0x4000'0000, 0x8000'0000, 2, kS2);
  tables.map(0x4020'1000, 0x9000'0000, 3, kS2);
  Recorder seen;
  CHECK(visit_range(memory, kRoot, 0x401f'f000, 0x3000, seen));
  CHECK(seen.log == std::vector<std::string>{"pre 1 40000000 401ff000+3000", "leaf 2 40000000 401ff000+1000",
                                             "pre 2 40200000 40200000+2000", "leaf 3 40200000 40200000+1000",
                                             "leaf 3 40201000 40201000+1000", "post 2 40200000 40200000+2000",
                                             "post 1 40000000 401ff000+3000"});
}

TEST_CASE("an empty range visits nothing; the end of a concatenated root is reachable") {
  FakeMemory memory;
  Recorder seen;
  CHECK(visit_range(memory, kRoot, 0x1000, 0, seen));
  CHECK(seen.log.empty());
  CHECK(visit_range(memory, kRoot, 0xff'c000'0000, 0x4000'0000, seen));
  CHECK(seen.log == std::vector<std::string>{"leaf 1 ffc0000000 ffc0000000+40000000"});
}

TEST_CASE("Skip and Stop") {
  struct Chooser : Recorder {
    Visit at_pre = Visit::Continue, at_leaf = Visit::Continue;
    Visit pre(TableEntry& e, Part part) { return note("pre", e, part), at_pre; }
    Visit leaf(TableEntry& e, Part part) { return note("leaf", e, part), at_leaf; }
  };
  FakeMemory memory;
  Tables tables(memory, Granule::K4, 1, 40, kVttbr);
  tables.map(0x4000'0000, 0x8000'0000, 3, kS2);
  Chooser skip;
  skip.at_pre = Visit::Skip;
  CHECK(visit_range(memory, kRoot, 0x4000'0000, 0x1000, skip));
  CHECK(skip.log.size() == 1);
  Chooser stop;
  stop.at_leaf = Visit::Stop;
  CHECK_FALSE(visit_range(memory, kRoot, 0x4000'0000, 0x3000, stop));
  CHECK(stop.log.back() == "leaf 3 40000000 40000000+1000");
}

TEST_CASE("mapping uses the largest leaves, and the hardware walk agrees page by page") {
  FakeMemory memory;
  Mapper mapper(memory, 0x1'0000'0000, kS2, kVttbr + (u64{1} << 20));
  const u64 base = 0x3fff'e000, size = 0x4000'0000 + 0x20'0000 + 0x5000;
  CHECK(visit_range(memory, kRoot, base, size, mapper));
  ControlRegs regs = nested_regs();
  regs.sctlr_el1 = 0;
  const Regime regime = make_regime(regs, RegimeId::EL10, all_features());
  Tlb tlb;
  unsigned sizes[40] = {};
  for (u64 at = base; at < base + size;) {
    const auto got = translate(regime, Va{at}, reads(), memory, tlb);
    REQUIRE(got.ok());
    REQUIRE(got->pa.value == at + 0x1'0000'0000);
    ++sizes[got->size_log2];
    at += u64{1} << got->size_log2;
  }
  CHECK(sizes[30] == 1);
  CHECK(sizes[21] == 1);
  CHECK(sizes[12] == 5);
  CHECK_FALSE(translate(regime, Va{base - 1}, reads(), memory, tlb).ok());
  CHECK_FALSE(translate(regime, Va{base + size}, reads(), memory, tlb).ok());
  Unmapper unmapper(memory);
  CHECK(visit_range(memory, kRoot, base, size, unmapper));
  CHECK(unmapper.freed == 4);  // 2 for the head, 2 for the tail
  for (const auto& [address, word] : memory.words) CHECK(word == 0);
}
