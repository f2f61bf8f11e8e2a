// tests/unit/mmu/walk_test.cpp - every level, granule and fault kind of one-stage and two-stage walks.
#include "core/arch/esr.h"
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

constexpr Granule kGranules[] = {Granule::K4, Granule::K16, Granule::K64};

/// A regime with one granule and 48-bit inputs.
struct OneStage {
  explicit OneStage(Granule g, unsigned ia_bits = 48)
      : granule(g), start(s1_start_level(g, ia_bits)), tables(memory, g, start, ia_bits, kTtbr0) {
    regs = stage1_regs(g, ia_bits);
    update();
  }
  void update() { regime = make_regime(regs, RegimeId::EL10, all_features()); }
  Result<Translation, Fault> go(u64 va, Access access = {}) {
    Tlb tlb;
    return translate(regime, Va{va}, access, memory, tlb);
  }
  Granule granule;
  int start;
  FakeMemory memory;
  Tables tables;
  ControlRegs regs;
  Regime regime;
};

void expect_fault(const Result<Translation, Fault>& got, FaultKind kind, int level, u8 fsc) {
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().kind == kind);
  CHECK(int{got.error().level} == level);
  CHECK(int{encode_fsc(got.error().kind, got.error().level)} == int{fsc});
}

}  // namespace

TEST_CASE("a leaf at every legal level of every granule gives its address and size") {
  for (Granule g : kGranules) {
    for (int level = 0; level <= 3; ++level) {
      OneStage m(g);
      if (level < m.start || !leaf_allowed(g, level)) continue;
      CAPTURE(shift(g), level);
      const unsigned size = level_shift(g, level);
      const u64 va = 0x5432'1098'7654 & ~ones(size), pa = u64{3} << size;
      m.tables.map(va, pa, level, kS1);
      const u64 offset = 0x1234'5678 & ones(size);
      const auto got = m.go(va + offset);
      REQUIRE(got.ok());
      CHECK(got->pa.value == pa + offset);
      CHECK(got->ipa.value == pa + offset);
      CHECK(unsigned{got->size_log2} == size);
      CHECK(got->attr == normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Inner));
      CHECK(got->prot == Prot{true, true, true});
      CHECK(got->global);
      CHECK(m.memory.reads == static_cast<unsigned>(level - m.start + 1));
    }
  }
}

