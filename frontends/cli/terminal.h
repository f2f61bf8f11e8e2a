// frontends/cli/terminal.h - the user's terminal as the guest's serial console: raw keys in, bytes out, Ctrl-A escapes.
#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/types.h"

namespace farside::cli {

/// What a Ctrl-A sequence asks for.
enum class ConsoleCommand : u8 { None, Quit, Monitor, Help };

/// Splits typed bytes into those for the guest and Ctrl-A commands.
class EscapeParser {
 public:
  struct Outcome {
    std::optional<u8> byte;  ///< for the guest
    ConsoleCommand command = ConsoleCommand::None;
  };
  Outcome feed(u8 byte);

 private:
  bool after_escape_ = false;
};

/// Standard input and output. On a terminal the keys come one by one, unechoed, Ctrl-C included; otherwise standard
/// input is plain input without escapes. The terminal's settings come back when the object goes, and on deadly signals.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// True when a person types: standard input is a terminal.
  bool interactive() const { return interactive_; }
  /// True while more input may come.
  bool open() const { return open_; }

  /// Waits up to `timeout_ms` for input (0: not at all), takes what is there and writes what is pending. Returns the
  /// first command among it; bytes for the guest wait in input().
  ConsoleCommand poll(int timeout_ms);
  /// Typed bytes that the guest has not got yet; the caller removes what it delivers.
  std::string& input() { return input_; }

  /// Queues bytes for standard output; they are written at the end of a line, when many wait, and by poll.
  void write(std::string_view bytes);
  void put(u8 byte);
  void flush();

 private:
  bool interactive_;
  bool open_ = true;
  EscapeParser escapes_;
  std::string input_, output_;
  std::deque<ConsoleCommand> commands_;
};

}  // namespace farside::cli
