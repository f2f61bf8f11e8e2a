// tests/fuzz/text.h - text made of input: letters as they come, and the words of a format.
#pragma once
#include <string>

#include "core/base/check.h"
#include "core/base/result.h"
#include "tests/fuzz/fuzz.h"

namespace farside::fuzz {

/// A byte below 128 is itself, any other is one of `words`.
inline std::string text(Input& input, std::span<const std::string_view> words) {
  std::string out;
  while (!input.empty()) {
    const u8 byte = input.take<u8>();
    if (byte < 128) {
      out += static_cast<char>(byte);
    } else {
      out += words[byte % words.size()];
    }
  }
  return out;
}

/// A user's error is one line.
inline void check(const UserError& error) {
  CHECK(!error.message.empty() && error.message.find('\n') == std::string::npos, "{}", error.message);
}

}  // namespace farside::fuzz
