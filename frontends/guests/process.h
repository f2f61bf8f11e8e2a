// frontends/guests/process.h - runs another program and waits for it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace farside::guests {

/// What to run, where, and who hears about it.
struct Command {
  std::vector<std::string> arguments;  ///< the program, looked up in PATH, and its arguments
  std::string folder;                  ///< the working folder; empty: ours
  /// Called with each complete line that the program writes to the descriptor kStatusDescriptor.
  std::function<void(std::string_view)> on_status_line = {};
};

inline constexpr int kStatusDescriptor = 3;

struct CommandResult {
  int status = 0;      ///< the exit status; 127 when the program could not be started, 128+n when signal n ended it
  std::string output;  ///< standard output and standard error together
};

/// Runs `command` with an empty standard input and returns when it has ended.
CommandResult run_command(const Command& command);

}  // namespace farside::guests
