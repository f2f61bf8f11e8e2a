// frontends/scenario/words.h - one line of a scenario file as words, taken from left to right.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// Names that stand for numbers: `let`, and the labels of code.
using Names = std::map<std::string, Place, std::less<>>;

/// "64K", "2M", "1G", or bytes in decimal; nothing for anything else.
std::optional<u64> size_of(std::string_view word);
/// Hexadecimal with `_` between digits and an optional 0x; nothing for anything else.
std::optional<u64> hex_of(std::string_view word);
std::optional<u64> decimal_of(std::string_view word);

/// The words of one line. Every error is `file:line: expected ..., found ...`.
class Words {
 public:
  /// A comment is a `#` at the line's beginning or after a space, followed by a space or nothing.
  Words(std::string_view text, const std::string& file, unsigned line, const Names& names);

  bool done() const { return next_ == words_.size(); }
  std::string_view peek() const { return done() ? std::string_view() : std::string_view(words_[next_]); }
  std::string_view take() { return done() ? std::string_view() : std::string_view(words_[next_++]); }
  /// Takes the next word if it is `word`.
  bool take(std::string_view word);
  /// All words that are left, with single spaces.
  std::string rest();
  unsigned line() const { return line_; }
  const std::string& file() const { return file_; }
  const Names& names() const { return names_; }

  UserError expected(std::string_view what) const;
  Result<void, UserError> need(std::string_view word);
  Result<void, UserError> end() const;
  Result<std::string, UserError> word(std::string_view what);
  Result<u64, UserError> hex(std::string_view what = "a hexadecimal number");
  Result<u64, UserError> decimal(std::string_view what = "a decimal number");
  Result<u64, UserError> size();
  /// `ipa:`, `va:` or `pa:` and a number, a bare number (an IPA), or a name; each with `+HEX` behind it.
  Result<Place, UserError> place();
  Result<u64, UserError> ipa();
  /// `cpu0`: `prefix` and a number below 8.
  Result<unsigned, UserError> index(std::string_view prefix);
  /// `key=value`, or `key = value` when the line has spaces there.
  Result<Setting, UserError> setting();

 private:
  std::optional<Place> place_of(std::string_view word) const;
  std::vector<std::string> words_;
  const std::string& file_;
  unsigned line_;
  const Names& names_;
  usize next_ = 0;
};

}  // namespace farside::scenario
