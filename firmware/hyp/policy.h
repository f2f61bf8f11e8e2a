// firmware/hyp/policy.h - eras and historical fixes of KVM/arm as named switches; presets are rows of policy.def.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "core/base/types.h"

namespace farside::hyp {

/// Which stage-2 aborts count as writes (kvm_is_write_fault).
enum class WriteFaultRule : u8 {
  UnlessKnownRead,  ///< 2012: everything but fetches and aborts with ISV = 1 and WnR = 0
  Wnr,              ///< 2014: WnR of data aborts
  DataWalkIsWrite,  ///< 2016: and any S1PTW of a data access
  AnyWalkIsWrite,   ///< 2020: and any S1PTW of a fetch
  WalkByType,       ///< 2023: S1PTW is a write for permission faults only
};

/// Cache operations by VA on an IPA without usable memory (table 2.2).
enum class CmoRule : u8 {
  NotHandled,    ///< treated as MMIO
  SkipUnusable,  ///< 2016: skipped on holes and on read-only slots
  SkipHoles,     ///< 2020: skipped on holes only
};

/// When a new cacheable mapping is cleaned and invalidated to the PoC.
enum class CleanAtMap : u8 { Never, CachesOff, Always };

/// One era with all its switches. Copy a preset and flip single switches to reproduce a bug.
struct Policy {
  using enum WriteFaultRule;
  using enum CmoRule;
  using enum CleanAtMap;
  std::string_view era = "k6.1";
  bool complete = true;  ///< false: this build does not implement the era fully; front ends refuse it
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) type name = k6_1;
#include "firmware/hyp/policy.def"
#undef SWITCH
};

/// All presets: `v7-2012`, `v8-2014`, `k6.1` (complete, the default) and `k6.2`.
std::span<const Policy> policies();
/// The preset called `era`, if there is one.
std::optional<Policy> find_policy(std::string_view era);

/// One switch as text, for `--policy help` and traces.
struct SwitchInfo {
  std::string_view name, text;
};
std::span<const SwitchInfo> policy_switches();

}  // namespace farside::hyp
