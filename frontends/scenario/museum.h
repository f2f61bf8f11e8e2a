// frontends/scenario/museum.h - exhibits: scenarios that come with the program, with a story and a fix.
#pragma once
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// The text of a file of tests/scenarios/museum, as it was when the program was built.
struct Exhibit {
  std::string_view name;  ///< of the file, without .scn
  std::string_view text;
};
/// All of them, by name. The definition is generated (embed.cmake).
std::span<const Exhibit> exhibits();
/// Fails with one line that says how to list them.
Result<Scenario, UserError> load_exhibit(std::string_view name);

}  // namespace farside::scenario
