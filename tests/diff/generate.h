// tests/diff/generate.h - random words of the instruction table and random state that makes them interesting.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "core/isa/decode.h"
#include "tests/diff/state.h"

namespace farside::diff {

/// splitmix64: the same numbers everywhere for one seed.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}
  u64 next() {
    u64 z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// 0..n-1.
  u64 below(u64 n) { return next() % n; }
  bool one_in(u64 n) { return below(n) == 0; }

 private:
  u64 state_;
};

/// The group of a form: the .def file that it comes from.
enum class Group : u8 {
  Alu,
  Branch,
  System,
  LoadStore,
  Atomic,
  Fp,
  SimdLoadStore,
  SimdInt,
  SimdFp,
  SimdPermute,
  Crypto
};
Group group_of(isa::A64 form);
std::string_view group_name(Group group);
/// Loads, stores and atomics: the base register must point somewhere.
bool touches_memory(Group group);

/// An access with acquire or release, exclusive or atomic: misaligned ones fault whatever SCTLR_EL1.A says.
bool is_ordered(u32 word, isa::A64 form);

/// Where data may lie.
struct Window {
  u64 base = 0, size = 0;
};

/// A random word of `form`; literal loads stay near PC. The word may belong to a more specific form.
u32 random_word(Random& random, isa::A64 form);
/// The store-exclusive that fits `load`, a load-exclusive: same address register and size.
u32 matching_store_exclusive(Random& random, u32 load);
/// Registers, flags and FP control with many special values.
UserState random_state(Random& random, const Window& window);
/// Points the base and index registers of `word`, a memory access, into the window (usually).
void aim(Random& random, u32 word, isa::A64 form, const Window& window, UserState& state);

}  // namespace farside::diff
