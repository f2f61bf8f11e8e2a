// core/base/knob.h - tables of knobs: one row gives a member of a struct its name, its values and what it means.
#pragma once
#include <fmt/format.h>

#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside {

/// One knob of `Knobs`: named values, or a number from `min` to `max` where there are none.
template <class Knobs>
struct KnobRow {
  std::string_view name;
  std::span<const std::string_view> values;
  u32 min, max;
  std::string_view text;
  u32 (*get)(const Knobs&);
  void (*set)(Knobs&, u32);
};

/// A row as `--knob help` prints it.
struct KnobInfo {
  std::string_view name;
  std::string values;  ///< "a|b|c" or "0..9"
  std::string_view text;
};

namespace knob_detail {
template <class Class, class Type>
Class class_of(Type Class::*);
template <auto Member>
using ClassOf = decltype(class_of(Member));
template <auto Member>
u32 get(const ClassOf<Member>& knobs) {
  return static_cast<u32>(knobs.*Member);
}
template <auto Member>
void set(ClassOf<Member>& knobs, u32 value) {
  knobs.*Member = static_cast<std::remove_reference_t<decltype(knobs.*Member)>>(value);
}
}  // namespace knob_detail

/// A row for an enumeration or a bool; `values` are the names in numeric order.
template <auto Member, usize N>
constexpr KnobRow<knob_detail::ClassOf<Member>> named_knob(std::string_view name, const std::string_view (&values)[N],
                                                           std::string_view text) {
  return {name, values, 0, N - 1, text, knob_detail::get<Member>, knob_detail::set<Member>};
}
/// A row for a number.
template <auto Member>
constexpr KnobRow<knob_detail::ClassOf<Member>> number_knob(std::string_view name, u32 min, u32 max,
                                                            std::string_view text) {
  return {name, {}, min, max, text, knob_detail::get<Member>, knob_detail::set<Member>};
}

template <class Knobs>
std::string knob_values(const KnobRow<Knobs>& row) {
  if (row.values.empty()) return fmt::format("{}..{}", row.min, row.max);
  return fmt::format("{}", fmt::join(row.values, "|"));
}

/// Applies `value` to the knob `name` of this table; false where the table has no such knob.
template <class Knobs>
Result<bool, UserError> set_knob_of(std::span<const KnobRow<Knobs>> rows, Knobs& knobs, std::string_view name,
                                    std::string_view value) {
  for (const KnobRow<Knobs>& row : rows) {
    if (row.name != name) continue;
    for (u32 i = 0; i < row.values.size(); ++i) {
      if (row.values[i] == value) return row.set(knobs, i), true;
    }
    u32 parsed = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    const bool is_number = error == std::errc{} && end == value.data() + value.size();
    if (row.values.empty() && is_number && parsed >= row.min && parsed <= row.max) return row.set(knobs, parsed), true;
    return UserError{fmt::format("knob {}: '{}' is not one of {}", name, value, knob_values(row))};
  }
  return false;
}

template <class Knobs>
std::vector<KnobInfo> describe_knobs(std::span<const KnobRow<Knobs>> rows) {
  std::vector<KnobInfo> out;
  for (const KnobRow<Knobs>& row : rows) out.push_back({row.name, knob_values(row), row.text});
  return out;
}

/// Each knob as `name=value`.
template <class Knobs>
std::vector<std::string> print_knobs_of(std::span<const KnobRow<Knobs>> rows, const Knobs& knobs) {
  std::vector<std::string> out;
  for (const KnobRow<Knobs>& row : rows) {
    const u32 value = row.get(knobs);
    out.push_back(row.values.empty() ? fmt::format("{}={}", row.name, value)
                                     : fmt::format("{}={}", row.name, row.values[value]));
  }
  return out;
}

}  // namespace farside
