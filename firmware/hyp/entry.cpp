// firmware/hyp/entry.cpp - guest entry: VMID, HCR_EL2, VTTBR_EL2, VTCR_EL2, and flushes when vCPUs share a PE.
#include "firmware/hyp/entry.h"

#include "firmware/hyp/inject.h"

namespace farside::hyp {
namespace {

u64 physical_size(unsigned pa_bits) {
  constexpr u8 kSizes[] = {32, 36, 40, 42, 44, 48};
  u64 encoding = 0;
  while (encoding + 1 < std::size(kSizes) && kSizes[encoding + 1] <= pa_bits) ++encoding;
  return encoding;
}

/// kvm_arch_vcpu_load: the registers that stay while the vCPU is on this PE.
void load(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  vm.host.loaded[port.pcpu()] = &vcpu;
  port.write(Reg::VMPIDR_EL2, vm.config.mpidr[vcpu.index]);
  port.write(Reg::VPIDR_EL2, vm.config.midr);
  port.write(Reg::VTCR_EL2, vtcr_for(vm.config, vm.tables ? vm.tables->start_level() : 1));
  port.write(Reg::CNTVOFF_EL2, 0);
  vcpu.vttbr = 0;
  vcpu.loaded_hcr = 0;
}

/// Another vCPU of the VM ran here with the same VMID: their stage-1 tables may use one ASID for different things.
void flush_if_other_vcpu(VmState& vm, const VcpuState& vcpu, const VcpuPort& port) {
  int& last = vm.last_vcpu_ran[port.pcpu()];
  if (vm.policy().flush_between_vcpus && last != -1 && last != static_cast<int>(vcpu.index))
    vm.tlb.cpu_context(port.pcpu());
  last = static_cast<int>(vcpu.index);
}

void update_vmid(VmState& vm, const VcpuPort& port) {
  if (vm.host.vmids->update(port.pcpu(), vm.vmid_tag)) {
    ++vm.stats.vmid_rollovers;
    ++vm.stats.tlbi_all;
  }
  vm.vmid = vm.host.vmids->vmid(vm.vmid_tag);
}

}  // namespace

Hcr initial_hcr(const VmConfig& config) {
  Hcr hcr = Hcr{}.with(Hcr::VM, true).with(Hcr::PTW, true).with(Hcr::TSC, true);
  hcr = hcr.with(Hcr::TIDCP, true).with(Hcr::TACR, true).with(Hcr::RW, true).with(Hcr::TLOR, true);
  const bool broadcasts = config.policy.guest_maintenance_broadcasts;
  hcr = hcr.with(Hcr::FB, broadcasts).with(Hcr::BSU, u64{broadcasts}).with(Hcr::SWIO, broadcasts);
  hcr = hcr.with(Hcr::TSW, config.policy.set_way_tracks_caches);
  hcr = hcr.with(Hcr::TWI, config.trap_wfx).with(Hcr::TWE, config.trap_wfx);
  hcr = hcr.with(Hcr::TID3, config.trap_id_registers);
  // KVM_ARM_VCPU_PTRAUTH: keys and instructions are the guest's own.
  hcr = hcr.with(Hcr::API, config.cpu.pauth).with(Hcr::APK, config.cpu.pauth);
  const bool irq = config.virtual_interrupts;
  hcr = hcr.with(Hcr::AMO, irq).with(Hcr::IMO, irq).with(Hcr::FMO, irq);
  // With FWB the guest cannot be non-coherent with the host; without it, watch for its caches to come on.
  if (config.cpu.fwb) return hcr.with(Hcr::FWB, true);
  return hcr.with(Hcr::TVM, config.policy.trap_vm_registers).with(Hcr::DC, config.policy.default_cacheable);
}

u64 vtcr_for(const VmConfig& config, int start_level) {
  constexpr u64 kWriteBack = 1, kInner = 3, kGranule4K = 0;
  return Vtcr{}
      .with(Vtcr::RES1, true)
      .with(Vtcr::T0SZ, u64{64} - config.ipa_bits)
      .with(Vtcr::SL0, u64{mmu::s2_sl0(mmu::Granule::K4, start_level)})
      .with(Vtcr::IRGN0, kWriteBack)
      .with(Vtcr::ORGN0, kWriteBack)
      .with(Vtcr::SH0, kInner)
      .with(Vtcr::TG0, kGranule4K)
      .with(Vtcr::PS, physical_size(config.cpu.pa_bits))
      .with(Vtcr::VS, config.cpu.vmid16)
      .with(Vtcr::HA, config.cpu.hafdbs)
      .raw;
}

void put_vcpu(VmState& vm, const VcpuPort& port) {
  vm.host.loaded[port.pcpu()] = nullptr;
  vm.host.vmids->clear_active(port.pcpu());
}

void enter_guest(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  if (vcpu.pc.exception || vcpu.pc.increment) commit_pc(vm, vcpu, port);
  if (vm.host.loaded[port.pcpu()] != &vcpu) load(vm, vcpu, port);
  update_vmid(vm, port);
  flush_if_other_vcpu(vm, vcpu, port);
  const u64 root = vm.tables ? vm.tables->root().value : 0;
  const u64 vttbr = Vttbr{}.with(Vttbr::BADDR, root).with(Vttbr::VMID, u64{vm.vmid}).raw;
  if (vttbr != vcpu.vttbr) port.write(Reg::VTTBR_EL2, vcpu.vttbr = vttbr);
  if (vcpu.hcr.raw != vcpu.loaded_hcr) port.write(Reg::HCR_EL2, vcpu.loaded_hcr = vcpu.hcr.raw);
  vcpu.has_run = true;
  ++vm.stats.entries;
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_entry", {{"pc", port.read(Reg::ELR_EL2)}});
}

}  // namespace farside::hyp
