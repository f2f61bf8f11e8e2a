// frontends/cli/scenario_options.h - the options of `farside scenario` and `farside museum`.
#pragma once
#include "frontends/cli/option_table.h"

namespace farside::cli {

extern const CommandInfo kScenarioCommand;
extern const CommandInfo kMuseumCommand;

}  // namespace farside::cli
