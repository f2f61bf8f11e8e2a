// firmware/hyp/mmio.cpp - MMIO emulation from ISS alone; accesses without syndrome follow the VM's NISV setting.
#include "firmware/hyp/mmio.h"

#include "core/arch/pstate.h"
#include "firmware/hyp/inject.h"

namespace farside::hyp {
namespace {

u64 byte_swap(u64 value, unsigned size) { return __builtin_bswap64(value) >> (64 - 8 * size); }

/// kvm_vcpu_is_be: SCTLR_EL1.EE at EL1, E0E at EL0.
bool guest_is_big_endian(const VcpuPort& port) {
  const Sctlr sctlr = Sctlr::of(port.read(Reg::SCTLR_EL1));
  const bool el0 = Pstate::of(port.read(Reg::SPSR_EL2))[Pstate::EL] == El::EL0;
  return el0 ? sctlr[Sctlr::E0E] : sctlr[Sctlr::EE];
}

PendingMmio decode(const VcpuPort& port, const Stage2Fault& fault) {
  PendingMmio mmio;
  mmio.write = fault.iss[IssAbort::WnR];
  mmio.size = 1u << fault.iss[IssAbort::SAS];
  mmio.sign_extend = fault.iss[IssAbort::SSE];
  mmio.sixty_four = fault.iss[IssAbort::SF];
  mmio.rt = static_cast<unsigned>(fault.iss[IssAbort::SRT]);
  mmio.big_endian = guest_is_big_endian(port);
  mmio.ipa = fault.exact_ipa();
  if (!mmio.write) return mmio;
  const u64 value = (mmio.rt == 31 ? 0 : port.x(mmio.rt)) & ones(8 * mmio.size);
  mmio.data = mmio.big_endian ? byte_swap(value, mmio.size) : value;
  return mmio;
}

void trace_mmio(const VmState& vm, const VcpuState& vcpu, std::string_view type, const PendingMmio& mmio) {
  if (!vm.trace().on(TraceGroup::Kvm)) return;
  vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_mmio",
                  {{"type", 0, type}, {"len", mmio.size}, {"gpa", mmio.ipa.value}, {"val", mmio.data}});
}

void trace_emulate(const VmState& vm, const VcpuState& vcpu, const VcpuPort& port, const Stage2Fault& fault) {
  if (!vm.trace().on(TraceGroup::Kvm)) return;
  vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_mmio_emulate",
                  {{"pc", port.read(Reg::ELR_EL2)}, {"instr", fault.esr.raw}, {"cpsr", port.read(Reg::SPSR_EL2)}});
}

Resume stop(VcpuState& vcpu, StopKind kind, std::optional<Errno> error, std::string text) {
  vcpu.stop = {kind, error, std::move(text)};
  return Resume::Stop;
}

/// KVM_EXIT_ARM_NISV, or -ENOSYS when the VMM has not asked for it. The PC stays where it is.
Resume without_syndrome(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault) {
  ++vm.stats.mmio_nisv;
  const Ipa ipa = fault.exact_ipa();
  if (!vm.config.nisv_exits)
    return stop(vcpu, StopKind::RunError, Errno::NoSys,
                fmt::format("data abort outside memslots without syndrome at {} (pc {:#x}, esr {:#x}): KVM_RUN "
                            "returned -ENOSYS",
                            ipa, port.read(Reg::ELR_EL2), fault.esr.raw));
  const u64 iss = fault.iss.raw & (IssAbort::CM.mask | IssAbort::WnR.mask | IssAbort::FSC.mask);
  switch (vm.ports().mmio.vmm_nisv(vcpu.index, ipa, iss)) {
    case MmioReply::Done: return Resume::Guest;
    case MmioReply::InjectAbort: inject_data_abort(vm, vcpu, port, fault.far.value); return Resume::Injected;
    case MmioReply::Stop: break;
  }
  return stop(vcpu, StopKind::Vmm, std::nullopt, fmt::format("the VMM stopped at an access without syndrome, {}", ipa));
}

/// The VMM's part of KVM_EXIT_MMIO, then the next KVM_RUN.
Resume ask_vmm(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault) {
  PendingMmio& mmio = vcpu.mmio;
  MmioPort& bus = vm.ports().mmio;
  ++vm.stats.mmio_vmm;
  mmio.needed = true;
  const MmioReply reply = mmio.write ? bus.vmm_write(vcpu.index, mmio.ipa, mmio.size, mmio.data)
                                     : bus.vmm_read(vcpu.index, mmio.ipa, mmio.size, mmio.data);
  if (reply == MmioReply::Stop)
    return stop(vcpu, StopKind::Vmm, std::nullopt, fmt::format("the VMM stopped at a device access, {}", mmio.ipa));
  if (reply == MmioReply::InjectAbort) inject_data_abort(vm, vcpu, port, fault.far.value);
  complete_mmio(vm, vcpu, port);
  return reply == MmioReply::Done ? Resume::Mmio : Resume::Injected;
}

}  // namespace

u64 extend_load(u64 data, unsigned size, bool sign_extend_load, bool sixty_four, bool to_register_width) {
  if (sign_extend_load && size < 8) data = static_cast<u64>(sign_extend(data, 8 * size));
  // LDRSB Wt must leave X[63:32] zero (museum 52).
  return sixty_four || !to_register_width ? data : data & ones(32);
}

void complete_mmio(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  PendingMmio& mmio = vcpu.mmio;
  if (!mmio.needed) return;
  if (vm.policy().mmio_completes_once) {
    mmio.needed = false;
    if (vcpu.pc.exception) return;  // the abort that the VMM pended replaces the access
  }
  if (!mmio.write) {
    trace_mmio(vm, vcpu, "read", mmio);
    const u64 raw = mmio.data & ones(8 * mmio.size);
    const u64 data = mmio.big_endian ? byte_swap(raw, mmio.size) : raw;
    const u64 value = extend_load(data, mmio.size, mmio.sign_extend, mmio.sixty_four,
                                  vm.policy().mmio_extends_to_register_width || !mmio.sign_extend);
    if (mmio.rt != 31) port.set_x(mmio.rt, value);
  }
  skip_instruction(vcpu);
}

Resume io_mem_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault) {
  trace_emulate(vm, vcpu, port, fault);
  if (!fault.iss[IssAbort::ISV]) return without_syndrome(vm, vcpu, port, fault);
  vcpu.mmio = decode(port, fault);
  PendingMmio& mmio = vcpu.mmio;
  trace_mmio(vm, vcpu, mmio.write ? "write" : "unsatisfied-read", mmio);
  MmioPort& bus = vm.ports().mmio;
  const bool claimed = mmio.write ? bus.kernel_write(vcpu.index, mmio.ipa, mmio.size, mmio.data)
                                  : bus.kernel_read(vcpu.index, mmio.ipa, mmio.size, mmio.data);
  if (!claimed) return ask_vmm(vm, vcpu, port, fault);
  ++vm.stats.mmio_kernel;
  mmio.needed = true;
  complete_mmio(vm, vcpu, port);
  return Resume::Mmio;
}

}  // namespace farside::hyp
