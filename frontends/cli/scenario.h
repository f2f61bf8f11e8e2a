// frontends/cli/scenario.h - `farside scenario`: runs scenario files and says which are as expected.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"

namespace farside::cli {

/// `arguments` are those after the word `scenario`. The status is 1 where something is not as expected.
Result<int, UserError> scenario_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
