// frontends/cli/option_table.h - options as data: one table declares them to the parser, prints them as help and
// supplies the names for "did you mean".
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace farside::cli {

/// One option. `argument` is empty for a flag. `fallback` is what holds when the option is absent; empty: nothing to
/// say.
struct OptionInfo {
  std::string_view group;  ///< heading in the help text; options of one group are neighbours
  std::string_view name;   ///< without dashes
  std::string_view argument;
  std::string_view fallback;
  std::string_view text;
  bool repeats = false;  ///< may be given several times
};

/// One command with its page of help.
struct CommandInfo {
  std::string_view name;     ///< "run"
  std::string_view summary;  ///< one line
  std::string_view usage;    ///< one line per form
  std::string_view intro;    ///< a paragraph
  std::span<const OptionInfo> options;
  std::string_view after;  ///< printed as it stands: keys, exit statuses, examples
};

extern const CommandInfo kRunCommand;
extern const CommandInfo kGuestCommand;

/// The command's page: usage, options by group, and the rest, at most 80 columns wide.
std::string help_page(const CommandInfo& command);
/// What `farside --help` prints.
std::string overview_page();

/// The candidate that is closest to `word` by edit distance; empty when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace farside::cli
