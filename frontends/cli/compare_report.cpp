// frontends/cli/compare_report.cpp - table and JSON of a comparison.
#include "frontends/cli/compare_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace farside::cli {

std::string_view name(Ending ending) {
  switch (ending) {
    case Ending::Boots: return "boots";
    case Ending::Dies: return "dies";
    case Ending::NoEnd: return "no end";
  }
  return "";
}

std::string compare_table(const Comparison& comparison) {
  constexpr usize kLabel = 20;
  usize width = 12;
  for (const ComparedRun& run : comparison.runs) width = std::max(width, run.label().size() + 2);
  std::string out = comparison.guest;
  for (const auto& [key, value] : comparison.setting) out += fmt::format(", {} {}", key, value);
  out += fmt::format("\n\n{:<{}}", "", kLabel);
  for (const ComparedRun& run : comparison.runs) out += fmt::format("{:>{}}", run.label(), width);
  out += fmt::format("\n{:<{}}", "the guest", kLabel);
  for (const ComparedRun& run : comparison.runs) out += fmt::format("{:>{}}", name(run.ending), width);
  out += '\n';
  for (usize i = 0; i < figures().size(); ++i) {
    out += fmt::format("{:<{}}", figures()[i].title, kLabel);
    for (const ComparedRun& run : comparison.runs)
      out += fmt::format("{:>{}}", run.values[i] ? fmt::to_string(*run.values[i]) : "-", width);
    out += '\n';
  }
  out += '\n';
  for (const ComparedRun& run : comparison.runs)
    out += fmt::format("{}: {}{}{}\n", run.label(), name(run.ending), run.detail.empty() ? "" : ", ", run.detail);
  return out;
}

std::string compare_json(const Comparison& comparison) {
  using Json = nlohmann::ordered_json;
  Json document;
  document["guest"] = comparison.guest;
  for (const auto& [key, value] : comparison.setting) document["setting"][key] = value;
  for (const CostWeight& weight : cost_weights()) document["weights"][std::string(weight.key)] = weight.weight;
  document["runs"] = Json::array();
  for (const ComparedRun& run : comparison.runs) {
    Json entry;
    entry["policy"] = run.policy;
    entry["icache"] = run.icache.empty() ? Json() : Json(run.icache);
    entry["ending"] = name(run.ending);
    entry["detail"] = run.detail;
    for (usize i = 0; i < figures().size(); ++i)
      entry["figures"][std::string(figures()[i].key)] = run.values[i] ? Json(*run.values[i]) : Json();
    document["runs"].push_back(std::move(entry));
  }
  // What a guest prints may be no UTF-8.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace farside::cli
