// frontends/cli/line_editor.cpp - what each key does to the line and to the screen.
#include "frontends/cli/line_editor.h"

#include <utility>

namespace farside::cli {
namespace {

constexpr u8 kCtrlC = 3, kCtrlH = 8, kCtrlU = 21, kDelete = 127;

}  // namespace

void LineEditor::erase(usize count, std::string& echo) {
  for (; count > 0 && !text_.empty(); --count) {
    text_.pop_back();
    echo += "\b \b";
  }
}

std::optional<std::string> LineEditor::feed(u8 key, std::string& echo) {
  if (key == '\r' || key == '\n') {
    echo += "\r\n";
    return std::exchange(text_, {});
  }
  if (key == kCtrlH || key == kDelete) {
    erase(1, echo);
  } else if (key == kCtrlU || key == kCtrlC) {
    erase(text_.size(), echo);
  } else if (key >= ' ' && key < kDelete) {
    text_ += static_cast<char>(key);
    echo += static_cast<char>(key);
  }
  return std::nullopt;
}

}  // namespace farside::cli
