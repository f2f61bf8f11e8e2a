// core/isa/imm.h - typed instruction fields and what an instruction tells its engine when it is done.
#pragma once
#include "core/base/bits.h"

namespace farside::isa {

/// An immediate or option field of N bits.
template <unsigned N>
struct Imm {
  static constexpr unsigned width = N;
  u32 raw;
  constexpr u64 zext() const { return raw; }
  constexpr i64 sext() const { return sign_extend(raw, N); }
  constexpr operator u32() const { return raw; }
  constexpr bool bit(unsigned i) const { return (raw >> i) & 1; }
};

/// A general-purpose or SIMD&FP register number; whether 31 is ZR or SP depends on the operand.
struct RegNo {
  static constexpr unsigned width = 5;
  u32 raw;
  constexpr operator u32() const { return raw; }
  constexpr bool is31() const { return raw == 31; }
};

/// What the engine does after an instruction.
enum class Flow : u8 {
  Next,      ///< continue at PC + 4
  Jump,      ///< PC has been set
  Raise,     ///< an exception is pending in the executor; PC still names this instruction
  Sync,      ///< as Next, but interrupt masks, translation or debug state may have changed: re-evaluate before going on
  SyncJump,  ///< as Jump, with the re-evaluation of Sync (ERET)
  Wait,      ///< as Sync, and the PE may stop until an event (WFI, WFE)
};

}  // namespace farside::isa
