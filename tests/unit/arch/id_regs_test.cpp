// tests/unit/arch/id_regs_test.cpp - identification registers say exactly what a model's Features say, both ways.
#include "core/arch/id_regs.h"

#include <map>

#include "core/base/bits.h"
#include "tests/unit/catch.h"

using namespace farside;
using enum SysReg;

namespace {

using F = Features;

/// The Arm ARM's "this field at this value or above means this extension", written down independently of id_regs.cpp.
struct Claim {
  SysReg reg;
  unsigned lo;
  u64 least;
  bool Features::*flag;
};
const Claim kClaims[] = {
    {ID_AA64PFR0_EL1, 8, 1, &F::el2},           {ID_AA64PFR0_EL1, 28, 1, &F::RAS},
    {ID_AA64PFR0_EL1, 48, 1, &F::DIT},          {ID_AA64PFR0_EL1, 56, 1, &F::CSV2},
    {ID_AA64PFR0_EL1, 60, 1, &F::CSV3},         {ID_AA64PFR0_EL1, 16, 1, &F::FP16},
    {ID_AA64PFR0_EL1, 20, 1, &F::FP16},         {ID_AA64PFR1_EL1, 0, 1, &F::BTI},
    {ID_AA64PFR1_EL1, 4, 1, &F::SSBS},          {ID_AA64PFR1_EL1, 4, 2, &F::SSBS2},
    {ID_AA64ISAR0_EL1, 4, 1, &F::AES},          {ID_AA64ISAR0_EL1, 4, 2, &F::PMULL},
    {ID_AA64ISAR0_EL1, 8, 1, &F::SHA1},         {ID_AA64ISAR0_EL1, 12, 1, &F::SHA256},
    {ID_AA64ISAR0_EL1, 12, 2, &F::SHA512},      {ID_AA64ISAR0_EL1, 16, 1, &F::CRC32},
    {ID_AA64ISAR0_EL1, 20, 2, &F::LSE},         {ID_AA64ISAR0_EL1, 28, 1, &F::RDM},
    {ID_AA64ISAR0_EL1, 32, 1, &F::SHA3},        {ID_AA64ISAR0_EL1, 44, 1, &F::DotProd},
    {ID_AA64ISAR0_EL1, 48, 1, &F::FHM},         {ID_AA64ISAR0_EL1, 52, 1, &F::FlagM},
    {ID_AA64ISAR0_EL1, 52, 2, &F::FlagM2},      {ID_AA64ISAR0_EL1, 56, 1, &F::TLBIOS},
    {ID_AA64ISAR0_EL1, 56, 2, &F::TLBIRANGE},   {ID_AA64ISAR0_EL1, 60, 1, &F::RNG},
    {ID_AA64ISAR1_EL1, 0, 1, &F::DPB},          {ID_AA64ISAR1_EL1, 0, 2, &F::DPB2},
    {ID_AA64ISAR1_EL1, 8, 1, &F::PAuth},        {ID_AA64ISAR1_EL1, 12, 1, &F::JSCVT},
    {ID_AA64ISAR1_EL1, 16, 1, &F::FCMA},        {ID_AA64ISAR1_EL1, 20, 1, &F::LRCPC},
    {ID_AA64ISAR1_EL1, 20, 2, &F::LRCPC2},      {ID_AA64ISAR1_EL1, 28, 1, &F::PAuth},
    {ID_AA64ISAR1_EL1, 32, 1, &F::FRINTTS},     {ID_AA64ISAR1_EL1, 36, 1, &F::SB},
    {ID_AA64MMFR0_EL1, 20, 1, &F::granule_16k}, {ID_AA64MMFR1_EL1, 0, 2, &F::HAFDBS},
    {ID_AA64MMFR1_EL1, 4, 2, &F::VMID16},       {ID_AA64MMFR1_EL1, 8, 1, &F::VHE},
    {ID_AA64MMFR1_EL1, 12, 1, &F::HPDS},        {ID_AA64MMFR1_EL1, 16, 1, &F::LOR},
    {ID_AA64MMFR1_EL1, 20, 1, &F::PAN},         {ID_AA64MMFR1_EL1, 20, 2, &F::PAN2},
    {ID_AA64MMFR1_EL1, 28, 1, &F::XNX},         {ID_AA64MMFR2_EL1, 0, 1, &F::TTCNP},
    {ID_AA64MMFR2_EL1, 4, 1, &F::UAO},          {ID_AA64MMFR2_EL1, 28, 1, &F::TTST},
    {ID_AA64MMFR2_EL1, 32, 1, &F::LSE2},        {ID_AA64MMFR2_EL1, 36, 1, &F::IDST},
    {ID_AA64MMFR2_EL1, 40, 1, &F::S2FWB},       {ID_AA64MMFR2_EL1, 48, 1, &F::TTL},
    {ID_AA64MMFR2_EL1, 52, 2, &F::BBM2},        {ID_AA64MMFR2_EL1, 56, 2, &F::EVT},
    {ID_AA64MMFR2_EL1, 60, 1, &F::E0PD},
};

u64 field(SysReg reg, unsigned lo, const CpuModel& cpu) { return bits(id_register(reg, cpu, 0), lo + 3, lo); }

}  // namespace

