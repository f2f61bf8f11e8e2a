// firmware/hyp/mmio.h - device accesses: decoded from the syndrome, done by the kernel or by the VMM, completed once.
#pragma once
#include "firmware/hyp/fault.h"
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// io_mem_abort. Mmio when the access is done, Injected when the VMM wants an abort instead, Guest when the VMM
/// emulated the instruction itself (no syndrome), Stop with ENOSYS or when the VMM gives up.
Resume io_mem_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault);
/// kvm_handle_mmio_return: writes the register of a read and moves the PC, unless that has been done or an exception
/// is pending.
void complete_mmio(VmState& vm, VcpuState& vcpu, VcpuPort& port);
/// What a load of `size` bytes leaves in its register: sign extension, then truncation to W.
u64 extend_load(u64 data, unsigned size, bool sign_extend, bool sixty_four, bool to_register_width);

}  // namespace farside::hyp
