// frontends/scenario/run.cpp - variants, seeds, and which expectations hold for all or for some of them.
#include "frontends/scenario/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontends/scenario/act.h"
#include "frontends/scenario/expect.h"

namespace farside::scenario {
namespace {

/// What one variant has shown so far of an expectation for some seed.
struct Hope {
  bool met = false;
  std::string last;  ///< what the last seed showed instead
};

class VariantRun {
 public:
  VariantRun(const Scenario& scenario, const Variant& variant, const Overrides& overrides)
      : scenario_(scenario), variant_(variant), overrides_(overrides), hopes_(scenario.steps.size()) {
    result_.name = variant.name;
    result_.title = variant.title;
  }

  Result<VariantResult, UserError> run() {
    const std::vector<u64> seeds = overrides_.seed ? std::vector<u64>{*overrides_.seed} : scenario_.seeds;
    for (u64 seed : seeds) TRY_VOID(run_seed(seed));
    // A single seed of several may well not be the one.
    if (!overrides_.seed) judge_hopes();
    return std::move(result_);
  }

 private:
  bool concerns(const Step& step) const {
    return step.variants.empty() ||
           std::find(step.variants.begin(), step.variants.end(), variant_.name) != step.variants.end();
  }

  Result<void, UserError> run_seed(u64 seed) {
    const usize failed_before = result_.failures.size();
    const auto world = TRY(World::create(scenario_, variant_, seed, overrides_));
    world->say(fmt::format("  variant {} seed {}\n", variant_.name, seed));
    ++result_.runs;
    for (usize i = 0; i < scenario_.steps.size(); ++i) {
      if (concerns(scenario_.steps[i])) step(*world, i, seed);
    }
    if (overrides_.detail != Detail::None) keep_story(*world, result_.failures.size() != failed_before);
    return {};
  }

  void keep_story(World& world, bool failed) {
    const auto found = std::find_if(world.reports.begin(), world.reports.end(),
                                    [](const cache::Report& report) { return !cache::is_advisory(report.finding); });
    const int interest = failed ? 2 : found != world.reports.end() ? 1 : 0;
    if (interest <= interest_) return;
    interest_ = interest;
    result_.story = world.story() + world.line_histories();
    result_.autopsy.reset();
    if (found != world.reports.end()) result_.autopsy = autopsy(world, *found);
  }

  void step(World& world, usize index, u64 seed) {
    const Step& step = scenario_.steps[index];
    if (!step.note.empty()) world.say(fmt::format("    -- {}\n", step.note));
    world.say(fmt::format("    {:3}  {}\n", step.line, step.text));
    const Expect* expect = std::get_if<Expect>(&step.act);
    const auto problem = expect == nullptr ? carry_out(world, step.act) : mismatch(world, *expect);
    if (expect != nullptr && expect->some_seed) {
      Hope& hope = hopes_[index];
      hope.met = hope.met || !problem;
      hope.last = problem.value_or("");
      world.say(fmt::format("        {} with this seed\n", problem ? *problem : "so it is"));
      return;
    }
    if (!problem) return;
    world.say(fmt::format("        NOT AS EXPECTED: {}\n", *problem));
    result_.failures.push_back({seed, step.line, fmt::format("'{}': {}", trimmed(step.text), *problem)});
  }

  void judge_hopes() {
    for (usize i = 0; i < hopes_.size(); ++i) {
      const Step& step = scenario_.steps[i];
      const Expect* expect = std::get_if<Expect>(&step.act);
      if (expect == nullptr || !expect->some_seed || !concerns(step) || hopes_[i].met) continue;
      result_.failures.push_back({std::nullopt, step.line,
                                  fmt::format("'{}': with no seed; at last: {}", trimmed(step.text), hopes_[i].last)});
    }
  }

  static std::string trimmed(const std::string& text) {
    const usize begin = text.find_first_not_of(" \t");
    return begin == std::string::npos ? text : text.substr(begin);
  }

  const Scenario& scenario_;
  const Variant& variant_;
  const Overrides& overrides_;
  std::vector<Hope> hopes_;
  int interest_ = -1;  ///< of the story that has been kept
  VariantResult result_;
};

}  // namespace

Result<std::vector<VariantResult>, UserError> run_scenario(const Scenario& scenario, const Overrides& overrides,
                                                           std::string_view only) {
  std::vector<VariantResult> results;
  for (const Variant& variant : scenario.variants) {
    if (!only.empty() && variant.name != only) continue;
    results.push_back(TRY(VariantRun(scenario, variant, overrides).run()));
  }
  return results;
}

}  // namespace farside::scenario
