// frontends/cli/compare_options.cpp - the words of `farside compare`, and which of them go to `run`.
#include "frontends/cli/compare_options.h"

#include <fmt/format.h>

#include <map>

namespace farside::cli {
namespace {

constexpr std::string_view kWhat = "What to compare", kResult = "The result", kBounds = "When a run ends",
                           kGeneral = "General";
constexpr std::string_view kDefaultPolicies = "none,dc,par,tvm,fwb";
constexpr u64 kDefaultInstructions = 5'000'000'000, kDefaultSeconds = 600;

constexpr OptionInfo kOptions[] = {
    {kWhat, "policy", "NAME[,NAME]", "none,dc,par,tvm,fwb",
     "The policies, as 'farside run --policy help' lists them. fwb needs --cpu max, which is the default."},
    {kWhat, "icache", "WHEN[,WHEN]", "each policy's own",
     "eager, lazy or both: when memory becomes executable. Both double the runs."},
    {kResult, "json", "FILE", "", "Write all figures as JSON, and what the modelled cost is made of."},
    {kResult, "svg", "FILE", "", "Write a bar chart for each figure that differs between the runs."},
    {kBounds, "max-insns", "N", "5000000000", "Give up a run after N instructions, all cores together."},
    {kBounds, "timeout", "SECONDS", "600", "Give up a run after so much host time. Results then depend on the host."},
    {kGeneral, "help", "", "", "Print this page."},
};

constexpr std::string_view kAfter = R"(All other options are those of 'farside run' and hold for each run: what to boot,
the machine, --cache, --knob, --seed, --without and so on. There is no terminal:
a named guest gets farside.run="true" on its command line and switches itself
off. A run ends early when the guest panics, resets, or takes one exception for
ever.

Exit status
  0    the comparison is complete, however its runs ended
  2    a mistake on the command line or in a file that it names

Examples
  farside compare debian --cache adversarial --json c.json --svg c.svg
  farside compare debian --policy tvm --icache eager,lazy --cache model
)";

/// Options of `run` that are about one run and its terminal.
constexpr std::string_view kNotHere[] = {
    "allow",     "el2",     "fail-on", "jit-stats",   "monitor",      "net",
    "no-reboot", "report",  "restore", "snapshot-at", "snapshot-dir", "state-hash",
    "stats",     "stop-on", "symbols", "trace",       "trace-file",
};

/// The words of `compare`, and those that `run` understands.
struct Words {
  std::map<std::string, std::string, std::less<>> own;
  std::vector<std::string> rest;
  bool has(std::string_view name) const { return own.find(name) != own.end(); }
  std::string text(std::string_view name) const { return has(name) ? own.find(name)->second : std::string(); }
};

const OptionInfo* own_option(std::string_view name) {
  for (const OptionInfo& option : kOptions)
    if (option.name == name) return &option;
  return nullptr;
}

Result<Words, UserError> split(const std::vector<std::string>& arguments) {
  Words words;
  for (usize i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const std::string_view bare = word.starts_with("--") ? std::string_view(word).substr(2) : std::string_view();
    const std::string_view name = bare.substr(0, bare.find('='));
    for (std::string_view other : kNotHere)
      if (name == other) return UserError{fmt::format("--{}: is for 'farside run', not for a comparison", name)};
    const OptionInfo* option = own_option(name);
    if (option == nullptr) {
      words.rest.push_back(word);
      continue;
    }
    if (words.has(name)) return UserError{fmt::format("--{} is given more than once", name)};
    std::string value;
    if (name.size() < bare.size()) {
      value = bare.substr(name.size() + 1);
    } else if (!option->argument.empty()) {
      if (++i == arguments.size()) return UserError{fmt::format("--{} needs a value", name)};
      value = arguments[i];
    }
    if (value.empty() && !option->argument.empty()) return UserError{fmt::format("--{} needs a value", name)};
    words.own[std::string(name)] = value;
  }
  return words;
}

std::vector<std::string> list(std::string_view text) {
  std::vector<std::string> out;
  for (;;) {
    const usize end = text.find(',');
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

Result<u64, UserError> bound(const Words& words, const char* name, u64 fallback) {
  if (!words.has(name)) return fallback;
  const u64 value = TRY(parse_number(name, words.text(name)));
  if (value == 0) return UserError{fmt::format("--{} 0: must be at least 1", name)};
  return value;
}

}  // namespace

const CommandInfo kCompareCommand{
    "compare",
    "boot a guest under several policies of the hypervisor, side by side",
    "farside compare [GUEST] [OPTION...]\nfarside compare --kernel FILE [OPTION...]",
    "Runs one guest once for each policy, with the same seed, and prints how each run ended, what the caches' "
    "sanitizer found, and how often the hypervisor had to act.",
    kOptions,
    kAfter,
};

// Each combination goes through the parser of `run`, so that a wrong name is found before anything is run.
Result<Parsed<CompareOptions>, UserError> parse_compare(const std::vector<std::string>& arguments) {
  const Words words = TRY(split(arguments));
  if (words.has("help")) return Parsed<CompareOptions>(TextRequest{help_page(kCompareCommand)});
  CompareOptions plan;
  plan.policies = list(words.has("policy") ? words.text("policy") : std::string(kDefaultPolicies));
  plan.icaches = list(words.text("icache"));
  for (const std::string& policy : plan.policies) {
    for (const std::string& icache : plan.icaches) {
      std::vector<std::string> one = words.rest;
      one.insert(one.end(), {"--policy", policy});
      if (words.has("icache")) one.insert(one.end(), {"--icache", icache});
      const auto parsed = TRY(parse_run(one));
      if (std::holds_alternative<TextRequest>(parsed))
        return UserError{"say 'farside run' with help: a comparison has no pages of its own"};
      plan.run = std::get<RunOptions>(parsed);
    }
  }
  plan.max_instructions = TRY(bound(words, "max-insns", kDefaultInstructions));
  plan.max_seconds = TRY(bound(words, "timeout", kDefaultSeconds));
  plan.json = words.text("json");
  plan.svg = words.text("svg");
  if (!plan.run.guest.empty() && plan.run.append.value_or("").find("farside.run=") == std::string::npos)
    plan.run.append = "farside.run=\"true\"" + (plan.run.append ? " " + *plan.run.append : "");
  return Parsed<CompareOptions>(std::move(plan));
}

}  // namespace farside::cli
