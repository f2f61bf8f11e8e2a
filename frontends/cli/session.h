// frontends/cli/session.h - one machine at one terminal: carries keys and bytes between them until the run ends.
#pragma once
#include "frontends/cli/pacer.h"
#include "frontends/cli/terminal.h"
#include "frontends/machine/machine.h"

namespace farside::cli {

/// Runs a machine with the terminal as its serial console.
class Session {
 public:
  Session(machine::Machine& machine, Terminal& terminal);

  /// Until the guest, the user or an error ends the run. Ctrl-A c goes to the monitor and back on the way.
  machine::RunResult run();
  /// Seconds of host time that the machine has run, the monitor's excluded.
  double host_seconds() const { return host_seconds_; }

 private:
  void handle(ConsoleCommand command);
  void deliver_input();
  u64 wait(u64 ns);
  bool visit_monitor();

  machine::Machine& machine_;
  Terminal& terminal_;
  InputPacer pacer_;
  bool monitor_wanted_ = false;
  double host_seconds_ = 0;
};

}  // namespace farside::cli
