// frontends/cli/session.cpp - one machine at one terminal: carries keys and bytes between them until the run ends.
#include "frontends/cli/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "frontends/cli/line_editor.h"
#include "frontends/monitor/monitor.h"

namespace farside::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view kKeys =
    "\r\n"
    "Ctrl-A x        pull the plug\r\n"
    "Ctrl-A c        go to the monitor and back\r\n"
    "Ctrl-A h        show these keys\r\n"
    "Ctrl-A Ctrl-A   send Ctrl-A to the guest\r\n";

constexpr int kMonitorPollMs = 100;

/// A raw terminal goes down on a line feed but not to the left.
std::string with_carriage_returns(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

}  // namespace

Session::Session(machine::Machine& machine, Terminal& terminal)
    : machine_(machine), terminal_(terminal), pacer_(SteadyClock::now()) {
  machine::Console console;
  console.output = [this](u8 byte) {
    terminal_.put(byte);
    pacer_.on_output(byte, SteadyClock::now());
  };
  console.poll = [this] {
    handle(terminal_.poll(0));
    deliver_input();
  };
  // Where somebody watches, or time is the host's, a guest that sleeps for a second sleeps for a second.
  if (terminal.interactive() || machine.config().clock == machine::ClockMode::Wall)
    console.idle = [this](u64 ns) { return wait(ns); };
  machine_.set_console(std::move(console));
}

machine::RunResult Session::run() {
  for (;;) {
    const auto start = SteadyClock::now();
    machine::RunResult result = machine_.run();
    host_seconds_ += std::chrono::duration<double>(SteadyClock::now() - start).count();
    terminal_.flush();
    if (result.cause != machine::StopCause::Quit || !std::exchange(monitor_wanted_, false)) return result;
    if (!visit_monitor()) return result;
  }
}

void Session::handle(ConsoleCommand command) {
  switch (command) {
    case ConsoleCommand::None: return;
    case ConsoleCommand::Help: return terminal_.write(kKeys);
    case ConsoleCommand::Monitor: monitor_wanted_ = true; break;
    case ConsoleCommand::Quit: break;
  }
  machine_.request_stop();
}

void Session::deliver_input() {
  std::string& input = terminal_.input();
  if (input.empty()) return;
  std::string due;
  if (terminal_.interactive()) {
    due.swap(input);
  } else {
    due = pacer_.next_line(input, SteadyClock::now()).value_or("");
  }
  machine_.console_input(reinterpret_cast<const u8*>(due.data()), due.size());
}

// Idle time: sleeps until a key or until the guest's next timer.
u64 Session::wait(u64 ns) {
  constexpr u64 kLongest = 100'000'000;  // so that even a guest without timers answers to Ctrl-A
  const auto start = SteadyClock::now();
  const u64 milliseconds = (std::min(ns, kLongest) + 999'999) / 1'000'000;
  handle(terminal_.poll(static_cast<int>(milliseconds)));
  deliver_input();
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - start);
  return std::min<u64>(ns, static_cast<u64>(passed.count()));
}

// False when the user ends the run from there. The machine stands still meanwhile.
bool Session::visit_monitor() {
  monitor::Monitor monitor(machine_);
  terminal_.write("\r\n'help' lists the commands; Ctrl-A c, 'c' or 'cont' goes back to the guest\r\n");
  terminal_.write(monitor::Monitor::kPrompt);
  LineEditor editor;
  while (terminal_.open() && !monitor.quit()) {
    switch (terminal_.poll(kMonitorPollMs)) {
      case ConsoleCommand::None: break;
      case ConsoleCommand::Monitor: terminal_.write("\r\n"); return true;
      case ConsoleCommand::Quit: return false;
      case ConsoleCommand::Help: terminal_.write(kKeys); break;
    }
    for (char key : std::exchange(terminal_.input(), {})) {
      std::string echo;
      const std::optional<std::string> line = editor.feed(static_cast<u8>(key), echo);
      terminal_.write(echo);
      if (!line) continue;
      if (*line == "c" || *line == "cont") return true;
      terminal_.write(with_carriage_returns(monitor.execute(*line)));
      terminal_.write(monitor::Monitor::kPrompt);
    }
    terminal_.flush();
  }
  return !monitor.quit() && terminal_.open();
}

}  // namespace farside::cli
