// firmware/hyp/dirty_log.cpp - dirty bitmaps: marking, write protection, GET and CLEAR.
#include <algorithm>

#include "firmware/hyp/dirty_log.h"

namespace farside::hyp {
namespace {

/// The pages of word `word` from the first to the last set bit of `mask`: K6.1 protects the whole span
/// (kvm_mmu_write_protect_pt_masked).
void protect_word(VmState& vm, const Slot& slot, u64 word, u64 mask) {
  if (mask == 0 || !vm.tables) return;
  const u64 first = word * 64 + std::countr_zero(mask);
  const u64 last = word * 64 + log2_floor(mask);
  vm.tables->wrprotect(slot.guest + first * kGuestPageSize, (last - first + 1) * kGuestPageSize);
}

}  // namespace

void mark_dirty(Slot& slot, Ipa ipa) {
  if (slot.dirty.empty()) return;
  const u64 page = (ipa.value - slot.guest.value) / kGuestPageSize;
  slot.dirty[page / 64] |= u64{1} << (page % 64);
}

void protect_slot(VmState& vm, const Slot& slot) {
  if (!vm.tables) return;
  vm.tables->wrprotect(slot.guest, slot.size);
  vm.tlb.vmid();
}

Result<std::vector<u64>, Errno> harvest_dirty_log(VmState& vm, u32 id) {
  Slot* slot = vm.slots.by_id(id);
  if (!slot || slot->dirty.empty()) return Errno::NoEnt;
  std::vector<u64> out = slot->dirty;
  if (vm.manual_protect) return out;  // CLEAR protects
  const bool any = std::any_of(out.begin(), out.end(), [](u64 word) { return word != 0; });
  if (!any) return out;
  // Bits first, protection second: a write in between faults after the protection and sets its bit again (R8).
  const auto clear_bits = [slot] { std::fill(slot->dirty.begin(), slot->dirty.end(), 0); };
  if (vm.policy().harvest_before_protect) clear_bits();
  vm.yield(YieldPoint::DirtyLogAfterHarvest);
  for (u64 word = 0; word < out.size(); ++word) protect_word(vm, *slot, word, out[word]);
  vm.tlb.vmid();
  if (!vm.policy().harvest_before_protect) {
    vm.yield(YieldPoint::DirtyLogAfterHarvest);
    clear_bits();
  }
  return out;
}

Result<void, Errno> clear_dirty_log(VmState& vm, u32 id, u64 first, u64 pages, std::span<const u64> bitmap) {
  Slot* slot = vm.slots.by_id(id);
  if (!slot || slot->dirty.empty()) return Errno::NoEnt;
  if (first % 64 != 0 || first > slot->pages() || pages > slot->pages() - first) return Errno::Inval;
  if (pages % 64 != 0 && first + pages != slot->pages()) return Errno::Inval;
  if (bitmap.size() < (pages + 63) / 64) return Errno::Fault;
  bool any = false;
  for (u64 i = 0; i * 64 < pages; ++i) {
    const u64 word = first / 64 + i;
    const u64 wanted = pages - i * 64 >= 64 ? bitmap[i] : bitmap[i] & ones(pages % 64);
    const u64 mask = slot->dirty[word] & wanted;
    if (mask == 0) continue;
    any = true;
    slot->dirty[word] &= ~mask;
    protect_word(vm, *slot, word, mask);
  }
  if (any) vm.tlb.vmid();
  return {};
}

}  // namespace farside::hyp
