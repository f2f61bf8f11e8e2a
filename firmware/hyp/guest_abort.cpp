// firmware/hyp/guest_abort.cpp - classifies stage-2 aborts: inject, skip, emulate, make young, or map.
#include "firmware/hyp/guest_abort.h"

#include <algorithm>

#include "firmware/hyp/inject.h"
#include "firmware/hyp/mmio.h"

namespace farside::hyp {
namespace {

constexpr unsigned kHostIpaLimit = 48;

Resume run_error(VcpuState& vcpu, const VcpuPort& port, const Stage2Fault& fault, Errno error, std::string_view why) {
  vcpu.stop = {StopKind::RunError, error,
               fmt::format("{}: {} (far {:#x}, esr {:#x}, pc {:#x}): KVM_RUN returned -{}", why, fault.ipa,
                           fault.far.value, fault.esr.raw, port.read(Reg::ELR_EL2), name(error))};
  return Resume::Stop;
}

constexpr u64 kLine = 64;  // smallest data cache line of the modelled CPUs

/// A cache operation on a hole or on read-only memory that the era does not make a device access of. Only DC IVAC gets
/// here when translation faults map as reads do.
std::optional<Resume> cache_operation(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault,
                                      bool hole) {
  const CmoRule rule = vm.policy().cmo;
  if (rule == CmoRule::NotHandled || (rule == CmoRule::Exit && !hole)) return std::nullopt;
  if (rule == CmoRule::Inject && !hole) {
    inject_data_abort(vm, vcpu, port, fault.far.value);
    return Resume::Injected;
  }
  if (rule == CmoRule::Perform && !hole) {
    const auto leaf = vm.tables ? vm.tables->find(fault.ipa) : std::nullopt;
    if (!leaf) return Resume::Guest;  // gone meanwhile: the replay maps it again
    const u64 size = mmu::level_size(mmu::Granule::K4, leaf->level);
    const Pa base{mmu::output_address(leaf->descriptor, mmu::Granule::K4, leaf->level)};
    vm.cmo.clean_invalidate((base + fault.exact_ipa().offset_in(size)).align_down(kLine), kLine);
  }
  ++vm.stats.cmo_skipped;
  skip_instruction(vcpu);
  return Resume::SkipInsn;
}

/// Table 2.2: the access cannot use memory at this address.
Resume without_memory(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault, bool hole) {
  if (fault.instruction) {  // table walks for a fetch included
    inject_prefetch_abort(vm, vcpu, port, fault.far.value);
    return Resume::Injected;
  }
  if (fault.s1ptw) {
    inject_data_abort(vm, vcpu, port, fault.far.value);
    return Resume::Injected;
  }
  if (fault.cm)
    if (const auto done = cache_operation(vm, vcpu, port, fault, hole)) return *done;
  return io_mem_abort(vm, vcpu, port, fault);
}

/// handle_access_fault: the entry becomes young, and so does the host's page.
Resume access_fault(VmState& vm, const Slot& slot, const Stage2Fault& fault) {
  if (vm.trace().on(TraceGroup::Kvm))
    vm.trace().emit(TraceGroup::Kvm, 0, "kvm_access_fault", {{"ipa", fault.ipa.value}});
  if (vm.tables) vm.tables->mkyoung(fault.ipa);
  vm.space.mark_young(slot.hva_of(fault.ipa));
  return Resume::Guest;
}

Resume map_memory(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Slot& slot, const Stage2Fault& fault) {
  const SlotView view{slot.guest, slot.size, slot.hva, slot.read_only(), slot.logging()};
  const auto done = user_mem_abort(vm, vcpu, port, view, fault);
  if (done) return Resume::Guest;
  switch (done.error()) {
    case Errno::Again: ++vm.stats.replays; return Resume::Guest;
    case Errno::NoExec: inject_prefetch_abort(vm, vcpu, port, fault.far.value); return Resume::Injected;
    case Errno::HwPoison:
      return run_error(vcpu, port, fault, Errno::HwPoison, "SIGBUS BUS_MCEERR_AR: hardware memory error");
    default: return run_error(vcpu, port, fault, done.error(), "guest access cannot be mapped");
  }
}

}  // namespace

Resume handle_guest_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault) {
  if (fault.type == FscType::Translation) {
    // KVM reports these two with the IPA, not the VA, in FAR_EL1.
    const unsigned host_limit = std::min<unsigned>(vm.config.cpu.pa_bits, kHostIpaLimit);
    if (fault.ipa.value >> host_limit) {
      inject_size_fault(vm, vcpu, port, fault.exact_ipa().value);
      return Resume::Injected;
    }
    if (fault.ipa.value >> vm.config.ipa_bits) {
      const u64 far = fault.exact_ipa().value;
      fault.instruction ? inject_prefetch_abort(vm, vcpu, port, far) : inject_data_abort(vm, vcpu, port, far);
      return Resume::Injected;
    }
  }
  if (fault.type == FscType::External) {  // nobody in this host claims it (no firmware-first RAS)
    inject_serror(vcpu, port);
    return Resume::Guest;
  }
  const bool supported = fault.type == FscType::Translation || fault.type == FscType::Permission ||
                         (fault.type == FscType::AccessFlag && vm.policy().access_flag_faults);
  if (!supported) return run_error(vcpu, port, fault, Errno::Fault, "unsupported fault status");

  const Slot* slot = vm.slots.find(fault.ipa);
  const bool hole = !slot || slot->invalid;
  if (hole || (fault.write && slot->read_only())) return without_memory(vm, vcpu, port, fault, hole);
  if (fault.type == FscType::AccessFlag) return access_fault(vm, *slot, fault);
  return map_memory(vm, vcpu, port, *slot, fault);
}

}  // namespace farside::hyp
