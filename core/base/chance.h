// core/base/chance.h - every random decision comes from a named stream of one printed seed.
#pragma once
#include <string_view>

#include "core/base/types.h"

namespace farside {

/// A deterministic stream (SplitMix64). Streams of one seed with different names are independent.
class Chance {
 public:
  constexpr explicit Chance(u64 seed = 0, std::string_view stream = {}) : state_(seed) {
    for (char c : stream) state_ = (state_ ^ static_cast<u8>(c)) * 0x100000001b3;  // FNV-1a step, mixes the name in
  }
  constexpr u64 next() {
    u64 z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Uniform in 0..bound-1; `bound` must not be 0.
  constexpr u64 below(u64 bound) { return static_cast<u64>((static_cast<u128>(next()) * bound) >> 64); }
  /// True once in `n` draws on average.
  constexpr bool one_in(u64 n) { return below(n) == 0; }
  constexpr u64 state() const { return state_; }

 private:
  u64 state_;
};

}  // namespace farside
