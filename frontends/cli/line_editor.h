// frontends/cli/line_editor.h - edits one line of keys from a raw terminal.
#pragma once
#include <optional>
#include <string>

#include "core/base/types.h"

namespace farside::cli {

/// Printable keys, Backspace, Ctrl-U and Ctrl-C (clear the line). Each key's echo is appended to the caller's text.
class LineEditor {
 public:
  /// The finished line when `key` was Return.
  std::optional<std::string> feed(u8 key, std::string& echo);
  const std::string& text() const { return text_; }

 private:
  void erase(usize count, std::string& echo);
  std::string text_;
};

}  // namespace farside::cli
