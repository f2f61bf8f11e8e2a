// frontends/cli/session.cpp - one machine at one terminal: carries keys and bytes between them until the run ends.
#include "frontends/cli/session.h"

#include <algorithm>
#include <chrono>
#include <utility>

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

Session::Session(machine::Machine& machine, Terminal& terminal, const RunOptions& options,
                 std::unique_ptr<monitor::Server> server)
    : machine_(machine),
      terminal_(terminal),
      options_(options),
      server_(std::move(server)),
      monitor_(machine, options.snapshot_folder),
      pacer_(SteadyClock::now()) {
  machine::Console console;
  console.output = [this](u8 byte) {
    terminal_.put(byte);
    pacer_.on_output(byte, SteadyClock::now());
  };
  console.poll = [this] {
    poll(0);
    deliver_input();
  };
  console.wait_input = [this] {
    poll(kMonitorPollMs);
    std::string keys;
    if (!terminal_is_monitor()) keys.swap(terminal_.input());
    machine_.console_input(reinterpret_cast<const u8*>(keys.data()), keys.size());
    return terminal_.open() && !terminal_is_monitor();
  };
  // Where somebody watches, or time is the host's, a guest that sleeps for a second sleeps for a second.
  if (terminal.interactive() || machine.config().clock == machine::ClockMode::Wall)
    console.idle = [this](u64 ns) { return wait(ns); };
  machine_.set_console(std::move(console));
  if (options.snapshot_at != 0) machine_.set_checkpoint(options.snapshot_at);
  if (terminal_is_monitor()) terminal_.write(monitor::Monitor::kPrompt);
}

Result<machine::RunResult, UserError> Session::run() {
  using machine::StopCause;
  for (;;) {
    const auto start = SteadyClock::now();
    machine::RunResult result = machine_.run();
    host_seconds_ += std::chrono::duration<double>(SteadyClock::now() - start).count();
    terminal_.flush();
    if (result.cause == StopCause::Checkpoint) {
      TRY_VOID(machine_.save(options_.snapshot_file));
      continue;
    }
    if (result.cause != StopCause::Quit || quit_wanted_) return result;
    if (!commands_wanted_ && !monitor_wanted_) return result;  // somebody else ends the run: --stop-on
    if (std::exchange(commands_wanted_, false) && !serve_monitor()) return result;
    if (std::exchange(monitor_wanted_, false) && !visit_monitor()) return result;
  }
}

/// Looks after the terminal and the monitor's socket. Commands are for later, when the machine stands still.
void Session::poll(int timeout_ms) {
  constexpr int kSocketPatienceMs = 20;  // one of the two has to wait for the other
  if (server_) server_->poll(0);
  handle(terminal_.poll(server_ ? std::min(timeout_ms, kSocketPatienceMs) : timeout_ms));
  if (terminal_is_monitor()) take_typed_commands();
  if (typed_.empty() && (!server_ || !server_->has_line())) return;
  commands_wanted_ = true;
  machine_.request_stop();
}

void Session::take_typed_commands() {
  for (char key : std::exchange(terminal_.input(), {})) {
    std::string echo;
    const std::optional<std::string> line = editor_.feed(static_cast<u8>(key), echo);
    if (terminal_.interactive()) terminal_.write(echo);
    if (line) typed_.push_back(*line);
  }
}

/// Executes what has been typed; returns when the machine is to run. False: the user ends the run.
bool Session::serve_monitor() {
  do {
    while (server_ && server_->has_line() && !monitor_.quit()) {
      server_->write(monitor_.execute(*server_->next_line()));
      server_->write(monitor::Monitor::kPrompt);
    }
    for (; !typed_.empty() && !monitor_.quit(); typed_.pop_front()) {
      const std::string out = monitor_.execute(typed_.front());
      terminal_.write(terminal_.interactive() ? with_carriage_returns(out) : out);
      terminal_.write(monitor::Monitor::kPrompt);
    }
    terminal_.flush();
    if (monitor_.stopped() && !monitor_.quit() && !quit_wanted_) poll(kMonitorPollMs);
  } while (monitor_.stopped() && !monitor_.quit() && !quit_wanted_);
  commands_wanted_ = false;
  return !monitor_.quit() && !quit_wanted_;
}

void Session::handle(ConsoleCommand command) {
  switch (command) {
    case ConsoleCommand::None: return;
    case ConsoleCommand::Help: return terminal_.write(kKeys);
    case ConsoleCommand::Monitor: monitor_wanted_ = true; break;
    case ConsoleCommand::Quit: quit_wanted_ = true; break;
  }
  machine_.request_stop();
}

void Session::deliver_input() {
  std::string& input = terminal_.input();
  if (input.empty() || terminal_is_monitor()) return;
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
  poll(static_cast<int>(milliseconds));
  deliver_input();
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - start);
  return std::min<u64>(ns, static_cast<u64>(passed.count()));
}

// False when the user ends the run from there. The machine stands still meanwhile.
bool Session::visit_monitor() {
  terminal_.write("\r\n'help' lists the commands; Ctrl-A c, 'c' or 'cont' goes back to the guest\r\n");
  terminal_.write(monitor::Monitor::kPrompt);
  while (terminal_.open() && !monitor_.quit()) {
    switch (terminal_.poll(kMonitorPollMs)) {
      case ConsoleCommand::None: break;
      case ConsoleCommand::Monitor: terminal_.write("\r\n"); return true;
      case ConsoleCommand::Quit: return false;
      case ConsoleCommand::Help: terminal_.write(kKeys); break;
    }
    // What is typed behind the line that goes back is the guest's.
    while (!terminal_.input().empty()) {
      const char key = terminal_.input().front();
      terminal_.input().erase(0, 1);
      std::string echo;
      const std::optional<std::string> line = editor_.feed(static_cast<u8>(key), echo);
      terminal_.write(echo);
      if (!line) continue;
      if (*line == "c" || *line == "cont") return true;
      terminal_.write(with_carriage_returns(monitor_.execute(*line)));
      terminal_.write(monitor::Monitor::kPrompt);
    }
    terminal_.flush();
  }
  return !monitor_.quit() && terminal_.open();
}

}  // namespace farside::cli
