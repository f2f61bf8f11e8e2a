// core/arch/id_regs.cpp - the ID_AA64 registers as rows of fields, and the identity of each PE.
#include "core/arch/id_regs.h"

#include "core/base/bits.h"

namespace farside {
namespace {

using F = Features;
using enum SysReg;

constexpr IdField kFields[] = {
    {ID_AA64PFR0_EL1, 0, 1, &F::BASE},            // EL0: AArch64 only
    {ID_AA64PFR0_EL1, 4, 1, &F::BASE},            // EL1: AArch64 only
    {ID_AA64PFR0_EL1, 8, 1, &F::el2},             // EL2: AArch64 only
    {ID_AA64PFR0_EL1, 16, 1, &F::FP16},           // FP
    {ID_AA64PFR0_EL1, 20, 1, &F::FP16},           // AdvSIMD
    {ID_AA64PFR0_EL1, 24, 1, &F::gic_registers},  // GIC: system register interface
    {ID_AA64PFR0_EL1, 28, 1, &F::RAS},
    {ID_AA64PFR0_EL1, 48, 1, &F::DIT},
    {ID_AA64PFR0_EL1, 56, 1, &F::CSV2},
    {ID_AA64PFR0_EL1, 60, 1, &F::CSV3},
    {ID_AA64PFR1_EL1, 0, 1, &F::BTI},
    {ID_AA64PFR1_EL1, 4, 1, &F::SSBS},
    {ID_AA64PFR1_EL1, 4, 2, &F::SSBS2},
    {ID_AA64DFR0_EL1, 0, 6, &F::BASE},  // DebugVer
    {ID_AA64DFR0_EL1, 0, 7, &F::VHE},
    {ID_AA64DFR0_EL1, 36, 15, &F::BASE},  // no OS double lock
    {ID_AA64ISAR0_EL1, 4, 1, &F::AES},
    {ID_AA64ISAR0_EL1, 4, 2, &F::PMULL},
    {ID_AA64ISAR0_EL1, 8, 1, &F::SHA1},
    {ID_AA64ISAR0_EL1, 12, 1, &F::SHA256},
    {ID_AA64ISAR0_EL1, 12, 2, &F::SHA512},
    {ID_AA64ISAR0_EL1, 16, 1, &F::CRC32},
    {ID_AA64ISAR0_EL1, 20, 2, &F::LSE},
    {ID_AA64ISAR0_EL1, 28, 1, &F::RDM},
    {ID_AA64ISAR0_EL1, 32, 1, &F::SHA3},
    {ID_AA64ISAR0_EL1, 44, 1, &F::DotProd},
    {ID_AA64ISAR0_EL1, 48, 1, &F::FHM},
    {ID_AA64ISAR0_EL1, 52, 1, &F::FlagM},
    {ID_AA64ISAR0_EL1, 52, 2, &F::FlagM2},
    {ID_AA64ISAR0_EL1, 56, 1, &F::TLBIOS},
    {ID_AA64ISAR0_EL1, 56, 2, &F::TLBIRANGE},
    {ID_AA64ISAR0_EL1, 60, 1, &F::RNG},
    {ID_AA64ISAR1_EL1, 0, 1, &F::DPB},
    {ID_AA64ISAR1_EL1, 0, 2, &F::DPB2},
    {ID_AA64ISAR1_EL1, 8, 1, &F::PAuth},  // API
    {ID_AA64ISAR1_EL1, 12, 1, &F::JSCVT},
    {ID_AA64ISAR1_EL1, 16, 1, &F::FCMA},
    {ID_AA64ISAR1_EL1, 20, 1, &F::LRCPC},
    {ID_AA64ISAR1_EL1, 20, 2, &F::LRCPC2},
    {ID_AA64ISAR1_EL1, 28, 1, &F::PAuth},  // GPI
    {ID_AA64ISAR1_EL1, 32, 1, &F::FRINTTS},
    {ID_AA64ISAR1_EL1, 36, 1, &F::SB},
    {ID_AA64MMFR0_EL1, 4, 2, &F::BASE},  // ASIDBits: 16
    {ID_AA64MMFR0_EL1, 20, 1, &F::granule_16k},
    {ID_AA64MMFR1_EL1, 0, 2, &F::HAFDBS},
    {ID_AA64MMFR1_EL1, 4, 2, &F::VMID16},
    {ID_AA64MMFR1_EL1, 8, 1, &F::VHE},
    {ID_AA64MMFR1_EL1, 12, 1, &F::HPDS},
    {ID_AA64MMFR1_EL1, 16, 1, &F::LOR},  // with no LORegions: LORID_EL1 is 0
    {ID_AA64MMFR1_EL1, 20, 1, &F::PAN},
    {ID_AA64MMFR1_EL1, 20, 2, &F::PAN2},
    {ID_AA64MMFR1_EL1, 28, 1, &F::XNX},
    {ID_AA64MMFR2_EL1, 0, 1, &F::TTCNP},
    {ID_AA64MMFR2_EL1, 4, 1, &F::UAO},
    {ID_AA64MMFR2_EL1, 12, 1, &F::RAS},  // IESB comes with RAS here: SErrors are always taken synchronised
    {ID_AA64MMFR2_EL1, 28, 1, &F::TTST},
    {ID_AA64MMFR2_EL1, 32, 1, &F::LSE2},
    {ID_AA64MMFR2_EL1, 36, 1, &F::IDST},
    {ID_AA64MMFR2_EL1, 40, 1, &F::S2FWB},
    {ID_AA64MMFR2_EL1, 48, 1, &F::TTL},
    {ID_AA64MMFR2_EL1, 52, 2, &F::BBM2},
    {ID_AA64MMFR2_EL1, 56, 2, &F::EVT},
    {ID_AA64MMFR2_EL1, 60, 1, &F::E0PD},
};

u64 from_fields(SysReg reg, const Features& features) {
  u64 value = 0;
  for (const IdField& field : kFields) {
    if (field.reg != reg || !(features.*field.flag)) continue;
    if (bits(value, field.lo + 3, field.lo) < field.value)
      value = with_bits(value, field.lo + 3, field.lo, field.value);
  }
  return value;
}

u64 pa_range(u8 pa_bits) {
  constexpr u8 widths[] = {32, 36, 40, 42, 44, 48};
  for (u64 i = 0; i < std::size(widths); ++i)
    if (widths[i] == pa_bits) return i;
  return 5;
}

/// The fields that are numbers, not extensions.
u64 debug_numbers(const Features& f) {
  return u64{f.pmu_version} << 8 | u64{f.breakpoints - 1u} << 12 | u64{f.watchpoints - 1u} << 20 |
         u64{f.context_breakpoints - 1u} << 28;
}
u64 memory_numbers(const Features& f) {
  return pa_range(f.pa_bits) | u64{f.granule_64k ? 0u : 15u} << 24 | u64{f.granule_4k ? 0u : 15u} << 28;
}

}  // namespace

std::span<const IdField> id_fields() { return kFields; }

u64 id_register(SysReg reg, const CpuModel& cpu, u32 index) {
  const Features& f = cpu.features;
  switch (reg) {
    case MIDR_EL1:
    case VPIDR_EL2: return cpu.midr;
    case MPIDR_EL1:
    case VMPIDR_EL2: return u64{1} << 31 | index;  // bit 31 is RES1, U = 0: part of a multiprocessor system
    case CTR_EL0: return cpu.ctr | u64{f.idc} << 28 | u64{f.dic} << 29;
    case CLIDR_EL1: return cpu.clidr;
    case DCZID_EL0: return 4;  // 64 bytes
    case ID_AA64DFR0_EL1: return from_fields(reg, f) | debug_numbers(f);
    case ID_AA64MMFR0_EL1: return from_fields(reg, f) | memory_numbers(f);
    default: return from_fields(reg, f);
  }
}

}  // namespace farside
