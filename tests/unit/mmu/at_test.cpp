// tests/unit/mmu/at_test.cpp - address translation instructions: decoding, PAR for success and fault, exceptions.
#include "core/arch/esr.h"
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

/// AT by encoding, executed at `el`.
Result<u64, Fault> at(Nested& m, unsigned op1, unsigned crm, unsigned op2, u64 va, El el = El::EL1, bool pan = false) {
  const auto op = decode_at(op1, crm, op2, m.regs.hcr_el2, m.features);
  REQUIRE(op);
  return address_translate(m.regime, *op, {.el = el, .pan = pan}, Va{va}, m.memory, m.tlb);
}

constexpr u64 kRes1 = u64{1} << 11;
u64 par(u64 address, u64 attr, u64 sh) { return address | attr << 56 | sh << 7 | kRes1; }
u64 par_fault(unsigned fst, bool stage2 = false, bool ptw = false) {
  return 1 | fst << 1 | u64{ptw} << 8 | u64{stage2} << 9 | kRes1;
}

}  // namespace

TEST_CASE("AT decoding") {
  struct Row {
    unsigned op1, crm, op2;
    RegimeId regime;
    El el;
    bool write, pan, both;
  };
  const Row rows[] = {
      {0, 8, 0, RegimeId::EL10, El::EL1, false, false, false}, {0, 8, 1, RegimeId::EL10, El::EL1, true, false, false},
      {0, 8, 2, RegimeId::EL10, El::EL0, false, false, false}, {0, 8, 3, RegimeId::EL10, El::EL0, true, false, false},
      {0, 9, 0, RegimeId::EL10, El::EL1, false, true, false},  {0, 9, 1, RegimeId::EL10, El::EL1, true, true, false},
      {4, 8, 0, RegimeId::EL2, El::EL2, false, false, false},  {4, 8, 1, RegimeId::EL2, El::EL2, true, false, false},
      {4, 8, 4, RegimeId::EL10, El::EL1, false, false, true},  {4, 8, 5, RegimeId::EL10, El::EL1, true, false, true},
      {4, 8, 6, RegimeId::EL10, El::EL0, false, false, true},  {4, 8, 7, RegimeId::EL10, El::EL0, true, false, true},
  };
  for (const Row& row : rows) {
    const auto op = decode_at(row.op1, row.crm, row.op2, 0, all_features());
    REQUIRE(op);
    CHECK(op->regime == row.regime);
    CHECK(op->el == row.el);
    CHECK(op->write == row.write);
    CHECK(op->pan == row.pan);
    CHECK(op->both_stages == row.both);
    const auto host = decode_at(row.op1, row.crm, row.op2, kHcrE2h | kHcrTge, all_features());
    CHECK(host->regime == (row.both ? RegimeId::EL10 : RegimeId::EL20));
    CHECK(host->el == (row.both || row.el == El::EL0 ? row.el : El::EL2));
  }
  unsigned count = 0;
  for (unsigned op1 = 0; op1 < 8; ++op1) {
    for (unsigned crm = 0; crm < 16; ++crm) {
      for (unsigned op2 = 0; op2 < 8; ++op2) count += decode_at(op1, crm, op2, 0, all_features()).has_value();
    }
  }
  CHECK(count == 12);
  Features old = all_features();
  old.PAN2 = false;
  CHECK_FALSE(decode_at(0, 9, 0, 0, old));
}

