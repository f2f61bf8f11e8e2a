// firmware/hyp/inject.cpp - builds EL1 syndromes and enters EL1 as AArch64.TakeException does.
#include "firmware/hyp/inject.h"

#include "core/arch/esr.h"
#include "core/arch/pstate.h"

namespace farside::hyp {
namespace {

constexpr u64 kFscExternal = 0x10;
constexpr u64 kVectorSameSp0 = 0x000, kVectorSameSpx = 0x200, kVectorLower64 = 0x400, kVectorLower32 = 0x600;

Pstate guest_pstate(const VcpuPort& port) { return Pstate::of(port.read(Reg::SPSR_EL2)); }
Esr trap_esr(const VcpuPort& port) { return Esr::of(port.read(Reg::ESR_EL2)); }

/// inject_abt64: the class depends on where the guest was, IL is that of the trapped instruction.
void inject_abort(VcpuState& vcpu, VcpuPort& port, bool instruction, u64 fsc, u64 far) {
  const Pstate pstate = guest_pstate(port);
  const bool lower = pstate[Pstate::nRW] || pstate[Pstate::EL] == El::EL0;
  const Ec ec = instruction ? (lower ? Ec::IABT_LOW : Ec::IABT_CUR) : (lower ? Ec::DABT_LOW : Ec::DABT_CUR);
  port.write(Reg::ESR_EL1, make_esr(ec, fsc, trap_esr(port)[Esr::IL]).raw);
  port.write(Reg::FAR_EL1, far);
  vcpu.pc.exception = true;
}

u64 vector_offset(Pstate from) {
  if (from[Pstate::nRW]) return kVectorLower32;
  if (from[Pstate::EL] == El::EL0) return kVectorLower64;
  return from[Pstate::SP] ? kVectorSameSpx : kVectorSameSp0;
}

/// The PSTATE of EL1h after an exception (enter_exception64, AArch64.TakeException).
Pstate exception_pstate(const VmState& vm, Pstate from, Sctlr sctlr) {
  Pstate to{};
  to = to.with(Pstate::NZCV, from[Pstate::NZCV]).with(Pstate::DIT, from[Pstate::DIT]);
  to = to.with(Pstate::DAIF, u64{0xf}).with(Pstate::EL, El::EL1).with(Pstate::SP, true);
  if (vm.config.cpu.pan) to = to.with(Pstate::PAN, from[Pstate::PAN] || !sctlr[Sctlr::SPAN]);
  if (vm.config.cpu.ssbs) to = to.with(Pstate::SSBS, sctlr[Sctlr::DSSBS]);
  return to;
}

}  // namespace

void inject_data_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far) {
  ++vm.stats.aborts_injected;
  inject_abort(vcpu, port, false, kFscExternal, far);
}

void inject_prefetch_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far) {
  ++vm.stats.aborts_injected;
  inject_abort(vcpu, port, true, kFscExternal, far);
}

void inject_size_fault(VmState& vm, VcpuState& vcpu, VcpuPort& port, u64 far) {
  ++vm.stats.aborts_injected;
  inject_abort(vcpu, port, trap_esr(port)[Esr::EC] == Ec::IABT_LOW, 0, far);
}

void inject_undef(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  ++vm.stats.undefs_injected;
  port.write(Reg::ESR_EL1, make_esr(Ec::UNKNOWN, 0, trap_esr(port)[Esr::IL]).raw);
  vcpu.pc.exception = true;
}

void inject_serror(VcpuState& vcpu, VcpuPort& port) {
  constexpr u64 kIds = u64{1} << 24;  // an IMPLEMENTATION DEFINED syndrome
  port.write(Reg::VSESR_EL2, kIds);
  vcpu.hcr = vcpu.hcr.with(Hcr::VSE, true);
}

void skip_instruction(VcpuState& vcpu) { vcpu.pc.increment = true; }

void commit_pc(const VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  const PendingPc pending = std::exchange(vcpu.pc, {});
  const u64 pc = port.read(Reg::ELR_EL2);
  const Pstate from = guest_pstate(port);
  if (pending.exception) {
    const Sctlr sctlr = Sctlr::of(port.read(Reg::SCTLR_EL1));
    port.write(Reg::ELR_EL1, pc);
    port.write(Reg::SPSR_EL1, from.raw);
    port.write(Reg::SPSR_EL2, exception_pstate(vm, from, sctlr).raw);
    port.write(Reg::ELR_EL2, port.read(Reg::VBAR_EL1) + vector_offset(from));
    return;
  }
  if (!pending.increment) return;
  // kvm_skip_instr64: the instruction counts as executed, so BTYPE and the single-step state are cleared with it.
  port.write(Reg::ELR_EL2, pc + (trap_esr(port)[Esr::IL] ? 4 : 2));
  port.write(Reg::SPSR_EL2, from.with(Pstate::BTYPE, u64{0}).with(Pstate::SS, false).raw);
}

}  // namespace farside::hyp
