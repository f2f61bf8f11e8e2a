// firmware/hyp/sysreg_trap.h - emulates trapped MSR, MRS and System instructions.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// Handles ESR_EL2.EC 0x18 (kvm_handle_sys_reg): SkipInsn when a row of sysreg_trap.def allows the access, Injected
/// (UNDEFINED) otherwise.
Resume handle_sys_register(VmState& vm, VcpuState& vcpu, VcpuPort& port);

}  // namespace farside::hyp
