// core/base/bits.h - bit extraction, extension, rotation and alignment on plain integers.
#pragma once
#include <bit>
#include <concepts>

#include "core/base/types.h"

namespace farside {

/// A value with the low `n` bits set; `n` in 0..64.
constexpr u64 ones(unsigned n) { return n >= 64 ? ~u64{0} : (u64{1} << n) - 1; }

/// Bits `hi` down to `lo` of `value`, inclusive as the Arm ARM writes value<hi:lo>.
constexpr u64 bits(u64 value, unsigned hi, unsigned lo) { return (value >> lo) & ones(hi - lo + 1); }

/// Bit `n` of `value`.
constexpr bool bit(u64 value, unsigned n) { return (value >> n) & 1; }

/// `value` with bits hi:lo replaced by the low bits of `field`.
constexpr u64 with_bits(u64 value, unsigned hi, unsigned lo, u64 field) {
  const u64 mask = ones(hi - lo + 1) << lo;
  return (value & ~mask) | ((field << lo) & mask);
}

/// The low `from` bits of `value` as a signed number; `from` in 1..64.
constexpr i64 sign_extend(u64 value, unsigned from) { return static_cast<i64>(value << (64 - from)) >> (64 - from); }

/// Rotates the low `width` bits of `value` right by `by` (any amount); other bits of `value` must be 0.
constexpr u64 rotate_right(u64 value, unsigned by, unsigned width) {
  by %= width;
  if (by == 0) return value;
  return ((value >> by) | (value << (width - by))) & ones(width);
}

/// `align` must be a power of two.
constexpr u64 align_down(u64 value, u64 align) { return value & ~(align - 1); }
constexpr u64 align_up(u64 value, u64 align) { return (value + align - 1) & ~(align - 1); }
constexpr bool is_aligned(u64 value, u64 align) { return (value & (align - 1)) == 0; }
constexpr bool is_power_of_two(u64 value) { return std::has_single_bit(value); }

/// floor(log2(value)); `value` must not be 0.
constexpr unsigned log2_floor(u64 value) { return 63 - std::countl_zero(value); }

}  // namespace farside
