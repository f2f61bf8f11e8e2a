// frontends/scenario/act.h - carries out one step of a scenario.
#pragma once
#include <optional>
#include <string>

#include "frontends/scenario/world.h"

namespace farside::scenario {

/// Everything but an expectation. Nothing when it was done; else why it could not be, on one line.
std::optional<std::string> carry_out(World& world, const Act& act);

}  // namespace farside::scenario
