// core/arch/features.h - which architecture extensions a CPU model has; ID registers are derived from it.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "core/base/types.h"

namespace farside {

/// One flag per extension that farside implements, named as the Arm ARM's FEAT_ names. A model never claims more.
struct Features {
  bool BASE = true;  ///< ARMv8.0-A itself
  bool AES = true, PMULL = true, SHA1 = true, SHA256 = true, CRC32 = true;
  bool SHA512 = false, SHA3 = false;
  bool LSE = false, RDM = false, PAN = false, PAN2 = false, HPDS = false, VMID16 = false, HAFDBS = false, VHE = false;
  bool UAO = false, DPB = false, DPB2 = false, FP16 = false, DotProd = false, FHM = false;
  bool LOR = false, LRCPC = false, LRCPC2 = false, JSCVT = false, FCMA = false, PAuth = false, FlagM = false,
       FlagM2 = false;
  bool XNX = false, S2FWB = false, IDST = false, TTCNP = false, TTL = false, TTST = false, TLBIOS = false,
       TLBIRANGE = false;
  bool SB = false, SSBS = false, SSBS2 = false, BTI = false, RNG = false, FRINTTS = false, DIT = false, E0PD = false;
  bool CSV2 = false, CSV3 = false, RAS = false, BBM2 = false, EVT = false, LSE2 = false;
  bool granule_4k = true, granule_16k = false, granule_64k = true;
  u8 pa_bits = 40;  ///< 32, 36, 40, 42, 44 or 48
  u8 breakpoints = 6, watchpoints = 4, context_breakpoints = 2;
  u8 pmu_counters = 6;            ///< event counters beside the cycle counter
  u8 pmu_version = 1;             ///< ID_AA64DFR0_EL1.PMUVer: 1 = PMUv3, 4 = PMUv3p1
  bool gic_registers = true;      ///< ICC_*_EL1; false where the machine's interrupt controller has none
  bool idc = false, dic = false;  ///< CTR_EL0.IDC and DIC; set by the machine when caches are not modelled
  bool el2 = true;
};

/// One CPU that `--cpu` names.
struct CpuModel {
  std::string_view name;
  u64 midr;  ///< MIDR_EL1
  Features features;
  u64 ctr;        ///< CTR_EL0 without IDC and DIC
  u64 clidr;      ///< CLIDR_EL1
  u64 ccsidr[4];  ///< L1D, L1I, L2, L3 (0 where absent)
};

/// All models, in the order in which `--cpu help` prints them.
std::span<const CpuModel> cpu_models();
/// The model called `name`, if there is one.
std::optional<CpuModel> find_cpu(std::string_view name);

}  // namespace farside
