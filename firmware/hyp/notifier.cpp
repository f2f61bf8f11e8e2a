// firmware/hyp/notifier.cpp - what the VM does when pages of the VMM's address space change.
#include <algorithm>

#include "firmware/hyp/vm_state.h"

namespace farside::hyp {
namespace {

/// Calls `f(slot, ipa, size)` for the part of every slot that lies in `range`.
template <class F>
void for_each_slot_part(VmState& vm, host::HvaRange range, F f) {
  for (const Slot& slot : vm.slots.all()) {
    const u64 begin = std::max(range.base, slot.hva), end = std::min(range.end(), slot.hva + slot.size);
    if (begin < end) f(slot, slot.guest + (begin - slot.hva), end - begin);
  }
}

bool meets_a_slot(VmState& vm, host::HvaRange range) {
  bool any = false;
  for_each_slot_part(vm, range, [&any](const Slot&, Ipa, u64) { any = true; });
  return any;
}

/// One look at the accessed bits: K6.1 asks only the first leaf of each part (museum 47).
template <class F>
bool any_leaf(VmState& vm, Ipa ipa, u64 size, F f) {
  const u64 end = vm.policy().aging_visits_range ? ipa.value + size : ipa.value + kGuestPageSize;
  bool any = false;
  for (u64 at = ipa.value; at < end;) {
    any |= f(Ipa{at});
    const auto leaf = vm.tables->find(Ipa{at});
    const u64 step = leaf ? mmu::level_size(mmu::Granule::K4, leaf->level) : kGuestPageSize;
    at = align_down(at, step) + step;
  }
  return any;
}

}  // namespace

bool must_retry(const VmState& vm, u64 seq) {
  if (vm.policy().retry_if_in_progress && vm.invalidate_in_progress != 0) return true;
  return vm.policy().retry_if_sequence_moved && vm.invalidate_seq != seq;
}

/// kvm_mmu_notifier_invalidate_range_start: from here until the end no fault may map anything.
void VmNotifier::invalidate_range_start(host::HvaRange range) {
  counted_.push_back(meets_a_slot(vm_, range));
  if (!counted_.back()) return;
  ++vm_.invalidate_in_progress;
  if (!vm_.tables) return;
  if (vm_.trace().on(TraceGroup::Kvm))
    vm_.trace().emit(TraceGroup::Kvm, 0, "kvm_unmap_hva_range", {{"start", range.base}, {"end", range.end()}});
  ++vm_.stats.notifier_unmaps;
  for_each_slot_part(vm_, range, [this](const Slot&, Ipa ipa, u64 size) { vm_.tables->unmap(ipa, size); });
}

/// kvm_mmu_notifier_invalidate_range_end: the sequence moves before the count drops, so that no fault sees neither.
void VmNotifier::invalidate_range_end(host::HvaRange) {
  CHECK(!counted_.empty(), "range end without start");
  const bool counted = counted_.back();
  counted_.pop_back();
  if (!counted) return;
  ++vm_.invalidate_seq;
  --vm_.invalidate_in_progress;
}

/// kvm_set_spte_gfn: the new page is installed read-only and execute-never where a table is at hand.
void VmNotifier::change_pte(u64 hva, Pa pa) {
  if (!vm_.tables || vm_.invalidate_in_progress == 0) return;
  for_each_slot_part(vm_, {align_down(hva, kGuestPageSize), kGuestPageSize}, [&](const Slot& slot, Ipa ipa, u64) {
    if (slot.invalid) return;
    if (vm_.trace().on(TraceGroup::Kvm)) vm_.trace().emit(TraceGroup::Kvm, 0, "kvm_set_spte_hva", {{"hva", hva}});
    vm_.tables->map({.ipa = ipa,
                     .size = kGuestPageSize,
                     .pa = pa,
                     .prot = {.read = true},
                     .clean = vm_.policy().clean_at_change_pte},
                    nullptr);
  });
}

bool VmNotifier::clear_young(host::HvaRange range, bool flush) {
  if (!vm_.tables) return false;
  bool young = false;
  for_each_slot_part(vm_, range, [&](const Slot&, Ipa ipa, u64 size) {
    young |= any_leaf(vm_, ipa, size, [this](Ipa at) { return vm_.tables->mkold(at); });
  });
  if (young && flush) vm_.tlb.vmid();
  return young;
}

bool VmNotifier::test_young(host::HvaRange range) {
  if (!vm_.tables) return false;
  bool young = false;
  for_each_slot_part(vm_, range, [&](const Slot&, Ipa ipa, u64 size) {
    young |= any_leaf(vm_, ipa, size, [this](Ipa at) { return vm_.tables->is_young(at); });
  });
  return young;
}

void VmNotifier::release() { vm_.tables.reset(); }

/// stage2_flush_vm.
void flush_vm(VmState& vm) {
  ++vm.stats.flush_vm;
  if (!vm.tables) return;
  for (const Slot& slot : vm.slots.all()) vm.tables->flush(slot.guest, slot.size);
}

/// stage2_unmap_memslot for every slot: parts backed by PFNMAP mappings stay.
void unmap_vm(VmState& vm) {
  if (!vm.tables) return;
  for (const Slot& slot : vm.slots.all()) {
    for (u64 hva = slot.hva, end = slot.hva + slot.size; hva < end;) {
      const host::Vma* vma = vm.space.find(hva);
      const u64 stop = vma ? std::min(end, vma->range.end()) : hva + kGuestPageSize;
      if (vma && vma->kind != host::VmaKind::PfnMap) vm.tables->unmap(slot.guest + (hva - slot.hva), stop - hva);
      hva = stop;
    }
  }
}

}  // namespace farside::hyp
