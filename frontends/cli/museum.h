// frontends/cli/museum.h - `farside museum`: famous corruptions, each with the fix on and off.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"

namespace farside::cli {

/// `arguments` are those after the word `museum`. The status is 1 where an exhibit does not do what it is known for.
Result<int, UserError> museum_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
