// frontends/cli/findings.cpp - prints, filters and counts findings, and writes the report file.
#include "frontends/cli/findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "frontends/cli/report_json.h"

namespace farside::cli {
namespace {

usize place_of(cache::Finding finding) { return static_cast<usize>(finding); }

/// A guest without any maintenance has findings in every line that it touches: of each class these are shown and kept,
/// the rest is counted.
constexpr u64 kMostShown = 100, kMostKept = 1000;

bool names_class(const std::vector<std::string>& classes, cache::Finding finding) {
  return std::ranges::find(classes, cache::name(finding)) != classes.end();
}

/// "memcpy" of "memcpy+0x40".
std::string_view function_of(std::string_view place) { return place.substr(0, place.find('+')); }

UserError cannot_write(const std::string& path) {
  return UserError{fmt::format("--report {}: {}", path, std::strerror(errno))};
}

/// A new file beside the report, so that renaming it is one step.
std::string draft_of(const std::string& path) { return path + ".part"; }

}  // namespace

Result<void, UserError> Findings::check_report_file() const {
  if (options_.report.empty()) return {};
  std::FILE* file = std::fopen(draft_of(options_.report).c_str(), "w");
  if (file == nullptr) return cannot_write(options_.report);
  std::fclose(file);
  std::remove(draft_of(options_.report).c_str());
  return {};
}

void Findings::watch(machine::Machine& machine) {
  names_.serve(machine);
  machine.set_finding_sink([this, &machine](const cache::Report& report) { take(machine, report); });
}

cache::Names Findings::names() const {
  return {.place = [this](u64 pc, El el) { return names_.name(pc, el); },
          .instruction = [this](u64 pc, u32 word) { return disassembler_.text(pc, word); }};
}

/// --allow CLASS@FUNCTION: the access was made there.
bool Findings::is_allowed(const cache::Report& report) const {
  if (options_.allow.empty()) return false;
  const std::string place = names_.name(report.access.pc, report.access.el);
  if (place.empty()) return false;
  const std::string wanted = fmt::format("{}@{}", cache::name(report.finding), function_of(place));
  return std::ranges::find(options_.allow, wanted) != options_.allow.end();
}

void Findings::show(const cache::Report& report) const {
  const u64 count = counts_[place_of(report.finding)];
  if (count <= kMostShown) return fmt::print(stderr, "{}", cache::print(report, names()));
  if (count == kMostShown + 1)
    fmt::print(stderr, "farside: more than {} {}: from here on they are counted\n", kMostShown,
               cache::name(report.finding));
}

void Findings::take(machine::Machine& machine, const cache::Report& report) {
  const usize place = place_of(report.finding);
  const bool allowed = is_allowed(report);
  ++(allowed ? allowed_ : counts_)[place];
  const bool advice = cache::is_advisory(report.finding);
  if (!advice && !allowed) show(report);
  if (!allowed && names_class(options_.stop_on, report.finding)) {
    stopped_ = true;
    machine.request_stop();
  }
  if (options_.report.empty() || counts_[place] + allowed_[place] > kMostKept) return;
  const auto name_of = [&](cache::AccessKind kind, u64 pc, El el) {
    const bool has_code = pc != 0 && kind != cache::AccessKind::Host && kind != cache::AccessKind::Dma;
    return has_code ? names_.name(pc, el) : std::string();
  };
  // The kernel may move or end before the file is written: names are taken now.
  Entry entry{.report = report, .instructions = machine.instructions(), .allowed = allowed};
  entry.places.push_back(name_of(report.access.kind, report.access.pc, report.access.el));
  entry.places.push_back(name_of(report.writer.kind, report.writer.pc, report.writer.el));
  for (const cache::Event& event : report.history) entry.places.push_back(name_of(event.by, event.pc, event.el));
  entries_.push_back(std::move(entry));
}

u64 Findings::failures() const {
  u64 sum = 0;
  for (usize i = 0; i < cache::kFindings; ++i) {
    if (names_class(options_.fail_on, static_cast<cache::Finding>(i))) sum += counts_[i];
  }
  return sum;
}

std::string Findings::failure_text() const {
  std::vector<std::string> words;
  for (usize i = 0; i < cache::kFindings; ++i) {
    const auto finding = static_cast<cache::Finding>(i);
    if (counts_[i] != 0 && names_class(options_.fail_on, finding))
      words.push_back(fmt::format("{} {}", counts_[i], cache::name(finding)));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<void, UserError> Findings::write_report(machine::Machine& machine, std::string_view end) const {
  if (options_.report.empty()) return {};
  ReportFile file(machine, end);
  for (usize i = 0; i < cache::kFindings; ++i) file.count(static_cast<cache::Finding>(i), counts_[i], allowed_[i]);
  for (const Entry& entry : entries_) file.add({entry.report, entry.instructions, entry.places, entry.allowed});
  const std::string draft = draft_of(options_.report), text = file.text();
  std::FILE* out = std::fopen(draft.c_str(), "w");
  if (out == nullptr) return cannot_write(options_.report);
  const bool written =
      std::fwrite(text.data(), 1, text.size(), out) == text.size() && std::fflush(out) == 0 && fsync(fileno(out)) == 0;
  const bool closed = std::fclose(out) == 0;
  if (written && closed && std::rename(draft.c_str(), options_.report.c_str()) == 0) return {};
  const UserError error = cannot_write(options_.report);
  std::remove(draft.c_str());
  return error;
}

}  // namespace farside::cli
