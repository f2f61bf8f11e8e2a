// tests/unit/mmu/tlb_test.cpp - what a TLB keeps, for whom, and until when.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

TlbiOp tlbi(unsigned op1, unsigned crm, unsigned op2, u64 xt = 0, El el = El::EL1) {
  return *decode_tlbi(op1, 8, crm, op2, xt, {.el = el, .vmid = 7, .features = all_features()});
}

u64 live(const Tlb& tlb, TlbKind kind) {
  u64 n = 0;
  tlb.for_each([&](const TlbEntry& e) { n += e.kind == kind; });
  return n;
}

}  // namespace

TEST_CASE("non-global entries belong to one ASID, global ones to all") {
  Single m;
  m.s1.map(0x1000, 0x1000, 3, kS1 | kNg);
  m.s1.map(0x2000, 0x2000, 3, kS1);
  REQUIRE(m.go(0x1000).ok());
  REQUIRE(m.go(0x2000).ok());
  CHECK_FALSE(m.go(0x1000)->global);
  const unsigned reads_before = m.memory.reads;
  m.regs.ttbr0_el1 = kTtbr0 | u64{6} << 48;  // another process
  m.update();
  REQUIRE(m.go(0x2000).ok());
  CHECK(m.memory.reads == reads_before);
  REQUIRE(m.go(0x1000).ok());
  CHECK(m.memory.reads > reads_before);
}

