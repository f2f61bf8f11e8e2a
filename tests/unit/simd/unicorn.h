// tests/unit/simd/unicorn.h - Unicorn (QEMU's Arm model) as an independent implementation to compare with.
#pragma once
#include <memory>

#include "tests/unit/simd/simd_exec.h"

namespace farside::isa::simd::test {

class UnicornArm {
 public:
  UnicornArm();
  ~UnicornArm();
  /// Executes `word` on all of `state`; false when it is undefined there.
  bool run(u32 word, State& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace farside::isa::simd::test
