// frontends/scenario/run.h - executes a scenario: every variant with every seed.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"
#include "frontends/scenario/config.h"
#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// Something that did not go as the file says.
struct Failure {
  std::optional<u64> seed;  ///< none: no seed did
  unsigned line = 0;
  std::string text;
};

/// One variant, all its seeds.
struct VariantResult {
  std::string name, title;
  bool skipped = false;  ///< the engine that was asked for cannot run it
  u64 runs = 0;
  std::vector<Failure> failures;
  std::string story;  ///< --explain: steps, walks, reports and lines of the first seed, or of the first that failed
  bool ok() const { return failures.empty(); }
};

/// The results of all variants, or of the one called `only`. Fails where a machine cannot be built as the file says.
Result<std::vector<VariantResult>, UserError> run_scenario(const Scenario& scenario, const Overrides& overrides,
                                                           std::string_view only = {});

}  // namespace farside::scenario
