// frontends/guests/progress.cpp - tells the user which step is under way and how far it is.
#include "frontends/guests/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace farside::guests {

Progress::Progress(bool quiet) : quiet_(quiet), on_terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (open_ && on_terminal_ && !quiet_) fmt::print(stderr, "\n");
}

void Progress::begin(std::string_view step) {
  step_ = step;
  open_ = true;
  shown_ = -1;
  if (!quiet_ && on_terminal_) fmt::print(stderr, "  {} ...", step_);
}

void Progress::percent(int value) {
  if (quiet_ || !on_terminal_ || value == shown_) return;
  shown_ = value;
  fmt::print(stderr, "\r  {} ... {:3}%", step_, value);
  std::fflush(stderr);
}

void Progress::end(std::string_view remark) {
  open_ = false;
  if (quiet_) return;
  // Trailing blanks cover what is left of the percentage.
  fmt::print(stderr, "{}  {}: {}      \n", on_terminal_ ? "\r" : "", step_, remark.empty() ? "done" : remark);
}

}  // namespace farside::guests
