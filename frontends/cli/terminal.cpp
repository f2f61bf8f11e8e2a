// frontends/cli/terminal.cpp - the user's terminal as the guest's serial console: raw keys in, bytes out, Ctrl-A
// escapes.
#include "frontends/cli/terminal.h"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace farside::cli {
namespace {

constexpr u8 kEscape = 0x01;  // Ctrl-A
constexpr usize kOutputBatch = 1024;

// A signal handler can reach nothing but statics. Set while the terminal is raw, null otherwise.
termios saved_settings;
volatile sig_atomic_t is_raw = 0;
constexpr std::array kDeadlySignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

void restore_and_die(int signal_number) {
  if (is_raw) tcsetattr(STDIN_FILENO, TCSANOW, &saved_settings);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// Input byte by byte without echo, signals or translation; output keeps its translation, so that a guest that sends
// bare line feeds still gets straight lines.
void make_raw() {
  termios raw = saved_settings;
  raw.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | IGNBRK | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
  raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

}  // namespace

EscapeParser::Outcome EscapeParser::feed(u8 byte) {
  if (!after_escape_) {
    after_escape_ = byte == kEscape;
    return after_escape_ ? Outcome{} : Outcome{byte};
  }
  after_escape_ = false;
  switch (byte) {
    case 'x': return {{}, ConsoleCommand::Quit};
    case 'c': return {{}, ConsoleCommand::Monitor};
    case 'h':
    case '?': return {{}, ConsoleCommand::Help};
    case kEscape: return {kEscape};
    default: return {byte};
  }
}

Terminal::Terminal() : interactive_(tcgetattr(STDIN_FILENO, &saved_settings) == 0) {
  if (!interactive_) return;
  struct sigaction action {};
  action.sa_handler = restore_and_die;
  for (int signal_number : kDeadlySignals) sigaction(signal_number, &action, nullptr);
  make_raw();
}

Terminal::~Terminal() {
  flush();
  if (is_raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_settings);
  is_raw = 0;
}

ConsoleCommand Terminal::poll(int timeout_ms) {
  flush();
  pollfd source{open_ ? STDIN_FILENO : -1, POLLIN, 0};
  if (::poll(&source, 1, timeout_ms) > 0 && source.revents != 0) {
    std::array<u8, 256> buffer;
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) open_ = false;
    for (ssize_t i = 0; i < count; ++i) {
      const auto outcome = interactive_ ? escapes_.feed(buffer[i]) : EscapeParser::Outcome{buffer[i]};
      if (outcome.byte) input_ += static_cast<char>(*outcome.byte);
      if (outcome.command != ConsoleCommand::None) commands_.push_back(outcome.command);
    }
  }
  if (commands_.empty()) return ConsoleCommand::None;
  const ConsoleCommand first = commands_.front();
  commands_.pop_front();
  return first;
}

void Terminal::write(std::string_view bytes) {
  output_ += bytes;
  if (output_.size() >= kOutputBatch || output_.ends_with('\n')) flush();
}

void Terminal::put(u8 byte) {
  const char character = static_cast<char>(byte);
  write({&character, 1});
}

void Terminal::flush() {
  for (std::string_view rest = output_; !rest.empty();) {
    const ssize_t count = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (count > 0) {
      rest.remove_prefix(static_cast<usize>(count));
    } else if (errno == EAGAIN) {  // someone else made the terminal non-blocking
      pollfd sink{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&sink, 1, -1);
    } else if (errno != EINTR) {
      break;  // nobody reads any more; the guest goes on
    }
  }
  output_.clear();
}

}  // namespace farside::cli
