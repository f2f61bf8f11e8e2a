// tests/unit/arch/sysreg_test.cpp - the table of system registers agrees with itself and with well-known encodings.
#include "core/arch/sysreg.h"

#include <set>

#include "core/arch/sysreg_fields.h"
#include "tests/unit/catch.h"

using namespace farside;

TEST_CASE("every row is found by its encoding and by its name") {
  for (unsigned i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    const SysRegInfo& row = sysreg_info(reg);
    INFO(row.name);
    REQUIRE(find_sysreg(row.encoding));
    CHECK(*find_sysreg(row.encoding) == reg);
    REQUIRE(find_sysreg(row.name));
    CHECK(*find_sysreg(row.name) == reg);
    CHECK((sysreg_op0(row.encoding) == 2 || sysreg_op0(row.encoding) == 3));
    CHECK(encode_sysreg(sysreg_op0(row.encoding), sysreg_op1(row.encoding), sysreg_crn(row.encoding),
                        sysreg_crm(row.encoding), sysreg_op2(row.encoding)) == row.encoding);
  }
}

TEST_CASE("encodings as assemblers know them") {
  struct Row {
    const char* name;
    u32 mrs;  ///< MRS X0, name
  };
  // Words from GNU as; bits 20:5 are o0:op1:CRn:CRm:op2 with op0 = 2 + o0.
  const Row rows[] = {
      {"SCTLR_EL1", 0xd5381000},      {"TTBR1_EL1", 0xd5382020},     {"MAIR_EL1", 0xd538a200},
      {"ESR_EL2", 0xd53c5200},        {"HPFAR_EL2", 0xd53c6080},     {"CNTVCT_EL0", 0xd53be040},
      {"CNTV_CVAL_EL0", 0xd53be340},  {"CNTHP_CTL_EL2", 0xd53ce220}, {"PMCCNTR_EL0", 0xd53b9d00},
      {"PMEVTYPER9_EL0", 0xd53bed20}, {"MDSCR_EL1", 0xd5300240},     {"DBGBCR3_EL1", 0xd53003a0},
      {"DBGWVR1_EL1", 0xd53001c0},    {"OSLSR_EL1", 0xd5301180},     {"ICC_IAR1_EL1", 0xd538cc00},
      {"ICC_PMR_EL1", 0xd5384600},    {"ICH_LR3_EL2", 0xd53ccc60},   {"NZCV", 0xd53b4200},
      {"CurrentEL", 0xd5384240},      {"SP_EL0", 0xd5384100},        {"TPIDR_EL0", 0xd53bd040},
      {"VTTBR_EL2", 0xd53c2100},      {"CTR_EL0", 0xd53b0020},       {"ID_AA64MMFR2_EL1", 0xd5380740},
      {"CLIDR_EL1", 0xd5390020},      {"CSSELR_EL1", 0xd53a0000},    {"APGAKeyHi_EL1", 0xd5382320},
      {"RNDR", 0xd53b2400},           {"DISR_EL1", 0xd538c120},      {"VBAR_EL2", 0xd53cc000},
  };
  for (const Row& row : rows) {
    const auto reg = find_sysreg(std::string_view(row.name));
    INFO(row.name);
    REQUIRE(reg);
    const u32 fields = row.mrs >> 5 & 0x7fff;  // without op0<1>
    CHECK((sysreg_info(*reg).encoding & 0x7fff) == fields);
  }
}

TEST_CASE(
    "RES1 bits and writable bits never overlap, and read-only registers have no writable bits (the GIC knows its "
    "own)") {
  for (unsigned i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    const SysRegInfo& row = sysreg_info(reg);
    for (const CpuModel& cpu : cpu_models()) {
      INFO(row.name << " on " << cpu.name);
      const u64 res1 = sysreg_res1(reg, cpu.features, false), writable = sysreg_writable(reg, cpu.features);
      const bool fixed_on_purpose = reg == SysReg::HCR_EL2 || reg == SysReg::VMPIDR_EL2 || reg == SysReg::SCTLR_EL2;
      if (!fixed_on_purpose) CHECK((res1 & writable) == 0);
      if (lowest_writer(row.access) == kNever && row.kind != SysRegKind::Icc) CHECK(writable == 0);
    }
  }
}

TEST_CASE("an encoding without a name prints as assemblers accept it") {
  std::array<char, 20> buffer{};
  CHECK(sysreg_name(encode_sysreg(3, 0, 15, 2, 1), buffer) == "S3_0_C15_C2_1");
  CHECK(sysreg_name(encode_sysreg(3, 0, 1, 0, 0), buffer) == "SCTLR_EL1");
}
