// firmware/hyp/exit.h - dispatches one exit by its exception class.
#pragma once
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {

/// Handles the exception described by ESR_EL2 (handle_exit, after the early fault-info step). Leaves what must happen
/// to the PC in `vcpu.pc`.
Resume dispatch_exit(VmState& vm, VcpuState& vcpu, VcpuPort& port);

}  // namespace farside::hyp
