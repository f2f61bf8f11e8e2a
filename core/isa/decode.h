// core/isa/decode.h - from a .def line's bit pattern to a decoder and to typed arguments.
//
// A pattern is read left to right, bit 31 first: "sf:1 00 100010 sh:1 imm12:12 Rn:5 Rd:5". A token of 0s and 1s is
// fixed, `x` is a bit that does not matter, `name:width` is a field. Fields become, in order, the arguments of the
// semantic function of the same name: width and number are checked when farside is compiled.
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "core/arch/features.h"
#include "core/isa/imm.h"

namespace farside::isa {

/// A string usable as a template argument.
template <usize N>
struct FixedString {
  char text[N]{};
  consteval FixedString(const char (&source)[N]) {
    for (usize i = 0; i < N; ++i) text[i] = source[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

struct FieldAt {
  u8 lo = 0, width = 0;
};

/// A parsed pattern: an instruction word belongs to it when (word & mask) == value.
struct Pattern {
  u32 mask = 0, value = 0;
  unsigned field_count = 0;
  std::array<FieldAt, 12> fields{};
  bool valid = true;  ///< exactly 32 bits and well formed
};

constexpr Pattern parse_pattern(std::string_view text) {
  Pattern p;
  int at = 32;  // the next bit to be placed is at - 1
  for (usize i = 0; i < text.size();) {
    const char c = text[i];
    if (c == ' ') {
      ++i;
    } else if (c == '0' || c == '1') {
      --at;
      p.mask |= u32{1} << at;
      if (c == '1') p.value |= u32{1} << at;
      ++i;
    } else if (c == 'x' && (i + 1 == text.size() || text[i + 1] == ' ' || text[i + 1] == 'x')) {
      --at;
      ++i;
    } else {
      while (i < text.size() && text[i] != ':') ++i;
      unsigned width = 0;
      for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) width = width * 10 + (text[i] - '0');
      at -= static_cast<int>(width);
      if (width == 0 || at < 0 || p.field_count == p.fields.size()) {
        p.valid = false;
        return p;
      }
      p.fields[p.field_count++] = {static_cast<u8>(at), static_cast<u8>(width)};
    }
    if (at < 0) {
      p.valid = false;
      return p;
    }
  }
  p.valid = at == 0;
  return p;
}

/// Calls `fn(x, fields...)` with the fields of `word` as Pattern P names them.
template <FixedString P, class X, class... Args>
[[gnu::always_inline]] inline Flow call_with_fields(Flow (*fn)(X&, Args...), X& x, u32 word) {
  constexpr Pattern p = parse_pattern(P.view());
  static_assert(p.valid, "the pattern must describe exactly 32 bits");
  static_assert(p.field_count == sizeof...(Args), "one argument per field");
  return [&]<usize... I>(std::index_sequence<I...>) {
    static_assert(((Args::width == p.fields[I].width) && ...), "argument and field widths must agree");
    return fn(x, Args{static_cast<u32>((word >> p.fields[I].lo) & static_cast<u32>(ones(p.fields[I].width)))}...);
  }
  (std::make_index_sequence<sizeof...(Args)>{});
}

/// Every A64 instruction form, in the order of the .def files.
enum class A64 : u16 {
#define INST(name, title, pattern, feature) name,
#include "core/isa/a64.def"
#undef INST
  Count,
  Undefined = Count,
};
constexpr usize kA64Count = static_cast<usize>(A64::Count);

/// One line of the table.
struct InsnInfo {
  const char* name;   ///< the semantic function
  const char* title;  ///< the Arm ARM's heading
  const char* pattern;
  u32 mask, value;
  bool Features::*feature;  ///< the extension that adds it; BASE for ARMv8.0
};

const std::array<InsnInfo, kA64Count>& a64_table();

/// The form that `word` belongs to for a CPU with `features`, or A64::Undefined. Where two patterns match, the one with
/// more fixed bits wins (the Arm ARM's "unallocated here, see there").
A64 decode_a64(u32 word, const Features& features);

}  // namespace farside::isa
