// frontends/cli/compare_run.h - one run of a comparison: how it ended and what it counted.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "frontends/machine/config.h"

namespace farside::cli {

/// One figure of a run, as the table, the JSON file and the chart name it.
struct Figure {
  std::string_view key, title, remark = {};
  bool needs_caches = false;  ///< nothing to count where caches are not modelled
};
/// All figures, in the order of ComparedRun::values.
std::span<const Figure> figures();

/// What one event of the hypervisor is taken to cost, in instructions.
struct CostWeight {
  std::string_view key, text;
  u64 weight = 0;
};
std::span<const CostWeight> cost_weights();

/// How a run ended.
enum class Ending : u8 {
  Boots,  ///< the guest switched the machine off
  Dies,   ///< panic, reset, an exception that repeats for ever, or the hypervisor gave up
  NoEnd,  ///< neither within the limit of instructions or of host time
};

struct ComparedRun {
  std::string policy, icache;  ///< as given; icache may be empty
  Ending ending = Ending::Boots;
  std::string detail;                      ///< one line on how it ended
  std::vector<std::optional<u64>> values;  ///< by figures()
  double host_seconds = 0;
  /// "tvm", or "tvm, lazy" where the I-cache varies.
  std::string label() const { return icache.empty() ? policy : policy + ", " + icache; }
};

/// Bounds of one run.
struct CompareLimits {
  u64 instructions = 0;  ///< all cores together
  u64 host_seconds = 0;
};

/// Runs `config` under `policy` until it ends, dies or exceeds `limits`. Only host time makes a result depend on the
/// host, and then the ending says so.
Result<ComparedRun, UserError> run_compared(machine::MachineConfig config, const std::string& policy,
                                            const std::string& icache, const CompareLimits& limits);

}  // namespace farside::cli
