// frontends/cli/state_options.cpp - reads the options about snapshots and the monitor.
#include "frontends/cli/state_options.h"

#include <fmt/format.h>

namespace farside::cli {
namespace {

Result<void, UserError> take_monitor(const std::string& place, RunOptions& run) {
  constexpr std::string_view kSocket = "unix:";
  if (place == "stdio") {
    run.monitor = MonitorPlace::Terminal;
  } else if (place.starts_with(kSocket) && place.size() > kSocket.size()) {
    run.monitor = MonitorPlace::Socket;
    run.monitor_socket = place.substr(kSocket.size());
  } else {
    return UserError{fmt::format("--monitor {}: must be stdio or unix:PATH", place)};
  }
  return {};
}

/// N, or N:FILE.
Result<void, UserError> take_checkpoint(const std::string& text, RunOptions& run) {
  const usize colon = text.find(':');
  run.snapshot_at = TRY(parse_number("snapshot-at", text.substr(0, colon)));
  if (run.snapshot_at == 0) return UserError{"--snapshot-at 0: must be at least 1"};
  run.snapshot_file = colon == std::string::npos ? run.snapshot_folder + "/farside.snap" : text.substr(colon + 1);
  if (run.snapshot_file.empty()) return UserError{fmt::format("--snapshot-at {}: needs a file name after ':'", text)};
  return {};
}

}  // namespace

Result<void, UserError> take_state(const Words& words, RunOptions& run) {
  for (const char* name : {"restore", "snapshot-dir"}) {
    if (words.has(name) && words.text(name).empty()) return UserError{fmt::format("--{} needs a name", name)};
  }
  run.restore = words.text("restore");
  if (words.has("snapshot-dir")) run.snapshot_folder = words.text("snapshot-dir");
  if (words.has("snapshot-at")) TRY_VOID(take_checkpoint(words.text("snapshot-at"), run));
  return words.has("monitor") ? take_monitor(words.text("monitor"), run) : Result<void, UserError>();
}

}  // namespace farside::cli
