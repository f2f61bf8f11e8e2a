// tests/unit/fp/operands.h - seeded random operands that dwell on the edges of each format.
#pragma once
#include <cstdlib>

#include "core/arch/vec.h"
#include "core/isa/fp/format.h"

namespace farside::fp::test {

/// SplitMix64.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}
  u64 next() {
    state_ += 0x9e3779b97f4a7c15;
    u64 z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  u64 below(u64 n) { return next() % n; }

 private:
  u64 state_;
};

/// A number from the environment, so that longer or other runs need no rebuild: FARSIDE_FP_SEED, FARSIDE_FP_CASES.
inline u64 setting(const char* name, u64 otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

/// A value of format T: mostly special or near a power of two, so that additions cancel and products hit the limits.
template <Bits T>
T operand(Random& random) {
  using F = Format<T>;
  const u64 raw = random.next();
  const bool sign = raw & 1;
  const T frac = static_cast<T>(random.next() & F::frac_mask);
  const auto make = [&](int exponent, T fraction) {
    return with_sign<T>(sign, static_cast<T>((static_cast<u64>(exponent) << F::frac_bits) | (fraction & F::frac_mask)));
  };
  switch ((raw >> 1) & 31) {
    case 0: return zero<T>(sign);
    case 1: return infinity<T>(sign);
    case 2: return make(F::exp_ones, static_cast<T>(frac | F::quiet_bit));
    case 3: return make(F::exp_ones, static_cast<T>((frac & ~F::quiet_bit) | 1));
    case 4: return default_nan<T>();
    case 5: return make(0, 1);
    case 6: return make(0, frac);
    case 7: return make(0, F::frac_mask);
    case 8: return make(1, 0);
    case 9: return max_normal<T>(sign);
    case 10: return make(0, static_cast<T>(frac >> ((raw >> 8) % F::frac_bits)));
    case 11: return make(F::exp_ones - 1 - static_cast<int>((raw >> 8) & 3), frac);
    case 12: return make(1 + static_cast<int>((raw >> 8) & 3), frac);
    case 13: return make(F::bias, 0);
    case 14: return make(F::bias + static_cast<int>((raw >> 8) % (F::bias < 64 ? 16 : 66)), 0);
    case 15:  // integers and a half, near the limits of integer types
      return make(F::bias + static_cast<int>((raw >> 8) % (F::bias < 64 ? 16 : 66)),
                  static_cast<T>(~((raw >> 20) & 3)));
    case 16:
    case 17:
      return make(F::bias - 2 + static_cast<int>((raw >> 8) & 3), static_cast<T>(frac << ((raw >> 16) % F::frac_bits)));
    case 18:
    case 19:
    case 20: return make(F::bias - 2 + static_cast<int>((raw >> 8) & 3), frac);
    case 21:
    case 22: return make(F::bias + static_cast<int>((raw >> 8) % (F::frac_bits + 12)), frac);
    case 23: return make(F::bias / 2 + static_cast<int>((raw >> 8) & 3), frac);
    case 24: return make(F::bias + F::bias / 2 + static_cast<int>((raw >> 8) & 3), frac);
    default: return static_cast<T>(raw >> 8 ^ random.next());
  }
}

/// A register whose lanes are operands of one format.
inline Vec operand_vec(Random& random, int width) {
  Vec v;
  if (width == 16)
    for (unsigned i = 0; i < 8; ++i) v.set_lane<u16>(i, operand<u16>(random));
  else if (width == 32)
    for (unsigned i = 0; i < 4; ++i) v.set_lane<u32>(i, operand<u32>(random));
  else
    for (unsigned i = 0; i < 2; ++i) v.set_lane<u64>(i, operand<u64>(random));
  return v;
}

}  // namespace farside::fp::test
