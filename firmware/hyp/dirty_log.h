// firmware/hyp/dirty_log.h - KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// Returns the bitmap; clears it and write-protects its pages unless manual protection is on. ENOENT without a log.
Result<std::vector<u64>, Errno> harvest_dirty_log(VmState& vm, u32 slot);
/// Clears those bits of [first, first + pages) that are set in both, and protects their pages. EINVAL unless `first`
/// is a multiple of 64 and `pages` is one too or ends with the slot.
Result<void, Errno> clear_dirty_log(VmState& vm, u32 slot, u64 first, u64 pages, std::span<const u64> bitmap);

}  // namespace farside::hyp
