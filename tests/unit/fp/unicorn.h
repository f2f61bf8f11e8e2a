// tests/unit/fp/unicorn.h - Unicorn (QEMU's softfloat) as an independent Arm to compare with.
#pragma once
#include <memory>

#include "tests/unit/fp/test_exec.h"

namespace farside::fp::test {

class UnicornArm {
 public:
  UnicornArm();
  ~UnicornArm();
  /// Executes `word` on `state`; false when it is undefined there. Only the registers that the word's fields name are
  /// copied in, and only Rd, NZCV and FPSR out.
  bool run(u32 word, FpState& state);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace farside::fp::test
