// frontends/cli/report.h - the page that `farside run --stats` prints when a run has ended.
#pragma once
#include <string>

#include "firmware/hyp/stats.h"
#include "frontends/machine/machine.h"

namespace farside::cli {

/// Host-side measurements of one run.
struct RunTimes {
  double start_seconds = 0;  ///< from the command line to a machine that is about to run
  double host_seconds = 0;   ///< of running
};

/// Instructions, speed and memory; faults, exits and mappings of the hypervisor; TLB figures.
std::string stats_page(machine::Machine& machine, const RunTimes& times);
/// The hypervisor's part alone.
std::string hyp_stats_page(const hyp::Stats& stats);

}  // namespace farside::cli
