// firmware/hyp/guest_abort.h - the two steps of a guest abort: classify it, then find and map memory.
#pragma once
#include "firmware/hyp/fault.h"
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// kvm_handle_guest_abort: one table, the first matching row decides.
Resume handle_guest_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault);

/// The parts of a slot that a fault works with; they stay constant while other code may change the slots.
struct SlotView {
  Ipa guest{};
  u64 size = 0, hva = 0;
  bool read_only = false, logging = false;
  u64 hva_of(Ipa ipa) const { return hva + (ipa.value - guest.value); }
};

/// user_mem_abort: finds the host frame behind `fault` and maps it, or relaxes the entry that is there. EAGAIN when
/// the fault lost a race and must be replayed, NOEXEC for a fetch from device memory, other errors end KVM_RUN.
Result<void, Errno> user_mem_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const SlotView& slot,
                                   const Stage2Fault& fault);

}  // namespace farside::hyp
