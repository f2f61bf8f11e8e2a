// core/base/addr.h - virtual, intermediate physical and physical addresses as types that do not mix.
#pragma once
#include <fmt/format.h>

#include <compare>

#include "core/base/bits.h"

namespace farside {

/// Shared arithmetic of the three address types. Conversion between them happens only inside translation,
/// where it is written out as `Pa{ipa.value}`.
template <class Self>
struct Address {
  u64 value = 0;
  constexpr Self operator+(u64 offset) const { return Self{value + offset}; }
  constexpr Self operator-(u64 offset) const { return Self{value - offset}; }
  constexpr u64 operator-(Self other) const { return value - other.value; }
  constexpr Self align_down(u64 align) const { return Self{farside::align_down(value, align)}; }
  constexpr Self align_up(u64 align) const { return Self{farside::align_up(value, align)}; }
  constexpr u64 offset_in(u64 align) const { return value & (align - 1); }
  constexpr bool is_aligned(u64 align) const { return farside::is_aligned(value, align); }
  friend constexpr auto operator<=>(const Address&, const Address&) = default;
};

struct Va : Address<Va> {
  constexpr Va() = default;
  constexpr explicit Va(u64 v) : Address{v} {}
  static constexpr const char* prefix = "va";
};
struct Ipa : Address<Ipa> {
  constexpr Ipa() = default;
  constexpr explicit Ipa(u64 v) : Address{v} {}
  static constexpr const char* prefix = "ipa";
};
struct Pa : Address<Pa> {
  constexpr Pa() = default;
  constexpr explicit Pa(u64 v) : Address{v} {}
  static constexpr const char* prefix = "pa";
};

}  // namespace farside

/// Prints `va:ffff_8000_0801_0000`, `ipa:4008_0000`, `pa:8000_0000`: the vocabulary of traces and scenarios.
template <class A>
requires std::derived_from<A, farside::Address<A>>
struct fmt::formatter<A> {
  constexpr auto parse(fmt::format_parse_context& ctx) { return ctx.begin(); }
  auto format(A a, fmt::format_context& ctx) const {
    auto out = fmt::format_to(ctx.out(), "{}:", A::prefix);
    bool printing = false;
    for (int shift = 48; shift >= 0; shift -= 16) {
      const unsigned group = (a.value >> shift) & 0xffff;
      if (printing) {
        out = fmt::format_to(out, "_{:04x}", group);
      } else if (group != 0 || shift == 0) {
        out = fmt::format_to(out, "{:x}", group);
        printing = true;
      }
    }
    return out;
  }
};
