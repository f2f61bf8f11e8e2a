// frontends/machine/caches.h - which caches and TLBs the machine has: geometry of the CPU, choices of the profile and
// of
// --knob.
#pragma once
#include "cache/config.h"
#include "cache/knobs.h"
#include "core/arch/features.h"
#include "core/base/result.h"
#include "frontends/machine/config.h"
#include "mmu/knobs.h"

namespace farside::machine {

struct CacheSetup {
  cache::Config geometry{};
  cache::Knobs knobs{};
  mmu::Knobs mmu{};  ///< of the TLBs, whether caches are modelled or not
  bool modelled() const { return knobs.model == cache::Switch::On; }
};

/// Reads `config.cache`, `config.knobs`, and `config.cache_config` or the preset of `config.cpu`.
Result<CacheSetup, UserError> cache_setup(const MachineConfig& config);
/// Makes CTR_EL0, CLIDR_EL1 and CCSIDR_EL1 true. Without modelled caches all copies of a byte are one, but for those
/// that CodeMode::Arch makes, and CTR_EL0.IDC and DIC say so.
void identify_caches(const CacheSetup& setup, CodeMode code, CpuModel& cpu);

}  // namespace farside::machine
