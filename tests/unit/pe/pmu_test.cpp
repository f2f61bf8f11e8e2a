// tests/unit/pe/pmu_test.cpp - performance monitors: counting, filters, overflow, what each EL sees.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr u64 kE = 1, kP = 2, kC = 4, kD = 8, kLc = 64;
constexpr u64 kCycles = u64{1} << 31;

/// Lets `n` instructions pass.
void run(Bench& bench, u64 n) { bench.pe.instructions_at_end += n; }

}  // namespace

TEST_CASE("the cycle counter counts instructions while enabled") {
  Bench bench;
  run(bench, 100);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 0);
  bench.set(PMCNTENSET_EL0, kCycles);
  run(bench, 100);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 0);  // PMCR_EL0.E is 0
  bench.set(PMCR_EL0, kE | kLc);
  run(bench, 100);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 100);
  bench.set(PMCNTENCLR_EL0, kCycles);
  run(bench, 100);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 100);
  bench.set(PMCR_EL0, kC);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 0);
}

TEST_CASE("PMCR_EL0.D counts every 64th cycle, LC switches that off") {
  Bench bench;
  bench.set(PMCNTENSET_EL0, kCycles);
  bench.set(PMCR_EL0, kE | kD);
  run(bench, 63);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 0);
  run(bench, 1 + 64);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 2);
  bench.set(PMCR_EL0, kE | kD | kLc);
  run(bench, 10);
  CHECK(bench.pe.read_register(PMCCNTR_EL0) == 12);
}

TEST_CASE("event counters: INST_RETIRED and CPU_CYCLES count, other events do not") {
  Bench bench;
  bench.set(PMEVTYPER0_EL0, 0x08);
  bench.set(PMEVTYPER1_EL0, 0x11);
  bench.set(PMEVTYPER2_EL0, 0x13);
  bench.set(PMCNTENSET_EL0, 7);
  bench.set(PMCR_EL0, kE);
  run(bench, 50);
  CHECK(bench.pe.read_register(PMEVCNTR0_EL0) == 50);
  CHECK(bench.pe.read_register(PMEVCNTR1_EL0) == 50);
  CHECK(bench.pe.read_register(PMEVCNTR2_EL0) == 0);
  CHECK(bench.pe.read_register(PMCEID0_EL0) == 0x20101);
  bench.set(PMCR_EL0, kE | kP);
  CHECK(bench.pe.read_register(PMEVCNTR0_EL0) == 0);
}

TEST_CASE("filters: U stops EL0, P stops EL1, NSH admits EL2") {
  struct Row {
    u64 filter;
    bool el0, el1, el2;
  };
  const Row rows[] = {{0, true, true, false},
                      {u64{1} << 31, true, false, false},
                      {u64{1} << 30, false, true, false},
                      {u64{1} << 27, true, true, true}};
  for (const Row& row : rows) {
    Bench bench;
    bench.set(PMCCFILTR_EL0, row.filter);
    bench.set(PMCNTENSET_EL0, kCycles);
    bench.set(PMCR_EL0, kE | kLc);
    const El els[] = {El::EL0, El::EL1, El::EL2};
    const bool counts[] = {row.el0, row.el1, row.el2};
    for (unsigned i = 0; i < 3; ++i) {
      bench.at(els[i]);
      const u64 before = bench.pe.read_register(PMCCNTR_EL0);
      run(bench, 10);
      INFO("filter " << std::hex << row.filter << " EL" << i);
      CHECK(bench.pe.read_register(PMCCNTR_EL0) - before == (counts[i] ? 10u : 0u));
    }
  }
}

