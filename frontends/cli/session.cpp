// frontends/cli/session.cpp - one machine at one terminal: carries keys and bytes between them until the run ends.
#include "frontends/cli/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

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
  if (machine.config().clock == machine::ClockMode::Wall) console.idle = [this](u64 ns) { return wait(ns); };
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

// Idle time on the wall clock: sleeps until a key or until the guest's next timer.
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
  terminal_.suspend_raw();
  terminal_.write("\n'help' lists the commands; 'c' or Ctrl-D goes back to the guest\n");
  while (!monitor.quit()) {
    const std::optional<std::string> line = terminal_.read_line(monitor::Monitor::kPrompt);
    if (!line || *line == "c" || *line == "cont" || *line == "\001c") break;
    terminal_.write(monitor.execute(*line));
  }
  terminal_.resume_raw();
  return !monitor.quit();
}

}  // namespace farside::cli
