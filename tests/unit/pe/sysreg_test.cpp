// tests/unit/pe/sysreg_test.cpp - who may touch which register, where refused accesses go, what writes keep.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr bool kRead = true, kWrite = false;

/// One row: with `control` = `value`, an access from `el` ends in `expected`; with the control at reset in `otherwise`.
struct TrapRow {
  SysReg reg;
  bool read;
  El el;
  SysReg control;
  u64 value;
  const char* expected;
  const char* otherwise;
};

constexpr u64 b(unsigned n) { return u64{1} << n; }
constexpr u64 kHcr = b(31) | b(40) | b(41);  // RW, APK, API

const TrapRow kRows[] = {
    {SCTLR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {SCTLR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(26), "ok", "ok"},
    {SCTLR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(30), "el2:sys", "ok"},
    {TTBR0_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {TTBR1_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {TCR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {ESR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {FAR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {AFSR0_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {MAIR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {AMAIR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {CONTEXTIDR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26), "el2:sys", "ok"},
    {VBAR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(26) | b(30), "ok", "ok"},
    {ACTLR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(21), "el2:sys", "ok"},
    {REVIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(16), "el2:sys", "ok"},
    {AIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(16), "el2:sys", "ok"},
    {CLIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(17), "el2:sys", "ok"},
    {CCSIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(49), "el2:sys", "ok"},
    {CSSELR_EL1, kWrite, El::EL1, HCR_EL2, kHcr | b(17), "el2:sys", "ok"},
    {CTR_EL0, kRead, El::EL1, HCR_EL2, kHcr | b(17), "el2:sys", "ok"},
    {CTR_EL0, kRead, El::EL1, HCR_EL2, kHcr | b(49), "ok", "ok"},
    {CTR_EL0, kRead, El::EL0, SCTLR_EL1, b(15), "ok", "el1:sys"},
    {ID_AA64PFR0_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(18), "el2:sys", "ok"},
    {ID_AA64MMFR2_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(18), "el2:sys", "ok"},
    {MIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(18), "ok", "ok"},
    {LORID_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(35), "el2:sys", "ok"},
    {ERRIDR_EL1, kRead, El::EL1, HCR_EL2, kHcr | b(36), "el2:sys", "ok"},
    {APIAKeyLo_EL1, kWrite, El::EL1, HCR_EL2, b(31) | b(41), "el2:sys", "el2:sys"},
    {APIAKeyLo_EL1, kWrite, El::EL1, HCR_EL2, kHcr, "ok", "el2:sys"},
    {CPACR_EL1, kWrite, El::EL1, CPTR_EL2, b(31), "el2:sys", "ok"},
    {FPCR, kRead, El::EL1, CPACR_EL1, b(20) | b(21), "ok", "el1:fp"},
    {FPSR, kWrite, El::EL0, CPACR_EL1, b(20), "el1:fp", "el1:fp"},
    {FPSR, kWrite, El::EL1, CPACR_EL1, b(20), "ok", "el1:fp"},
    {DAIF, kRead, El::EL0, SCTLR_EL1, b(9), "ok", "el1:sys"},
    {DAIF, kRead, El::EL1, SCTLR_EL1, 0, "ok", "ok"},
    {CNTVCT_EL0, kRead, El::EL0, CNTKCTL_EL1, b(1), "ok", "el1:sys"},
    {CNTPCT_EL0, kRead, El::EL0, CNTKCTL_EL1, b(0), "el2:sys", "el1:sys"},
    {CNTPCT_EL0, kRead, El::EL1, CNTHCTL_EL2, b(0), "ok", "el2:sys"},
    {CNTP_CTL_EL0, kWrite, El::EL1, CNTHCTL_EL2, b(1), "ok", "el2:sys"},
    {CNTV_CTL_EL0, kWrite, El::EL1, CNTHCTL_EL2, 0, "ok", "ok"},
    {CNTV_TVAL_EL0, kRead, El::EL0, CNTKCTL_EL1, b(8), "ok", "el1:sys"},
    {CNTFRQ_EL0, kRead, El::EL0, CNTKCTL_EL1, b(0), "ok", "el1:sys"},
    {CNTFRQ_EL0, kWrite, El::EL1, CNTKCTL_EL1, 0, "undef", "undef"},
    {PMCCNTR_EL0, kRead, El::EL0, PMUSERENR_EL0, 4, "ok", "el1:sys"},
    {PMCCNTR_EL0, kWrite, El::EL0, PMUSERENR_EL0, 4, "el1:sys", "el1:sys"},
    {PMEVCNTR0_EL0, kRead, El::EL0, PMUSERENR_EL0, 8, "ok", "el1:sys"},
    {PMSELR_EL0, kWrite, El::EL0, PMUSERENR_EL0, 8, "ok", "el1:sys"},
    {PMSWINC_EL0, kWrite, El::EL0, PMUSERENR_EL0, 2, "ok", "el1:sys"},
    {PMCR_EL0, kRead, El::EL0, PMUSERENR_EL0, 1, "ok", "el1:sys"},
    {PMCR_EL0, kRead, El::EL0, PMUSERENR_EL0, 14, "el1:sys", "el1:sys"},
    {PMUSERENR_EL0, kRead, El::EL0, PMUSERENR_EL0, 0, "ok", "ok"},
    {PMUSERENR_EL0, kWrite, El::EL0, PMUSERENR_EL0, 15, "undef", "undef"},
    {PMCR_EL0, kRead, El::EL1, MDCR_EL2, b(5) | 6, "el2:sys", "ok"},
    {PMCCNTR_EL0, kRead, El::EL1, MDCR_EL2, b(5) | 6, "ok", "ok"},
    {PMCCNTR_EL0, kRead, El::EL1, MDCR_EL2, b(6) | 6, "el2:sys", "ok"},
    {MDSCR_EL1, kWrite, El::EL1, MDCR_EL2, b(9) | 6, "el2:sys", "ok"},
    {DBGBVR0_EL1, kWrite, El::EL1, MDCR_EL2, b(8) | 6, "el2:sys", "ok"},
    {OSLAR_EL1, kWrite, El::EL1, MDCR_EL2, b(10) | 6, "el2:sys", "ok"},
    {MDRAR_EL1, kRead, El::EL1, MDCR_EL2, b(11) | 6, "el2:sys", "ok"},
    {TPIDR_EL0, kWrite, El::EL0, HCR_EL2, kHcr, "ok", "ok"},
    {TPIDRRO_EL0, kWrite, El::EL0, HCR_EL2, kHcr, "undef", "undef"},
    {TPIDRRO_EL0, kRead, El::EL0, HCR_EL2, kHcr, "ok", "ok"},
    {TPIDR_EL1, kRead, El::EL0, HCR_EL2, kHcr, "undef", "undef"},
    {TPIDR_EL2, kRead, El::EL1, HCR_EL2, kHcr, "undef", "undef"},
    {HCR_EL2, kWrite, El::EL1, HCR_EL2, kHcr, "undef", "undef"},
    {CurrentEL, kWrite, El::EL1, HCR_EL2, kHcr, "undef", "undef"},
    {MIDR_EL1, kWrite, El::EL1, HCR_EL2, kHcr, "undef", "undef"},
    {PMSWINC_EL0, kRead, El::EL1, HCR_EL2, kHcr, "undef", "undef"},
};

}  // namespace

TEST_CASE("trap matrix: a control bit sends the access where the Arm ARM says, and only then") {
  for (const TrapRow& row : kRows) {
    INFO(sysreg_info(row.reg).name << (row.read ? " read" : " write") << " at EL" << number(row.el) << " with "
                                   << sysreg_info(row.control).name << " = " << std::hex << row.value);
    Bench plain;
    plain.at(row.el);
    CHECK(plain.access(row.reg, row.read) == row.otherwise);
    Bench bench;
    bench.set(row.control, row.value);
    bench.at(row.el);
    CHECK(bench.access(row.reg, row.read) == row.expected);
  }
}

TEST_CASE("a trapped access reports itself in the ISS") {
  Bench bench;
  bench.set(HCR_EL2, kHcr | b(26));
  bench.pe.s.pc = 0x8000;
  REQUIRE(bench.access(TCR_EL1, kWrite) == "el2:sys");
  const auto iss = Esr::of(bench[ESR_EL2]).sys();
  REQUIRE(iss);
  CHECK((*iss)[IssSys::Op0] == 3);
  CHECK((*iss)[IssSys::Op1] == 0);
  CHECK((*iss)[IssSys::CRn] == 2);
  CHECK((*iss)[IssSys::CRm] == 0);
  CHECK((*iss)[IssSys::Op2] == 2);
  CHECK((*iss)[IssSys::Rt] == 3);
  CHECK((*iss)[IssSys::Direction] == false);
  CHECK(bench[ELR_EL2] == 0x8000);
}

TEST_CASE("TGE sends to EL2 what EL0 would have sent to EL1") {
  Bench bench;
  bench.set(HCR_EL2, kHcr | b(27));
  bench.at(El::EL0);
  CHECK(bench.access(CNTVCT_EL0, kRead) == "el2:sys");
}

TEST_CASE("unallocated encodings") {
  Bench bench;
  u64 value = 0xdead;
  SECTION("read as zero in the identification space") {
    REQUIRE(bench.pe.read_sysreg(encode_sysreg(3, 0, 0, 7, 6), 0, value));
    CHECK(value == 0);
    REQUIRE(bench.pe.read_sysreg(encode_sysreg(3, 0, 0, 3, 7), 0, value));
  }
  SECTION("of the identification space trap with TID3") {
    bench.set(HCR_EL2, kHcr | b(18));
    CHECK(bench.access(encode_sysreg(3, 0, 0, 7, 6), kRead) == "el2:sys");
  }
  SECTION("are UNDEFINED elsewhere") {
    CHECK(bench.access(encode_sysreg(3, 0, 0, 8, 0), kRead) == "undef");
    bench.at(El::EL1);
    CHECK(bench.access(encode_sysreg(3, 0, 0, 4, 0), kWrite) == "undef");
    bench.at(El::EL1);
    CHECK(bench.access(encode_sysreg(3, 0, 15, 2, 0), kRead) == "undef");
  }
  SECTION("of the IMPLEMENTATION DEFINED space trap with TIDCP") {
    bench.set(HCR_EL2, kHcr | b(20));
    CHECK(bench.access(encode_sysreg(3, 0, 15, 2, 0), kRead) == "el2:sys");
    bench.at(El::EL1);
    bench.pe.raise_implementation_defined(encode_sysreg(1, 0, 11, 0, 0), false, 2);
    CHECK(bench.take() == "el2:sys");
    bench.at(El::EL1);
    bench.pe.raise_implementation_defined(encode_sysreg(1, 0, 7, 0, 0), true, 2);
    CHECK(bench.take() == "undef");
  }
  SECTION("EL0 reads of identification are UNDEFINED without FEAT_IDST, a trapped MRS with it") {
    bench.at(El::EL0);
    CHECK(bench.access(MIDR_EL1, kRead) == "el1:sys");
    Bench old("cortex-a72");
    old.at(El::EL0);
    CHECK(old.access(MIDR_EL1, kRead) == "undef");
  }
}

TEST_CASE("registers of absent extensions and numbers are UNDEFINED") {
  Bench old("cortex-a53");
  for (SysReg reg : {PAN, UAO, DIT, RNDR, APIAKeyLo_EL1, DISR_EL1, SSBS}) {
    INFO(sysreg_info(reg).name);
    old.at(El::EL1);
    CHECK(old.access(reg, kRead) == "undef");
  }
  Bench bench;
  CHECK(bench.access(DBGBVR5_EL1, kRead) == "ok");
  CHECK(bench.access(DBGBVR6_EL1, kRead) == "undef");
  bench.at(El::EL1);
  CHECK(bench.access(DBGWVR3_EL1, kRead) == "ok");
  CHECK(bench.access(DBGWVR4_EL1, kRead) == "undef");
  bench.at(El::EL1);
  CHECK(bench.access(PMEVCNTR5_EL0, kRead) == "ok");
  CHECK(bench.access(PMEVCNTR6_EL0, kRead) == "undef");
}

TEST_CASE("EL1 sees the identity that EL2 gives it") {
  Bench bench;
  bench.set(VPIDR_EL2, 0x410fd000);
  bench.set(VMPIDR_EL2, 0x80000102);
  u64 value;
  REQUIRE(bench.pe.read_sysreg(sysreg_info(MIDR_EL1).encoding, 0, value));
  CHECK(value == 0x410fd000);
  REQUIRE(bench.pe.read_sysreg(sysreg_info(MPIDR_EL1).encoding, 0, value));
  CHECK(value == 0x80000102);
  bench.at(El::EL2);
  REQUIRE(bench.pe.read_sysreg(sysreg_info(MIDR_EL1).encoding, 0, value));
  CHECK(value == bench.pe.cpu().midr);
}

TEST_CASE("writes keep legal bits only") {
  Bench bench("cortex-a53");
  bench.set(SCTLR_EL1, ~u64{0});
  CHECK(bench[SCTLR_EL1] == (kSctlrBase | kSctlrEl1Res1));
  bench.set(SCTLR_EL1, 0);
  CHECK(bench[SCTLR_EL1] == kSctlrEl1Res1);
  bench.set(HCR_EL2, ~u64{0});
  CHECK((bench[HCR_EL2] & (Hcr::E2H.mask | Hcr::API.mask | b(46))) == 0);
  bench.set(VBAR_EL1, 0xffff'0000'0000'0fff);
  CHECK(bench[VBAR_EL1] == 0xffff'0000'0000'0800);
  bench.set(TCR_EL1, ~u64{0});
  CHECK(bit(bench[TCR_EL1], 39) == false);  // no HAFDBS
  Bench max;
  max.set(SCTLR_EL1, 0);
  CHECK((max[SCTLR_EL1] & Sctlr::SPAN.mask) == 0);  // with PAN the bit is real
  max.set(HCR_EL2, ~u64{0});
  CHECK((max[HCR_EL2] & Hcr::E2H.mask) != 0);
  max.set(HCR_EL2, 0);
  CHECK(max[HCR_EL2] == Hcr::RW.mask);
}

TEST_CASE("with E2H, EL1 names at EL2 reach EL2's registers and _EL12 names EL1's") {
  Bench bench("neoverse-n1");
  bench.set(HCR_EL2, Hcr::E2H.mask);
  bench.at(El::EL2);
  REQUIRE(bench.access(ELR_EL1, kWrite, 0x1111) == "ok");
  CHECK(bench[ELR_EL2] == 0x1111);
  REQUIRE(bench.access(encode_sysreg(3, 5, 4, 0, 1), kWrite, 0x2222) == "ok");
  CHECK(bench[ELR_EL1] == 0x2222);
  REQUIRE(bench.access(CNTV_CVAL_EL0, kWrite, 0x3333) == "ok");
  CHECK(bench[CNTHV_CVAL_EL2] == 0x3333);
  REQUIRE(bench.access(encode_sysreg(3, 5, 14, 3, 2), kWrite, 0x4444) == "ok");
  CHECK(bench[CNTV_CVAL_EL0] == 0x4444);
  CHECK(bench.access(encode_sysreg(3, 5, 13, 0, 4), kWrite) == "el2:undef");  // TPIDR_EL1 has no alias
  bench.at(El::EL1);
  CHECK(bench.access(encode_sysreg(3, 5, 4, 0, 1), kWrite) == "undef");
}

TEST_CASE("without E2H the _EL12 names are UNDEFINED even at EL2") {
  Bench bench("neoverse-n1");
  bench.at(El::EL2);
  CHECK(bench.access(encode_sysreg(3, 5, 1, 0, 0), kRead) == "el2:undef");
}

TEST_CASE("PSTATE through registers and immediates") {
  Bench bench;
  REQUIRE(bench.pe.write_pstate_field(3, 6, 0b1010));  // DAIFSet D, I
  CHECK(bench.pe.s.pstate[Pstate::DAIF] == 0b1010);
  REQUIRE(bench.pe.write_pstate_field(3, 7, 0b0010));
  CHECK(bench.pe.s.pstate[Pstate::DAIF] == 0b1000);
  REQUIRE(bench.access(NZCV, kWrite, ~u64{0}) == "ok");
  CHECK(bench.pe.s.nzcv == 0xf0000000);
  REQUIRE(bench.pe.write_pstate_field(0, 4, 1));
  CHECK(bench.pe.s.pstate[Pstate::PAN]);
  u64 value;
  REQUIRE(bench.pe.read_sysreg(sysreg_info(CurrentEL).encoding, 0, value));
  CHECK(value == 4);
  SECTION("SPSel switches the stack pointer") {
    bench.pe.s.sp = 0x1000;
    REQUIRE(bench.access(SP_EL0, kWrite, 0x2000) == "ok");
    REQUIRE(bench.pe.write_pstate_field(0, 5, 0));
    CHECK(bench.pe.s.sp == 0x2000);
    CHECK(bench.access(SP_EL0, kRead) == "undef");  // it is the SP in use
    bench.at(El::EL1);
    CHECK(bench.pe.s.sp == 0x1000);
  }
  SECTION("immediates at EL0") {
    bench.at(El::EL0);
    CHECK_FALSE(bench.pe.write_pstate_field(3, 6, 2));
    CHECK(bench.take() == "el1:sys");
    bench.at(El::EL0);
    CHECK_FALSE(bench.pe.write_pstate_field(0, 5, 1));
    CHECK(bench.take() == "undef");
  }
}

TEST_CASE("DCZID_EL0.DZP follows SCTLR_EL1.DZE at EL0 and HCR_EL2.TDZ") {
  Bench bench;
  const auto dzp = [&] {
    u64 value = 0;
    REQUIRE(bench.pe.read_sysreg(sysreg_info(DCZID_EL0).encoding, 0, value));
    return bit(value, 4);
  };
  CHECK_FALSE(dzp());
  bench.at(El::EL0);
  CHECK(dzp());
  bench.set(SCTLR_EL1, Sctlr::DZE.mask);
  CHECK_FALSE(dzp());
  bench.set(HCR_EL2, Hcr::TDZ.mask);
  CHECK(dzp());
}

TEST_CASE("SGI registers trap under IMO unless the port takes virtual SGIs") {
  Bench bench;
  bench.set(HCR_EL2, Hcr::IMO.mask);
  CHECK(bench.access(ICC_SGI1R_EL1, kWrite, 1) == "ok");
  CHECK(bench.fake.icc_writes.size() == 1);
  bench.fake.virtual_sgis = false;
  CHECK(bench.access(ICC_SGI1R_EL1, kWrite, 1) == "el2:sys");
  CHECK(bench.fake.icc_writes.size() == 1);
}

TEST_CASE("RNDR clears NZCV and CSSELR_EL1 selects CCSIDR_EL1") {
  Bench bench;
  bench.pe.s.nzcv = 0xf0000000;
  u64 value;
  REQUIRE(bench.pe.read_sysreg(sysreg_info(RNDR).encoding, 0, value));
  CHECK(value == 0x1234);
  CHECK(bench.pe.s.nzcv == 0);
  for (u64 select : {0, 1, 2}) {
    bench.set(CSSELR_EL1, select);
    REQUIRE(bench.pe.read_sysreg(sysreg_info(CCSIDR_EL1).encoding, 0, value));
    CHECK(value == bench.pe.cpu().ccsidr[select]);
  }
}

TEST_CASE("only writes that the engine must notice ask for a new look") {
  for (SysReg reg : {TPIDR_EL0, SP_EL0, NZCV, FPCR, ELR_EL1, SPSR_EL1})
    CHECK_FALSE(Pe::write_needs_sync(sysreg_info(reg).encoding));
  for (SysReg reg : {DAIF, SCTLR_EL1, TTBR0_EL1, HCR_EL2, MDSCR_EL1, CNTV_CTL_EL0, ICC_PMR_EL1, DBGBCR0_EL1})
    CHECK(Pe::write_needs_sync(sysreg_info(reg).encoding));
}
