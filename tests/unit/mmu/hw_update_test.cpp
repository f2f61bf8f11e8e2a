// tests/unit/mmu/hw_update_test.cpp - Access flag and dirty state by hardware, at both stages.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

ControlRegs with_updates(bool s1_ha, bool s1_hd, bool s2_ha = false, bool s2_hd = false) {
  ControlRegs regs = nested_regs();
  regs.tcr_el1 |= (s1_ha ? kTcrHa : 0) | (s1_hd ? kTcrHd : 0);
  regs.vtcr_el2 |= (s2_ha ? kVtcrHa : 0) | (s2_hd ? kVtcrHd : 0);
  return regs;
}

const Access kClean{.kind = AccessKind::CacheMaintenance, .el = El::EL1};
const Access kAtWrite{.kind = AccessKind::AddressTranslation, .el = El::EL1, .at_write = true};

}  // namespace

TEST_CASE("stage 1: HA sets AF once, and entries without AF are never cached") {
  Nested m(with_updates(true, false));
  const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kSh);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  CHECK(m.go(0x1000).ok());
  CHECK(m.memory.words[at] == make_leaf(3, 0x4000'0000, kS1));
  CHECK(m.memory.swaps == 1);
  CHECK(m.go(0x1000).ok());
  CHECK(m.memory.swaps == 1);
  CHECK(m.tlb.stats().hits == 1);

  Nested off(with_updates(false, false));
  const u64 there = off.s1.map(0x1000, 0x4000'0000, 3, kSh);
  off.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  CHECK(off.go(0x1000).error().kind == FaultKind::AccessFlag);
  off.memory.words[there] |= kAf;  // no TLBI: a faulting entry was not kept
  CHECK(off.go(0x1000).ok());
}

TEST_CASE("stage 1: a fault leaves AF alone") {
  Nested m(with_updates(true, false));
  const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kSh | kRo);
  CHECK(m.go(0x1000, writes()).error().kind == FaultKind::Permission);
  CHECK(m.memory.words[at] == make_leaf(3, 0x4000'0000, kSh | kRo));
}

TEST_CASE("stage 1: dirty state is set by the first write and by nothing else") {
  Nested m(with_updates(true, true));
  const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo | kDbm);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  const u64 clean = m.memory.words[at];
  CHECK_FALSE(m.go(0x1000)->prot.write);  // a fast path must come back for the update
  CHECK(m.go(0x1000, fetches()).ok());
  CHECK(m.go(0x1000, kClean).ok());
  Access ivac = kClean;
  ivac.ivac = true;
  CHECK(m.go(0x1000, ivac).ok());      // has write permission ...
  CHECK(m.go(0x1000, kAtWrite).ok());  // ... and so has AT
  CHECK(m.memory.words[at] == clean);
  CHECK(m.memory.swaps == 0);
  const auto written = m.go(0x1000, writes());
  REQUIRE(written.ok());
  CHECK(written->prot.write);
  CHECK(m.memory.words[at] == (clean & ~kRo));
  CHECK(m.memory.swaps == 1);
  CHECK(m.go(0x1000, writes()).ok());
  CHECK(m.memory.swaps == 1);
  CHECK(m.go(0x1000)->prot.write);
}

TEST_CASE("stage 1: one write sets AF and dirty state together") {
  Nested m(with_updates(true, true));
  const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kSh | kRo | kDbm | kUser);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  CHECK(m.go(0x1000, writes(El::EL0)).ok());
  CHECK(m.memory.words[at] == make_leaf(3, 0x4000'0000, kS1 | kDbm | kUser));
  CHECK(m.memory.swaps == 1);
}

TEST_CASE("stage 1: DBM means nothing without HD, nor HD without HA") {
  for (bool ha : {false, true}) {
    Nested m(with_updates(ha, !ha));
    m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo | kDbm);
    m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
    CHECK(m.go(0x1000, writes()).error().kind == FaultKind::Permission);
  }
}

TEST_CASE("stage 1: a managed-dirty page counts as writable for WXN and for execution at EL1") {
  ControlRegs regs = with_updates(true, true);
  regs.sctlr_el1 |= 1u << 19;
  Nested m(regs);
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo | kDbm);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  CHECK(m.go(0x1000, fetches()).error().kind == FaultKind::Permission);
}

TEST_CASE("stage 2: AF and dirty state") {
  Nested m(with_updates(false, false, true, true));
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  const u64 at = m.s2.map(0x4000'0000, 0x8000'0000, 3, (kS2 & ~(kAf | kS2W)) | kDbm);
  CHECK_FALSE(m.go(0x1000)->prot.write);
  CHECK(m.memory.words[at] == make_leaf(3, 0x8000'0000, (kS2 & ~kS2W) | kDbm));
  CHECK(m.go(0x1000, kAtWrite).ok());
  CHECK(m.memory.words[at] == make_leaf(3, 0x8000'0000, (kS2 & ~kS2W) | kDbm));
  CHECK(m.go(0x1000, writes())->prot.write);
  CHECK(m.memory.words[at] == make_leaf(3, 0x8000'0000, kS2 | kDbm));
}

TEST_CASE("stage 2: DBM means nothing without HD, nor HD without HA") {
  for (bool ha : {false, true}) {
    Nested m(with_updates(false, false, ha, !ha));
    m.s1.map(0x1000, 0x4000'0000, 3, kS1);
    m.s2.map(0x4000'0000, 0x8000'0000, 3, (kS2 & ~kS2W) | kDbm);
    CHECK(m.go(0x1000, writes()).error().kind == FaultKind::Permission);
  }
}

TEST_CASE("stage 2: a stage-1 update is a write by the walker") {
  // Tables in read-only stage-2 memory: Permission fault with S1PTW; WnR tells what the instruction did.
  for (bool write : {false, true}) {
    Nested m(with_updates(true, false));
    const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kSh);
    m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
    m.memory.words[m.s2.entry(kTtbr0, 1)] &= ~kS2W;
    const auto got = m.go(0x1000, write ? writes() : reads());
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().kind == FaultKind::Permission);
    CHECK(int{got.error().stage} == 2);
    CHECK(got.error().s1ptw);
    CHECK(got.error().ipa_valid);
    CHECK(got.error().write == write);
    CHECK(got.error().ipa.value == at - kS1TableOffset);
    CHECK(m.memory.words[at] == make_leaf(3, 0x4000'0000, kSh));
  }
  // With stage 2 managing its dirty state, the update makes the table page dirty.
  Nested m(with_updates(true, false, true, true));
  m.s1.map(0x1000, 0x4000'0000, 3, kSh);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  const u64 leaf = m.s2.entry(kTtbr0, 1);
  m.memory.words[leaf] = (m.memory.words[leaf] & ~kS2W) | kDbm;
  CHECK(m.go(0x1000).ok());
  CHECK((m.memory.words[leaf] & kS2W) != 0);
}

TEST_CASE("a descriptor that changes under the update is walked again") {
  Nested m(with_updates(true, false));
  const u64 at = m.s1.map(0x1000, 0x4000'0000, 3, kSh);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.s2.map(0x4000'1000, 0x9000'0000, 3, kS2);
  bool changed = false;
  m.memory.after_read = [&](Pa pa) {
    if (pa.value != at || changed) return;
    changed = true;
    m.memory.words[at] = make_leaf(3, 0x4000'1000, kSh);
  };
  CHECK(m.go(0x1000)->pa.value == 0x9000'0000);
  CHECK(m.memory.words[at] == make_leaf(3, 0x4000'1000, kS1));
  // Unmapped meanwhile: the repeated walk says so.
  Nested gone(with_updates(true, false));
  const u64 there = gone.s1.map(0x1000, 0x4000'0000, 3, kSh);
  gone.memory.after_read = [&](Pa pa) {
    if (pa.value == there) gone.memory.words[there] = 0;
  };
  CHECK(gone.go(0x1000).error().kind == FaultKind::Translation);
}

TEST_CASE("updates that memory refuses") {
  struct Row {
    SwapOutcome outcome;
    FaultKind kind;
  };
  for (const Row& row : {Row{SwapOutcome::ExternalAbort, FaultKind::SyncExternalOnWalk},
                         {SwapOutcome::Unsupported, FaultKind::UnsupportedAtomicUpdate},
                         {SwapOutcome::Mismatch, FaultKind::UnsupportedAtomicUpdate}}) {
    for (bool stage2 : {false, true}) {
      Nested m(stage2 ? with_updates(false, false, true) : with_updates(true, false));
      m.s1.map(0x1000, 0x4000'0000, 3, stage2 ? kS1 : kSh);
      m.s2.map(0x4000'0000, 0x8000'0000, 3, stage2 ? kS2 & ~kAf : kS2);
      m.memory.swap_outcome = row.outcome;
      const auto got = m.go(0x1000);
      REQUIRE_FALSE(got.ok());
      CHECK(got.error().kind == row.kind);
      CHECK(int{got.error().stage} == (stage2 ? 2 : 1));
      CHECK_FALSE(got.error().ipa_valid);
    }
  }
}

TEST_CASE("cache maintenance and the Access flag is a knob") {
  Nested m(with_updates(false, false), all_features(), {.cmo_checks_access_flag = false});
  m.s1.map(0x1000, 0x4000'0000, 3, kSh);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2 & ~kAf);
  CHECK(m.go(0x1000, kClean).ok());
  CHECK(m.go(0x1000).error().kind == FaultKind::AccessFlag);  // nothing was cached on the way
  Nested strict(with_updates(false, false));
  strict.s1.map(0x1000, 0x4000'0000, 3, kSh);
  CHECK(strict.go(0x1000, kClean).error().kind == FaultKind::AccessFlag);
}
