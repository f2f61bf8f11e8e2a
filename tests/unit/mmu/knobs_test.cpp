// tests/unit/mmu/knobs_test.cpp - choices of TLBs and translation: names, and what each does.
#include "fake.h"
#include "tests/unit/every_knob.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

constexpr u64 kBlock = 0x20'0000;

/// A 2 MiB block and a page inside it are both in the TLB: the table was changed in place, without a TLBI.
TlbEntry entry(u64 input, u64 output, u8 size_log2, bool writable) {
  TlbEntry e;
  e.input = input;
  e.output = output;
  e.size_log2 = e.leaf_size_log2 = size_log2;
  e.prot[0] = {true, writable, true};
  return e;
}
void fill_both(Tlb& tlb) {
  tlb.fill(entry(kBlock + 0x3000, 0x8000'3000, 12, false));
  tlb.fill(entry(kBlock, 0x4000'0000, 21, true));
}
const TlbEntry* look(Tlb& tlb, u64 va) { return tlb.lookup(RegimeId::EL10, 0, 0, 0, va); }

}  // namespace

TEST_CASE("every knob can be set by the values that help lists, and prints back") {
  check_every_knob<Knobs>(knob_table(), set_knob, print_knobs);
  Knobs knobs;
  CHECK(set_knob(knobs, "tlb_size", "1").error().message == "knob tlb_size: '1' is not one of 2..20");
  CHECK(set_knob(knobs, "bbm", "maybe").error().message == "knob bbm: 'maybe' is not one of old|new|conflict|amalgam");
  CHECK_FALSE(*set_knob(knobs, "evict", "lazy"));
}

TEST_CASE("bbm: what two entries of different size for one address translate to") {
  SECTION("old: the page, as long as it is there") {
    Tlb tlb({.bbm = Bbm::Old});
    fill_both(tlb);
    CHECK(look(tlb, kBlock + 0x3008)->output == 0x8000'3000);
    CHECK(look(tlb, kBlock + 0x4008)->output == 0x4000'0000);
  }
  SECTION("new: the block has removed the page") {
    Tlb tlb({.bbm = Bbm::New});
    fill_both(tlb);
    CHECK(look(tlb, kBlock + 0x3008)->output == 0x4000'0000);
  }
  SECTION("conflict: where both match, and only there") {
    Tlb tlb({.bbm = Bbm::Conflict});
    fill_both(tlb);
    CHECK(look(tlb, kBlock + 0x4008)->output == 0x4000'0000);
    CHECK(tlb.take_conflict() == 0);
    CHECK(look(tlb, kBlock + 0x3008) == nullptr);
    CHECK(tlb.take_conflict() == 1);
    CHECK(tlb.take_conflict() == 0);
    tlb.clear();
    fill_both(tlb);
    CHECK(look(tlb, kBlock + 0x3008) == nullptr);
  }
  SECTION("amalgam: the address of the page, the permissions of the block") {
    Tlb tlb({.bbm = Bbm::Amalgam});
    fill_both(tlb);
    const TlbEntry* mixed = look(tlb, kBlock + 0x3008);
    REQUIRE(mixed != nullptr);
    CHECK(mixed->output == 0x8000'3000);
    CHECK(int{mixed->size_log2} == 12);
    CHECK(mixed->prot[0].write);
  }
  SECTION("an entry of another ASID is no second entry") {
    Tlb tlb({.bbm = Bbm::Conflict});
    TlbEntry other = entry(kBlock + 0x3000, 0x8000'3000, 12, false);
    other.asid = 9;
    tlb.fill(other);
    tlb.fill(entry(kBlock, 0x4000'0000, 21, true));
    CHECK(look(tlb, kBlock + 0x3008)->output == 0x4000'0000);
  }
}

TEST_CASE("bbm=conflict ends in a TLB conflict abort when a block becomes a table in place") {
  for (Bbm bbm : {Bbm::Old, Bbm::Conflict}) {
    Single m(stage1_regs(), all_features(), {.bbm = bbm});
    m.s1.map(0x3000, 0x8000'3000, 3, kS1);
    REQUIRE(m.go(0x3000)->pa.value == 0x8000'3000);
    m.tlb.fill([&] {
      TlbEntry block;
      m.tlb.for_each([&](const TlbEntry& page) { block = page; });
      block.input = 0;
      block.output = 0x4000'0000;
      block.size_log2 = block.leaf_size_log2 = 21;
      return block;
    }());
    const auto again = m.go(0x3000);
    CHECK(again.ok() == (bbm == Bbm::Old));
    if (!again.ok()) CHECK(again.error().kind == FaultKind::TlbConflict);
  }
}

TEST_CASE("tlb_evict drops entries that nothing asked to drop") {
  for (u32 period : {0u, 2u}) {
    Tlb tlb({.entries_log2 = 10, .evict_period = period});
    for (u64 page = 0; page < 1000; ++page) tlb.fill(entry((page % 16) << 12, 0, 12, true));
    unsigned left = 0;
    tlb.for_each([&](const TlbEntry&) { ++left; });
    CHECK((left == 16) == (period == 0));
  }
}
