// core/jit/access_runs.h - accesses of a block that one look at L0 can serve: off one base register, near each other.
#pragma once
#include <array>

#include "core/isa/decode.h"
#include "core/jit/block.h"

namespace farside::jit {

/// What an instruction is to a run.
struct RunMember {
  enum class Role : u8 { None, First, Later } role = Role::None;
  u8 slot = 0;  ///< where the run keeps the distance from guest to host addresses (EngineData::distances)
  u8 base = 0;  ///< register number; 31 is SP
  /// All accesses have the same address, the sum of two registers: the slot has the host address of it.
  bool indexed = false;
  bool write = false;           ///< some access of the run is a store
  bool base_is_loaded = false;  ///< by the first of two loads of the instruction
  bool alone = false;           ///< First: there is no other
  bool chases = false;          ///< First: a load of pointers whose address is a pointer that was loaded
  i32 offset = 0;               ///< of this access from the base register as the instruction finds it
  i32 low = 0, high = 0;        ///< First: all accesses of the run, as offsets from the base register as it is here
};

struct AccessRuns {
  std::array<RunMember, kMaxBlock> member{};
  std::array<bool, kMaxBlock> live{};  ///< behind the instruction some run still has accesses to come
  u32 pairs = 0;                       ///< by number n: some LDP loads Xn and Xn+1
};

/// What find_access_runs looks for.
struct RunKinds {
  bool stores = true;  ///< beside loads
  /// Also marks loads that follow pointers, and makes them runs of their own where they are in none.
  bool chases = false;
};

/// A load or store of one or two registers, at a constant distance from its base register, that only moves data.
bool is_plain_access(u32 word);

/// A load or store of general-purpose registers: its slow paths find the guest as it was before the instruction.
bool is_integer_access(isa::A64 form, u32 word);

/// Of the first `count` instructions. No run has an instruction of `opaque` between its accesses, but it goes on behind
/// branches that are `inner` ones of a path.
void find_access_runs(const u32* words, unsigned count, const std::array<bool, kMaxBlock>& opaque,
                      const std::array<bool, kMaxBlock>& inner, RunKinds kinds, AccessRuns& runs);

}  // namespace farside::jit
