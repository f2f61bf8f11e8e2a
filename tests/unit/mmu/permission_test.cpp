// tests/unit/mmu/permission_test.cpp - permission matrices of both stages, through whole translations.
#include "fake.h"

using namespace farside;
using namespace farside::mmu;
using namespace farside::mmu::test;

namespace {

/// What the manual's table gives for AP[2:1], as "privileged/unprivileged" letters.
struct ApRow {
  unsigned ap;
  const char* priv;
  const char* user;
};
constexpr ApRow kAp[] = {{0, "rw", ""}, {1, "rw", "rw"}, {2, "r", ""}, {3, "r", "r"}};

struct Case {
  unsigned ap, ap_table;
  bool pxn, uxn, pxn_table, uxn_table, wxn, pan;
};

/// The rule book in its own words: what EL1 (user = false) or EL0 may do.
Prot expected(const Case& c, bool user) {
  const ApRow& row = kAp[c.ap];
  const bool no_user = c.ap_table & 1, no_write = c.ap_table & 2;
  const std::string u = no_user ? "" : row.user, p = row.priv;
  const bool user_r = u.find('r') != std::string::npos;
  const bool user_w = u.find('w') != std::string::npos && !no_write;
  const bool priv_w = p.find('w') != std::string::npos && !no_write;
  if (user) return {user_r, user_w, !c.uxn && !c.uxn_table && !(c.wxn && user_w)};
  const bool pan_blocks = c.pan && (user_r || user_w);
  return {!pan_blocks, priv_w && !pan_blocks, !c.pxn && !c.pxn_table && !user_w && !(c.wxn && priv_w)};
}

}  // namespace

TEST_CASE("stage-1 permissions of EL1&0: AP, APTable, XN bits, WXN, PAN for every access") {
  for (unsigned n = 0; n < 4 * 4 * 64; ++n) {
    const Case c{n & 3, n >> 2 & 3, bit(n, 4), bit(n, 5), bit(n, 6), bit(n, 7), bit(n, 8), bit(n, 9)};
    ControlRegs regs = stage1_regs();
    if (c.wxn) regs.sctlr_el1 |= 1u << 19;
    Single m(regs);
    m.s1.table_bits = u64{c.ap_table} << 61 | u64{c.uxn_table} << 60 | u64{c.pxn_table} << 59;
    m.s1.map(0x1000, 0x1000, 3, kS1 | u64{c.ap} << 6 | (c.pxn ? kPxn : 0) | (c.uxn ? kUxn : 0));
    for (bool user : {false, true}) {
      const Prot want = expected(c, user);
      for (AccessKind kind : {AccessKind::Read, AccessKind::Write, AccessKind::Fetch}) {
        Access access{.kind = kind, .el = user ? El::EL0 : El::EL1};
        access.pan = c.pan;
        const bool fetch = kind == AccessKind::Fetch;
        // PAN does not touch fetches, so their execute permission is the same with and without it.
        const bool allowed = fetch ? want.execute : kind == AccessKind::Read ? want.read : want.write;
        for (int pass = 0; pass < 2; ++pass) {  // from the tables, then from the TLB
          const auto got = m.go(0x1000, access);
          INFO("case " << n << " user " << user << " kind " << static_cast<int>(kind) << " pass " << pass);
          REQUIRE(got.ok() == allowed);
          if (got.ok()) {
            if (!fetch) REQUIRE(got->prot == want);
          } else {
            REQUIRE(got.error().kind == FaultKind::Permission);
            REQUIRE(int{got.error().level} == 3);
            REQUIRE(got.error().write == (kind == AccessKind::Write));
            REQUIRE(got.error().fetch == fetch);
          }
        }
      }
    }
  }
}