TEST_CASE("overflow: a status bit, and PPI 23 while it and its enable are set") {
  Bench bench;
  bench.set(PMEVTYPER0_EL0, 0x08);
  bench.set(PMEVCNTR0_EL0, 0xffff'fff0);
  bench.set(PMINTENSET_EL1, 1);
  bench.set(PMCNTENSET_EL0, 1);
  bench.set(PMCR_EL0, kE);
  CHECK(bench.pe.next_timer_expiry() == 1);  // soon
  run(bench, 15);
  bench.pe.update_pmu();
  CHECK(bench.pe.read_register(PMOVSSET_EL0) == 0);
  CHECK_FALSE(bench.fake.ppi[23]);
  run(bench, 5);
  bench.pe.update_pmu();
  CHECK(bench.pe.read_register(PMOVSCLR_EL0) == 1);
  CHECK(bench.pe.read_register(PMEVCNTR0_EL0) == 4);
  CHECK(bench.fake.ppi[23]);
  bench.set(PMOVSCLR_EL0, 1);
  CHECK_FALSE(bench.fake.ppi[23]);
}

TEST_CASE("the cycle counter overflows at 32 or 64 bits by LC") {
  for (const u64 lc : {u64{0}, kLc}) {
    Bench bench;
    bench.set(PMCCNTR_EL0, 0xffff'ffff);
    bench.set(PMCNTENSET_EL0, kCycles);
    bench.set(PMCR_EL0, kE | lc);
    run(bench, 1);
    CHECK(bench.pe.read_register(PMCCNTR_EL0) == 0x1'0000'0000);
    CHECK(bench.pe.read_register(PMOVSSET_EL0) == (lc != 0 ? 0 : kCycles));
  }
}

TEST_CASE("software increments need the event, the enable and PMCR_EL0.E") {
  Bench bench;
  bench.set(PMEVTYPER0_EL0, 0);
  bench.set(PMEVTYPER1_EL0, 8);
  bench.set(PMCNTENSET_EL0, 1 | 2);
  bench.set(PMSWINC_EL0, 7);
  CHECK(bench.pe.read_register(PMEVCNTR0_EL0) == 0);
  bench.set(PMCR_EL0, kE);
  bench.set(PMSWINC_EL0, 7);
  bench.set(PMSWINC_EL0, 1);
  CHECK(bench.pe.read_register(PMEVCNTR0_EL0) == 2);
  CHECK(bench.pe.read_register(PMEVCNTR1_EL0) == 0);
  CHECK(bench.pe.read_register(PMEVCNTR2_EL0) == 0);
}

TEST_CASE("PMSELR_EL0 selects; 31 is the cycle counter's filter") {
  Bench bench;
  bench.set(PMSELR_EL0, 2);
  bench.set(PMXEVTYPER_EL0, 0x11);
  bench.set(PMXEVCNTR_EL0, 77);
  CHECK(bench[PMEVTYPER2_EL0] == 0x11);
  CHECK(bench.pe.read_register(PMEVCNTR2_EL0) == 77);
  bench.set(PMSELR_EL0, 31);
  bench.set(PMXEVTYPER_EL0, u64{1} << 30 | 0x1f);
  CHECK(bench[PMCCFILTR_EL0] == u64{1} << 30);
}

TEST_CASE("MDCR_EL2.HPMN keeps counters for EL2") {
  Bench bench;
  bench.set(MDCR_EL2, 2 | MdcrEl2::HPME.mask);
  CHECK((bench.pe.read_register(PMCR_EL0) >> 11 & 31) == 2);
  bench.set(PMCNTENSET_EL0, ~u64{0});
  CHECK(bench.pe.read_register(PMCNTENSET_EL0) == (kCycles | 3));
  CHECK(bench.access(PMEVCNTR2_EL0, true) == "undef");
  bench.at(El::EL2);
  CHECK((bench.pe.read_register(PMCR_EL0) >> 11 & 31) == 6);
  bench.set(PMEVTYPER3_EL0, 8);
  bench.set(PMCNTENSET_EL0, 8);
  bench.at(El::EL1);
  run(bench, 9);  // HPME enables it, not PMCR_EL0.E
  bench.at(El::EL2);
  CHECK(bench.pe.read_register(PMEVCNTR3_EL0) == 9);
}
