// frontends/scenario/run.h - executes a scenario: every variant with every seed.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"
#include "frontends/scenario/autopsy.h"
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
  u64 runs = 0;
  std::vector<Failure> failures;
  std::string
      story;  ///< of the seed that says most: the first that failed, else the first with a finding, else the first
  std::optional<Autopsy> autopsy;  ///< of the first finding of that seed that is no advice
  bool ok() const { return failures.empty(); }
};

/// The results of all variants, or of the one called `only`. Fails where a machine cannot be built as the file says.
Result<std::vector<VariantResult>, UserError> run_scenario(const Scenario& scenario, const Overrides& overrides,
                                                           std::string_view only = {});

}  // namespace farside::scenario
