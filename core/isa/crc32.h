// core/isa/crc32.h - the two CRC-32 polynomials of FEAT_CRC32, a byte at a time.
#pragma once
#include <array>

#include "core/base/types.h"

namespace farside::isa {

/// Bit-reflected polynomials: CRC-32 (0x04c11db7) and CRC-32C (0x1edc6f41).
constexpr u32 kCrc32 = 0xedb88320, kCrc32C = 0x82f63b78;

template <u32 Polynomial>
inline constexpr std::array<u32, 256> kCrcTable = [] {
  std::array<u32, 256> table{};
  for (u32 i = 0; i < 256; ++i) {
    u32 crc = i;
    for (int step = 0; step < 8; ++step) crc = crc & 1 ? crc >> 1 ^ Polynomial : crc >> 1;
    table[i] = crc;
  }
  return table;
}();

/// Feeds the low `bytes` bytes of `data` to the accumulator; no inversion before or after, as the instructions do it.
template <u32 Polynomial>
constexpr u64 crc32_update(u64 accumulator, u64 data, unsigned bytes) {
  u32 crc = static_cast<u32>(accumulator);
  for (; bytes != 0; --bytes, data >>= 8) crc = crc >> 8 ^ kCrcTable<Polynomial>[(crc ^ data) & 0xff];
  return crc;
}

}  // namespace farside::isa
