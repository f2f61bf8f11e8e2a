// firmware/hyp/set_way.h - follows the guest's cache state through set/way operations and trapped VM registers.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// vcpu_has_cache_enabled: SCTLR_EL1.{M,C} are both 1.
bool guest_caches_on(const VcpuPort& port);
/// DC ISW, CSW or CISW was trapped: flush everything once and watch for the caches to come on (kvm_set_way_flush).
void set_way_flush(VmState& vm, VcpuState& vcpu, VcpuPort& port);
/// A VM register was written under HCR_EL2.TVM; `was_on` is the state before (kvm_toggle_cache).
void toggle_cache(VmState& vm, VcpuState& vcpu, VcpuPort& port, bool was_on);

}  // namespace farside::hyp
