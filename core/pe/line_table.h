// core/pe/line_table.h - the fast path with modelled caches: pointers to lines that the hierarchy has lent, by address.
#pragma once
#include <array>

#include "cache/hierarchy.h"
#include "core/base/addr.h"

namespace farside::pe {

/// Pointers to 64-byte lines. The low bits of a slot are those that virtual and physical address share, so that a
/// withdrawal by physical address looks at few slots.
class LineTable {
 public:
  static constexpr u64 kLineBytes = 64;

  /// Host address of `va` if its whole access of `size` bytes lies in a known line, else null.
  u8* find(u64 va, unsigned size) const {
    const Slot& slot = slots_[index(va)];
    const u64 offset = va ^ slot.tag;
    return offset <= kLineBytes - size && slot.epoch == epoch_ ? slot.host + offset : nullptr;
  }
  /// `guarded` is remembered for lines of instructions (BTI).
  void insert(u64 va, Pa pa, u8* host, bool guarded = false) {
    slots_[index(va)] = {va & ~(kLineBytes - 1), pa.value & ~(kLineBytes - 1), host, epoch_, guarded};
  }
  bool guarded(u64 va) const { return slots_[index(va)].guarded; }
  /// Forgets the line at physical address `pa` under every virtual address.
  void withdraw(Pa pa) {
    const u64 line = pa.value & ~(kLineBytes - 1);
    const usize first = ((pa.value >> 6) & 63) * kWays;
    for (usize i = first; i < first + kWays; ++i)
      if (slots_[i].pa == line) slots_[i].epoch = 0;
  }
  /// Forgets everything: another translation may hold.
  void clear() { ++epoch_; }
  /// snapshot.cpp: `core` and `side` say which cache the lines are in, `for_write` how they have been lent.
  void visit_state(StateVisitor& visitor, cache::Hierarchy& caches, u32 core, cache::Side side, bool for_write);

 private:
  static constexpr usize kWays = 16;
  struct Slot {
    u64 tag = 0, pa = 0;
    u8* host = nullptr;
    u64 epoch = 0;
    bool guarded = false;
  };
  static usize index(u64 va) { return ((va >> 6) & 63) * kWays + (((va >> 12) ^ (va >> 16)) & (kWays - 1)); }
  std::array<Slot, 64 * kWays> slots_{};
  u64 epoch_ = 1;
};

}  // namespace farside::pe
