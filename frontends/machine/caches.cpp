// frontends/machine/caches.cpp - from profile, knobs and CPU name to the caches of a machine.
#include "frontends/machine/caches.h"

#include "cache/id.h"
#include "core/base/bits.h"

namespace farside::machine {

Result<CacheSetup, UserError> cache_setup(const MachineConfig& config) {
  CacheSetup setup;
  setup.knobs = TRY(cache::profile(config.cache));
  // Without a hypervisor nobody else maps the guest's memory.
  if (config.el2 == El2Mode::None) setup.knobs.host_alias = cache::Switch::Off;
  for (const std::string& knob : config.knobs) TRY_VOID(cache::set_knob(setup.knobs, knob));
  if (!setup.modelled()) {
    if (!config.knobs.empty())
      return UserError{fmt::format("--knob {}: needs caches: --cache coherent, model or adversarial", config.knobs[0])};
    return setup;
  }
  if (config.engine == Engine::Jit) return UserError{"--engine jit: modelled caches need --engine interp"};
  const auto geometry = cache::preset(config.cpu);
  if (!geometry) return UserError{fmt::format("--cache {}: the caches of {} are not known", config.cache, config.cpu)};
  setup.geometry = *geometry;
  return setup;
}

void identify_caches(const CacheSetup& setup, CpuModel& cpu) {
  if (!setup.modelled()) {
    cpu.features.idc = cpu.features.dic = true;
    return;
  }
  cpu.features.idc = setup.geometry.idc;
  cpu.features.dic = setup.geometry.dic;
  cpu.ctr = cache::ctr(setup.geometry) & ~(u64{3} << 28);
  cpu.clidr = cache::clidr(setup.geometry);
  for (u64 select = 0; select < 3; ++select) cpu.ccsidr[select] = cache::ccsidr(setup.geometry, select);
  cpu.ccsidr[3] = 0;
}

}  // namespace farside::machine
