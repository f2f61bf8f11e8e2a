// frontends/cli/pacer.cpp - gives piped input to a guest line by line, when the guest seems to wait for it.
#include "frontends/cli/pacer.h"

#include <algorithm>

namespace farside::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAfterPrompt{50};      // so that a line that is still being printed is no prompt
constexpr milliseconds kSilence{1000};        // a program that reads without asking
constexpr milliseconds kFirstSilence{20000};  // before the first prompt: a kernel that boots quietly is silent too

}  // namespace

void InputPacer::on_output(u8 byte, Time now) {
  last_output_ = now;
  mid_line_ = byte != '\n';
}

std::optional<std::string> InputPacer::next_line(std::string& pending, Time now) {
  if (pending.empty() || !is_due(now)) return {};
  const usize length = std::min(pending.find('\n'), pending.size() - 1) + 1;
  std::string line = pending.substr(0, length);
  pending.erase(0, length);
  prompted_ = true;
  mid_line_ = false;
  last_output_ = now;
  return line;
}

bool InputPacer::is_due(Time now) const {
  const auto silent = now - last_output_;
  return mid_line_ ? silent >= kAfterPrompt : silent >= (prompted_ ? kSilence : kFirstSilence);
}

}  // namespace farside::cli
