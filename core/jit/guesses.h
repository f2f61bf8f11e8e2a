// core/jit/guesses.h - what loads of pointers take for the distance from guest to host addresses before they know it.
#pragma once
#include <array>

#include "core/base/types.h"

namespace farside::jit {

/// The distances that a load has found last. What L0 says decides; a guess that is right only spares waiting for it.
/// One distance is right for all pages that lie in the host's memory as they do in the guest's address space.
struct DistanceGuess {
  static constexpr unsigned kWays = 4;
  std::array<u64, kWays> distance{};
  u64 misses = 0;  ///< times that none was right
};

/// Where the routine that remembers a new distance finds the parts of a DistanceGuess.
constexpr i32 kGuessMisses = DistanceGuess::kWays * 8;
static_assert(offsetof(DistanceGuess, misses) == kGuessMisses);

}  // namespace farside::jit
