// frontends/cli/session.h - one machine at one terminal: carries keys and bytes between them until the run ends.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "frontends/cli/line_editor.h"
#include "frontends/cli/options.h"
#include "frontends/cli/pacer.h"
#include "frontends/cli/terminal.h"
#include "frontends/machine/machine.h"
#include "frontends/monitor/monitor.h"
#include "frontends/monitor/server.h"

namespace farside::cli {

/// Runs a machine with the terminal as its serial console.
class Session {
 public:
  /// `server` may be null: then the monitor is behind Ctrl-A c only, or at the terminal with --monitor stdio.
  Session(machine::Machine& machine, Terminal& terminal, const RunOptions& options,
          std::unique_ptr<monitor::Server> server);

  /// Until the guest, the user or an error ends the run. Monitor commands and snapshots are done on the way.
  Result<machine::RunResult, UserError> run();
  /// Seconds of host time that the machine has run, the monitor's excluded.
  double host_seconds() const { return host_seconds_; }

 private:
  bool terminal_is_monitor() const { return options_.monitor == MonitorPlace::Terminal; }
  void poll(int timeout_ms);
  void handle(ConsoleCommand command);
  void deliver_input();
  u64 wait(u64 ns);
  bool serve_monitor();
  bool visit_monitor();
  void take_typed_commands();

  machine::Machine& machine_;
  Terminal& terminal_;
  const RunOptions& options_;
  std::unique_ptr<monitor::Server> server_;
  monitor::Monitor monitor_;
  LineEditor editor_;
  std::deque<std::string> typed_;  ///< commands from the terminal
  InputPacer pacer_;
  bool monitor_wanted_ = false, commands_wanted_ = false, quit_wanted_ = false;
  double host_seconds_ = 0;
};

}  // namespace farside::cli
