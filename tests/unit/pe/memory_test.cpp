// tests/unit/pe/memory_test.cpp - the slow door to memory: alignment, page crossing, faults, what L0 may keep.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;

namespace {

// Tables for a 39-bit VA, 4K granule: L1 at 0x1000, L2 at 0x2000, L3 at 0x3000.
constexpr u64 kL3 = 0x3000;
constexpr u64 kValid = 3, kAf = u64{1} << 10, kInner = u64{3} << 8, kNg = u64{1} << 11, kReadOnly = u64{1} << 7,
              kUser = u64{1} << 6;
constexpr u64 kDevice = u64{1} << 2;  // MAIR index 1

struct Mapped : Bench {
  Mapped() {
    put(0x1000, 0x2000 | kValid);
    put(0x2000, kL3 | kValid);
    for (u64 page = 4; page < 16; ++page) map(page, page, 0);
    set(SysReg::MAIR_EL1, 0x00ff);
    set(SysReg::TCR_EL1, 25 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 23);  // EPD1, write-back walks
    set(SysReg::TTBR0_EL1, 0x1000);
    set(SysReg::SCTLR_EL1, 0x30d0'0805);  // M and C
  }
  void put(u64 address, u64 value) { std::memcpy(fake.ram.data() + address, &value, 8); }
  void map(u64 va_page, u64 pa_page, u64 attributes) {
    put(kL3 + va_page * 8, pa_page << 12 | kAf | kInner | attributes | kValid);
  }
  void unmap(u64 va_page) { put(kL3 + va_page * 8, 0); }
  u64 load(u64 va, unsigned size = 8, MemRequest how = {}) {
    u64 value = 0;
    ok = pe.load_slow(va, size, how, &value);
    return value;
  }
  bool store(u64 va, u64 value, unsigned size = 8, MemRequest how = {}) {
    return ok = pe.store_slow(va, size, how, &value);
  }
  bool in_l0(u64 va, bool write) const {
    const auto& table = write ? pe.l0_context->write : pe.l0_context->read;
    return (va ^ table[L0Context::index(va)].tag) < kL0PageSize;
  }
  FaultKind fault() const { return pe.pending.kind == Pending::Kind::Abort ? pe.pending.fault.kind : FaultKind::None; }
  bool ok = true;
};

}  // namespace

TEST_CASE("a load reads what a store wrote, and the page enters L0 with the permission used") {
  Mapped m;
  CHECK(m.store(0x4010, 0x1122334455667788));
  CHECK(m.load(0x4010) == 0x1122334455667788);
  CHECK(m.load(0x4014, 2) == 0x3344);
  CHECK(m.in_l0(0x4000, false));
  CHECK(m.in_l0(0x4000, true));
}

TEST_CASE("a read-only page enters L0 for reads only, and a store to it faults") {
  Mapped m;
  m.map(5, 5, kReadOnly);
  m.load(0x5000);
  CHECK(m.in_l0(0x5000, false));
  CHECK_FALSE(m.in_l0(0x5000, true));
  CHECK_FALSE(m.store(0x5000, 1));
  CHECK(m.fault() == FaultKind::Permission);
}

TEST_CASE("a page that stage 2 lets be written but not read never enters L0") {
  Mapped m;
  constexpr u64 kNormal = u64{15} << 2, kRead = u64{1} << 6, kWrite = u64{1} << 7;
  m.put(0xc000, 0xd000 | kValid);
  m.put(0xd000, 0xe000 | kValid);
  for (u64 page = 0; page < 16; ++page)
    m.put(0xe000 + page * 8, page << 12 | kAf | kInner | kNormal | kWrite | (page == 5 ? 0 : kRead) | kValid);
  m.set(SysReg::VTCR_EL2, 25 | u64{1} << 6 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 31);
  m.set(SysReg::VTTBR_EL2, 0xc000);
  m.set(SysReg::HCR_EL2, u64{1} << 31 | 1);
  CHECK(m.store(0x4000, 1));
  CHECK(m.in_l0(0x4000, true));
  CHECK(m.store(0x5000, 1));
  // Translated code looks for entries for writing where it loads and stores, also for atomics.
  CHECK_FALSE(m.in_l0(0x5000, true));
  m.load(0x5000);
  CHECK(m.fault() == FaultKind::Permission);
  CHECK(m.pe.pending.fault.stage == 2);
}

TEST_CASE("an access across a page end faults before its first byte is written") {
  Mapped m;
  m.unmap(6);
  CHECK(m.store(0x5ff8, 0x5555'5555'5555'5555));
  CHECK_FALSE(m.store(0x5ffc, ~u64{0}));
  CHECK(m.fault() == FaultKind::Translation);
  CHECK(m.pe.pending.fault.va.value == 0x6000);
  CHECK(m.load(0x5ff8) == 0x5555'5555'5555'5555);
}

TEST_CASE("an access across a page end reads both pages, wherever they are") {
  Mapped m;
  m.map(7, 9, 0);
  m.store(0x6ff8, 0x1111'1111'0000'0000);
  m.store(0x7000, 0x0000'0000'2222'2222);
  CHECK(m.load(0x6ffc) == 0x2222'2222'1111'1111);
  CHECK(m.load(0x9000, 4) == 0x2222'2222);
}

TEST_CASE("alignment is checked for Device memory, for SCTLR.A, and always for ordered accesses") {
  Mapped m;
  SECTION("Normal memory takes any address") {
    m.load(0x4001);
    CHECK(m.ok);
  }
  SECTION("Device memory does not") {
    m.map(5, 5, kDevice);
    m.load(0x5004, 4);
    CHECK(m.ok);
    m.load(0x5002, 4);
    CHECK(m.fault() == FaultKind::Alignment);
    CHECK_FALSE(m.in_l0(0x5000, false));
  }
  SECTION("SCTLR.A") {
    m.set(SysReg::SCTLR_EL1, 0x30d0'0807);
    m.load(0x4001);
    CHECK(m.fault() == FaultKind::Alignment);
    m.load(0x4008);
    CHECK_FALSE(m.in_l0(0x4000, false));
  }
  SECTION("LDAR") {
    m.load(0x4001, 8, {.acquire_release = true});
    CHECK(m.fault() == FaultKind::Alignment);
  }
  SECTION("a pair is aligned by its element") {
    m.set(SysReg::SCTLR_EL1, 0x30d0'0807);
    u64 both[2];
    CHECK(m.pe.load_slow(0x4008, 16, {.element = 8}, both));
    CHECK_FALSE(m.pe.load_slow(0x4004, 16, {.element = 8}, both));
  }
}

TEST_CASE("pages that need aligned accesses are remembered apart and keep faulting") {
  Mapped m;
  m.map(5, 5, kDevice);
  m.store(0x5008, 42);
  const u64 slow = m.pe.counters.slow_loads;
  m.load(0x5008);
  CHECK(m.load(0x5008) == 42);
  CHECK(m.pe.counters.slow_loads == slow);
  m.load(0x5009, 2);
  CHECK(m.fault() == FaultKind::Alignment);
}

TEST_CASE("an address without RAM and without device is an external abort") {
  Mapped m;
  m.map(5, 0x100, 0);
  m.load(0x5000);
  CHECK(m.fault() == FaultKind::SyncExternal);
}

TEST_CASE("a TLBI makes the new mapping visible, and without it the old one may stay") {
  Mapped m;
  m.store(0x4000, 1);
  m.store(0x5000, 2);
  m.load(0x4000);
  m.map(4, 5, 0);
  CHECK(m.load(0x4000) == 1);  // this TLB keeps what it may keep
  m.pe.apply_tlbi({.kind = mmu::TlbiKind::Vaa, .base = 0x4000, .size = 0x1000});
  CHECK(m.load(0x4000) == 2);
}

TEST_CASE("changing the ASID changes the context, and coming back finds it") {
  Mapped m;
  m.map(4, 4, kNg);
  m.load(0x4000);
  CHECK(m.in_l0(0x4000, false));
  m.set(SysReg::TTBR0_EL1, u64{7} << 48 | 0x1000);
  CHECK_FALSE(m.in_l0(0x4000, false));
  m.set(SysReg::TTBR0_EL1, 0x1000);
  CHECK(m.in_l0(0x4000, false));
}

TEST_CASE("an unprivileged load is judged as EL0 and leaves EL1's entries alone") {
  Mapped m;
  m.load(0x4000, 8, {.unprivileged = true});
  CHECK(m.fault() == FaultKind::Permission);
  m.map(5, 5, kUser);
  m.load(0x5000, 8, {.unprivileged = true});
  CHECK(m.ok);
  CHECK_FALSE(m.in_l0(0x5000, false));
}

TEST_CASE("the syndrome of the instruction reaches the fault") {
  Mapped m;
  m.unmap(5);
  m.load(0x5000, 4, {.syndrome = {.isv = true, .sas = 2, .srt = 17}});
  CHECK(m.pe.pending.fault.syndrome.srt == 17);
}

TEST_CASE("DC ZVA clears its block, needs write permission, and refuses Device memory") {
  Mapped m;
  m.store(0x4040, ~u64{0});
  m.store(0x4080, ~u64{0});
  CHECK(m.pe.zero_block(0x4055));
  CHECK(m.load(0x4040) == 0);
  CHECK(m.load(0x4080) == ~u64{0});
  m.map(5, 5, kReadOnly);
  CHECK_FALSE(m.pe.zero_block(0x5000));
  CHECK(m.fault() == FaultKind::Permission);
  m.map(6, 6, kDevice);
  CHECK_FALSE(m.pe.zero_block(0x6000));
  CHECK(m.fault() == FaultKind::Alignment);
}

TEST_CASE("peek reads through the tables and changes nothing") {
  Mapped m;
  m.store(0x4ff8, 0x1234);
  const u64 misses = m.pe.tlb.stats().misses;
  u64 value = 0;
  CHECK(m.pe.peek(Va{0x4ff8}, &value, 8));
  CHECK(value == 0x1234);
  CHECK_FALSE(m.pe.peek(Va{0x20'0000}, &value, 8));
  CHECK(m.pe.tlb.stats().misses == misses);
  CHECK(m.pe.pending.kind == Pending::Kind::None);
}

TEST_CASE("a store-exclusive succeeds once after a load-exclusive of the same location and size") {
  Mapped m;
  u64 pair[2];
  const u64 data[2] = {7, 8};
  bool failed = false;
  CHECK(m.pe.store_exclusive(0x4000, 8, false, false, data, failed));
  CHECK(failed);
  CHECK(m.pe.load_exclusive(0x4000, 8, false, false, pair));
  CHECK(m.pe.store_exclusive(0x4000, 8, false, false, data, failed));
  CHECK_FALSE(failed);
  CHECK(m.load(0x4000) == 7);
  CHECK(m.pe.store_exclusive(0x4000, 8, false, false, data, failed));
  CHECK(failed);
  m.pe.load_exclusive(0x4000, 8, true, false, pair);
  m.pe.store_exclusive(0x4010, 8, true, false, data, failed);
  CHECK(failed);
  m.pe.load_exclusive(0x4000, 8, true, false, pair);
  m.pe.clear_exclusive();
  m.pe.store_exclusive(0x4000, 8, true, false, data, failed);
  CHECK(failed);
}

TEST_CASE("exclusives on memory that is not Write-Back succeed, fail or abort as the knob says") {
  using mmu::ExclusivesNc;
  const ExclusivesNc choice = GENERATE(ExclusivesNc::Succeed, ExclusivesNc::Fail, ExclusivesNc::Abort);
  Mapped m;
  m.pe.tlb = mmu::Tlb({.exclusives_nc = choice});
  m.set(SysReg::MAIR_EL1, 0x4400ff);
  m.map(5, 5, u64{2} << 2);  // Normal Non-cacheable
  m.load(0x5000);
  m.store(0x5000, 1);  // the page is in L0 now, which knows no attributes
  u64 pair[2] = {};
  const u64 data[2] = {7, 0};
  bool failed = false;
  const bool loaded = m.pe.load_exclusive(0x5000, 8, false, false, pair);
  CHECK(loaded == (choice != ExclusivesNc::Abort));
  if (!loaded) {
    CHECK(m.pe.pending.fault.kind == FaultKind::UnsupportedExclusive);
    return;
  }
  CHECK(m.pe.store_exclusive(0x5000, 8, false, false, data, failed));
  CHECK(failed == (choice == ExclusivesNc::Fail));
  CHECK(m.load(0x5000) == (failed ? 1 : 7));
  CHECK(m.pe.load_exclusive(0x4000, 8, false, false, pair));
  CHECK(m.pe.store_exclusive(0x4000, 8, false, false, data, failed));
  CHECK_FALSE(failed);
}

TEST_CASE("exclusives and atomics must be aligned and need both permissions") {
  Mapped m;
  u64 pair[2], old = 0;
  CHECK_FALSE(m.pe.load_exclusive(0x4004, 8, false, false, pair));
  CHECK(m.fault() == FaultKind::Alignment);
  m.map(5, 5, kReadOnly);
  CHECK_FALSE(m.pe.atomic(0, 0x5000, 8, 1, false, old));
  CHECK(m.fault() == FaultKind::Permission);
}

TEST_CASE("atomics return the old value at their size and store the result") {
  Mapped m;
  struct Row {
    unsigned op;
    u64 old, operand, result;
  };
  // LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN, SWP on one byte.
  const Row row = GENERATE(Row{0, 0xff, 2, 0x01}, Row{1, 0xff, 0x0f, 0xf0}, Row{2, 0xff, 0x0f, 0xf0},
                           Row{3, 0xf0, 0x0f, 0xff}, Row{4, 0x80, 0x01, 0x01}, Row{5, 0x80, 0x01, 0x80},
                           Row{6, 0x80, 0x01, 0x80}, Row{7, 0x80, 0x01, 0x01}, Row{8, 0x80, 0x01, 0x01});
  m.store(0x4000, row.old | 0xaa00, 2);
  u64 old = 0;
  CHECK(m.pe.atomic(row.op, 0x4000, 1, row.operand, false, old));
  CHECK(old == row.old);
  CHECK(m.load(0x4000, 2) == (row.result | 0xaa00));
}

TEST_CASE("compare-and-swap stores only on a match and always returns the old value") {
  Mapped m;
  m.store(0x4000, 1);
  m.store(0x4008, 2);
  const u64 want[2] = {1, 2}, put[2] = {10, 20};
  u64 old[2];
  CHECK(m.pe.compare_and_swap(0x4000, 8, true, want, put, false, old));
  CHECK(old[1] == 2);
  CHECK(m.load(0x4008) == 20);
  CHECK(m.pe.compare_and_swap(0x4000, 8, true, want, put, false, old));
  CHECK(old[0] == 10);
  CHECK(m.load(0x4000) == 10);
}

TEST_CASE("a branch to a tagged address drops the tag where TBI covers instructions, and keeps it under TBID") {
  Mapped m;
  const u64 tcr = m[SysReg::TCR_EL1] | u64{1} << 37;  // TBI0
  const u64 tagged = u64{0xab} << 56 | 0x4000;
  m.set(SysReg::TCR_EL1, tcr);
  m.pe.s.pc = tagged;
  CHECK(m.pe.fetch_slow(tagged));
  CHECK(m.pe.s.pc == 0x4000);
  m.set(SysReg::TCR_EL1, tcr | u64{1} << 51);  // TBID0
  m.pe.s.pc = tagged;
  CHECK_FALSE(m.pe.fetch_slow(tagged));
  CHECK(m.pe.s.pc == tagged);
}
