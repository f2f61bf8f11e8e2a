// frontends/machine/caches.cpp - from profile, knobs and CPU name to the caches of a machine.
#include "frontends/machine/caches.h"

#include "cache/id.h"
#include "core/base/bits.h"
#include "firmware/boot/loader.h"

namespace farside::machine {
namespace {

/// `name=value`: a choice of the caches, or of MMU and TLBs.
Result<void, UserError> apply_knob(CacheSetup& setup, std::string_view assignment) {
  const usize equals = assignment.find('=');
  if (equals == std::string_view::npos) return UserError{fmt::format("--knob {}: write NAME=VALUE", assignment)};
  const std::string_view name = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  if (TRY(cache::set_knob(setup.knobs, name, value))) {
    if (setup.modelled()) return {};
    return UserError{fmt::format("--knob {}: needs caches: --cache coherent, model or adversarial", assignment)};
  }
  if (TRY(mmu::set_knob(setup.mmu, name, value))) return {};
  return UserError{fmt::format("--knob {}: there is no such knob; --knob help lists them", assignment)};
}

}  // namespace

Result<CacheSetup, UserError> cache_setup(const MachineConfig& config) {
  CacheSetup setup;
  if (config.code && config.cache != "off") {
    return UserError{
        fmt::format("--code: with --cache {} the caches decide what instruction fetches see: leave out one of the two",
                    config.cache)};
  }
  setup.knobs = TRY(cache::profile(config.cache));
  // Without a hypervisor nobody else maps the guest's memory.
  if (config.el2 == El2Mode::None) setup.knobs.host_alias = cache::Switch::Off;
  setup.mmu.seed = config.seed;
  for (const std::string& knob : config.knobs) TRY_VOID(apply_knob(setup, knob));
  if (!setup.modelled()) {
    if (config.cache_config.empty()) return setup;
    return UserError{
        fmt::format("--cache-config {}: needs caches: --cache coherent, model or adversarial", config.cache_config)};
  }
  if (!config.cache_config.empty()) {
    const std::vector<u8> text = TRY(boot::read_file(config.cache_config, "cache-config"));
    setup.geometry =
        TRY(cache::parse_config({reinterpret_cast<const char*>(text.data()), text.size()}, config.cache_config));
    return setup;
  }
  const auto geometry = cache::preset(config.cpu);
  if (!geometry) return UserError{fmt::format("--cache {}: the caches of {} are not known", config.cache, config.cpu)};
  setup.geometry = *geometry;
  return setup;
}

void identify_caches(const CacheSetup& setup, CodeMode code, CpuModel& cpu) {
  if (!setup.modelled()) {
    cpu.features.idc = true;
    cpu.features.dic = code == CodeMode::Coherent;
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
