// firmware/hyp/set_way.cpp - the flush policy around cache enable, cache disable and set/way loops.
#include "firmware/hyp/set_way.h"

namespace farside::hyp {
namespace {

/// With HCR_EL2.DC stage 1 is off whatever SCTLR_EL1.M says: DC must go when the guest turns its MMU on. TLB entries
/// may hold the attributes that DC gave.
void follow_mmu(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  if (!vm.policy().default_cacheable) return;
  const bool on = Sctlr::of(port.read(Reg::SCTLR_EL1))[Sctlr::M];
  if (vcpu.hcr[Hcr::DC] == !on) return;
  vcpu.hcr = vcpu.hcr.with(Hcr::DC, !on);
  port.write(Reg::HCR_EL2, vcpu.loaded_hcr = vcpu.hcr.raw);
  vm.ports().maintenance.isb();
  vm.tlb.stage1_local(port.pcpu());
}

}  // namespace

bool guest_caches_on(const VcpuPort& port) {
  const Sctlr sctlr = Sctlr::of(port.read(Reg::SCTLR_EL1));
  return sctlr[Sctlr::M] && sctlr[Sctlr::C];
}

/// Set/way operations reach one CPU's caches only, so they cannot do what the guest wants from them. The first of a
/// loop flushes the whole VM by address; HCR_EL2.TVM then tells that the rest of the loop needs nothing.
void set_way_flush(VmState& vm, VcpuState& vcpu, VcpuPort& port) {
  ++vm.stats.set_way;
  if (vm.config.cpu.fwb || !vm.policy().set_way_tracks_caches || vcpu.hcr[Hcr::TVM]) return;
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_set_way_flush",
                    {{"pc", port.read(Reg::ELR_EL2)}, {"cache", guest_caches_on(port)}});
  flush_vm(vm);
  vcpu.hcr = vcpu.hcr.with(Hcr::TVM, true);
}

void toggle_cache(VmState& vm, VcpuState& vcpu, VcpuPort& port, bool was_on) {
  const bool now_on = guest_caches_on(port);
  const Policy& policy = vm.policy();
  // Coming on: lines from before would be hit (C2). Going off: dirty lines would be missed (C4).
  if (was_on != now_on && (now_on ? policy.flush_at_cache_enable : policy.flush_at_cache_disable)) flush_vm(vm);
  if (now_on) vcpu.hcr = vcpu.hcr.with(Hcr::TVM, false);
  follow_mmu(vm, vcpu, port);
  ++vm.stats.toggle_cache;
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, vcpu.index, "kvm_toggle_cache",
                    {{"pc", port.read(Reg::ELR_EL2)}, {"was", was_on}, {"now", now_on}});
}

}  // namespace farside::hyp
