// tests/unit/pe/debug_test.cpp - software step state machine, breakpoints, watchpoints and their enables.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr u64 kSs = 1, kKde = u64{1} << 13, kMde = u64{1} << 15;

/// A control value: enabled, any of EL1 and EL0, all bytes.
constexpr u64 kBreak = 1 | 3u << 1 | 0xfu << 5;
constexpr u64 watch(u64 lsc, u64 bas, u64 mask = 0) { return 1 | 3u << 1 | lsc << 3 | bas << 5 | mask << 24; }

Bench debugged(u64 mdscr) {
  Bench bench;
  bench.set(OSLAR_EL1, 0);
  bench.set(MDSCR_EL1, mdscr);
  return bench;
}

/// What the engine does when a stepped instruction has completed.
void complete_step(Bench& bench) {
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::SS, false);
  bench.pe.s.pc += 4;
}

}  // namespace

TEST_CASE("debug exceptions need the OS lock open, and KDE and D = 0 at their own EL") {
  struct Row {
    bool locked;
    u64 mdscr;
    El el;
    bool d;
    bool active;
  };
  const Row rows[] = {{false, kSs | kKde, El::EL1, false, true}, {true, kSs | kKde, El::EL1, false, false},
                      {false, kSs, El::EL1, false, false},       {false, kSs | kKde, El::EL1, true, false},
                      {false, kSs, El::EL0, true, true},         {false, kKde | kMde, El::EL1, false, false}};
  for (const Row& row : rows) {
    Bench bench;
    bench.set(OSLAR_EL1, row.locked);
    bench.set(MDSCR_EL1, row.mdscr);
    bench.pe.set_pstate(Pstate{}.with(Pstate::EL, row.el).with(Pstate::SP, row.el != El::EL0).with(Pstate::D, row.d));
    INFO("MDSCR " << std::hex << row.mdscr << " EL" << number(row.el) << " D " << row.d << " locked " << row.locked);
    CHECK(bench.pe.debug_active == row.active);
  }
}

TEST_CASE("the OS lock reads back in OSLSR_EL1") {
  Bench bench;
  CHECK(bench.pe.read_register(OSLSR_EL1) == 0b1010);
  bench.set(OSLAR_EL1, 0);
  CHECK(bench.pe.read_register(OSLSR_EL1) == 0b1000);
}

TEST_CASE("software step: one instruction, then the exception") {
  Bench bench = debugged(kSs | kKde);
  bench[ELR_EL1] = 0x1000;
  bench[SPSR_EL1] = Pstate::SS.mask;  // to EL0, where stepping is enabled although EL1 has D set
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::D, true);
  bench.pe.exception_return();
  REQUIRE(bench.pe.s.pstate[Pstate::SS]);  // active-not-pending
  CHECK_FALSE(bench.pe.check_before_instruction());
  complete_step(bench);
  REQUIRE(bench.pe.check_before_instruction());  // active-pending
  CHECK(bench.take() == "el1:SOFTSTP_LOW");
  CHECK(bench[ELR_EL1] == 0x1004);
  CHECK((bench[ESR_EL1] & 0x1ffffff) == (u64{1} << 24 | 0x22));  // ISV, EX = 0
  CHECK_FALSE(Pstate::of(bench[SPSR_EL1])[Pstate::SS]);
}

TEST_CASE("software step: EX says that a load-exclusive was stepped") {
  Bench bench = debugged(kSs | kKde);
  const u32 ldxr = 0xc85f7c20;  // ldxr x0, [x1]
  std::memcpy(bench.fake.ram.data() + 0x1000, &ldxr, sizeof ldxr);
  bench.at(El::EL0);
  bench.pe.s.pc = 0x1000;
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::SS, true);
  CHECK_FALSE(bench.pe.check_before_instruction());
  complete_step(bench);
  REQUIRE(bench.pe.check_before_instruction());
  bench.take();
  CHECK((bench[ESR_EL1] & 0x1ffffff) == (u64{1} << 24 | u64{1} << 6 | 0x22));
}

TEST_CASE("software step: a return with SS = 0 steps at once, without ISV") {
  Bench bench = debugged(kSs);
  bench[SPSR_EL1] = 0;
  bench.pe.exception_return();
  REQUIRE(bench.pe.check_before_instruction());
  bench.take();
  CHECK((bench[ESR_EL1] & 0x1ffffff) == 0x22);
}

TEST_CASE("ERET drops SPSR.SS where stepping was already enabled at the source") {
  Bench bench = debugged(kSs | kKde);
  bench[SPSR_EL1] = Pstate::SS.mask;
  bench.pe.exception_return();
  CHECK_FALSE(bench.pe.s.pstate[Pstate::SS]);
}