TEST_CASE("start level and first table follow every input size") {
  for (Granule g : kGranules) {
    for (unsigned ia_bits = g == Granule::K64 ? 17 : 16; ia_bits <= 48; ++ia_bits) {
      CAPTURE(shift(g), ia_bits);
      OneStage m(g, ia_bits);
      const u64 va = ones(ia_bits) & ~ones(shift(g));
      m.tables.map(va, 0x8000'0000, 3, kS1);
      const auto got = m.go(va + 8);
      REQUIRE(got.ok());
      CHECK(got->pa.value == 0x8000'0008);
      // One past the range: level-0 Translation fault.
      if (ia_bits < 48) expect_fault(m.go(u64{1} << ia_bits), FaultKind::Translation, 0, 0b000100);
    }
  }
}

TEST_CASE("an invalid descriptor at each level is a Translation fault of that level") {
  for (Granule g : kGranules) {
    OneStage probe(g);
    for (int level = probe.start; level <= 3; ++level) {
      for (u64 invalid : {u64{0}, ~u64{1}}) {
        OneStage m(g);
        m.tables.set(0x7654'3210'0000, level, invalid);
        CAPTURE(shift(g), level, invalid);
        expect_fault(m.go(0x7654'3210'0000), FaultKind::Translation, level, static_cast<u8>(0b000100 | level));
      }
      if (level < 3 && !block_allowed(g, level)) {
        OneStage m(g);
        m.tables.set(0x7654'3210'0000, level, 1 | kS1);  // a block where none is legal
        expect_fault(m.go(0x7654'3210'0000), FaultKind::Translation, level, static_cast<u8>(0b000100 | level));
      }
    }
    OneStage m(g);
    m.tables.set(0x7654'3210'0000, 3, 1 | kS1);  // the reserved level-3 encoding
    expect_fault(m.go(0x7654'3210'0000), FaultKind::Translation, 3, 0b000111);
  }
}

TEST_CASE("addresses above IPS are AddressSize faults of the descriptor's level") {
  for (Granule g : kGranules) {
    OneStage probe(g);
    for (int level = probe.start; level <= 3; ++level) {
      CAPTURE(shift(g), level);
      OneStage m(g);
      m.regs.tcr_el1 = with_bits(m.regs.tcr_el1, 34, 32, 1);  // 36 bits
      m.update();
      const bool leaf = leaf_allowed(g, level);
      const u64 high = u64{1} << 46;
      m.tables.set(0x7654'3210'0000, level, leaf ? make_leaf(level, high, kS1) : make_table(high));
      expect_fault(m.go(0x7654'3210'0000), FaultKind::AddressSize, level, static_cast<u8>(level));
      if (level < 3) {
        OneStage t(g);
        t.regs.tcr_el1 = m.regs.tcr_el1;
        t.update();
        t.tables.set(0x7654'3210'0000, level, make_table(high));
        expect_fault(t.go(0x7654'3210'0000), FaultKind::AddressSize, level, static_cast<u8>(level));
      }
    }
  }
  OneStage m(Granule::K4);
  m.regs.tcr_el1 = with_bits(m.regs.tcr_el1, 34, 32, 0);  // TTBR0 at 4 GiB does not fit 32 bits
  m.update();
  expect_fault(m.go(0x1000), FaultKind::AddressSize, 0, 0);
}

TEST_CASE("Access flag, Permission and external aborts carry the level of the descriptor") {
  for (Granule g : kGranules) {
    OneStage probe(g);
    for (int level = probe.start; level <= 3; ++level) {
      CAPTURE(shift(g), level);
      if (leaf_allowed(g, level)) {
        OneStage m(g);
        m.tables.map(0, 0, level, kSh);
        expect_fault(m.go(0), FaultKind::AccessFlag, level, static_cast<u8>(0b001000 | level));
        m.tables.map(0, 0, level, kS1 | kRo);
        expect_fault(m.go(0, writes()), FaultKind::Permission, level, static_cast<u8>(0b001100 | level));
        CHECK(m.go(0, reads()).ok());
      }
      OneStage m(g);
      m.tables.map(0, 0, 3, kS1);
      m.memory.aborts.insert(m.tables.entry(0, level));
      const auto got = m.go(0, writes());
      expect_fault(got, FaultKind::SyncExternalOnWalk, level, static_cast<u8>(0b010100 | level));
      CHECK(int{got.error().stage} == 1);
      CHECK_FALSE(got.error().ipa_valid);
    }
  }
}

TEST_CASE("the order of faults of one leaf: address size, access flag, alignment, permission") {
  OneStage m(Granule::K4);
  m.regs.tcr_el1 = with_bits(m.regs.tcr_el1, 34, 32, 1);
  m.update();
  Access unaligned = writes();
  unaligned.size = 4;
  m.tables.map(0, u64{1} << 40, 3, kSh | kRo | kIdx1);
  expect_fault(m.go(2, unaligned), FaultKind::AddressSize, 3, 0b000011);
  m.tables.map(0, 0, 3, kSh | kRo | kIdx1);
  expect_fault(m.go(2, unaligned), FaultKind::AccessFlag, 3, 0b001011);
  m.tables.map(0, 0, 3, kS1 | kRo | kIdx1);
  expect_fault(m.go(2, unaligned), FaultKind::Alignment, 3, 0b100001);
  unaligned.size = 2;
  expect_fault(m.go(2, unaligned), FaultKind::Permission, 3, 0b001111);
}

TEST_CASE("VA range, EPD, E0PD and reserved sizes are level-0 Translation faults") {
  Single m;
  m.s1.map(0x1000, 0x1000, 3, kS1 | kUser);
  m.upper.map(0xffff'8000'0000'1000, 0x2000, 3, kS1);
  CHECK(m.go(0x1008)->pa.value == 0x1008);
  CHECK(m.go(0xffff'8000'0000'1008)->pa.value == 0x2008);
  for (u64 bad : {u64{0x0001'0000'0000'1000}, u64{0x0100'0000'0000'1000}, u64{0xfffe'8000'0000'1000},
                  u64{0x7fff'8000'0000'1000}, u64{0x0080'0000'0000'1000}}) {
    CAPTURE(bad);
    expect_fault(m.go(bad), FaultKind::Translation, 0, 0b000100);
  }
  const u64 tcr = m.regs.tcr_el1;
  m.regs.tcr_el1 = tcr | 1u << 7;  // EPD0: only misses fault
  m.update();
  CHECK(m.go(0x1008).ok());
  m.tlb.clear();
  expect_fault(m.go(0x1008), FaultKind::Translation, 0, 0b000100);
  CHECK(m.go(0xffff'8000'0000'1008).ok());
  m.regs.tcr_el1 = tcr | u64{1} << 55;  // E0PD0
  m.update();
  expect_fault(m.go(0x1000, reads(El::EL0)), FaultKind::Translation, 0, 0b000100);
  CHECK(m.go(0x1000, reads(El::EL1)).ok());
  for (unsigned txsz : {15u, 49u}) {
    m.regs.tcr_el1 = with_bits(tcr, 5, 0, txsz);
    m.update();
    expect_fault(m.go(0x1000), FaultKind::Translation, 0, 0b000100);
  }
}

TEST_CASE("TBI ignores the top byte, TBID only for data") {
  Single m;
  m.regs.tcr_el1 |= u64{3} << 37 | u64{1} << 51;  // TBI0, TBI1, TBID0
  m.update();
  m.s1.map(0x1000, 0x1000, 3, kS1);
  m.upper.map(0xffff'8000'0000'1000, 0x2000, 3, kS1);
  CHECK(m.go(0xab00'0000'0000'1008)->pa.value == 0x1008);
  CHECK(m.go(0x0000'0000'0000'1008)->pa.value == 0x1008);
  CHECK(m.tlb.stats().hits == 1);  // the tag is no part of the entry
  CHECK(m.go(0x12ff'8000'0000'1008)->pa.value == 0x2008);
  expect_fault(m.go(0xab00'0000'0000'1008, fetches()), FaultKind::Translation, 0, 0b000100);
  CHECK(m.go(0x12ff'8000'0000'1008, fetches())->pa.value == 0x2008);  // TBID1 = 0
  // The tag survives in FAR.
  CHECK(m.go(0xab00'0000'0000'5000).error().va.value == 0xab00'0000'0000'5000);
}

TEST_CASE("big-endian walks, also for hardware updates") {
  Single m;
  m.regs.sctlr_el1 |= 1u << 25;
  m.regs.tcr_el1 |= kTcrHa;
  m.update();
  const u64 at = m.s1.map(0x1000, 0x5000, 3, kSh);
  for (auto& [address, word] : m.memory.words) word = __builtin_bswap64(word);
  CHECK(m.go(0x1000)->pa.value == 0x5000);
  CHECK(__builtin_bswap64(m.memory.words[at]) == make_leaf(3, 0x5000, kS1));
}

TEST_CASE("contiguous entries join when input and output agree") {
  Single m;
  m.s1.map(0x1'0000, 0x8'0000, 3, kS1 | kContig);
  m.s1.map(0x2'1000, 0x9'2000, 3, kS1 | kContig);  // misprogrammed: the offsets in the range differ
  CHECK(unsigned{m.go(0x1'0008)->size_log2} == 16);
  CHECK(m.go(0x1'f008)->pa.value == 0x8'f008);  // out of the joined entry
  CHECK(unsigned{m.go(0x2'1008)->size_log2} == 12);
}

TEST_CASE("TTBR and table bits that are no address are ignored") {
  Single m;
  m.regs.ttbr0_el1 |= 1;  // CnP
  m.update();
  m.s1.map(0x1000, 0x5000, 3, kS1);
  const u64 root = m.s1.entry(0x1000, 0);
  m.memory.words[root] |= u64{0x78} << 48 >> 0 & ones(59) & ~ones(48);  // bits 58:51 are ignored in tables
  CHECK(m.go(0x1000)->pa.value == 0x5000);
}

TEST_CASE("stage-2 walks: every start level and size reaches its leaf") {
  for (Granule g : kGranules) {
    for (unsigned sl0 = 0; sl0 < 4; ++sl0) {
      const auto level = s2_start_level(g, sl0, true);
      if (!level) continue;
      for (unsigned ia_bits = 16; ia_bits <= 48; ++ia_bits) {
        if (!s2_input_fits(g, *level, ia_bits) || (g == Granule::K64 && ia_bits < 17)) continue;
        CAPTURE(shift(g), *level, ia_bits);
        ControlRegs regs;
        regs.hcr_el2 = kHcrVm;
        regs.vtcr_el2 = vtcr(g, ia_bits, *level);
        regs.vttbr_el2 = kVttbr;
        const Regime regime = make_regime(regs, RegimeId::EL10, all_features());
        FakeMemory memory;
        Tables tables(memory, g, *level, ia_bits, kVttbr);
        const u64 ipa = ones(ia_bits) & ~ones(shift(g));
        tables.map(ipa, 0x8000'0000, 3, kS2);
        Tlb tlb;
        const auto got = translate(regime, Va{ipa + 16}, reads(), memory, tlb);
        REQUIRE(got.ok());
        CHECK(got->pa.value == 0x8000'0010);
        if (ia_bits == 48) continue;
        const auto beyond = translate(regime, Va{u64{1} << ia_bits}, reads(), memory, tlb);
        REQUIRE_FALSE(beyond.ok());
        CHECK(beyond.error().kind == FaultKind::Translation);
        CHECK(int{beyond.error().level} == 0);
        CHECK(int{beyond.error().stage} == 2);
        CHECK(beyond.error().ipa_valid);
      }
    }
  }
}

TEST_CASE("invalid stage-2 configurations are level-0 Translation faults") {
  struct Row {
    Granule g;
    unsigned t0sz, sl0;
    u8 pa_bits;
    bool good;
  };
  const Row rows[] = {
      {Granule::K4, 24, 1, 40, true},
      {Granule::K4, 23, 1, 40, false},  // below 64 - PARange
      {Granule::K4, 24, 0, 40, false},  // 40 bits cannot start at level 2
      {Granule::K4, 34, 1, 40, false} /* 30 bits at level 1 */,
      {Granule::K4, 20, 2, 44, true},
      {Granule::K4, 24, 2, 42, false},  // level 0 needs PAMax >= 44
      {Granule::K4, 40, 0, 40, true},
      {Granule::K4, 49, 3, 40, false},  // above the maximum
      {Granule::K4, 45, 3, 40, true},
      {Granule::K16, 24, 1, 40, true},
      {Granule::K16, 24, 2, 40, false} /* level 1 needs PAMax >= 42 */,
      {Granule::K16, 22, 2, 42, true},
      {Granule::K16, 24, 3, 40, false},
      {Granule::K64, 24, 1, 40, true},
      {Granule::K64, 20, 2, 44, true},
      {Granule::K64, 21, 2, 42, false},
      {Granule::K64, 24, 3, 40, false},
  };
  for (const Row& row : rows) {
    CAPTURE(shift(row.g), row.t0sz, row.sl0, unsigned{row.pa_bits});
    Features f = all_features();
    f.pa_bits = row.pa_bits;
    ControlRegs regs;
    regs.hcr_el2 = kHcrVm;
    regs.vtcr_el2 = row.t0sz | row.sl0 << 6 | tg0(row.g) << 14 | 5u << 16;
    const Regime regime = make_regime(regs, RegimeId::EL10, f);
    CHECK(regime.s2.bad_config != row.good);
    if (row.good) continue;
    FakeMemory memory;
    Tlb tlb;
    const auto got = translate(regime, Va{0}, reads(), memory, tlb);
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().kind == FaultKind::Translation);
    CHECK(int{got.error().level} == 0);
    CHECK(int{got.error().stage} == 2);
  }
  Features small = all_features();
  small.TTST = false;
  ControlRegs regs;
  regs.hcr_el2 = kHcrVm;
  regs.vtcr_el2 = 39u | 3u << 6;
  CHECK(make_regime(regs, RegimeId::EL10, small).s2.bad_config);  // SL0 = 3 without FEAT_TTST
}

namespace {

struct StageTwoRow {
  FaultKind kind;
  bool valid_on_access, valid_on_walk;  ///< HPFAR_EL2 (IPAValid)
};
constexpr StageTwoRow kStageTwoRows[] = {{FaultKind::Translation, true, true},
                                         {FaultKind::AccessFlag, true, true},
                                         {FaultKind::AddressSize, true, true},
                                         {FaultKind::Permission, false, true},
                                         {FaultKind::SyncExternalOnWalk, false, false}};

/// Breaks the stage-2 leaf at `at` so that `kind` results.
void break_leaf(FakeMemory& memory, u64 at, int level, FaultKind kind) {
  if (kind == FaultKind::Translation) memory.words[at] = 0;
  if (kind == FaultKind::AccessFlag) memory.words[at] &= ~kAf;
  if (kind == FaultKind::AddressSize) memory.words[at] = make_leaf(level, u64{1} << 45, kS2);
  if (kind == FaultKind::Permission) memory.words[at] &= ~kS2R;
  if (kind == FaultKind::SyncExternalOnWalk) memory.aborts.insert(at);
}

Nested nested_with_44_bit_output() {
  ControlRegs regs = nested_regs();
  regs.vtcr_el2 = with_bits(regs.vtcr_el2, 18, 16, 4);
  return Nested(regs);
}

}  // namespace

TEST_CASE("stage-2 faults of the access itself at each level") {
  for (const StageTwoRow& row : kStageTwoRows) {
    for (int level = 1; level <= 3; ++level) {
      CAPTURE(static_cast<int>(row.kind), level);
      Nested m(nested_with_44_bit_output().regs);
      const u64 ipa = 0x30'0000'0000;
      m.s1.map(0x7000'1000, ipa, 3, kS1);
      const u64 at = m.s2.map(ipa, 0x50'0000'0000, level, kS2);
      REQUIRE(m.go(0x7000'1000)->pa.value == 0x50'0000'0000);
      m.tlb.clear();
      break_leaf(m.memory, at, level, row.kind);
      const auto got = m.go(0x7000'1008);
      expect_fault(got, row.kind, level, encode_fsc(row.kind, static_cast<i8>(level)));
      CHECK_FALSE(got.error().s1ptw);
      CHECK(int{got.error().stage} == 2);
      CHECK(got.error().ipa_valid == row.valid_on_access);
      CHECK(got.error().ipa.value == ipa + 8);
      CHECK(got.error().va.value == 0x7000'1008);
    }
  }
}

TEST_CASE("stage-2 faults of a stage-1 table access at each level") {
  for (const StageTwoRow& row : kStageTwoRows) {
    for (int level = 1; level <= 3; ++level) {
      CAPTURE(static_cast<int>(row.kind), level);
      Nested m(nested_with_44_bit_output().regs);
      const u64 table = 0x20'0000'0000, entry = table + table_index(Granule::K4, 3, 0x7000'1000) * 8;
      m.s1.set(0x7000'1000, 2, make_table(table));
      const u64 at = m.s2.map(table, table + kS1TableOffset, level, kS2);
      m.memory.words[entry + kS1TableOffset] = make_leaf(3, 0x30'0000'2000, kS1);
      m.s2.map(0x30'0000'2000, 0x50'0000'2000, 3, kS2);
      REQUIRE(m.go(0x7000'1000)->pa.value == 0x50'0000'2000);
      m.tlb.clear();
      break_leaf(m.memory, at, level, row.kind);
      const auto got = m.go(0x7000'1008, writes());
      expect_fault(got, row.kind, level, encode_fsc(row.kind, static_cast<i8>(level)));
      CHECK(got.error().s1ptw);
      CHECK(int{got.error().stage} == 2);
      CHECK(got.error().ipa_valid == row.valid_on_walk);
      CHECK(got.error().ipa.value == entry);
      CHECK(got.error().va.value == 0x7000'1008);
      CHECK(got.error().write);  // what the instruction did, not what the walker did
    }
  }
}

TEST_CASE("an external abort on a descriptor read through stage 2 belongs to stage 1") {
  Nested m;
  m.s1.map(0x7000'1000, 0x30'0000'2000, 3, kS1);
  m.memory.aborts.insert(m.s1.entry(0x7000'1000, 2));
  const auto got = m.go(0x7000'1000);
  expect_fault(got, FaultKind::SyncExternalOnWalk, 2, 0b010110);
  CHECK(int{got.error().stage} == 1);
  CHECK_FALSE(got.error().s1ptw);
}

TEST_CASE("the smaller stage decides the size of a combined translation") {
  struct Row {
    int s1_level, s2_level;
    unsigned size;
  };
  for (const Row& row : {Row{3, 3, 12}, {2, 3, 12}, {3, 2, 12}, {2, 2, 21}, {1, 2, 21}, {2, 1, 21}, {1, 1, 30}}) {
    CAPTURE(row.s1_level, row.s2_level);
    Nested m;
    m.s1.map(0x40'0000'0000, 0x30'0000'0000, row.s1_level, kS1);
    m.s2.map(0x30'0000'0000, 0x50'0000'0000, row.s2_level, kS2);
    CHECK(unsigned{m.go(0x40'0000'0010)->size_log2} == row.size);
    CHECK(m.go(0x40'0000'0010)->leaf_size_log2 == level_shift(Granule::K4, row.s1_level));
    CHECK(m.go(0x40'0000'0010)->pa.value == 0x50'0000'0010);
    CHECK(m.go(0x40'0000'0010)->ipa.value == 0x30'0000'0010);
    CHECK(m.tlb.stats().hits == 3);
  }
}
