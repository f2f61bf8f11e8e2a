// firmware/hyp/host/pfn.cpp - fast get_user_pages, slow get_user_pages, then VM_PFNMAP entries.
#include "firmware/hyp/host/pfn.h"

namespace farside::hyp::host {
namespace {

Pfn pfn_of(const HostPte& pte, u64 hva) {
  return {pte.pa + align_down(hva & (pte.size - 1), kPageSize), pte.writable, pte.special};
}

/// get_user_page_fast_only with FOLL_WRITE: a present leaf that is writable already.
std::optional<Pfn> fast_writable(const Space& space, u64 hva) {
  const auto pte = space.lookup(hva);
  if (!pte || pte->special || pte->poisoned || !pte->writable) return std::nullopt;
  return pfn_of(*pte, hva);
}

PfnError error_of(HostFault fault) { return fault == HostFault::Poisoned ? PfnError::HwPoison : PfnError::Fault; }

/// hva_to_pfn_remapped: follow_pte, with one fixup fault when the entry is not there yet.
Result<Pfn, PfnError> remapped(Space& space, u64 hva, bool write) {
  auto pte = space.lookup(hva);
  if (!pte) {
    const auto fixed = space.fault(hva, write);
    if (!fixed) return error_of(fixed.error());
    pte = *fixed;
  }
  if (write && !pte->writable) return PfnError::ReadOnly;
  return pfn_of(*pte, hva);
}

}  // namespace

Result<Pfn, PfnError> hva_to_pfn(Space& space, u64 hva, bool write, bool slot_writable) {
  if (write || slot_writable) {
    if (const auto fast = fast_writable(space, hva)) {
      space.mark_young(hva);
      return *fast;
    }
  }
  const Vma* vma = space.find(hva);
  if (!vma || !vma->readable) return PfnError::Fault;
  if (vma->kind == VmaKind::PfnMap) return remapped(space, hva, write);
  const auto slow = space.fault(hva, write);  // get_user_pages_unlocked, with FOLL_WRITE only for a write
  if (!slow) return error_of(slow.error());
  if (write) return pfn_of(*slow, hva);
  // hva_to_pfn_slow tries once more for a writable mapping after a read fault.
  if (slot_writable)
    if (const auto fast = fast_writable(space, hva)) return *fast;
  Pfn pfn = pfn_of(*slow, hva);
  pfn.writable = false;
  return pfn;
}

}  // namespace farside::hyp::host
