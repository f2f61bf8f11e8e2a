// frontends/cli/scenario.h - `farside scenario`: runs scenario files and says which are as expected.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"
#include "frontends/cli/words.h"
#include "frontends/machine/config.h"

namespace farside::cli {

/// `--engine` of the commands that run scenarios: interp, unless it says jit.
Result<machine::Engine, UserError> engine_of(const Words& words);

/// `arguments` are those after the word `scenario`. The status is 1 where something is not as expected.
Result<int, UserError> scenario_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
