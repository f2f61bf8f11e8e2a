// core/jit/host_features.h - what the host's processor has beyond the instructions that every translated block needs.
#pragma once
#include "core/base/types.h"

namespace farside::jit {

/// Extensions that emitters choose their sequences by. A missing one means a longer sequence or the interpreter.
struct HostFeatures {
  bool avx = false;   ///< three-operand forms of everything
  bool avx2 = false;  ///< broadcasts from registers, variable shifts
  bool fma = false;   ///< FMADD and its relatives are never done as two roundings
  bool f16c = false;  ///< half precision is converted; only with avx
  bool aes = false, pclmul = false, sha = false;

  /// Of this machine, as CPUID and the operating system say.
  static HostFeatures detect();
  /// Whether this machine can run translated code at all.
  static bool has_least();
  /// What every host has that can.
  static HostFeatures least() { return {}; }
};

}  // namespace farside::jit
