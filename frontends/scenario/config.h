// frontends/scenario/config.h - machine and variant lines as a machine's config.
#pragma once
#include "core/base/result.h"
#include "frontends/machine/config.h"
#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// How much a run tells about itself.
enum class Detail : u8 {
  None,
  Events,  ///< notes, steps, exits, findings
  All,     ///< and walks, and the lives of lines
};

/// What the command line of `farside scenario run` changes.
struct Overrides {
  std::string policy;       ///< in place of the policy of variants that name none; empty: as the file says
  std::optional<u64> seed;  ///< this one only
  machine::Engine engine = machine::Engine::Interp;
  u64 piece = 1;  ///< instructions that a step to a branch to itself runs at once; silicon acts in between
  Detail detail = Detail::None;
};

/// Where RAM begins for the guest, and the host's RAM under a hypervisor.
constexpr u64 kGuestRam = 0x4000'0000, kHostRam = u64{1} << 32;

/// The machine of one variant.
struct VariantConfig {
  machine::MachineConfig machine;
  /// EL2 is the runner's: stage 2 is what the `s2` lines say, and an exit ends a run step.
  bool bare = false;
  u64 piece = 1;  ///< as Overrides has it
};
Result<VariantConfig, UserError> make_config(const Scenario& scenario, const Variant& variant,
                                             const Overrides& overrides);

}  // namespace farside::scenario