TEST_CASE("PAR of a success: S1 forms give IPA and stage-1 attributes, S12 forms PA and combined ones") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.s1.map(0x2000, 0x4000'1000, 3, kS1);
  m.s1.map(0x3000, 0x4000'2000, 3, kS1 | kIdx1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, (kS2 & ~kS2Wb) | 0x5 << 2);  // Normal NC
  CHECK(*at(m, 0, 8, 0, 0x1234) == par(0x4000'0000, 0xff, 3));
  CHECK(*at(m, 4, 8, 4, 0x1234, El::EL2) == par(0x8000'0000, 0xff, 3));
  CHECK(*at(m, 0, 8, 0, 0x2234) == par(0x4000'1000, 0xff, 3));
  CHECK(*at(m, 4, 8, 4, 0x2234, El::EL2) == par(0x8000'1000, 0x44, 2));
  CHECK(*at(m, 0, 8, 0, 0x3234) == par(0x4000'2000, 0x04, 2));  // no stage-2 mapping: not asked
}

TEST_CASE("PAR with stage 1 off: Device, or with DC write-back non-shareable") {
  Nested m;
  m.regs.sctlr_el1 = 0;
  m.update();
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  CHECK(*at(m, 0, 8, 0, 0x4000'0123) == par(0x4000'0000, 0x00, 2));
  m.regs.hcr_el2 |= kHcrDc;
  m.update();
  CHECK(*at(m, 0, 8, 0, 0x4000'0123) == par(0x4000'0000, 0xff, 0));
  CHECK(*at(m, 4, 8, 4, 0x4000'0123, El::EL2) == par(0x8000'0000, 0xff, 3));  // stage 2 says inner shareable
}

TEST_CASE("PAR of faults at stage 1") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo);
  m.s1.map(0x2000, 0x4000'0000, 3, kSh);
  m.s1.map(0x3000, 0x4000'0000, 3, kS1 | kUser);
  CHECK(*at(m, 0, 8, 0, 0x9000) == par_fault(0b000111));
  CHECK(*at(m, 0, 8, 1, 0x1000) == par_fault(0b001111));
  CHECK(*at(m, 0, 8, 0, 0x1000) == par(0x4000'0000, 0xff, 3));
  CHECK(*at(m, 0, 8, 2, 0x1000) == par_fault(0b001111));  // EL0 may not read it
  CHECK(*at(m, 0, 8, 0, 0x2000) == par_fault(0b001011));
  // PAN only for the P forms, and only when set.
  CHECK(*at(m, 0, 8, 0, 0x3000, El::EL1, true) == par(0x4000'0000, 0xff, 3));
  CHECK(*at(m, 0, 9, 0, 0x3000, El::EL1, false) == par(0x4000'0000, 0xff, 3));
  CHECK(*at(m, 0, 9, 0, 0x3000, El::EL1, true) == par_fault(0b001111));
  CHECK(*at(m, 0, 9, 1, 0x3000, El::EL1, true) == par_fault(0b001111));
}

TEST_CASE("S12 forms record stage-2 faults of the output") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.s1.map(0x2000, 0x4000'1000, 3, kS1);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, kS2 & ~kS2W);
  CHECK(*at(m, 4, 8, 4, 0x1000, El::EL2) == par_fault(0b000111, true));
  CHECK(*at(m, 4, 8, 5, 0x2000, El::EL2) == par_fault(0b001111, true));
  CHECK(*at(m, 4, 8, 4, 0x2000, El::EL2) == par(0x8000'1000, 0xff, 3));
}

TEST_CASE("a stage-2 fault on the stage-1 walk: exception from EL1, recorded at EL2") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.memory.words[m.s2.entry(kTtbr0, 1)] = 0;
  const auto from_el1 = at(m, 0, 8, 0, 0x1000);
  REQUIRE_FALSE(from_el1.ok());
  const Fault& fault = from_el1.error();
  CHECK(fault.s1ptw);
  CHECK(fault.cm);
  CHECK(fault.write);
  CHECK(fault.ipa_valid);
  CHECK(fault.va.value == 0x1000);
  CHECK((*esr_for_fault(fault, false).abort())[IssAbort::CM]);
  CHECK(*at(m, 0, 8, 0, 0x1000, El::EL2) == par_fault(0b000101, true, true));
  CHECK(*at(m, 4, 8, 4, 0x1000, El::EL2) == par_fault(0b000101, true, true));
}

TEST_CASE("an external abort on the walk is always an exception") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.memory.aborts.insert(m.s1.entry(0x1000, 2));
  for (El el : {El::EL1, El::EL2}) {
    const auto got = at(m, 0, 8, 0, 0x1000, el);
    REQUIRE_FALSE(got.ok());
    CHECK(got.error().kind == FaultKind::SyncExternalOnWalk);
  }
}

TEST_CASE("S1 forms judge the tables as they are now, not by a combined entry's stage 2") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  const u64 leaf = m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2 & ~kS2W);
  REQUIRE(m.go(0x1000).ok());
  CHECK(*at(m, 0, 8, 1, 0x1000) == par(0x4000'0000, 0xff, 3));  // stage 2 is read-only: no matter
  m.memory.words[leaf] = 0;
  CHECK(*at(m, 0, 8, 0, 0x1000) == par(0x4000'0000, 0xff, 3));
}
