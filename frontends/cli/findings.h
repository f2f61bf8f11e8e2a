// frontends/cli/findings.h - what becomes of the cache sanitizer's findings: text, a JSON file, the end of the run, an
// exit status.
#pragma once
#include <string>
#include <vector>

#include "cache/sanitizer.h"
#include "frontends/cli/guest_names.h"
#include "frontends/cli/options.h"
#include "frontends/trace/print.h"

namespace farside::cli {

/// All findings of a run, across resets of the guest.
class Findings {
 public:
  /// `options` and `names` outlive this.
  Findings(const RunOptions& options, GuestNames& names) : options_(options), names_(names) {}
  /// An error if the file of --report cannot be written there; nothing is left behind.
  Result<void, UserError> check_report_file() const;
  /// Receives what is found in this machine from now on.
  void watch(machine::Machine& machine);
  /// A class of --stop-on was found: the run has been asked to end.
  bool stopped() const { return stopped_; }
  /// How many of --fail-on's classes were found, those that --allow names left out.
  u64 failures() const;
  /// Writes the file of --report, if there is one, in one step: it is never half there. `end` says how the run ended.
  Result<void, UserError> write_report(machine::Machine& machine, std::string_view end) const;
  /// "2 STALE_RAM, 1 LOST_WRITE" for people.
  std::string failure_text() const;

 private:
  struct Entry {
    cache::Report report;
    u64 instructions = 0;             ///< executed by all cores before it
    std::vector<std::string> places;  ///< names: of the access, of the writer, of each event of the history
    bool allowed = false;
  };
  void take(machine::Machine& machine, const cache::Report& report);
  void show(const cache::Report& report) const;
  bool is_allowed(const cache::Report& report) const;
  cache::Names names() const;

  const RunOptions& options_;
  GuestNames& names_;
  trace::Disassembler disassembler_;
  std::vector<Entry> entries_;
  u64 counts_[cache::kFindings] = {}, allowed_[cache::kFindings] = {};
  bool stopped_ = false;
};

}  // namespace farside::cli
