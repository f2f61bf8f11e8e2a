// frontends/cli/report_json.h - the JSON of `farside run --report`; docs/caches.md describes every field.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "cache/sanitizer.h"
#include "frontends/machine/machine.h"

namespace farside::cli {

/// One finding and what the run knows of it.
struct FindingEntry {
  const cache::Report& report;
  u64 instructions = 0;
  std::span<const std::string> places;  ///< names of the access, of the writer, of each event
  bool allowed = false;
};

class ReportFile {
 public:
  ReportFile(machine::Machine& machine, std::string_view end);
  ~ReportFile();
  void count(cache::Finding finding, u64 counted, u64 allowed);
  void add(const FindingEntry& entry);
  /// The whole file.
  std::string text() const;

 private:
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace farside::cli