TEST_CASE("entries belong to one VMID, even with stage 2 off") {
  for (bool stage2 : {false, true}) {
    Nested m;
    if (!stage2) m.regs.hcr_el2 = 0;
    m.update();
    if (!stage2) {
      Tables flat(m.memory, Granule::K4, 0, 48, kTtbr0);
      flat.map(0x1000, 0x4000'0000, 3, kS1);
    }
    m.s1.map(0x1000, 0x4000'0000, 3, kS1);
    m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
    REQUIRE(m.go(0x1000).ok());
    const unsigned before = m.memory.reads;
    REQUIRE(m.go(0x1000).ok());
    CHECK(m.memory.reads == before);
    m.regs.vttbr_el2 = kVttbr | u64{8} << 48;
    m.update();
    REQUIRE(m.go(0x1000).ok());
    CHECK(m.memory.reads > before);
  }
}

TEST_CASE("a combined entry outlives TLBI IPAS2E1 and goes with VMALLE1") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  const u64 at = m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  REQUIRE(m.go(0x1000).ok());
  m.memory.words[at] = 0;
  m.tlb.invalidate(tlbi(4, 0, 1, 0x4000'0000 >> 12, El::EL2));
  CHECK(m.go(0x1000).ok());  // stale, and rightly so
  m.tlb.invalidate(tlbi(0, 3, 0));
  const auto got = m.go(0x1000);
  REQUIRE_FALSE(got.ok());
  CHECK(int{got.error().stage} == 2);
  CHECK(got.error().kind == FaultKind::Translation);
}

TEST_CASE("VMALLE1 alone leaves stage-2 entries: the new walk still uses the old IPA mapping") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  const u64 at = m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  REQUIRE(m.go(0x1000).ok());
  m.memory.words[at] = 0;
  m.tlb.invalidate(tlbi(0, 3, 0));
  CHECK(live(m.tlb, TlbKind::Combined) == 0);
  CHECK(m.go(0x1000)->pa.value == 0x8000'0000);
  m.tlb.invalidate(tlbi(4, 3, 6, 0, El::EL2));
  CHECK(live(m.tlb, TlbKind::Stage2) == 0);
  CHECK_FALSE(m.go(0x1000).ok());
}

TEST_CASE("stage 1 off: entries by IPA only, so IPAS2E1 is enough") {
  Nested m;
  m.regs.sctlr_el1 = 0;
  m.update();
  const u64 at = m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  REQUIRE(m.go(0x4000'0000).ok());
  CHECK(live(m.tlb, TlbKind::Combined) == 0);
  m.memory.words[at] = 0;
  CHECK(m.go(0x4000'0000).ok());
  m.tlb.invalidate(tlbi(4, 4, 1, 0x4000'0000 >> 12, El::EL2));
  CHECK_FALSE(m.go(0x4000'0000).ok());
}

TEST_CASE("TLBI by VA removes every part of a stage-1 block that stage 2 has split") {
  Nested m;
  m.s1.map(0x4000'0000, 0x4000'0000, 2, kS1 | kNg);
  for (u64 page = 0; page < 512; ++page) m.s2.map(0x4000'0000 + page * 4096, 0x9000'0000 + page * 8192, 3, kS2);
  for (u64 page = 0; page < 512; page += 3) REQUIRE(m.go(0x4000'0000 + page * 4096).ok());
  m.s1.map(0x7000'0000, 0x4000'0000, 2, kS1 | kNg);
  REQUIRE(m.go(0x7000'0000).ok());
  CHECK(live(m.tlb, TlbKind::Combined) == 172);
  const u64 removed = m.tlb.invalidate(tlbi(0, 7, 1, u64{5} << 48 | 0x4010'0000 >> 12));
  CHECK(removed == 171);
  CHECK(live(m.tlb, TlbKind::Combined) == 1);
}

TEST_CASE("entries of every size answer for their whole range and go by any address inside") {
  for (int level = 1; level <= 3; ++level) {
    Single m;
    const u64 va = 0x40'0000'0000, size = level_size(Granule::K4, level);
    m.s1.map(va, va, level, kS1);
    REQUIRE(m.go(va).ok());
    const unsigned before = m.memory.reads;
    CHECK(m.go(va + size - 8)->pa.value == va + size - 8);
    CHECK(m.memory.reads == before);
    m.tlb.invalidate(tlbi(0, 7, 3, (va + size) >> 12));
    CHECK(live(m.tlb, TlbKind::Stage1) == 1);
    m.tlb.invalidate(tlbi(0, 7, 3, (va + size - 8) >> 12));
    CHECK(live(m.tlb, TlbKind::Stage1) == 0);
  }
}

TEST_CASE("control bits act at once by default; with stale_controls old entries survive") {
  for (bool stale : {false, true}) {
    Single m(stage1_regs(), all_features(), {.stale_controls = stale});
    m.regime = make_regime(m.regs, RegimeId::EL10, m.features, stale);
    m.s1.map(0x1000, 0x1000, 3, kS1);
    REQUIRE(m.go(0x1000, fetches()).ok());
    m.regs.sctlr_el1 |= 1u << 19;  // WXN
    m.regime = make_regime(m.regs, RegimeId::EL10, m.features, stale);
    CHECK(m.go(0x1000, fetches()).ok() == stale);
    m.tlb.invalidate(tlbi(0, 7, 0));
    CHECK_FALSE(m.go(0x1000, fetches()).ok());
    // The data cache switch is no such bit.
    m.regs.sctlr_el1 &= ~u64{4};
    m.regime = make_regime(m.regs, RegimeId::EL10, m.features, stale);
    CHECK(m.go(0x1000)->attr.is_non_cacheable());
  }
}

TEST_CASE("replacement: small TLBs forget, equally for equal seeds") {
  for (Replacement policy : {Replacement::RoundRobin, Replacement::Random}) {
    std::vector<u64> contents[3];
    for (int run = 0; run < 3; ++run) {
      Single m(stage1_regs(), all_features(),
               {.entries_log2 = 4, .replacement = policy, .seed = run == 2 ? u64{2} : u64{1}});
      for (u64 page = 0; page < 200; ++page) m.s1.map(page << 12, page << 12, 3, kS1);
      for (u64 page = 0; page < 200; ++page) REQUIRE(m.go(page << 12)->pa.value == page << 12);
      m.tlb.for_each([&](const TlbEntry& e) { contents[run].push_back(e.input); });
      CHECK(contents[run].size() == 16);
      CHECK(m.tlb.stats().fills == 200);
      CHECK(m.tlb.stats().evictions == 184);
      CHECK(m.tlb.stats().misses == 200);
      CHECK(m.tlb.stats().walks == 200);
    }
    CHECK(contents[0] == contents[1]);
    CHECK((contents[0] == contents[2]) == (policy == Replacement::RoundRobin));
  }
}

TEST_CASE("filling the same page twice keeps one entry") {
  Tlb tlb;
  TlbEntry entry;
  entry.input = 0x1000;
  entry.output = 0x8000;
  tlb.fill(entry);
  entry.output = 0x9000;
  tlb.fill(entry);
  CHECK(live(tlb, TlbKind::Stage1) == 1);
  CHECK(tlb.peek(RegimeId::EL10, 0, 0, 0, 0x1008)->output == 0x9000);
  CHECK(tlb.peek(RegimeId::EL2, 0, 0, 0, 0x1008) == nullptr);
  tlb.clear();
  CHECK(live(tlb, TlbKind::Stage1) == 0);
}

TEST_CASE("counters of operations") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  REQUIRE(m.go(0x1000).ok());
  REQUIRE(m.go(0x1000).ok());
  const TlbStats& s = m.tlb.stats();
  CHECK(s.hits == 1);
  CHECK(s.misses == 1);
  CHECK(s.walks == 1);
  CHECK(s.fills == 1);
  CHECK(s.s2_walks == 2);  // the 1G block of all four tables, and the page
  CHECK(s.s2_hits == 3);
  CHECK(s.s2_misses == 2);
  CHECK(s.s2_fills == 2);
  m.tlb.invalidate(tlbi(0, 7, 0));
  CHECK(s.invalidations[static_cast<unsigned>(TlbiKind::VmAll)] == 1);
  CHECK(s.invalidated == 1);
}

namespace {

/// A random two-stage address space, checked access by access against a TLB that starts empty each time.
void random_consistency(u64 seed, Knobs knobs) {
  Chance chance(seed, "tlb_test");
  ControlRegs regs = nested_regs();
  regs.tcr_el1 |= kTcrHa | kTcrHd;
  regs.vtcr_el2 |= kVtcrHa | kVtcrHd;
  Nested m(regs, all_features(), knobs);
  const auto random_s1 = [&] {
    return kSh | (chance.one_in(4) ? 0 : kAf) | (chance.below(4) << 6) | (chance.one_in(2) ? kNg : 0) |
           (chance.one_in(3) ? kDbm : 0) | (chance.one_in(4) ? kPxn : 0) | (chance.one_in(4) ? kUxn : 0) |
           (chance.below(3) << 2);
  };
  const auto random_s2 = [&] {
    return (kS2 & ~(kS2R | kS2W)) | (chance.one_in(5) ? 0 : kS2R) | (chance.one_in(3) ? 0 : kS2W) |
           (chance.one_in(3) ? kDbm : 0) | (chance.below(4) << 53);
  };
  for (int step = 0; step < 4000; ++step) {
    const u64 page = chance.below(24), va = 0x4000'0000 + page * 4096, ipa = 0x5000'0000 + chance.below(24) * 4096;
    switch (chance.below(8)) {
      case 0: {
        // Remap, with the invalidation that the architecture asks for.
        m.s1.map(va, ipa, 3, random_s1());
        m.tlb.invalidate(tlbi(0, 7, 3, va >> 12));
        break;
      }
      case 1: {
        m.s2.map(ipa, 0x8000'0000 + chance.below(64) * 4096, 3, random_s2());
        m.tlb.invalidate(tlbi(4, 0, 1, ipa >> 12, El::EL2));
        m.tlb.invalidate(tlbi(0, 3, 0));
        break;
      }
      case 2:
        m.regs.ttbr0_el1 = kTtbr0 | (5 + chance.below(3)) << 48;
        m.update();
        break;
      default: {
        constexpr AccessKind kKinds[] = {AccessKind::Read, AccessKind::Write, AccessKind::Fetch,
                                         AccessKind::CacheMaintenance, AccessKind::AddressTranslation};
        Access access{.kind = kKinds[chance.below(5)], .el = chance.one_in(2) ? El::EL0 : El::EL1};
        access.pan = chance.one_in(2);
        access.atomic = access.kind == AccessKind::Write && chance.one_in(3);
        access.at_write = chance.one_in(2);
        access.size = 8;
        const u64 at = va + chance.below(4096 / 4) * 4;
        FakeMemory copy = m.memory;
        Tlb empty;
        const auto fresh = translate(m.regime, Va{at}, access, copy, empty);
        const auto cached = m.go(at, access);
        INFO("seed " << seed << " step " << step);
        REQUIRE(fresh.ok() == cached.ok());
        if (fresh.ok()) {
          REQUIRE(fresh->pa == cached->pa);
          REQUIRE(fresh->ipa == cached->ipa);
          REQUIRE(fresh->attr == cached->attr);
          REQUIRE(fresh->prot == cached->prot);
          REQUIRE(fresh->global == cached->global);
        } else {
          const Fault &a = fresh.error(), &b = cached.error();
          REQUIRE(a.kind == b.kind);
          REQUIRE(a.level == b.level);
          REQUIRE(a.stage == b.stage);
          REQUIRE(a.s1ptw == b.s1ptw);
          REQUIRE(a.write == b.write);
          REQUIRE(a.ipa_valid == b.ipa_valid);
          if (a.stage == 2) REQUIRE(a.ipa == b.ipa);
        }
        REQUIRE(copy.words == m.memory.words);  // the same hardware updates
      }
    }
  }
}

}  // namespace

TEST_CASE("translations through a TLB equal translations without, when maintenance is done") {
  for (u64 seed = 1; seed <= 6; ++seed) random_consistency(seed, {});
  for (u64 seed = 7; seed <= 10; ++seed) {
    random_consistency(seed,
                       {.entries_log2 = 3, .s2_entries_log2 = 3, .replacement = Replacement::Random, .seed = seed});
  }
}

TEST_CASE("while the generation of a page lasts, so does the answer for it") {
  Tlb tlb({.entries_log2 = 5, .s2_entries_log2 = 2});
  Chance chance(7, "generations");
  struct Answer {
    u64 generation = 0, output = 0;
    bool known = false;
  };
  std::array<Answer, 64> kept;
  const auto answer = [&](u64 page) {
    const TlbEntry* entry = tlb.peek(RegimeId::EL10, 0, 1, 0, page << 12);
    return Answer{tlb.generation(page << 12), entry == nullptr ? 0 : entry->output, entry != nullptr};
  };
  unsigned lasted = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    const u64 page = chance.below(kept.size()), size_log2 = chance.one_in(20) ? 16 : 12;
    if (chance.one_in(8)) {
      tlb.invalidate({.kind = TlbiKind::Va, .asid = 1, .base = page << 12, .size = 4096});
    } else {
      TlbEntry entry;
      entry.regime = RegimeId::EL10;
      entry.asid = 1;
      entry.global = chance.one_in(2);
      entry.size_log2 = entry.leaf_size_log2 = static_cast<u8>(size_log2);
      entry.input = align_down(page << 12, u64{1} << size_log2);
      entry.output = u64{round} << 20;
      tlb.fill(entry);
    }
    for (u64 i = 0; i < kept.size(); ++i) {
      const Answer now = answer(i);
      if (kept[i].generation == now.generation && round > 0) {
        ++lasted;
        REQUIRE(kept[i].known == now.known);
        REQUIRE(kept[i].output == now.output);
      }
      kept[i] = now;
    }
  }
  CHECK(lasted > 20000u * 32);
}
