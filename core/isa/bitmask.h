// core/isa/bitmask.h - logical immediates: DecodeBitMasks of the Arm ARM as a table.
#pragma once
#include <array>

#include "core/base/bits.h"

namespace farside::isa {

/// The 64-bit mask for N:immr:imms of a logical immediate, or 0 where the encoding is reserved.
constexpr u64 decode_bit_mask(unsigned n, unsigned immr, unsigned imms) {
  const unsigned selector = n << 6 | (~imms & 0x3f);
  if (selector < 2) return 0;
  const unsigned element = 1u << log2_floor(selector), levels = element - 1;
  const unsigned run = (imms & levels) + 1;
  if (run == element) return 0;
  u64 mask = rotate_right(ones(run), immr & levels, element);
  for (unsigned width = element; width < 64; width *= 2) mask |= mask << width;
  return mask;
}

/// All 8192 of them, by N:immr:imms: logical immediates are too frequent to be worked out each time.
inline constexpr std::array<u64, 8192> kBitMasks = [] {
  std::array<u64, 8192> table{};
  for (unsigned i = 0; i < table.size(); ++i) table[i] = decode_bit_mask(i >> 12, i >> 6 & 0x3f, i & 0x3f);
  return table;
}();

}  // namespace farside::isa
