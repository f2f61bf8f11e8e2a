// firmware/hyp/slots.cpp - KVM_SET_USER_MEMORY_REGION: every check in KVM's order, then the INVALID window.
#include "firmware/hyp/slots.h"

#include <algorithm>

#include "firmware/hyp/vm_state.h"

namespace farside::hyp {
namespace {

constexpr u32 kMaxSlots = 32767;               // KVM_USER_MEM_SLOTS
constexpr u64 kMaxPages = (u64{1} << 31) - 1;  // KVM_MEM_MAX_NR_PAGES
constexpr u64 kUserEnd = u64{1} << 48;         // TASK_SIZE_64

bool well_formed(const MemoryRegion& r) {
  if (r.flags & ~(kMemLogDirtyPages | kMemReadOnly)) return false;
  if (!is_aligned(r.size, kGuestPageSize) || !is_aligned(r.guest.value, kGuestPageSize)) return false;
  if (!is_aligned(r.hva, kGuestPageSize) || r.hva > kUserEnd || r.size > kUserEnd - r.hva) return false;
  if (r.slot >= kMaxSlots) return false;  // bits 31:16 select an address space; arm64 has one
  if (r.guest.value + r.size < r.guest.value) return false;
  return r.size / kGuestPageSize <= kMaxPages;
}

bool overlaps(const Slots& slots, const MemoryRegion& r) {
  return std::any_of(slots.all().begin(), slots.all().end(), [&r](const Slot& slot) {
    return slot.id != r.slot && r.guest.value < slot.end() && slot.guest.value < r.guest.value + r.size;
  });
}

/// kvm_arch_prepare_memory_region: the range must fit the VM, and device memory cannot be logged.
Result<void, Errno> prepare(const VmState& vm, const MemoryRegion& r) {
  if (r.guest.value + r.size > u64{1} << vm.config.ipa_bits) return Errno::Fault;
  if (!(r.flags & kMemLogDirtyPages)) return {};
  for (u64 hva = r.hva; hva < r.hva + r.size;) {
    const host::Vma* vma = vm.space.find(hva);
    if (!vma) {
      hva += kGuestPageSize;  // a hole: checked page by page when it faults
      continue;
    }
    if (vma->kind == host::VmaKind::PfnMap) return Errno::Inval;
    hva = vma->range.end();
  }
  return {};
}

Slot make_slot(const VmState& vm, const MemoryRegion& r, const Slot* old) {
  Slot slot{.id = r.slot, .flags = r.flags, .guest = r.guest, .size = r.size, .hva = r.hva};
  if (!(r.flags & kMemLogDirtyPages)) return slot;
  if (old && !old->dirty.empty()) {
    slot.dirty = old->dirty;
    return slot;
  }
  slot.dirty.assign((slot.pages() + 63) / 64, vm.initially_set ? ~u64{0} : 0);
  if (slot.pages() % 64 != 0) slot.dirty.back() &= ones(slot.pages() % 64);
  return slot;
}

/// Publishes the INVALID copy and unmaps. Between the two, guest accesses find no usable memory (R21).
void invalidate_slot(VmState& vm, Slot& slot) {
  slot.invalid = vm.policy().invalidate_then_remap;
  ++vm.slots_generation;
  vm.yield(YieldPoint::SlotInvalidPublished);
  if (vm.tables) vm.tables->unmap(slot.guest, slot.size);
}

}  // namespace

// ---- The set ----

const Slot* Slots::find(Ipa ipa) const {
  auto it = std::upper_bound(slots_.begin(), slots_.end(), ipa, [](Ipa a, const Slot& s) { return a < s.guest; });
  if (it == slots_.begin()) return nullptr;
  --it;
  return it->contains(ipa) ? &*it : nullptr;
}
Slot* Slots::find(Ipa ipa) { return const_cast<Slot*>(std::as_const(*this).find(ipa)); }

const Slot* Slots::by_id(u32 id) const {
  const auto it = std::find_if(slots_.begin(), slots_.end(), [id](const Slot& slot) { return slot.id == id; });
  return it == slots_.end() ? nullptr : &*it;
}
Slot* Slots::by_id(u32 id) { return const_cast<Slot*>(std::as_const(*this).by_id(id)); }

void Slots::insert(Slot slot) {
  const auto at =
      std::upper_bound(slots_.begin(), slots_.end(), slot.guest, [](Ipa a, const Slot& s) { return a < s.guest; });
  slots_.insert(at, std::move(slot));
}

void Slots::erase(u32 id) {
  std::erase_if(slots_, [id](const Slot& slot) { return slot.id == id; });
}

u64 Slots::total_pages() const {
  u64 sum = 0;
  for (const Slot& slot : slots_) sum += slot.pages();
  return sum;
}

// ---- The call ----

Result<SlotChange, Errno> classify_request(const Slots& slots, const MemoryRegion& r) {
  if (!well_formed(r)) return Errno::Inval;
  const Slot* old = slots.by_id(r.slot);
  if (r.size == 0) {
    if (!old) return Errno::Inval;
    return SlotChange::Delete;
  }
  SlotChange change = SlotChange::None;
  if (!old) {
    change = SlotChange::Create;
  } else {
    if (r.hva != old->hva || r.size != old->size || ((r.flags ^ old->flags) & kMemReadOnly)) return Errno::Inval;
    if (r.guest != old->guest)
      change = SlotChange::Move;
    else if (r.flags != old->flags)
      change = SlotChange::FlagsOnly;
  }
  if ((change == SlotChange::Create || change == SlotChange::Move) && overlaps(slots, r)) return Errno::Exist;
  return change;
}

Result<void, Errno> set_memory_region(VmState& vm, const MemoryRegion& r) {
  const SlotChange change = TRY(classify_request(vm.slots, r));
  if (change == SlotChange::None) return {};
  Slot* old = vm.slots.by_id(r.slot);
  const bool disappears = change == SlotChange::Delete || change == SlotChange::Move;
  if (disappears) invalidate_slot(vm, *old);
  if (change == SlotChange::Delete) {
    vm.slots.erase(r.slot);
    ++vm.slots_generation;
    return {};
  }
  if (const auto ready = prepare(vm, r); !ready) {
    if (old) old->invalid = false;  // the old slot comes back; its pages fault in again
    return ready.error();
  }
  Slot slot = make_slot(vm, r, old);
  if (old) vm.slots.erase(r.slot);
  vm.slots.insert(slot);
  ++vm.slots_generation;
  // kvm_arch_commit_memory_region: pages that the guest can write now must fault once to be seen.
  const bool log_at_clear = vm.manual_protect && vm.initially_set;
  if ((r.flags & kMemLogDirtyPages) && !log_at_clear) protect_slot(vm, slot);
  return {};
}

}  // namespace farside::hyp
