// frontends/cli/compare.cpp - `farside compare`: runs the guest for each policy and writes the results.
#include "frontends/cli/compare.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "frontends/cli/compare_options.h"
#include "frontends/cli/compare_report.h"
#include "frontends/cli/run.h"

namespace farside::cli {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

/// Opened before the runs: who waited for minutes wants the result.
Result<File, UserError> open(std::string_view option, const std::string& path) {
  if (path.empty()) return File();
  File file(std::fopen(path.c_str(), "w"));
  if (!file) return UserError{fmt::format("--{} {}: {}", option, path, std::strerror(errno))};
  return file;
}

Comparison describe(const CompareOptions& plan, const machine::MachineConfig& config) {
  Comparison comparison;
  const bool named = !plan.run.guest.empty();
  comparison.guest = named ? plan.run.guest : std::filesystem::path(config.kernel).filename().string();
  comparison.setting = {{"cache", config.cache}, {"cpu", config.cpu}, {"seed", fmt::to_string(config.seed)}};
  if (config.cpus > 1) comparison.setting.emplace_back("smp", fmt::to_string(config.cpus));
  if (!config.without.empty())
    comparison.setting.emplace_back("without", fmt::format("{}", fmt::join(config.without, ",")));
  for (const std::string& knob : config.knobs) comparison.setting.emplace_back("knob", knob);
  if (config.thp == machine::ThpMode::Never) comparison.setting.emplace_back("thp", "never");
  return comparison;
}

}  // namespace

Result<int, UserError> compare_command(const std::vector<std::string>& arguments) {
  const auto parsed = TRY(parse_compare(arguments));
  if (const auto* page = std::get_if<TextRequest>(&parsed)) return fmt::print("{}", page->text), 0;
  const auto& plan = std::get<CompareOptions>(parsed);
  const File json = TRY(open("json", plan.json)), svg = TRY(open("svg", plan.svg));
  const machine::MachineConfig config = TRY(complete_config(plan.run));
  Comparison comparison = describe(plan, config);
  const usize total = plan.policies.size() * plan.icaches.size();
  for (const std::string& policy : plan.policies) {
    for (const std::string& icache : plan.icaches) {
      comparison.runs.push_back(TRY(run_compared(config, policy, icache, {plan.max_instructions, plan.max_seconds})));
      const ComparedRun& run = comparison.runs.back();
      fmt::print(stderr, "farside: {} of {}, {}: {} after {:.0f} s\n", comparison.runs.size(), total, run.label(),
                 name(run.ending), run.host_seconds);
    }
  }
  fmt::print("{}", compare_table(comparison));
  if (json) fmt::print(json.get(), "{}", compare_json(comparison));
  if (svg) fmt::print(svg.get(), "{}", compare_svg(comparison));
  return 0;
}

}  // namespace farside::cli
