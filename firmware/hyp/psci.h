// firmware/hyp/psci.h - PSCI 1.1 and SMCCC 1.1 calls; also the firmware of a machine without hypervisor.
#pragma once
#include <array>

#include "firmware/hyp/ports.h"

namespace farside::hyp {

/// X0..X3 of an HVC or SMC: the function identifier and its first arguments.
using SmcccArgs = std::array<u64, 4>;

/// What the caller does after the registers are written.
enum class PsciFlow : u8 { Continue, CpuOff, SystemOff, SystemReset };

struct SmcccReply {
  std::array<u64, 4> x{};  ///< X0..X3 on return
  PsciFlow flow = PsciFlow::Continue;
};

/// Performs one call of the CPU with index `vcpu`. Unknown functions return NOT_SUPPORTED; nothing stops the caller
/// but a successful CPU_OFF, SYSTEM_OFF or SYSTEM_RESET.
SmcccReply smccc_call(PsciPort& power, unsigned vcpu, const SmcccArgs& args);

}  // namespace farside::hyp
