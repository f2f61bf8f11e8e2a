// tests/unit/simd/differential_test.cpp - every integer SIMD, permute and crypto form against Unicorn, at random.
//
// FARSIDE_SIMD_CASES (per form) and FARSIDE_SIMD_SEED in the environment make a longer run, or another one.
#include <fmt/format.h>

#include <cstdlib>

#include "tests/unit/catch.h"
#include "tests/unit/simd/unicorn.h"

using namespace farside;
using namespace farside::isa::simd::test;

namespace {

u64 setting(const char* name, u64 otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

/// splitmix64.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}
  u64 next() {
    u64 z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  u64 below(u64 n) { return next() % n; }

 private:
  u64 state_;
};

/// Lanes of T near the ends of the signed and unsigned ranges, near shift amounts, or anything.
template <class T>
Vec lanes(Random& random) {
  constexpr T top = static_cast<T>(T{1} << (sizeof(T) * 8 - 1));
  Vec v;
  for (unsigned i = 0; i < 16 / sizeof(T); ++i) {
    const T near_zero = static_cast<T>(random.below(20 * sizeof(T)) - 10 * sizeof(T));
    const T choices[] = {0, static_cast<T>(-1), top, static_cast<T>(top - 1), near_zero, static_cast<T>(random.next())};
    v.set_lane<T>(i, choices[random.below(6)]);
  }
  return v;
}
Vec operand(Random& random) {
  switch (random.below(5)) {
    case 0: return lanes<u8>(random);
    case 1: return lanes<u16>(random);
    case 2: return lanes<u32>(random);
    case 3: return lanes<u64>(random);
    default: return {random.next(), random.next()};
  }
}
State random_state(Random& random) {
  State s;
  for (Vec& v : s.v) v = operand(random);
  for (unsigned i = 0; i < 31; ++i) s.x[i] = random.next();
  if (random.below(4) == 0) s.fp.fpsr = s.fp.fpsr.with(Fpsr::QC, true);
  return s;
}

/// Empty when equal.
std::string difference(const State& ours, const State& theirs) {
  std::string out;
  for (unsigned i = 0; i < 32; ++i)
    if (ours.v[i] != theirs.v[i])
      out += fmt::format(" v{}={:016x}_{:016x} not {:016x}_{:016x}", i, ours.v[i].hi, ours.v[i].lo, theirs.v[i].hi,
                         theirs.v[i].lo);
  for (unsigned i = 0; i < 31; ++i)
    if (ours.x[i] != theirs.x[i]) out += fmt::format(" x{}={:x} not {:x}", i, ours.x[i], theirs.x[i]);
  if (!(ours.fp.fpsr == theirs.fp.fpsr))
    out += fmt::format(" fpsr={:x} not {:x}", ours.fp.fpsr.raw, theirs.fp.fpsr.raw);
  return out;
}

}  // namespace

TEST_CASE("every form agrees with Unicorn") {
  const u64 seed = setting("FARSIDE_SIMD_SEED", 1), cases = setting("FARSIDE_SIMD_CASES", 100);
  UnicornArm arm;
  for (const Form& form : forms()) {
    Random random(seed ^ form.pattern.value);
    u64 defined = 0;
    for (u64 i = 0; i < cases; ++i) {
      const u32 word = (static_cast<u32>(random.next()) & ~form.pattern.mask) | form.pattern.value;
      if (find_form(word) != &form) continue;
      TestExec ours;
      ours.s = random_state(random);
      State theirs = ours.s;
      const bool theirs_defined = arm.run(word, theirs);
      form.run(ours, word);
      INFO(fmt::format("{} {:08x}:{}", form.name, word, difference(ours.s, theirs)));
      REQUIRE(theirs_defined == !ours.undefined_seen);
      REQUIRE(difference(ours.s, theirs).empty());
      defined += theirs_defined;
    }
    INFO(form.name);
    REQUIRE(defined > 0);
  }
}

TEST_CASE("with SIMD disabled every allocated form traps and changes nothing") {
  for (const Form& form : forms()) {
    Random random(form.pattern.value);
    for (int i = 0; i < 20; ++i) {
      const u32 word = (static_cast<u32>(random.next()) & ~form.pattern.mask) | form.pattern.value;
      TestExec trapped;
      trapped.s = random_state(random);
      trapped.fp_enabled = false;
      const State before = trapped.s;
      INFO(form.name);
      REQUIRE(form.run(trapped, word) == isa::Flow::Raise);
      REQUIRE(difference(trapped.s, before).empty());
    }
  }
}
