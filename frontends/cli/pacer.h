// frontends/cli/pacer.h - gives piped input to a guest line by line, when the guest seems to wait for it.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "core/base/types.h"

namespace farside::cli {

/// A person types when a prompt appears; a pipe has everything ready before the kernel has started, and a kernel throws
/// away what arrives before its console is open. So a line is due when output has stopped in the middle of a line, as a
/// prompt does, or when the guest has been silent for long. Terminals do not need this.
class InputPacer {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit InputPacer(Time start) : last_output_(start) {}

  /// The guest has sent `byte`.
  void on_output(u8 byte, Time now);
  /// Removes the next line from `pending` and returns it, with its line feed, if it is due; a last line may lack one.
  std::optional<std::string> next_line(std::string& pending, Time now);

 private:
  bool is_due(Time now) const;

  Time last_output_;
  bool mid_line_ = false;
  bool prompted_ = false;  ///< a line has been given, so the console is open
};

}  // namespace farside::cli
