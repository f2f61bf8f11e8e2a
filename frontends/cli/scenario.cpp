// frontends/cli/scenario.cpp - finds the files, runs them in order, prints a line for each variant and a count.
#include "frontends/cli/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "frontends/cli/run.h"
#include "frontends/cli/scenario_options.h"
#include "frontends/cli/words.h"
#include "frontends/scenario/parse.h"
#include "frontends/scenario/run.h"

namespace farside::cli {
namespace {

namespace fs = std::filesystem;
using scenario::Failure, scenario::Overrides, scenario::VariantResult;

/// The .scn files below `path` in alphabetical order, or `path` itself.
Result<std::vector<std::string>, UserError> files_of(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return UserError{fmt::format("{}: there is no such file or folder", path)};
  if (!fs::is_directory(status)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".scn") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) return UserError{fmt::format("{}: holds no .scn file", path)};
  return files;
}

void print_failures(const std::string& file, const VariantResult& result) {
  constexpr usize kMost = 3;
  for (usize i = 0; i < std::min(kMost, result.failures.size()); ++i) {
    const Failure& failure = result.failures[i];
    const std::string seed = failure.seed ? fmt::format(" seed {}:", *failure.seed) : "";
    fmt::print("      {}:{}:{} {}\n", file, failure.line, seed, failure.text);
  }
  if (result.failures.size() > kMost) fmt::print("      and {} more\n", result.failures.size() - kMost);
}

void print_result(const std::string& file, const VariantResult& result) {
  const std::string_view verdict = result.ok() ? "ok" : "RED";
  const std::string title = result.title.empty() ? "" : ": " + result.title;
  fmt::print("{:<5} {} {}{} ({} seed{})\n", verdict, file, result.name, title, result.runs,
             result.runs == 1 ? "" : "s");
  print_failures(file, result);
  if (!result.story.empty()) fmt::print("{}", result.story);
}

struct Totals {
  usize files = 0, variants = 0, red = 0;
  u64 runs = 0;
};

Result<void, UserError> run_file(const std::string& file, const Overrides& overrides, std::string_view only,
                                 Totals& totals) {
  const scenario::Scenario scenario = TRY(scenario::load_scenario(file));
  const auto results = TRY(scenario::run_scenario(scenario, overrides, only));
  ++totals.files;
  for (const VariantResult& result : results) {
    print_result(file, result);
    ++totals.variants;
    totals.red += !result.ok();
    totals.runs += result.runs;
  }
  return {};
}

constexpr u64 kMostPiece = 1000;

Result<Overrides, UserError> overrides_of(const Words& words) {
  Overrides overrides{.policy = words.text("policy"),
                      .detail = words.has("explain") ? scenario::Detail::All : scenario::Detail::None};
  if (words.has("seed")) overrides.seed = TRY(parse_number("seed", words.text("seed")));
  overrides.engine = TRY(engine_of(words));
  if (words.has("piece")) {
    overrides.piece = TRY(parse_number("piece", words.text("piece")));
    if (overrides.piece < 1 || overrides.piece > kMostPiece)
      return UserError{fmt::format("--piece {}: 1 to {} instructions", overrides.piece, kMostPiece)};
  }
  return overrides;
}

}  // namespace

Result<machine::Engine, UserError> engine_of(const Words& words) {
  const std::string engine = words.text("engine");
  if (engine == "jit") return machine::Engine::Jit;
  if (!words.has("engine") || engine == "interp") return machine::Engine::Interp;
  return UserError{fmt::format("--engine {}: must be one of interp, jit", engine)};
}

Result<int, UserError> scenario_command(const std::vector<std::string>& arguments) {
  const Words words = TRY(split_words(kScenarioCommand, arguments));
  if (words.has("help")) return fmt::print("{}", help_page(kScenarioCommand)), 0;
  const auto rest = words.rest();
  if (rest.size() < 2 || rest[0] != "run") return UserError{"say 'farside scenario run FILE|FOLDER...'"};
  const Overrides overrides = TRY(overrides_of(words));
  Totals totals;
  for (usize i = 1; i < rest.size(); ++i) {
    for (const std::string& file : TRY(files_of(rest[i]))) {
      TRY_VOID(run_file(file, overrides, words.text("variant"), totals));
    }
  }
  fmt::print("{} scenario{}, {} variants, {} runs: {}\n", totals.files, totals.files == 1 ? "" : "s", totals.variants,
             totals.runs, totals.red == 0 ? "all as expected" : fmt::format("{} RED", totals.red));
  return totals.red == 0 ? 0 : kExitStuck;
}

}  // namespace farside::cli
