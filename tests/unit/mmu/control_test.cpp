// tests/unit/mmu/control_test.cpp - control bits: MMU and caches off, HCR_EL2.{DC,TGE,CD,ID,PTW,FWB}, ASID and VMID.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {
const MemAttr kWb = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Inner);
const MemAttr kWbNsh = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Non);
const MemAttr kNcOsh = normal_attr(kNonCacheable, kNonCacheable, Shareability::Outer);
}  // namespace

TEST_CASE("MMU off: flat, Device data, fetches by SCTLR.I, address size check") {
  ControlRegs regs = stage1_regs();
  regs.sctlr_el1 = 0;
  Features f = all_features();
  f.pa_bits = 40;
  Single m(regs, f);
  CHECK(m.go(0x1234)->pa.value == 0x1234);
  CHECK(m.go(0x1234)->attr == device_attr(MemType::Device_nGnRnE));
  CHECK(m.go(0x1234)->prot == Prot{true, true, true});
  CHECK(m.go(0x1234, fetches())->attr == kNcOsh);
  CHECK(m.memory.reads == 0);
  m.regs.sctlr_el1 = 1u << 12;
  m.update();
  CHECK(m.go(0x1234, fetches())->attr == normal_attr(kWriteThroughRa, kWriteThroughRa, Shareability::Outer));
  const auto high = m.go(u64{1} << 40);
  CHECK(high.error().kind == FaultKind::AddressSize);
  CHECK(int{high.error().level} == 0);
  Access word = reads();
  word.size = 4;
  CHECK(m.go(0x1236, word).error().kind == FaultKind::Alignment);
  Access zva = writes();
  zva.zva = true;
  CHECK(m.go(0x1000, zva).error().kind == FaultKind::Alignment);
  CHECK_FALSE(m.go(0xab00'0000'0000'1000).ok());
  m.regs.tcr_el1 |= u64{1} << 37;  // TBI works with the MMU off, too
  m.update();
  CHECK(m.go(0xab00'0000'0000'1000)->pa.value == 0x1000);
}

TEST_CASE("HCR_EL2.DC: stage 1 off whatever M says, stage 2 on whatever VM says, write-back non-shareable") {
  ControlRegs regs = nested_regs();
  regs.hcr_el2 = kHcrDc;
  Nested m(regs);
  CHECK_FALSE(m.regime.s1_enabled);
  CHECK(m.regime.s2_enabled);
  m.s2.map(0x4000'0000, 0x8000'0000, 2, kS2 & ~kSh);
  for (u64 sctlr : {u64{0}, u64{1}, u64{1 | 4 | 1u << 12}}) {
    m.regs.sctlr_el1 = sctlr;
    m.update();
    const auto data = m.go(0x4000'0010);
    CHECK(data->pa.value == 0x8000'0010);
    CHECK(data->s1_attr == kWbNsh);
    CHECK(data->attr == kWbNsh);
    CHECK(m.go(0x4000'0010, fetches())->attr == kWbNsh);
    CHECK(unsigned{data->size_log2} == 21);
  }
  Access unaligned = reads();
  unaligned.size = 8;
  CHECK(m.go(0x4000'0011, unaligned).ok());
  // Not for a VHE host, and not for EL2.
  m.regs.hcr_el2 = kHcrDc | kHcrE2h | kHcrTge;
  m.update();
  CHECK_FALSE(m.regime.s2_enabled);
  CHECK_FALSE(make_regime(m.regs, RegimeId::EL2, m.features).default_cacheable);
}

TEST_CASE("TGE without E2H turns EL1&0's stage 1 off") {
  ControlRegs regs = nested_regs();
  regs.hcr_el2 |= kHcrTge;
  const Regime regime = make_regime(regs, RegimeId::EL10, all_features());
  CHECK_FALSE(regime.s1_enabled);
  CHECK(regime.s2_enabled);
}

TEST_CASE("without EL2, HCR_EL2 does not exist") {
  Features f = all_features();
  f.el2 = false;
  const Regime regime = make_regime(nested_regs(), RegimeId::EL10, f);
  CHECK(regime.s1_enabled);
  CHECK_FALSE(regime.s2_enabled);
}

TEST_CASE("SCTLR.C and SCTLR.I reduce Normal memory, data and fetches apart, at once") {
  Single m;
  m.s1.map(0x1000, 0x1000, 3, kS1);
  m.s1.map(0x2000, 0x2000, 3, kS1 | kIdx1);
  struct Row {
    bool c, i;
  };
  for (const Row& row : {Row{true, true}, {false, true}, {true, false}, {false, false}, {true, true}}) {
    m.regs.sctlr_el1 = 1u | (row.c ? 4u : 0u) | (row.i ? 1u << 12 : 0u);
    m.update();
    CAPTURE(row.c, row.i);
    CHECK(m.go(0x1000)->attr == (row.c ? kWb : kNcOsh));
    CHECK(m.go(0x1000, fetches())->attr == (row.i ? kWb : kNcOsh));
    CHECK(m.go(0x2000)->attr == device_attr(MemType::Device_nGnRE));
  }
}

TEST_CASE("descriptor reads: TCR attributes, Non-cacheable with C = 0") {
  Single m;
  m.s1.map(0x1000, 0x1000, 3, kS1);
  REQUIRE(m.go(0x1000).ok());
  CHECK(m.memory.last_attr == kWb);
  m.regs.sctlr_el1 = 1;
  m.update();
  REQUIRE(m.go(0x1000).ok());
  CHECK(m.memory.last_attr == kNcOsh);
}

TEST_CASE("stage-1 descriptor reads combine TCR with the stage-2 leaf of the table") {
  Nested m;
  m.s1.map(0x1000, kTtbr0, 3, kS1);  // the page is the root table itself: same stage-2 leaf
  REQUIRE(m.go(0x1000).ok());
  CHECK(m.memory.last_attr == kWb);
  m.tlb.clear();
  m.memory.words[m.s2.entry(kTtbr0, 1)] = make_leaf(1, kTtbr0 + kS1TableOffset, (kS2 & ~kS2Wb) | 0x5 << 2);
  REQUIRE(m.go(0x1000).ok());
  CHECK(m.memory.last_attr == kNcOsh);  // stage 2 says Non-cacheable
}

TEST_CASE("walks through stage-2 Device memory: Non-cacheable, or a fault with HCR_EL2.PTW") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.memory.words[m.s2.entry(kTtbr0, 1)] = make_leaf(1, kTtbr0 + kS1TableOffset, (kS2 & ~kS2Wb) | kS2Dev);
  MemAttr seen{};
  m.memory.after_read = [&](Pa pa) {
    if (pa.value >= kTtbr0 + kS1TableOffset) seen = m.memory.last_attr;
  };
  REQUIRE(m.go(0x1000).ok());
  CHECK(seen == kNcOsh);
  m.tlb.clear();
  m.regs.hcr_el2 |= kHcrPtw;
  m.update();
  const auto got = m.go(0x1000);
  REQUIRE_FALSE(got.ok());
  CHECK(got.error().kind == FaultKind::Permission);
  CHECK(got.error().s1ptw);
  CHECK(got.error().ipa_valid);
  CHECK(int{got.error().level} == 1);
  m.regs.hcr_el2 |= kHcrTge;  // PTW has no effect with TGE
  m.update();
  CHECK_FALSE(m.regime.s2_ptw);
}

TEST_CASE("HCR_EL2.CD and ID: stage 2 counts as Non-cacheable for data and walks, or for fetches") {
  for (bool fwb : {false, true}) {
    Nested m;
    if (fwb) m.regs.hcr_el2 |= kHcrFwb;
    const u64 s2_attr = fwb ? (kS2 & ~kS2Wb) | 6u << 2 : kS2;
    m.memory.words[m.s2.entry(kTtbr0, 1)] = make_leaf(1, kTtbr0 + kS1TableOffset, s2_attr);
    m.s1.map(0x1000, 0x4000'0000, 3, kS1);
    m.s2.map(0x4000'0000, 0x8000'0000, 3, s2_attr);
    m.update();
    CHECK(m.go(0x1000)->attr == kWb);
    const u64 hcr = m.regs.hcr_el2;
    m.regs.hcr_el2 = hcr | kHcrCd;
    m.update();
    CHECK(m.regime.s2.attr == kNcOsh);  // its own walks, too
    CHECK(m.go(0x1000)->attr == kNcOsh);
    CHECK(m.go(0x1000, fetches())->attr == kWb);
    m.regs.hcr_el2 = hcr | kHcrId;
    m.update();
    CHECK(m.go(0x1000)->attr == kWb);
    CHECK(m.go(0x1000, fetches())->attr == kNcOsh);
  }
}

TEST_CASE("FWB decides by MemAttr[2:0], and can make a stage-1 Device page cacheable") {
  Nested m;
  m.regs.hcr_el2 |= kHcrFwb;
  m.memory.words[m.s2.entry(kTtbr0, 1)] = make_leaf(1, kTtbr0 + kS1TableOffset, (kS2 & ~kS2Wb) | 6u << 2);
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kIdx1);
  m.s1.map(0x2000, 0x4000'1000, 3, kS1 | kIdx1);
  m.s1.map(0x3000, 0x4000'2000, 3, kS1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, (kS2 & ~kS2Wb) | 6u << 2);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, (kS2 & ~kS2Wb) | 5u << 2);
  m.s2.map(0x4000'2000, 0x8000'2000, 3, (kS2 & ~kS2Wb) | 1u << 2);
  m.update();
  CHECK(m.go(0x1000)->attr.is_write_back());
  CHECK(m.go(0x1000)->s1_attr.is_device());
  CHECK(m.go(0x2000)->attr == device_attr(MemType::Device_nGnRE));
  CHECK(m.go(0x3000)->attr == device_attr(MemType::Device_nGnRE));
  Access unaligned = reads();
  unaligned.size = 4;
  CHECK(int{m.go(0x3001, unaligned).error().stage} == 2);
  CHECK(int{m.go(0x1001, unaligned).error().stage} == 1);  // stage 1 judges by its own type
}

TEST_CASE("ASID and VMID selection and width") {
  ControlRegs regs = stage1_regs();
  regs.ttbr0_el1 = kTtbr0 | u64{0x1234} << 48;
  regs.ttbr1_el1 = kTtbr1 | u64{0x5678} << 48;
  regs.vttbr_el2 = u64{0x9abc} << 48;
  regs.vtcr_el2 = 1u << 19;
  Features f = all_features();
  CHECK(make_regime(regs, RegimeId::EL10, f).asid == 0x1234);
  CHECK(make_regime(regs, RegimeId::EL10, f).vmid == 0x9abc);
  regs.tcr_el1 |= 1u << 22;  // A1
  CHECK(make_regime(regs, RegimeId::EL10, f).asid == 0x5678);
  regs.tcr_el1 &= ~(u64{1} << 36);  // AS
  CHECK(make_regime(regs, RegimeId::EL10, f).asid == 0x78);
  regs.vtcr_el2 = 0;
  CHECK(make_regime(regs, RegimeId::EL10, f).vmid == 0xbc);
  regs.vtcr_el2 = 1u << 19;
  f.VMID16 = false;
  CHECK(make_regime(regs, RegimeId::EL10, f).vmid == 0xbc);
}

TEST_CASE("which regime an exception level uses") {
  CHECK(regime_of(El::EL0, 0) == RegimeId::EL10);
  CHECK(regime_of(El::EL1, 0) == RegimeId::EL10);
  CHECK(regime_of(El::EL2, 0) == RegimeId::EL2);
  CHECK(regime_of(El::EL2, kHcrE2h) == RegimeId::EL20);
  CHECK(regime_of(El::EL0, kHcrE2h) == RegimeId::EL10);
  CHECK(regime_of(El::EL0, kHcrE2h | kHcrTge) == RegimeId::EL20);
  CHECK(regime_of(El::EL0, kHcrTge) == RegimeId::EL10);
}
