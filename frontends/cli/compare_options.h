// frontends/cli/compare_options.h - what the command line of `farside compare` may say, and what it means.
#pragma once
#include <string>
#include <vector>

#include "frontends/cli/option_table.h"
#include "frontends/cli/options.h"

namespace farside::cli {

extern const CommandInfo kCompareCommand;

/// `farside compare`, checked as far as that is possible without opening a file.
struct CompareOptions {
  RunOptions run;                              ///< of each run; its policy is the last of the list
  std::vector<std::string> policies, icaches;  ///< all combinations are run; an empty word: each policy's own
  u64 max_instructions = 0, max_seconds = 0;   ///< bounds of one run
  std::string json, svg;                       ///< paths, or empty
};

/// `arguments` are those after the word `compare`.
Result<Parsed<CompareOptions>, UserError> parse_compare(const std::vector<std::string>& arguments);

}  // namespace farside::cli
