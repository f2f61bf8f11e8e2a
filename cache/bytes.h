// cache/bytes.h - lines compared and merged by byte masks: bit i stands for byte i.
#pragma once
#include <bit>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/types.h"

namespace farside::cache {

/// Which of 64 bytes differ.
inline u64 differing_bytes(const u8* a, const u8* b) {
  u64 equal = 0;
#ifdef __SSE2__
  for (unsigned i = 0; i < 64; i += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i));
    equal |= u64{static_cast<u32>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)))} << i;
  }
#else
  for (unsigned i = 0; i < 64; ++i) equal |= u64{a[i] == b[i]} << i;
#endif
  return ~equal;
}

/// Copies the bytes of a line that are in `mask`.
inline void copy_bytes(u8* to, const u8* from, u64 mask) {
  if (mask == ~u64{0}) {
    std::memcpy(to, from, 64);
    return;
  }
  for (; mask != 0; mask &= mask - 1) {
    const auto byte = static_cast<unsigned>(std::countr_zero(mask));
    to[byte] = from[byte];
  }
}

}  // namespace farside::cache
