// tests/diff/state.h - the user-level state that both engines start from and that is compared afterwards.
#pragma once
#include "core/arch/vec.h"
#include "core/base/types.h"

namespace farside::diff {

struct UserState {
  u64 x[31] = {};
  u64 sp = 0, pc = 0;
  u32 nzcv = 0;  ///< in bits 31:28
  u32 fpcr = 0, fpsr = 0;
  Vec v[32] = {};
};

/// How a run ended.
enum class Ending : u8 { Done, Undefined, Abort, Other };

/// FPSR bits that exist: QC, IDC, IXC, UFC, OFC, DZC, IOC.
constexpr u32 kFpsrMask = 0x0800009f;

}  // namespace farside::diff