TEST_CASE("breakpoints: address, privilege, enable, MDE") {
  struct Row {
    u64 bvr, bcr;
    El el;
    bool hit;
  };
  const Row rows[] = {{0x4000, kBreak, El::EL0, true},
                      {0x4000, kBreak, El::EL1, true},
                      {0x4004, kBreak, El::EL1, false},
                      {0x4000, kBreak & ~u64{1}, El::EL1, false},
                      {0x4000, 1 | 2u << 1 | 0xfu << 5, El::EL1, false},  // EL0 only
                      {0x4000, 1 | 2u << 1 | 0xfu << 5, El::EL0, true},
                      {0x4000, 1 | 1u << 1 | 0xfu << 5, El::EL0, false},  // EL1 only
                      {0x4000, kBreak | 2u << 14, El::EL1, false},        // Secure only
                      {0x4000, kBreak | 1u << 14, El::EL1, true}};        // Non-secure only
  for (const Row& row : rows) {
    Bench bench = debugged(kMde | kKde);
    bench.set(DBGBVR1_EL1, row.bvr);
    bench.set(DBGBCR1_EL1, row.bcr);
    bench.at(row.el);
    bench.pe.s.pc = 0x4000;
    INFO("BVR " << std::hex << row.bvr << " BCR " << row.bcr << " EL" << number(row.el));
    CHECK(bench.pe.check_before_instruction() == row.hit);
    if (row.hit) {
      const std::string expected = row.el == El::EL1 ? "el1:BREAKPT_CUR" : "el1:BREAKPT_LOW";
      CHECK(bench.take() == expected);
      CHECK(bench[ELR_EL1] == 0x4000);
      CHECK((bench[ESR_EL1] & 0x3f) == 0x22);
    }
    bench.set(MDSCR_EL1, kKde);
    CHECK_FALSE(bench.pe.debug_active);
  }
}

TEST_CASE("a linked breakpoint also needs its context") {
  Bench bench = debugged(kMde | kKde);
  bench.set(DBGBVR0_EL1, 0x4000);
  bench.set(DBGBCR0_EL1, kBreak | 5u << 16 | 1u << 20);  // linked to breakpoint 5
  bench.set(DBGBVR5_EL1, 0x42);
  bench.set(DBGBCR5_EL1, kBreak | 3u << 20);  // linked CONTEXTIDR_EL1 match
  bench.pe.s.pc = 0x4000;
  CHECK_FALSE(bench.pe.check_before_instruction());
  bench.set(CONTEXTIDR_EL1, 0x42);
  CHECK(bench.pe.check_before_instruction());
  bench.set(DBGBCR5_EL1, (kBreak | 3u << 20) & ~u64{1});
  CHECK_FALSE(bench.pe.check_before_instruction());
}

TEST_CASE("watchpoints: bytes, direction, mask") {
  struct Row {
    u64 wvr, wcr;
    u64 va;
    unsigned size;
    bool write, hit;
    u64 far;
  };
  const Row rows[] = {
      {0x8000, watch(3, 0xff), 0x8000, 8, false, true, 0x8000},
      {0x8000, watch(1, 0xff), 0x8000, 8, true, false, 0},
      {0x8000, watch(2, 0xff), 0x8000, 8, true, true, 0x8000},
      {0x8000, watch(3, 0x10), 0x8004, 1, false, true, 0x8004},
      {0x8000, watch(3, 0x10), 0x8003, 1, false, false, 0},
      {0x8000, watch(3, 0x10), 0x8000, 8, false, true, 0x8004},
      {0x8000, watch(3, 0xff), 0x7ffc, 8, true, true, 0x8000},  // an access that runs into it
      {0x8004, watch(3, 0x0f), 0x8004, 4, true, true, 0x8004},  // WVR<2> = 1: BAS counts from there
      {0x8004, watch(3, 0x0f), 0x8000, 4, true, false, 0},
      {0x8000, watch(3, 0xff, 12), 0x8fff, 1, false, true, 0x8fff},
      {0x8000, watch(3, 0xff, 12), 0x9000, 1, false, false, 0},
      {0x8000, watch(3, 0xff) & ~u64{1}, 0x8000, 8, false, false, 0},
  };
  for (const Row& row : rows) {
    Bench bench = debugged(kMde | kKde);
    bench.set(DBGWVR2_EL1, row.wvr);
    bench.set(DBGWCR2_EL1, row.wcr);
    INFO("WVR " << std::hex << row.wvr << " WCR " << row.wcr << " va " << row.va << " size " << row.size);
    CHECK(bench.pe.watchpoint_hit(row.va, row.size, row.write, false) == row.hit);
    if (!row.hit) continue;
    CHECK(bench.take() == "el1:WATCHPT_CUR");
    CHECK(bench[FAR_EL1] == row.far);
    CHECK((bench[ESR_EL1] & 0x7f) == (0x22u | (row.write ? 0x40u : 0u)));
  }
}

TEST_CASE("MDCR_EL2.TDE takes debug exceptions to EL2") {
  Bench bench = debugged(kMde);
  bench.set(MDCR_EL2, MdcrEl2::TDE.mask | 6);
  bench.set(DBGBVR0_EL1, 0x4000);
  bench.set(DBGBCR0_EL1, kBreak);
  bench.at(El::EL1);  // below the target: enabled without KDE
  bench.pe.s.pc = 0x4000;
  REQUIRE(bench.pe.check_before_instruction());
  CHECK(bench.take() == "el2:BREAKPT_LOW");
}
