// frontends/scenario/expect.h - compares a world with what a scenario expects of it.
#pragma once
#include <optional>
#include <string>

#include "frontends/scenario/world.h"

namespace farside::scenario {

/// Nothing when it holds; else what is there instead, on one line.
std::optional<std::string> mismatch(World& world, const Expect& expect);

}  // namespace farside::scenario
