// frontends/scenario/parse.h - from the text of a scenario file to plain structs.
#pragma once
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "frontends/scenario/scenario.h"
#include "frontends/scenario/words.h"

namespace farside::scenario {

/// Reads docs/scenario-format.md's format. `file` names the text in errors, which are `file:line: expected ...`. Each
/// instruction word is compared with its mnemonic as Capstone prints it.
Result<Scenario, UserError> parse_scenario(std::string_view text, std::string file);
/// The same from a file.
Result<Scenario, UserError> load_scenario(const std::string& path);

/// A line that acts or expects, without its `[variants]`; `scenario` has the code so far.
Result<Act, UserError> parse_act(Words& words, const Scenario& scenario);
/// What follows the word `expect`.
Result<Expect, UserError> parse_expect(Words& words);

}  // namespace farside::scenario
