// firmware/hyp/exit.cpp - the exception class table: who handles which exit.
#include "firmware/hyp/exit.h"

#include "core/arch/esr.h"
#include "firmware/hyp/guest_abort.h"
#include "firmware/hyp/inject.h"
#include "firmware/hyp/psci.h"
#include "firmware/hyp/sysreg_trap.h"

namespace farside::hyp {
namespace {

void trace_exit(const VmState& vm, const VcpuState& vcpu, const VcpuPort& port, Esr esr) {
  if (!vm.trace().on(TraceGroup::Kvm)) return;
  const Ec ec = esr[Esr::EC];
  vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_exit",
                  {{"ret", 0, "TRAP"}, {"esr_ec", static_cast<u64>(ec), ec_name(ec)}, {"pc", port.read(Reg::ELR_EL2)}});
}

/// kvm_handle_wfx: WFI waits, WFE yields; both are done afterwards.
Resume wfx(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const bool wfe = Esr::of(port.read(Reg::ESR_EL2)).raw & 1;
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_wfx_arm64", {{"pc", port.read(Reg::ELR_EL2)}, {"is_wfe", wfe}});
  wfe ? vm.ports().wfx.yield(vcpu.index) : vm.ports().wfx.wait_for_interrupt(vcpu.index);
  skip_instruction(vcpu);
  return Resume::SkipInsn;
}

Resume power_stop(VcpuState& vcpu, PsciFlow flow) {
  switch (flow) {
    case PsciFlow::Continue: return Resume::Guest;
    case PsciFlow::CpuOff: vcpu.stop = {StopKind::CpuOff, {}, "PSCI CPU_OFF"}; break;
    case PsciFlow::SystemOff: vcpu.stop = {StopKind::SystemOff, {}, "PSCI SYSTEM_OFF"}; break;
    case PsciFlow::SystemReset: vcpu.stop = {StopKind::SystemReset, {}, "PSCI SYSTEM_RESET"}; break;
  }
  return Resume::Stop;
}

/// handle_hvc: HVC has advanced the PC itself.
Resume hvc(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const Esr esr = Esr::of(port.read(Reg::ESR_EL2));
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_hvc_arm64",
                    {{"pc", port.read(Reg::ELR_EL2)}, {"r0", port.x(0)}, {"imm", esr[Esr::ISS] & 0xffff}});
  const SmcccReply reply = smccc_call(vm.ports().psci, vcpu.index, {port.x(0), port.x(1), port.x(2), port.x(3)});
  for (unsigned n = 0; n < reply.x.size(); ++n) port.set_x(n, reply.x[n]);
  return power_stop(vcpu, reply.flow);
}

/// handle_smc: a trapped SMC is not supported, and unlike HVC has not advanced the PC.
Resume smc(VmState&, VcpuState& vcpu, VcpuPort& port) {
  port.set_x(0, ~u64{0});
  skip_instruction(vcpu);
  return Resume::SkipInsn;
}

Resume guest_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const auto fault = read_fault(port, vm.policy(), vm.ports().yield, vm.stats);
  if (!fault) {  // the host never hears of this exit
    ++vm.stats.replays;
    return Resume::Guest;
  }
  count_fault(vm.stats, *fault);
  trace_exit(vm, vcpu, port, fault->esr);
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_guest_fault",
                    {{"ipa", fault->ipa.value},
                     {"hsr", fault->esr.raw},
                     {"hxfar", fault->far.value},
                     {"pc", port.read(Reg::ELR_EL2)}});
  return handle_guest_abort(vm, vcpu, port, *fault);
}

Resume debug_exit(VmState&, VcpuState& vcpu, VcpuPort& port) {
  vcpu.stop = {StopKind::Vmm, {}, fmt::format("KVM_EXIT_DEBUG at pc {:#x}", port.read(Reg::ELR_EL2))};
  return Resume::Stop;
}

Resume serror(VmState&, VcpuState& vcpu, VcpuPort& port) {
  inject_serror(vcpu, port);
  return Resume::Guest;
}

Resume unknown(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  inject_undef(vm, vcpu, port);
  return Resume::Injected;
}

using Handler = Resume (*)(VmState&, VcpuState&, VcpuPort&);
struct Row {
  Ec ec;
  Handler handler;
};
constexpr Row kExits[] = {
    {Ec::WFX, wfx},
    {Ec::HVC64, hvc},
    {Ec::SMC64, smc},
    {Ec::SYS64, handle_sys_register},
    {Ec::IABT_LOW, guest_abort},
    {Ec::DABT_LOW, guest_abort},
    {Ec::SERROR, serror},
    {Ec::BREAKPT_LOW, debug_exit},
    {Ec::SOFTSTP_LOW, debug_exit},
    {Ec::WATCHPT_LOW, debug_exit},
    {Ec::BRK64, debug_exit},
};

Handler handler_for(Ec ec) {
  for (const Row& row : kExits)
    if (row.ec == ec) return row.handler;
  return unknown;
}

}  // namespace

Resume dispatch_exit(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const Esr esr = Esr::of(port.read(Reg::ESR_EL2));
  const Ec ec = esr[Esr::EC];
  ++vm.stats.exits_by_ec[static_cast<usize>(ec) & 63];
  const Handler handler = handler_for(ec);
  if (handler != guest_abort) trace_exit(vm, vcpu, port, esr);
  return handler(vm, vcpu, port);
}

}  // namespace farside::hyp