TEST_CASE("hierarchical permissions are ignored with HPD") {
  ControlRegs regs = stage1_regs();
  regs.tcr_el1 |= u64{1} << 41;
  Single m(regs);
  m.s1.table_bits = u64{15} << 59;
  m.s1.map(0x1000, 0x1000, 3, kS1 | kUser);
  CHECK(m.go(0x1000, writes(El::EL0)).ok());
  Features without = all_features();
  without.HPDS = false;
  Single old(regs, without);
  old.s1.table_bits = u64{15} << 59;
  old.s1.map(0x1000, 0x1000, 3, kS1 | kUser);
  CHECK_FALSE(old.go(0x1000, reads(El::EL0)).ok());
}

TEST_CASE("EL2 has one privilege level: AP[1], PXN and PAN mean nothing") {
  ControlRegs regs;
  regs.sctlr_el2 = 1 | 4 | 1u << 12;
  regs.tcr_el2 = 16 | 1u << 8 | 1u << 10 | 3u << 12 | 5u << 16;
  regs.ttbr0_el2 = kTtbr0;
  regs.mair_el2 = kMair;
  const Regime regime = make_regime(regs, RegimeId::EL2, all_features());
  FakeMemory memory;
  Tables tables(memory, Granule::K4, 0, 48, kTtbr0);
  Tlb tlb;
  tables.map(0x1000, 0x1000, 3, kS1 | kPxn | kNg);
  tables.map(0x2000, 0x2000, 3, kS1 | kUser | kRo | kUxn);
  Access access = reads(El::EL2);
  access.pan = true;
  const auto one = translate(regime, Va{0x1000}, access, memory, tlb);
  CHECK(one->prot == Prot{true, true, true});
  CHECK(one->global);
  CHECK(translate(regime, Va{0x2000}, access, memory, tlb)->prot == Prot{true, false, false});
  const auto high = translate(regime, Va{0xffff'0000'0000'1000}, access, memory, tlb);
  CHECK(high.error().kind == FaultKind::Translation);
  CHECK(int{high.error().level} == 0);
}

TEST_CASE("EL2&0 has two ranges, two privilege levels and PAN") {
  ControlRegs regs;
  regs.hcr_el2 = kHcrE2h | kHcrTge;
  regs.sctlr_el2 = 1 | 4 | 1u << 12;
  regs.tcr_el2 = tcr_el1(Granule::K4, 48);
  regs.ttbr0_el2 = kTtbr0 | u64{9} << 48;
  regs.ttbr1_el2 = kTtbr1;
  regs.mair_el2 = kMair;
  const Regime regime = make_regime(regs, RegimeId::EL20, all_features());
  CHECK(regime.asid == 9);
  CHECK_FALSE(regime.s2_enabled);
  FakeMemory memory;
  Tables low(memory, Granule::K4, 0, 48, kTtbr0), high(memory, Granule::K4, 0, 48, kTtbr1);
  Tlb tlb;
  low.map(0x1000, 0x1000, 3, kS1 | kUser | kNg);
  high.map(0xffff'0000'0000'2000, 0x2000, 3, kS1);
  Access host = reads(El::EL2);
  CHECK(translate(regime, Va{0x1000}, host, memory, tlb).ok());
  CHECK(translate(regime, Va{0xffff'0000'0000'2000}, host, memory, tlb)->pa.value == 0x2000);
  host.pan = true;
  CHECK(translate(regime, Va{0x1000}, host, memory, tlb).error().kind == FaultKind::Permission);
  CHECK(translate(regime, Va{0x1000}, reads(El::EL0), memory, tlb).ok());
  CHECK(translate(regime, Va{0xffff'0000'0000'2000}, reads(El::EL0), memory, tlb).error().kind ==
        FaultKind::Permission);
}

TEST_CASE("unprivileged loads of EL1 use EL0's permissions and ignore PAN") {
  Single m;
  m.s1.map(0x1000, 0x1000, 3, kS1 | kUser);
  m.s1.map(0x2000, 0x2000, 3, kS1);
  Access ldtr = reads(El::EL0);
  ldtr.unprivileged = ldtr.pan = true;
  CHECK(m.go(0x1000, ldtr).ok());
  CHECK(m.go(0x2000, ldtr).error().kind == FaultKind::Permission);
}

TEST_CASE("stage-2 permissions: S2AP and every XN form, with and without FEAT_XNX") {
  for (bool xnx : {false, true}) {
    for (unsigned s2ap = 0; s2ap < 4; ++s2ap) {
      for (unsigned xn = 0; xn < 4; ++xn) {
        Features f = all_features();
        f.XNX = xnx;
        Nested m(nested_regs(), f);
        m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kUser | kRo);
        m.s1.map(0x2000, 0x4000'0000, 3, kS1 | kUser);
        m.s2.map(0x4000'0000, 0x8000'0000, 3, (kS2 & ~(kS2R | kS2W)) | u64{s2ap} << 6 | u64{xn} << 53);
        // 00: all; 01: EL0 only; 10: none; 11: EL1 only. Without XNX bit 53 is ignored.
        const unsigned form = xnx ? xn : xn & 2;
        const bool el1_x = form == 0 || form == 3, el0_x = form == 0 || form == 1;
        for (int pass = 0; pass < 2; ++pass) {
          INFO("xnx " << xnx << " s2ap " << s2ap << " xn " << xn << " pass " << pass);
          CHECK(m.go(0x1000, reads()).ok() == bit(s2ap, 0));
          CHECK(m.go(0x2000, writes()).ok() == bit(s2ap, 1));
          // Execution does not need read permission at stage 2.
          CHECK(m.go(0x1000, fetches(El::EL1)).ok() == el1_x);
          CHECK(m.go(0x1000, fetches(El::EL0)).ok() == el0_x);
        }
        const auto denied = m.go(0x1000, fetches(El::EL1));
        if (denied.ok()) continue;
        CHECK(denied.error().kind == FaultKind::Permission);
        CHECK(int{denied.error().stage} == 2);
        CHECK_FALSE(denied.error().ipa_valid);
      }
    }
  }
}

TEST_CASE("stage 1 is judged before stage 2") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo);
  const auto got = m.go(0x1000, writes());  // no stage-2 mapping either
  CHECK(got.error().kind == FaultKind::Permission);
  CHECK(int{got.error().stage} == 1);
}

TEST_CASE("atomics need both permissions and report the direction that failed") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo);
  m.s1.map(0x2000, 0x4000'1000, 3, kS1);
  m.s1.map(0x3000, 0x4000'2000, 3, kS1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, kS2 & ~kS2R);
  m.s2.map(0x4000'2000, 0x8000'2000, 3, kS2 & ~kS2W);
  Access cas = writes();
  cas.atomic = true;
  CHECK(m.go(0x1000, cas).error().write);        // readable, not writable
  CHECK_FALSE(m.go(0x2000, cas).error().write);  // stage 2 does not let it read
  CHECK(m.go(0x3000, cas).error().write);
  CHECK_FALSE(m.go(0x9000, cas).error().write);  // a read would have had this Translation fault
  CHECK(m.go(0x9000, writes()).error().write);
}

TEST_CASE("cache maintenance: IVAC needs write at both stages, the others nothing at EL1 and read at EL0") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kRo | kUser);
  m.s1.map(0x2000, 0x4000'1000, 3, kS1 | kUser);
  m.s1.map(0x3000, 0x4000'2000, 3, kS1);
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, kS2 & ~(kS2R | kS2W));
  m.s2.map(0x4000'2000, 0x8000'2000, 3, kS2 & ~kS2W);
  Access clean{.kind = AccessKind::CacheMaintenance, .el = El::EL1};
  Access ivac = clean, user = clean;
  ivac.ivac = true;
  user.el = El::EL0;
  CHECK(m.go(0x1000, clean).ok());
  CHECK(m.go(0x2000, clean).ok());
  const auto s1_ivac = m.go(0x1000, ivac);
  CHECK(s1_ivac.error().kind == FaultKind::Permission);
  CHECK(int{s1_ivac.error().stage} == 1);
  CHECK(s1_ivac.error().cm);
  CHECK(s1_ivac.error().write);
  CHECK(int{m.go(0x3000, ivac).error().stage} == 2);
  CHECK(m.go(0x1000, user).ok());
  CHECK(int{m.go(0x2000, user).error().stage} == 2);
  CHECK(int{m.go(0x3000, user).error().stage} == 1);
  // A hole is a Translation fault for every one of them, with CM and WnR.
  const auto hole = m.go(0x5000, clean);
  CHECK(hole.error().kind == FaultKind::Translation);
  CHECK(hole.error().cm);
  CHECK(hole.error().write);
  // PAN is not for cache maintenance.
  ivac.pan = true;
  m.s1.map(0x6000, 0x4000'0000, 3, kS1 | kUser);
  CHECK(m.go(0x6000, ivac).ok());
}

TEST_CASE("Device memory: alignment, DC ZVA, fetches, exclusives") {
  Nested m;
  m.s1.map(0x1000, 0x4000'0000, 3, kS1 | kIdx1);  // Device at stage 1
  m.s1.map(0x2000, 0x4000'1000, 3, kS1);          // Device at stage 2
  m.s1.map(0x3000, 0x4000'2000, 3, kS1 | kIdx2);  // Normal NC
  m.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  m.s2.map(0x4000'1000, 0x8000'1000, 3, (kS2 & ~kS2Wb) | kS2Dev);
  m.s2.map(0x4000'2000, 0x8000'2000, 3, kS2);
  for (int pass = 0; pass < 2; ++pass) {
    for (u8 size : {1, 2, 4, 8, 16}) {
      for (u64 offset = 0; offset < 16; ++offset) {
        Access access = reads();
        access.size = size;
        const bool aligned = offset % size == 0;
        CHECK(m.go(0x1000 + offset, access).ok() == aligned);
        CHECK(m.go(0x2000 + offset, access).ok() == aligned);
        CHECK(m.go(0x3000 + offset, access).ok());
      }
    }
    Access zva = writes();
    zva.zva = true;
    const auto s1 = m.go(0x1000, zva), s2 = m.go(0x2000, zva);
    CHECK(s1.error().kind == FaultKind::Alignment);
    CHECK(int{s1.error().stage} == 1);
    CHECK(s1.error().write);
    CHECK_FALSE(s1.error().cm);
    CHECK(s2.error().kind == FaultKind::Alignment);
    CHECK(int{s2.error().stage} == 2);
    CHECK_FALSE(s2.error().ipa_valid);
    CHECK(m.go(0x3000, zva).ok());  // Normal Non-cacheable is fine
    CHECK(m.go(0x1000, fetches())->attr.is_non_cacheable());
    CHECK(m.go(0x2000, fetches())->attr.is_non_cacheable());
  }
  Nested strict(nested_regs(), all_features(), {.device_fetch_faults = true, .exclusives_nc = ExclusivesNc::Abort});
  strict.s1.map(0x1000, 0x4000'0000, 3, kS1 | kIdx1);
  strict.s1.map(0x2000, 0x4000'1000, 3, kS1);
  strict.s2.map(0x4000'0000, 0x8000'0000, 3, kS2);
  strict.s2.map(0x4000'1000, 0x8000'1000, 3, (kS2 & ~kS2Wb) | kS2Dev);
  CHECK(int{strict.go(0x1000, fetches()).error().stage} == 1);
  CHECK(int{strict.go(0x2000, fetches()).error().stage} == 2);
  Access ldxr = reads();
  ldxr.exclusive = true;
  CHECK(strict.go(0x1000, ldxr).error().kind == FaultKind::UnsupportedExclusive);
  CHECK(int{strict.go(0x2000, ldxr).error().stage} == 2);
}
