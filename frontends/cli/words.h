// frontends/cli/words.h - one command's arguments as options with values, and the rest.
#pragma once
#include <string>
#include <vector>
#define CXXOPTS_VECTOR_DELIMITER '\0'  // values may hold commas
#include <cxxopts.hpp>

#include "core/base/result.h"
#include "frontends/cli/option_table.h"

namespace farside::cli {

/// What the parser has made of the arguments.
struct Words {
  cxxopts::ParseResult result;
  bool has(const char* name) const { return result.count(name) != 0; }
  std::string text(const char* name) const { return has(name) ? result[name].as<std::string>() : std::string(); }
  std::vector<std::string> texts(const char* name) const {
    return has(name) ? result[name].as<std::vector<std::string>>() : std::vector<std::string>();
  }
  std::vector<std::string> rest() const { return texts("words"); }
};

/// Splits `arguments` by the table of `command`. Fails with one line on options that it does not have, with a guess at
/// what was meant.
Result<Words, UserError> split_words(const CommandInfo& command, const std::vector<std::string>& arguments);

}  // namespace farside::cli
