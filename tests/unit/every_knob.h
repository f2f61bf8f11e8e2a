// tests/unit/every_knob.h - what any table of knobs must hold to.
#pragma once
#include <algorithm>
#include <string>

#include "core/base/knob.h"
#include "tests/unit/catch.h"

namespace farside {

/// Sets each knob to each value that `table` lists (of a range: both ends), through `set`, and looks for it in `print`.
template <class Knobs, class Set, class Print>
void check_every_knob(const std::vector<KnobInfo>& table, Set set, Print print) {
  Knobs knobs;
  for (const KnobInfo& knob : table) {
    CHECK_FALSE(knob.text.empty());
    std::string values = knob.values;
    if (const usize dots = values.find(".."); dots != std::string::npos) values.replace(dots, 2, "|");
    while (!values.empty()) {
      const std::string value = values.substr(0, values.find('|'));
      INFO(knob.name << "=" << value);
      const auto done = set(knobs, knob.name, value);
      REQUIRE(done.ok());
      CHECK(*done);
      const auto printed = print(knobs);
      CHECK(std::find(printed.begin(), printed.end(), std::string(knob.name) + "=" + value) != printed.end());
      values = values.find('|') == std::string::npos ? "" : values.substr(values.find('|') + 1);
    }
  }
}

}  // namespace farside
