// frontends/scenario/words.cpp - numbers, places and names of a scenario file.
#include "frontends/scenario/words.h"

#include <fmt/format.h>

#include <charconv>

namespace farside::scenario {
namespace {

std::optional<u64> number_of(std::string_view digits, int base) {
  u64 value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// The line without its comment. The `#` of an immediate has a digit behind it.
std::string_view without_comment(std::string_view text) {
  for (usize i = 0; i < text.size(); ++i) {
    if (text[i] != '#' || (i > 0 && !is_space(text[i - 1]))) continue;
    if (i + 1 == text.size() || is_space(text[i + 1])) return text.substr(0, i);
  }
  return text;
}

}  // namespace

std::optional<u64> decimal_of(std::string_view word) { return number_of(word, 10); }

std::optional<u64> hex_of(std::string_view word) {
  if (word.starts_with("0x")) word.remove_prefix(2);
  std::string digits;
  for (char c : word) {
    if (c != '_') digits += c;
  }
  return number_of(digits, 16);
}

std::optional<u64> size_of(std::string_view word) {
  if (word.empty()) return std::nullopt;
  const usize unit = std::string_view("KMG").find(word.back());
  if (unit == std::string_view::npos) return decimal_of(word);
  const auto count = decimal_of(word.substr(0, word.size() - 1));
  if (!count || *count > (u64{1} << 20)) return std::nullopt;
  return *count << (10 * (unit + 1));
}

Words::Words(std::string_view text, const std::string& file, unsigned line, const Names& names)
    : file_(file), line_(line), names_(names) {
  text = without_comment(text);
  std::string word;
  for (char c : text) {
    if (!is_space(c)) {
      word += c;
    } else if (!word.empty()) {
      words_.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words_.push_back(std::move(word));
}

bool Words::take(std::string_view word) {
  if (done() || peek() != word) return false;
  ++next_;
  return true;
}

std::string Words::rest() {
  std::string text =
      fmt::format("{}", fmt::join(words_.begin() + static_cast<std::ptrdiff_t>(next_), words_.end(), " "));
  next_ = words_.size();
  return text;
}

UserError Words::expected(std::string_view what) const {
  const std::string found = done() ? "the end of the line" : fmt::format("'{}'", peek());
  return UserError{fmt::format("{}:{}: expected {}, found {}", file_, line_, what, found)};
}

Result<void, UserError> Words::need(std::string_view word) {
  if (!take(word)) return expected(fmt::format("'{}'", word));
  return {};
}

Result<void, UserError> Words::end() const {
  if (!done()) return expected("the end of the line");
  return {};
}

Result<std::string, UserError> Words::word(std::string_view what) {
  if (done()) return expected(what);
  return std::string(take());
}

std::optional<Place> Words::place_of(std::string_view word) const {
  Place place;
  u64 offset = 0;
  if (const usize plus = word.find('+'); plus != std::string_view::npos) {
    const auto more = hex_of(word.substr(plus + 1));
    if (!more) return std::nullopt;
    offset = *more;
    word = word.substr(0, plus);
  }
  if (const auto name = names_.find(word); name != names_.end()) {
    place = name->second;
  } else {
    constexpr std::pair<std::string_view, Space> kSpaces[] = {
        {"ipa:", Space::Ipa}, {"va:", Space::Va}, {"pa:", Space::Pa}};
    for (const auto& [prefix, space] : kSpaces) {
      if (!word.starts_with(prefix)) continue;
      place.space = space;
      word.remove_prefix(prefix.size());
      break;
    }
    const auto value = hex_of(word);
    if (!value) return std::nullopt;
    place.value = *value;
  }
  place.value += offset;
  return place;
}

Result<Place, UserError> Words::place() {
  const auto place = place_of(peek());
  if (!place) return expected("an address (hexadecimal, or a name)");
  ++next_;
  return *place;
}

Result<u64, UserError> Words::ipa() {
  const auto place = place_of(peek());
  if (!place || place->space != Space::Ipa) return expected("an intermediate physical address");
  ++next_;
  return place->value;
}

Result<u64, UserError> Words::hex(std::string_view what) {
  const auto place = place_of(peek());
  if (!place) return expected(what);
  ++next_;
  return place->value;
}

Result<u64, UserError> Words::decimal(std::string_view what) {
  const auto value = decimal_of(peek());
  if (!value) return expected(what);
  ++next_;
  return *value;
}

Result<u64, UserError> Words::size() {
  const auto value = size_of(peek());
  if (!value || *value == 0) return expected("a size such as 64, 4K or 2M");
  ++next_;
  return *value;
}

Result<unsigned, UserError> Words::index(std::string_view prefix) {
  const std::string_view word = peek();
  const auto number = word.starts_with(prefix) ? decimal_of(word.substr(prefix.size())) : std::nullopt;
  if (!number || *number > 7) return expected(fmt::format("{}0 to {}7", prefix, prefix));
  ++next_;
  return static_cast<unsigned>(*number);
}

Result<Setting, UserError> Words::setting() {
  const std::string_view word = peek();
  const usize equals = word.find('=');
  if (equals == 0 || equals == std::string_view::npos || equals + 1 == word.size()) return expected("key=value");
  Setting setting{std::string(word.substr(0, equals)), std::string(word.substr(equals + 1)), line_};
  ++next_;
  return setting;
}

}  // namespace farside::scenario
