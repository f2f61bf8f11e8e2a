// frontends/cli/qemu_spelling.h - QEMU's single-dash options, rewritten as farside's own.
#pragma once
#include <string>
#include <vector>

#include "core/base/result.h"

namespace farside::cli {

/// Replaces `-kernel F` by `--kernel F`, `-m 1G` by `--memory 1G` and so on; drops what is always so here
/// (`-nographic`, `-M virt`); refuses by name what farside does not have. Other options with one
/// dash get their second; anything else passes through.
Result<std::vector<std::string>, UserError> translate_qemu_spelling(const std::vector<std::string>& arguments);

}  // namespace farside::cli
