// firmware/hyp/entry.h - what happens between the decision to run a vCPU and the ERET.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// HCR_EL2 of a vCPU that starts (vcpu_reset_hcr).
Hcr initial_hcr(const VmConfig& config);
/// VTCR_EL2 of the VM (kvm_get_vtcr).
u64 vtcr_for(const VmConfig& config, int start_level);
/// Commits the pending PC change, assigns a VMID, loads the EL2 registers that changed (vcpu_load and the part of
/// kvm_arch_vcpu_ioctl_run before __kvm_vcpu_run).
void enter_guest(VmState& vm, VcpuState& vcpu, VcpuPort& port);
/// No vCPU is on this PE any more (kvm_arch_vcpu_put): the next entry loads every register.
void put_vcpu(VmState& vm, const VcpuPort& port);

}  // namespace farside::hyp