TEST_CASE("each claimed field implies its flag and each flag its field, on every model and with each flag alone") {
  std::vector<CpuModel> models(cpu_models().begin(), cpu_models().end());
  for (const Claim& claim : kClaims) {  // a synthetic CPU that has one extension only
    CpuModel one = *find_cpu("cortex-a53");
    one.features.*claim.flag = true;
    models.push_back(one);
    one.features.*claim.flag = false;
    models.push_back(one);
  }
  for (const CpuModel& cpu : models) {
    for (const Claim& claim : kClaims) {
      INFO(cpu.name << " " << sysreg_info(claim.reg).name << " bit " << claim.lo << " >= " << claim.least);
      const u64 value = field(claim.reg, claim.lo, cpu);
      if (cpu.features.*claim.flag) CHECK(value >= claim.least);
      // The other way: nothing but this flag, or one that names a higher value of the field, may claim it.
      bool allowed = false;
      for (const Claim& other : kClaims)
        allowed |=
            other.reg == claim.reg && other.lo == claim.lo && other.least >= claim.least && cpu.features.*other.flag;
      if (value >= claim.least) CHECK(allowed);
    }
  }
}

TEST_CASE("no field beyond the known ones is set") {
  std::map<SysReg, u64> known = {{ID_AA64PFR0_EL1, 0x0f0000ff},
                                 {ID_AA64DFR0_EL1, ~u64{0}},
                                 {ID_AA64MMFR0_EL1, 0xff0000ff},
                                 {ID_AA64MMFR2_EL1, 0xf000}};
  for (const Claim& claim : kClaims) known[claim.reg] |= u64{15} << claim.lo;
  for (unsigned i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    if (sysreg_info(reg).trap != TrapGroup::TID3) continue;
    for (const CpuModel& cpu : cpu_models()) {
      INFO(sysreg_info(reg).name << " on " << cpu.name);
      CHECK((id_register(reg, cpu, 0) & ~known[reg]) == 0);
    }
  }
}

TEST_CASE("AArch64 only: exception levels, and no AArch32 identification") {
  for (const CpuModel& cpu : cpu_models()) {
    CHECK((id_register(ID_AA64PFR0_EL1, cpu, 0) & 0xffff) == 0x0111);
    for (SysReg reg : {ID_PFR0_EL1, ID_ISAR0_EL1, ID_ISAR5_EL1, MVFR0_EL1, ID_MMFR3_EL1})
      CHECK(id_register(reg, cpu, 0) == 0);
  }
}

TEST_CASE("numbers: address size, debug resources, PMU, granules, caches") {
  const CpuModel a53 = *find_cpu("cortex-a53"), n1 = *find_cpu("neoverse-n1");
  CHECK(field(ID_AA64MMFR0_EL1, 0, a53) == 2);  // 40 bits
  CHECK(field(ID_AA64MMFR0_EL1, 0, n1) == 5);   // 48 bits
  CHECK(field(ID_AA64MMFR0_EL1, 4, a53) == 2);  // 16-bit ASIDs
  CHECK(field(ID_AA64MMFR0_EL1, 20, a53) == 0);
  CHECK(field(ID_AA64MMFR0_EL1, 24, a53) == 0);
  CHECK(field(ID_AA64DFR0_EL1, 8, a53) == 1);
  CHECK(field(ID_AA64DFR0_EL1, 8, n1) == 4);
  CHECK(field(ID_AA64DFR0_EL1, 12, a53) == 5);
  CHECK(field(ID_AA64DFR0_EL1, 20, a53) == 3);
  CHECK(field(ID_AA64DFR0_EL1, 28, a53) == 1);
  CpuModel no_64k = a53;
  no_64k.features.granule_64k = false;
  CHECK(field(ID_AA64MMFR0_EL1, 24, no_64k) == 15);
  CpuModel coherent = a53;
  coherent.features.idc = coherent.features.dic = true;
  CHECK(id_register(CTR_EL0, coherent, 0) == (a53.ctr | u64{3} << 28));
  // 32 KiB, 4 ways, 64-byte lines: 128 sets.
  CHECK((a53.ccsidr[0] & ones(28)) == (u64{127} << 13 | 3 << 3 | 2));
}

TEST_CASE("MPIDR_EL1 names the PE") {
  const CpuModel cpu = *find_cpu("max");
  CHECK(id_register(MPIDR_EL1, cpu, 0) == 0x80000000);
  CHECK(id_register(MPIDR_EL1, cpu, 5) == 0x80000005);
}

TEST_CASE("models are found by name") {
  for (const CpuModel& cpu : cpu_models()) {
    REQUIRE(find_cpu(cpu.name));
    CHECK(find_cpu(cpu.name)->midr == cpu.midr);
  }
  CHECK_FALSE(find_cpu("cortex-a99"));
}
