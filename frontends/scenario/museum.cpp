// frontends/scenario/museum.cpp - finds an exhibit and reads it.
#include "frontends/scenario/museum.h"

#include <fmt/format.h>

#include "frontends/scenario/parse.h"

namespace farside::scenario {

Result<Scenario, UserError> load_exhibit(std::string_view name) {
  for (const Exhibit& exhibit : exhibits()) {
    if (exhibit.name == name) return parse_scenario(exhibit.text, fmt::format("museum/{}.scn", name));
  }
  return UserError{fmt::format("unknown exhibit {}: 'farside museum list' lists them", name)};
}

}  // namespace farside::scenario
