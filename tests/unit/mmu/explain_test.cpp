// tests/unit/mmu/explain_test.cpp - the printed walk: its text, its agreement with translate, its lack of effects.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

TEST_CASE("a two-stage walk as a tree") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kNg | kUser | kUxn);
  m.s2.map(0x4000'0000, 0x8000'0000, 2, kS2);
  const std::string text = explain(m.regime, Va{0x1234}, reads(), m.memory);
  CHECK(text == R"(va:1234 el1 read
  stage 1 ttbr0 4K granule, 48 bits, level 0
    level 0 table entry at ipa:1_0000_0000: stage 2
      level 1 pa:2_0000_0020 00000041000007fd block memattr=0xf s2ap=rw sh=3 af=1 xn=0
      -> pa:41_0000_0000 1G normal wb-ra-wa ish rwx
    level 0 pa:41_0000_0000 0000000100100003 table next=ipa:1_0010_0000
    level 1 table entry at ipa:1_0010_0000: stage 2
      level 1 pa:2_0000_0020 00000041000007fd block memattr=0xf s2ap=rw sh=3 af=1 xn=0
      -> pa:41_0010_0000 1G normal wb-ra-wa ish rwx
    level 1 pa:41_0010_0000 0000000100101003 table next=ipa:1_0010_1000
    level 2 table entry at ipa:1_0010_1000: stage 2
      level 1 pa:2_0000_0020 00000041000007fd block memattr=0xf s2ap=rw sh=3 af=1 xn=0
      -> pa:41_0010_1000 1G normal wb-ra-wa ish rwx
    level 2 pa:41_0010_1000 0000000100102003 table next=ipa:1_0010_2000
    level 3 table entry at ipa:1_0010_2008: stage 2
      level 1 pa:2_0000_0020 00000041000007fd block memattr=0xf s2ap=rw sh=3 af=1 xn=0
      -> pa:41_0010_2008 1G normal wb-ra-wa ish rwx
    level 3 pa:41_0010_2008 0040000040000f43 page attrindx=0 ap=1 sh=3 af=1 ng uxn
    -> ipa:4000_0234 4K normal wb-ra-wa ish rw-
  stage 2 of ipa:4000_0234
    level 1 pa:2_0000_0008 0000000200100003 table next=pa:2_0010_0000
    level 2 pa:2_0010_0000 00000000800007fd block memattr=0xf s2ap=rw sh=3 af=1 xn=0
    -> pa:8000_0234 2M normal wb-ra-wa ish rwx
  = pa:8000_0234 normal wb-ra-wa ish rw-
)");
}

TEST_CASE("faults are named where they happen") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo);
  CHECK(explain(m.regime, Va{0x2000}, reads(), m.memory).ends_with("    fault: stage 1 translation fault level 3\n"));
  CHECK(explain(m.regime, Va{0x1000}, writes(), m.memory).ends_with("    fault: stage 1 permission fault level 3\n"));
  CHECK(explain(m.regime, Va{0x1000}, reads(), m.memory).ends_with("    fault: stage 2 translation fault level 1\n"));
  CHECK(
      explain(m.regime, Va{u64{1} << 60}, reads(), m.memory).ends_with("  fault: stage 1 translation fault level 0\n"));
  m.memory.words[m.s2.entry(kTtbr0, 1)] = 0;
  CHECK(explain(m.regime, Va{0x1000}, reads(), m.memory).ends_with("      fault: stage 2 translation fault level 1\n"));
  m.memory.aborts.insert(m.s2.entry(kTtbr0, 1));
  CHECK(explain(m.regime, Va{0x1000}, reads(), m.memory)
            .ends_with("      fault: stage 2 external abort on walk level 1\n"));
}

TEST_CASE("stage 1 off, and nothing is ever written") {
  ControlRegs regs = nested_regs();
  regs.tcr_el1 |= kTcrHa | kTcrHd;
  regs.vtcr_el2 |= kVtcrHa | kVtcrHd;
  Nested m(regs);
  m.s1.map(0x1000, 0x4000'0000, 3, kSh | kRo | kDbm);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, (kS2 & ~(kAf | kS2W)) | kDbm);
  const auto before = m.memory.words;
  CHECK(explain(m.regime, Va{0x1000}, writes(), m.memory).ends_with("  = pa:8000_0000 normal wb-ra-wa ish rwx\n"));
  CHECK(m.memory.swaps == 0);
  for (const auto& [address, word] : before) CHECK(m.memory.words[address] == word);
  m.regs.sctlr_el1 = 0;
  m.update();
  CHECK(explain(m.regime, Va{0x4000'0008}, reads(), m.memory).starts_with("va:4000_0008 el1 read, stage 1 off\n"));
}

TEST_CASE("explain and translate agree on every outcome") {
  Chance chance(3, "explain_test");
  Nested m;
  for (u64 page = 0; page < 64; ++page) {
    const u64 s1 =
        (chance.one_in(8) ? 0 : kAf) | kSh | chance.below(4) << 6 | chance.below(3) << 2 | chance.below(4) << 53;
    m.s1.map(page << 12, 0x4000'0000 + chance.below(64) * 4096, 3, s1);
    const u64 s2 = (chance.one_in(8) ? 0 : kAf) | kSh | chance.below(4) << 6 | kS2Wb | chance.below(4) << 53;
    if (!chance.one_in(6)) m.s2.map(0x4000'0000 + page * 4096, 0x8000'0000 + page * 4096, 3, s2);
  }
  for (u64 page = 0; page < 64; ++page) {
    for (AccessKind kind : {AccessKind::Read, AccessKind::Write, AccessKind::Fetch}) {
      for (El el : {El::EL0, El::EL1}) {
        const Access access{.kind = kind, .el = el};
        const auto got = m.go(page << 12, access);
        const std::string text = explain(m.regime, Va{page << 12}, access, m.memory);
        INFO(text);
        REQUIRE(got.ok() == (text.find("fault") == std::string::npos));
        if (got.ok()) REQUIRE(text.find(fmt::format("= {} ", got->pa)) != std::string::npos);
        if (!got.ok()) REQUIRE(text.find(fmt::format("fault: stage {} ", got.error().stage)) != std::string::npos);
      }
    }
  }
}
