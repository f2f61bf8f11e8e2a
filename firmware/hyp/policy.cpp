// firmware/hyp/policy.cpp - the four presets, built from the columns of policy.def.
#include "firmware/hyp/policy.h"

#include <array>

namespace farside::hyp {
namespace {

struct Presets : Policy {
  static Policy v7_2012() {
    Policy p{.era = "v7-2012", .complete = false};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = v7_2012;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
  static Policy v8_2014() {
    Policy p{.era = "v8-2014", .complete = false};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = v8_2014;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
  static Policy k6_2() {
    Policy p{.era = "k6.2", .complete = false};
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) p.name = k6_2;
#include "firmware/hyp/policy.def"
#undef SWITCH
    return p;
  }
};

constexpr SwitchInfo kSwitches[] = {
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) {#name, text},
#include "firmware/hyp/policy.def"
#undef SWITCH
};

}  // namespace

std::span<const Policy> policies() {
  static const std::array<Policy, 4> presets = {Presets::v7_2012(), Presets::v8_2014(), Policy{}, Presets::k6_2()};
  return presets;
}

std::optional<Policy> find_policy(std::string_view era) {
  for (const Policy& policy : policies())
    if (policy.era == era) return policy;
  return std::nullopt;
}

std::span<const SwitchInfo> policy_switches() { return kSwitches; }

}  // namespace farside::hyp
