// core/arch/vec.h - the value of one 128-bit SIMD&FP register, seen as lanes.
#pragma once
#include <cstring>
#include <type_traits>

#include "core/base/types.h"

namespace farside {

/// 128 bits, little-endian lanes: lane 0 is the least significant.
struct alignas(16) Vec {
  u64 lo = 0, hi = 0;

  /// Lane `i` as T (u8..u64 or a signed counterpart); i < 16 / sizeof(T).
  template <class T>
  T lane(unsigned i) const {
    T out;
    std::memcpy(&out, reinterpret_cast<const u8*>(this) + i * sizeof(T), sizeof(T));
    return out;
  }
  template <class T>
  void set_lane(unsigned i, T value) {
    std::memcpy(reinterpret_cast<u8*>(this) + i * sizeof(T), &value, sizeof(T));
  }
  friend constexpr bool operator==(const Vec&, const Vec&) = default;
};

}  // namespace farside
