// core/arch/features.cpp - the CPUs that --cpu names: real identities and cache geometry, extensions as far as built.
#include "core/arch/features.h"

#include "core/base/bits.h"

namespace farside {
namespace {

/// CCSIDR_EL1 of a cache with 64-byte lines (32-bit format); bits 31:28 say WT, WB, RA, WA as the TRMs print them.
constexpr u64 ccsidr(u64 flags, u64 kib, u64 ways) {
  const u64 sets = kib * 1024 / ways / 64;
  return flags << 28 | (sets - 1) << 13 | (ways - 1) << 3 | 2;
}
constexpr u64 kData = 7, kInstruction = 2;

/// Split L1, unified L2, LoUU = LoUIS = 1, LoC = 2.
constexpr u64 kTwoLevels = 0x0a200023;

Features v8_0(u8 pa_bits) {
  Features f;
  f.pa_bits = pa_bits;
  return f;
}

Features neoverse_n1() {
  Features f = v8_0(48);
  f.LSE = f.RDM = f.PAN = f.PAN2 = f.HPDS = f.VMID16 = f.HAFDBS = f.VHE = f.LOR = true;
  f.UAO = f.DPB = f.FP16 = f.XNX = f.TTCNP = f.RAS = true;
  f.DotProd = f.LRCPC = f.SSBS = f.CSV2 = f.CSV3 = true;
  f.granule_16k = true;
  f.pmu_version = 4;
  return f;
}

/// Everything that farside implements. LSE2 is absent: unaligned ordered accesses always fault.
Features everything() {
  Features f = neoverse_n1();
  f.SHA512 = f.SHA3 = f.DPB2 = f.FHM = f.LRCPC2 = f.JSCVT = f.FCMA = f.PAuth = f.FlagM = f.FlagM2 = true;
  f.S2FWB = f.IDST = f.TTL = f.TTST = f.TLBIOS = f.TLBIRANGE = f.SB = f.SSBS2 = f.BTI = f.RNG = true;
  f.FRINTTS = f.DIT = f.E0PD = f.BBM2 = f.EVT = true;
  return f;
}

const CpuModel kModels[] = {
    {.name = "cortex-a53",
     .midr = 0x410fd034,
     .features = v8_0(40),
     .ctr = 0x84448004,
     .clidr = kTwoLevels,
     .ccsidr = {ccsidr(kData, 32, 4), ccsidr(kInstruction, 32, 2), ccsidr(kData, 512, 16), 0}},
    {.name = "cortex-a57",
     .midr = 0x411fd073,
     .features = v8_0(44),
     .ctr = 0x8444c004,
     .clidr = kTwoLevels,
     .ccsidr = {ccsidr(kData, 32, 2), ccsidr(kInstruction, 48, 3), ccsidr(kData, 2048, 16), 0}},
    {.name = "cortex-a72",
     .midr = 0x410fd083,
     .features = v8_0(44),
     .ctr = 0x8444c004,
     .clidr = kTwoLevels,
     .ccsidr = {ccsidr(kData, 32, 2), ccsidr(kInstruction, 48, 3), ccsidr(kData, 1024, 16), 0}},
    {.name = "neoverse-n1",
     .midr = 0x414fd0c1,
     .features = neoverse_n1(),
     .ctr = 0x8444c004,
     .clidr = kTwoLevels,
     .ccsidr = {ccsidr(kData, 64, 4), ccsidr(kInstruction, 64, 4), ccsidr(kData, 1024, 8), 0}},
    {.name = "max",
     .midr = 0x000ffa50,  // implementer 0 is reserved for software
     .features = everything(),
     .ctr = 0x8444c004,
     .clidr = kTwoLevels,
     .ccsidr = {ccsidr(kData, 64, 4), ccsidr(kInstruction, 64, 4), ccsidr(kData, 1024, 8), 0}},
};

}  // namespace

std::span<const CpuModel> cpu_models() { return kModels; }

std::optional<CpuModel> find_cpu(std::string_view name) {
  for (const CpuModel& model : kModels)
    if (model.name == name) return model;
  return std::nullopt;
}

}  // namespace farside
