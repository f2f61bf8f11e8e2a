// frontends/scenario/config.cpp - the keys of machine and variant lines.
#include "frontends/scenario/config.h"

#include <fmt/format.h>

#include <filesystem>

#include "firmware/hyp/policy.h"
#include "frontends/scenario/words.h"
#include "mmu/knobs.h"

namespace farside::scenario {
namespace {

using machine::El2Mode, machine::Engine, machine::MachineConfig;

/// Null for a member that is not a yes-or-no switch.
bool* as_switch(bool& member) { return &member; }
template <class T>
bool* as_switch(T&) {
  return nullptr;
}

/// A yes-or-no switch of firmware/hyp/policy.def by name, or null.
bool* find_switch(hyp::Policy& policy, std::string_view name) {
#define SWITCH(type, member, v7_2012, v8_2014, k6_1, k6_2, text) \
  if (name == #member) return as_switch(policy.member);
#include "firmware/hyp/policy.def"
#undef SWITCH
  return nullptr;
}

bool is_switch(std::string_view name) {
  hyp::Policy policy;
  return find_switch(policy, name) != nullptr;
}

/// `without=P1,P3`, or a switch of the policy instead of a piece.
bool leave_out(MachineConfig& config, std::string_view list) {
  while (!list.empty()) {
    const usize comma = std::min(list.find(','), list.size());
    const std::string name(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (hyp::find_piece(name)) {
      config.without.push_back(name);
    } else if (is_switch(name)) {
      config.change_policy = [name, before = config.change_policy](hyp::Policy& policy) {
        if (before) before(policy);
        *find_switch(policy, name) = false;
      };
    } else {
      return false;
    }
  }
  return true;
}

/// Null, or what was expected.
const char* apply(const Scenario& scenario, VariantConfig& variant, const Setting& setting) {
  MachineConfig& config = variant.machine;
  const std::string& key = setting.key;
  const std::string& value = setting.value;
  const auto number = decimal_of(value);
  if (key == "cpu") return config.cpu = value, nullptr;
  if (key == "policy") return config.policy = value, nullptr;
  if (key == "cache") return config.cache = value, nullptr;
  if (key == "code" && (value == "arch" || value == "coherent")) {
    config.code = value == "arch" ? machine::CodeMode::Arch : machine::CodeMode::Coherent;
    return nullptr;
  }
  if (key == "icache") return config.icache = value, nullptr;
  if (key == "cmo_ro") return config.cmo_ro = value, nullptr;
  if (key == "caches") {
    config.cache_config = (std::filesystem::path(scenario.file).parent_path() / value).string();
    return nullptr;
  }
  if (key == "knob") return config.knobs.push_back(value), nullptr;
  if (key == "without") return leave_out(config, value) ? nullptr : "P1 to P8 or a switch of the policy";
  if (key == "thp" && (value == "always" || value == "never")) {
    config.thp = value == "always" ? machine::ThpMode::Always : machine::ThpMode::Never;
    return nullptr;
  }
  if (key == "cpus" && number) return config.cpus = static_cast<u32>(*number), nullptr;
  if (key == "pcpus" && number) return config.pcpus = static_cast<u32>(*number), nullptr;
  if (key == "memory" && size_of(value)) return config.memory = *size_of(value), nullptr;
  if (key == "el2" && (value == "kvm" || value == "none" || value == "bare")) {
    config.el2 = value == "none" ? El2Mode::None : El2Mode::Kvm;
    variant.bare = value == "bare";
    return nullptr;
  }
  return "cpu, cpus, pcpus, memory, el2, policy, without, icache, cmo_ro, thp, cache, code, caches or knob, with a "
         "value that it has";
}

bool is_mmu_knob(std::string_view assignment) {
  const usize equals = assignment.find('=');
  mmu::Knobs knobs;
  const auto known = mmu::set_knob(knobs, assignment.substr(0, equals),
                                   equals == std::string_view::npos ? "" : assignment.substr(equals + 1));
  return !known || *known;
}

bool names_policy(const Variant& variant) {
  for (const Setting& setting : variant.settings) {
    if (setting.key == "policy" || setting.key == "without") return true;
  }
  return false;
}

}  // namespace

Result<VariantConfig, UserError> make_config(const Scenario& scenario, const Variant& variant,
                                             const Overrides& overrides) {
  VariantConfig out;
  MachineConfig& config = out.machine;
  config.cpu = "cortex-a72";
  config.memory = u64{32} << 20;
  config.thp = machine::ThpMode::Never;
  for (const auto* settings : {&scenario.machine, &variant.settings}) {
    for (const Setting& setting : *settings) {
      if (const char* expected = apply(scenario, out, setting)) {
        return UserError{fmt::format("{}:{}: expected {}, found '{}={}'", scenario.file, setting.line, expected,
                                     setting.key, setting.value)};
      }
    }
  }
  config.engine = overrides.engine;
  config.jit.threshold = 0;  // what runs once is translated too, in blocks that fit in a piece
  out.piece = overrides.piece;
  if (out.piece == 1) config.jit.longest = 1;
  if (config.cache == "off") {  // what concerns caches is for the variants that have them
    std::erase_if(config.knobs, [](const std::string& knob) { return !is_mmu_knob(knob); });
    config.cache_config.clear();
  }
  if (!overrides.policy.empty() && !names_policy(variant)) config.policy = overrides.policy;
  return out;
}

}  // namespace farside::scenario
