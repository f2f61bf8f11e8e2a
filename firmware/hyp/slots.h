// firmware/hyp/slots.h - memory slots: which guest addresses are which addresses of the VMM.
#pragma once
#include <vector>

#include "core/base/result.h"
#include "firmware/hyp/vm.h"

namespace farside::hyp {

constexpr u64 kGuestPageSize = 4096;

/// One slot. `invalid` marks the copy that is visible while the slot moves or goes away.
struct Slot {
  u32 id = 0, flags = 0;
  Ipa guest{};
  u64 size = 0, hva = 0;
  bool invalid = false;
  std::vector<u64> dirty;  ///< one bit per page while logging

  bool contains(Ipa ipa) const { return ipa.value - guest.value < size; }
  u64 end() const { return guest.value + size; }
  u64 pages() const { return size / kGuestPageSize; }
  u64 hva_of(Ipa ipa) const { return hva + (ipa.value - guest.value); }
  bool read_only() const { return flags & kMemReadOnly; }
  /// memslot_is_logging: a read-only slot never is.
  bool logging() const { return !dirty.empty() && !read_only(); }
};

/// The slots of one VM, by guest address.
class Slots {
 public:
  Slot* find(Ipa ipa);
  const Slot* find(Ipa ipa) const;
  Slot* by_id(u32 id);
  const Slot* by_id(u32 id) const;
  void insert(Slot slot);
  void erase(u32 id);
  u64 total_pages() const;
  std::vector<Slot>& all() { return slots_; }
  const std::vector<Slot>& all() const { return slots_; }

 private:
  std::vector<Slot> slots_;  ///< sorted by guest, never overlapping
};

enum class SlotChange : u8 { None, Create, Delete, Move, FlagsOnly };

/// What KVM_SET_USER_MEMORY_REGION would do, without doing it (__kvm_set_memory_region up to the point of no return).
Result<SlotChange, Errno> classify_request(const Slots& slots, const MemoryRegion& region);
/// The whole call: INVALID copy, unmapping, registration, dirty log.
Result<void, Errno> set_memory_region(VmState& vm, const MemoryRegion& region);

}  // namespace farside::hyp
