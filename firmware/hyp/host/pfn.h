// firmware/hyp/host/pfn.h - from a host virtual address to the frame that a fault may map (KVM's hva_to_pfn).
#pragma once
#include "firmware/hyp/host/space.h"

namespace farside::hyp::host {

/// A frame, and what the host allows with it.
struct Pfn {
  Pa pa{};                ///< of the 4 KiB page at the address asked for
  bool writable = false;  ///< the host's own entry permits writes now
  bool device = false;    ///< no struct page: map as Device memory, never executable
};

enum class PfnError : u8 {
  Fault,     ///< no mapping, or no right
  ReadOnly,  ///< a write to memory that the host maps read-only
  HwPoison,
};

/// gfn_to_pfn with the slot already resolved. `write`: the guest writes. `slot_writable`: a writable mapping would be
/// acceptable, so the fast path asks for one even when the guest reads.
Result<Pfn, PfnError> hva_to_pfn(Space& space, u64 hva, bool write, bool slot_writable);

}  // namespace farside::hyp::host
