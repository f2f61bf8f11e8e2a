// devices/regmap.h - a device's register map as a sorted table, and the lookup that its read and write begin with.
#pragma once
#include <algorithm>
#include <array>
#include <string_view>

#include "core/base/bits.h"

namespace farside::dev {

enum class Rw : u8 { Read = 1, Write = 2, Both = 3 };

/// One register, or an array of equal ones: `length` bytes from `offset`.
template <class Id>
struct RegisterRow {
  u32 offset;
  u32 length;
  Id id;
  std::string_view name;
  Rw rw;
  constexpr bool readable() const { return static_cast<u8>(rw) & 1; }
  constexpr bool writable() const { return static_cast<u8>(rw) & 2; }
};

/// True when rows ascend and do not overlap: every table asserts it.
template <class Id, usize N>
constexpr bool is_sorted(const std::array<RegisterRow<Id>, N>& rows) {
  for (usize i = 1; i < N; i++) {
    if (rows[i - 1].offset + rows[i - 1].length > rows[i].offset) return false;
  }
  return true;
}

/// The row that holds `offset`, or null: a reserved place, which reads as zero and ignores writes.
template <class Id, usize N>
constexpr const RegisterRow<Id>* find_register(const std::array<RegisterRow<Id>, N>& rows, u64 offset) {
  auto after = std::upper_bound(rows.begin(), rows.end(), offset,
                                [](u64 at, const RegisterRow<Id>& row) { return at < row.offset; });
  if (after == rows.begin()) return nullptr;
  const RegisterRow<Id>& row = *(after - 1);
  return offset - row.offset < row.length ? &row : nullptr;
}

/// The bytes of 32-bit register `word` that an access of `size` bytes at `offset` sees.
constexpr u64 narrow(u32 word, u64 offset, unsigned size) {
  return (u64{word} >> (8 * (offset & 3))) & ones(8 * (size < 4 ? size : 4));
}

/// Byte `index` of the eight identification registers, one byte in each word.
constexpr u32 id_byte(const std::array<u8, 8>& id, u64 offset) { return id[(offset / 4) % 8]; }

}  // namespace farside::dev
