// frontends/cli/scenario_options.h - the options of `farside scenario`.
#pragma once
#include "frontends/cli/option_table.h"

namespace farside::cli {

extern const CommandInfo kScenarioCommand;

}  // namespace farside::cli
