// core/jit/flag_use.h - which condition flags something may see after each instruction of a block.
#pragma once
#include <array>

#include "core/isa/decode.h"
#include "core/jit/block.h"

namespace farside::jit {

/// NZCV as a mask of four bits, N being bit 3.
struct FlagUse {
  std::array<bool, kMaxBlock> opaque{};  ///< input: may do anything, as instructions that the interpreter executes
  std::array<bool, kMaxBlock> inner{};   ///< input: a branch that the block goes on behind, or leaves
  bool repeats = false;  ///< input: the slow path of an access may do a comparison again to store its flags
  u8 needed_before(unsigned i) const { return i == 0 ? u8{15} : needed[i - 1]; }
  std::array<u8, kMaxBlock> needed{};      ///< after the instruction, by later ones or by whatever may interrupt them
  std::array<bool, kMaxBlock> kept{};      ///< the carry alone is needed, and nothing before its reader uses host flags
  std::array<bool, kMaxBlock> deferred{};  ///< a comparison that may be emitted where its flags are read
  /// An inner branch that finds the flags in the host's: where it leaves, all are stored.
  std::array<bool, kMaxBlock> saved_outside{};
  /// Of an access: 1 and the number of the comparison whose flags only its slow paths store; 0: they are in memory.
  std::array<u8, kMaxBlock> repeated{};
  std::array<bool, kMaxBlock> waiting{};  ///< from behind a deferred comparison to the last reader of its flags
};

/// For the first `count` instructions. Behind the block every flag is needed, and so it is before each instruction that
/// may leave the block.
void find_flag_use(const isa::A64* forms, const u32* words, unsigned count, FlagUse& use);

}  // namespace farside::jit
