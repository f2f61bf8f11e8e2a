// frontends/cli/compare.h - `farside compare`: one guest under several policies of the hypervisor, side by side.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"

namespace farside::cli {

/// `arguments` are those after the word `compare`. Runs the guest once for each policy and each way of handling the
/// I-cache, prints a table, and writes the files that were asked for. The exit status is 0 however the runs ended.
Result<int, UserError> compare_command(const std::vector<std::string>& arguments);

}  // namespace farside::cli
