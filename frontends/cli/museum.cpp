// frontends/cli/museum.cpp - lists the exhibits, and tells one: the story, the run without the fix and with it.
#include "frontends/cli/museum.h"

#include <fmt/format.h>

#include "frontends/cli/options.h"
#include "frontends/cli/run.h"
#include "frontends/cli/scenario.h"
#include "frontends/cli/scenario_options.h"
#include "frontends/cli/words.h"
#include "frontends/scenario/museum.h"
#include "frontends/scenario/run.h"

namespace farside::cli {
namespace {

using scenario::Scenario, scenario::VariantResult;

constexpr usize kColumns = 100;

/// `text` in lines of at most kColumns, each behind `margin` spaces.
std::string paragraph(std::string_view text, usize margin) {
  std::string out, line(margin, ' ');
  while (!text.empty()) {
    const usize end = std::min(text.find(' '), text.size());
    if (line.size() + end > kColumns && line.size() > margin) {
      out += line + "\n";
      line.assign(margin, ' ');
    }
    line += fmt::format("{}{}", line.size() > margin ? " " : "", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + line + "\n";
}

Result<int, UserError> list() {
  for (const scenario::Exhibit& exhibit : scenario::exhibits()) {
    const Scenario scenario = TRY(scenario::load_exhibit(exhibit.name));
    fmt::print("{:<28} {}\n{:<28} {}\n", exhibit.name, scenario.title, "", scenario.source);
  }
  return 0;
}

void print_autopsy(const scenario::Autopsy& autopsy) {
  fmt::print("\n  The corrupt byte\n    {} at {}: seen {}, should be {}\n    seen by    {}\n", autopsy.finding,
             autopsy.where, autopsy.seen, autopsy.expected, autopsy.reader);
  if (!autopsy.writer.empty()) fmt::print("    written by {}\n", autopsy.writer);
  fmt::print("  The life of its line\n");
  for (const std::string& event : autopsy.life) fmt::print("    {}\n", event);
  fmt::print("  What is missing\n{}", paragraph(autopsy.missing, 4));
}

/// True when the run was what the exhibit says.
bool print_run(const VariantResult& result, bool fixed) {
  fmt::print("\n{}: {}\n{}", fixed ? "Fix on" : "Fix off", result.title, result.story);
  if (result.autopsy) print_autopsy(*result.autopsy);
  if (result.ok()) {
    fmt::print("\n  {} seed{}: {}.\n", result.runs, result.runs == 1 ? "" : "s",
               fixed ? "right each time" : "as the story says");
    return true;
  }
  fmt::print("\n  NOT what this exhibit is known for:\n");
  for (const auto& failure : result.failures) fmt::print("    line {}: {}\n", failure.line, failure.text);
  return false;
}

Result<int, UserError> tell(const std::string& name, const Words& words) {
  const Scenario scenario = TRY(scenario::load_exhibit(name));
  const std::string fix = words.text("fix");
  if (!fix.empty() && fix != "on" && fix != "off")
    return UserError{fmt::format("--fix {}: must be one of on, off", fix)};
  scenario::Overrides overrides{.detail = scenario::Detail::Events};
  overrides.engine = TRY(engine_of(words));
  if (words.has("seed")) overrides.seed = TRY(parse_number("seed", words.text("seed")));
  fmt::print("{}: {}\n{}\n{}", name, scenario.title, paragraph(scenario.source, 0), paragraph(scenario.story, 0));
  bool known = true;
  for (const scenario::Variant& variant : scenario.variants) {
    if (!variant.fixed || (!fix.empty() && *variant.fixed != (fix == "on"))) continue;
    for (const VariantResult& result : TRY(scenario::run_scenario(scenario, overrides, variant.name)))
      known = print_run(result, *variant.fixed) && known;
  }
  return known ? 0 : kExitStuck;
}

}  // namespace

Result<int, UserError> museum_command(const std::vector<std::string>& arguments) {
  const Words words = TRY(split_words(kMuseumCommand, arguments));
  if (words.has("help")) return fmt::print("{}", help_page(kMuseumCommand)), 0;
  const auto rest = words.rest();
  if (rest.size() == 1 && rest[0] == "list") return list();
  if (rest.size() == 2 && rest[0] == "run") return tell(rest[1], words);
  return UserError{"say 'farside museum list' or 'farside museum run NAME'"};
}

}  // namespace farside::cli
