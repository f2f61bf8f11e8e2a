// frontends/cli/compare_report.h - a comparison as a table for people, as JSON for programs, and as a picture.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "frontends/cli/compare_run.h"

namespace farside::cli {

/// What all runs of a comparison have in common.
struct Comparison {
  std::string guest;                                         ///< name or file
  std::vector<std::pair<std::string, std::string>> setting;  ///< cache, cpu, seed, ...
  std::vector<ComparedRun> runs;
};

/// Figures as rows, runs as columns; then how each run ended.
std::string compare_table(const Comparison& comparison);
/// One object with `guest`, `setting`, `weights` and `runs`; a figure that does not exist is null.
std::string compare_json(const Comparison& comparison);
/// Bar charts, one for each figure that differs between the runs, as one SVG document without references to others.
std::string compare_svg(const Comparison& comparison);

/// "boots", "dies", ...
std::string_view name(Ending ending);

}  // namespace farside::cli
