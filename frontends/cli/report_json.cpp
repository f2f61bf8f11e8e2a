// frontends/cli/report_json.cpp - builds the report's JSON tree.
#include "frontends/cli/report_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace farside::cli {
namespace {

using Json = nlohmann::ordered_json;

/// Version of the format: a change that breaks readers counts it up.
constexpr int kFormat = 1;

// 64-bit numbers are texts: not every reader of JSON keeps all their bits.
std::string hex(u64 value) { return fmt::format("{:#x}", value); }

std::string bytes_text(const cache::Report& report, const std::array<u8, 64>& bytes) {
  return fmt::format("{:02x}", fmt::join(bytes.begin(), bytes.begin() + report.size, ""));
}

/// The same keys for an access, a writer and an event.
Json actor(cache::AccessKind kind, u32 core, El el, u64 pc, const std::string& place) {
  Json out;
  out["access"] = cache::name(kind);
  out["core"] = core;
  out["el"] = number(el);
  out["pc"] = hex(pc);
  out["symbol"] = place.empty() ? Json(nullptr) : Json(place);
  return out;
}

Json remedy(const cache::Remedy& remedy) {
  return {{"text", remedy.text},
          {"instructions", cache::instructions_of(remedy)},
          {"place", remedy.after_writer ? "after the last write" : "before the last write"}};
}

Json history(const FindingEntry& entry) {
  Json out = Json::array();
  for (usize i = 0; i < entry.report.history.size(); ++i) {
    const cache::Event& event = entry.report.history[i];
    Json row{{"sequence", event.sequence}, {"event", cache::name(event.kind)}, {"level", cache::name(event.level)}};
    row.update(actor(event.by, event.core, event.el, event.pc, entry.places[2 + i]));
    out.push_back(std::move(row));
  }
  return out;
}

Json ranges(const cache::Report& report) {
  Json out = Json::array();
  for (const cache::RangeEvent& range : report.ranges) {
    out.push_back({{"sequence", range.sequence},
                   {"event", cache::name(range.kind)},
                   {"pa", hex(range.base)},
                   {"size", range.size},
                   {"ipa", hex(range.ipa)}});
  }
  return out;
}

Json finding(const FindingEntry& entry) {
  const cache::Report& report = entry.report;
  const cache::AccessInfo& access = report.access;
  Json out{{"class", cache::name(report.finding)},
           {"advice", cache::is_advisory(report.finding)},
           {"allowed", entry.allowed},
           {"instructions", entry.instructions}};
  out.update(actor(access.kind, access.core, access.el, access.pc, entry.places[0]));
  out.update({{"va", hex(access.va)}, {"ipa", hex(access.ipa)}, {"pa", hex(report.pa.value)}});
  out["attributes"] = {{"stage1", cache::text_of(access.s1)},
                       {"stage2", cache::stage2_text(access)},
                       {"final", cache::text_of(access.attr)}};
  out["source"] = cache::name(report.level);
  out["seen"] = bytes_text(report, report.seen);
  out["expected"] = bytes_text(report, report.expected);
  const cache::Writer& writer = report.writer;
  out["writer"] =
      writer.sequence == 0 ? Json(nullptr) : actor(writer.kind, writer.core, writer.el, writer.pc, entry.places[1]);
  out["history"] = history(entry);
  out["ranges"] = ranges(report);
  out["remedy"] = remedy(report.remedy);
  return out;
}

}  // namespace

struct ReportFile::Tree {
  Json json;
};

ReportFile::ReportFile(machine::Machine& machine, std::string_view end) : tree_(std::make_unique<Tree>()) {
  const machine::MachineConfig& config = machine.config();
  tree_->json = {{"format", kFormat}};
  tree_->json["run"] = {{"kernel", config.kernel},
                        {"cpu", config.cpu},
                        {"cpus", config.cpus},
                        {"cache", config.cache},
                        {"knobs", config.knobs},
                        {"policy", config.policy},
                        {"seed", config.seed},
                        {"instructions", machine.instructions()},
                        {"end", end}};
  tree_->json["counts"] = Json::object();
  tree_->json["allowed"] = Json::object();
  tree_->json["findings"] = Json::array();
}

ReportFile::~ReportFile() = default;

void ReportFile::count(cache::Finding finding, u64 counted, u64 allowed) {
  const std::string name(cache::name(finding));
  tree_->json["counts"][name] = counted;
  if (allowed != 0) tree_->json["allowed"][name] = allowed;
}

void ReportFile::add(const FindingEntry& entry) { tree_->json["findings"].push_back(finding(entry)); }

std::string ReportFile::text() const {
  // File names need not be UTF-8.
  return tree_->json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace farside::cli
