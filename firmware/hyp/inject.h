// firmware/hyp/inject.h - exceptions that the hypervisor gives to the guest, committed just before entry.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// A data or instruction abort at EL1: an external abort (FSC 0x10) with `far` as address (kvm_inject_dabt,
/// kvm_inject_pabt). Writes ESR_EL1 and FAR_EL1 at once; the branch to the vector waits for `commit_pc`.
void inject_data_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far);
void inject_prefetch_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far);
/// The same abort with an address size code (kvm_inject_size_fault).
void inject_size_fault(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far);
/// UNDEFINED (kvm_inject_undefined).
void inject_undef(VmState& vm, VcpuState& vcpu, VcpuPort& port);
/// A virtual SError with an IMPLEMENTATION DEFINED syndrome (kvm_inject_vabt).
void inject_serror(VcpuState& vcpu, VcpuPort& port);
/// Moves the PC past the trapped instruction before the next entry.
void skip_instruction(VcpuState& vcpu);
/// Carries out what is pending: the exception, or else the increment (__kvm_adjust_pc).
void commit_pc(const VmState& vm, VcpuState& vcpu, VcpuPort& port);

}  // namespace farside::hyp
