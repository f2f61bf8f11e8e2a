// frontends/machine/hyp_adapter.cpp - each hypervisor port in terms of cores, host RAM and the device bus.
#include "frontends/machine/hyp_adapter.h"

#include <cstring>

#include "core/arch/esr.h"
#include "core/arch/id_regs.h"
#include "firmware/boot/virt_map.h"

namespace farside::machine {
namespace {

SysReg sysreg_of(hyp::Reg reg) {
  switch (reg) {
// clang-format off
#define REG(name) \
  case hyp::Reg::name: return SysReg::name
    REG(ESR_EL2);
    REG(FAR_EL2);
    REG(HPFAR_EL2);
    REG(HCR_EL2);
    REG(VTTBR_EL2);
    REG(VTCR_EL2);
    REG(ELR_EL2);
    REG(SPSR_EL2);
    REG(VMPIDR_EL2);
    REG(VPIDR_EL2);
    REG(VSESR_EL2);
    REG(CNTVOFF_EL2);
    REG(CNTHCTL_EL2);
    REG(PAR_EL1);
    REG(SCTLR_EL1);
    REG(ACTLR_EL1);
    REG(TTBR0_EL1);
    REG(TTBR1_EL1);
    REG(TCR_EL1);
    REG(ESR_EL1);
    REG(FAR_EL1);
    REG(AFSR0_EL1);
    REG(AFSR1_EL1);
    REG(MAIR_EL1);
    REG(AMAIR_EL1);
    REG(CONTEXTIDR_EL1);
    REG(ELR_EL1);
    REG(SPSR_EL1);
    REG(VBAR_EL1);
#undef REG
    // clang-format on
  }
  CHECK(false, "hyp::Reg {}", static_cast<unsigned>(reg));
}

/// Virtual time of one exit and entry, in instructions: the order of magnitude of a KVM exit on server cores. Without
/// it a guest that polls a device under the hypervisor would see no time pass.
constexpr u64 kExitCost = 1000;

/// The interrupt controller's frames.
bool in_kernel(Ipa ipa) {
  return ipa.value >= boot::virt_map::kGicDistributor.base && ipa.value < boot::virt_map::kUart.base;
}

/// CNTHCTL_EL2.EL1PCTEN and EL1PCEN (E2H = 0).
constexpr u64 kEl1Pcten = 1, kEl1Pcen = 2;

mmu::TlbiOp by_ipa(u16 vmid, Ipa ipa, unsigned ttl_level, mmu::TlbiScope scope) {
  return {.kind = mmu::TlbiKind::Ipa,
          .scope = scope,
          .vmid = vmid,
          .base = ipa.value,
          .size = 4096,
          .ttl_level = static_cast<i8>(ttl_level == 0 ? -1 : static_cast<int>(ttl_level)),
          .ttl_granule = static_cast<u8>(ttl_level == 0 ? 0 : 12)};
}

}  // namespace

u64 VcpuAdapter::read(hyp::Reg reg) const { return pe_.s.sys[sysreg_of(reg)]; }

void VcpuAdapter::write(hyp::Reg reg, u64 value) {
  const SysReg own = sysreg_of(reg);
  if (pe_.s.sys[own] != value) pe_.write_register(own, value);
}

bool VcpuAdapter::at_s1e1r(Va va) {
  const auto par = pe_.at({.regime = RegimeId::EL10, .el = El::EL1}, va);
  if (!par.ok()) return false;
  pe_.s.sys[SysReg::PAR_EL1] = *par;
  return true;
}

u64 VcpuAdapter::id_register(u32 encoding) const {
  const auto reg = find_sysreg(static_cast<SysRegEncoding>(encoding));
  return reg ? farside::id_register(*reg, pe_.cpu(), pe_.index()) : 0;
}

HypAdapter::HypAdapter(Cores& cores, Board& board, Power& power, const Trace& trace)
    : cores_(cores), board_(board), power_(power), trace_(trace) {
  for (const auto& core : cores_) vcpus_.emplace_back(*core);
  standstills_.resize(cores_.size());
}

Result<void, UserError> HypAdapter::create(const MachineConfig& config, u64 ram_base) {
  const hyp::Policy policy = TRY(hyp::compose_policy({config.policy, config.without, config.icache, config.cmo_ro}));
  const hyp::HostConfig host{
      .ram_base = Pa{board_.ram_base()},
      .ram_size = board_.ram().size(),
      .seed = config.seed,
      .pcpus = board_.physical().count(),
      .thp = config.thp == ThpMode::Always ? hyp::ThpMode::Always : hyp::ThpMode::Never,
  };
  hypervisor_ = TRY(hyp::Hypervisor::create(host, hyp::Ports{*this, *this, *this, *this, power_, *this, trace_}));
  const pe::Pe& first = *cores_.front();
  const Features& f = first.features();
  hyp::VmConfig vm;
  vm.ipa_bits = std::min<unsigned>(40, f.pa_bits);
  vm.mpidr.clear();
  for (const auto& core : cores_) vm.mpidr.push_back(core->s.sys[SysReg::MPIDR_EL1]);
  vm.midr = first.cpu().midr;
  vm.policy = policy;
  if (config.change_policy) config.change_policy(vm.policy);
  vm.cpu = {.fwb = f.S2FWB,
            .idc = f.idc,
            .dic = f.dic,
            .hafdbs = f.HAFDBS,
            .vmid16 = f.VMID16,
            .pauth = f.PAuth,
            .pan = f.PAN,
            .ssbs = f.SSBS,
            .pa_bits = f.pa_bits};
  const cache::ICacheKind icache = board_.caches().config().icache;
  vm.cpu.aliasing_icache =
      board_.caches().modelled() && (icache == cache::ICacheKind::VIPT || icache == cache::ICacheKind::AIVIVT);
  vm.virtual_interrupts = true;  // the PE takes IRQs of the virtual interrupt controller, not physical ones
  vm_ = TRY(hypervisor_->create_vm(vm));
  const auto added = vm_->add_ram(0, Ipa{ram_base}, config.memory);
  if (!added.ok()) return UserError{fmt::format("--memory {}: the hypervisor refuses the memory slot", config.memory)};
  return {};
}

void HypAdapter::enter(pe::Pe& core, u64 entry) {
  core.reset(entry, El::EL2);
  // The physical counter and timer are the guest's: farside's interrupt controller takes their PPIs as its own.
  core.write_register(SysReg::CNTHCTL_EL2, kEl1Pcten | kEl1Pcen);
  vm_->init_vcpu(core.index());
  vm_->prepare_entry(core.index(), vcpus_[core.index()]);
  core.s.sys[SysReg::ELR_EL2] = entry;
  core.s.sys[SysReg::SPSR_EL2] =
      Pstate{}.with(Pstate::DAIF, u64{0xf}).with(Pstate::EL, El::EL1).with(Pstate::SP, true).raw;
  core.exception_return();
}

/// A vector without memory behind it aborts, is given the abort, and aborts again: the guest executes nothing any more,
/// and no limit of instructions would ever end the run.
bool HypAdapter::stands_still(const pe::Pe& pe) {
  constexpr u64 kMany = 100'000;  // a fault that is replayed, and all levels of table walks, make a few dozen
  Standstill& still = standstills_[pe.index()];
  if (pe.instructions() != still.instructions) still = {pe.instructions(), 0};
  return ++still.exits >= kMany;
}

void HypAdapter::on_exception_to_el2(pe::Pe& pe) {
  const unsigned vcpu = pe.index();
  pe.spend(kExitCost);
  if (stands_still(pe)) {
    power_.stop_run(fmt::format("core {} executes nothing any more: {} at pc {:#x}, again and again", vcpu,
                                ec_name(Esr::of(pe.s.sys[SysReg::ESR_EL2])[Esr::EC]), pe.s.sys[SysReg::ELR_EL2]));
  }
  if (vm_->handle_exit(vcpu, vcpus_[vcpu]) != hyp::Resume::Stop) {
    pe.exception_return();
    return;
  }
  const hyp::StopReason& reason = vm_->stop_reason(vcpu);
  pe.powered_on = false;
  pe.waiting = true;  // the engine leaves its loop before it could execute anything at EL2
  // CPU_OFF, SYSTEM_OFF and SYSTEM_RESET have reached Power already.
  if (reason.kind == hyp::StopKind::RunError || reason.kind == hyp::StopKind::Vmm) power_.stop_run(reason.text);
}

/// The host's scheduler has put the vCPU on another physical core, or after another vCPU: an exit for the host's
/// interrupt, kvm_arch_vcpu_load, and an entry.
void HypAdapter::load(pe::Pe& core) {
  core.spend(kExitCost);
  core.s.sys[SysReg::ELR_EL2] = core.pc();
  core.s.sys[SysReg::SPSR_EL2] = core.pstate().raw;
  vm_->prepare_entry(core.index(), vcpus_[core.index()]);
}

void HypAdapter::broadcast(const mmu::TlbiOp& op) { board_.physical().apply_tlbi(op); }

void HypAdapter::tlbi_ipas2e1is(u16 vmid, Ipa ipa, unsigned ttl_level) {
  broadcast(by_ipa(vmid, ipa, ttl_level, mmu::TlbiScope::InnerShareable));
}
void HypAdapter::tlbi_ipas2e1(unsigned pcpu, u16 vmid, Ipa ipa, unsigned ttl_level) {
  board_.physical().apply_tlbi(pcpu, by_ipa(vmid, ipa, ttl_level, mmu::TlbiScope::Local));
}
void HypAdapter::tlbi_vmalle1is(u16 vmid) { broadcast({.kind = mmu::TlbiKind::VmAll, .vmid = vmid}); }
void HypAdapter::tlbi_vmalle1(unsigned pcpu, u16 vmid) {
  board_.physical().apply_tlbi(pcpu, {.kind = mmu::TlbiKind::VmAll, .vmid = vmid});
}
void HypAdapter::tlbi_vmalls12e1is(u16 vmid) { broadcast({.kind = mmu::TlbiKind::VmAllS12, .vmid = vmid}); }
void HypAdapter::tlbi_alle1is() { broadcast({.kind = mmu::TlbiKind::All}); }

template <class Op>
void HypAdapter::maintain(const Op& op) {
  cache::Hierarchy& caches = board_.caches();
  caches.set_issuer(
      {.core = caches.host_core(), .kind = cache::AccessKind::Host, .el = El::EL2, .attr = cache::kWriteBackIsh});
  caches.apply(op, caches.host_core());
  board_.renew_code(op);
}

void HypAdapter::leaf_changed(const hyp::LeafChange& change) {
  board_.caches().note_range({.base = change.pa.value,
                              .size = change.size,
                              .ipa = change.ipa.value,
                              .kind = change.mapped ? cache::RangeKind::Stage2Map : cache::RangeKind::Stage2Unmap});
}

void HypAdapter::dc_civac(Pa base, u64 size) {
  board_.caches().note_range({.base = base.value, .size = size, .kind = cache::RangeKind::CleanInvalidate});
  maintain(cache::CacheOpByPa{
      .action = cache::Action::CleanInvalidate, .point = cache::Point::PoC, .base = base, .size = size});
}
void HypAdapter::ic_ivau(Pa base, u64 size) {
  board_.caches().note_range({.base = base.value, .size = size, .kind = cache::RangeKind::ICacheInvalidate});
  maintain(cache::CacheOpByPa{.instruction = true,
                              .action = cache::Action::Invalidate,
                              .point = cache::Point::PoU,
                              .base = base,
                              .size = size});
}
void HypAdapter::ic_ialluis() {
  board_.caches().note_range({.size = ~u64{0}, .kind = cache::RangeKind::ICacheInvalidateAll});
  maintain(cache::ICacheInvalidateAll{cache::Scope::InnerShareable});
}
void HypAdapter::ic_iallu(unsigned pcpu) {
  // The one operation that is about the core on which the vCPU runs, not about memory: it acts there.
  cache::Hierarchy& caches = board_.caches();
  caches.set_issuer({.core = pcpu, .kind = cache::AccessKind::Host, .el = El::EL2, .attr = cache::kWriteBackIsh});
  caches.apply(cache::ICacheInvalidateAll{cache::Scope::ThisPe}, pcpu);
  board_.renew_code(cache::ICacheInvalidateAll{});
}

u64 HypAdapter::read_entry(Pa pa) const {
  u64 value;
  board_.host_read(pa, {reinterpret_cast<u8*>(&value), sizeof value});
  return value;
}
void HypAdapter::write_entry(Pa pa, u64 value) {
  board_.host_write(pa, {reinterpret_cast<const u8*>(&value), sizeof value});
}
void HypAdapter::zero(Pa pa, u64 size) { board_.host_zero(pa, size); }
void HypAdapter::copy(Pa to, Pa from, u64 size) { board_.host_copy(to, from, size); }
void HypAdapter::read(Pa pa, std::span<u8> out) const { board_.host_read(pa, out); }
void HypAdapter::write(Pa pa, std::span<const u8> bytes) { board_.host_write(pa, bytes); }

// The interrupt controller is in the kernel, as KVM's vGIC is; every other device belongs to the VMM.
bool HypAdapter::kernel_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) {
  return in_kernel(ipa) && board_.read(Pa{ipa.value}, size, value, vcpu);
}
bool HypAdapter::kernel_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) {
  return in_kernel(ipa) && board_.write(Pa{ipa.value}, size, value, vcpu);
}
hyp::MmioReply HypAdapter::vmm_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) {
  return board_.read(Pa{ipa.value}, size, value, vcpu) ? hyp::MmioReply::Done : hyp::MmioReply::InjectAbort;
}
hyp::MmioReply HypAdapter::vmm_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) {
  return board_.write(Pa{ipa.value}, size, value, vcpu) ? hyp::MmioReply::Done : hyp::MmioReply::InjectAbort;
}
hyp::MmioReply HypAdapter::vmm_nisv(unsigned, Ipa, u64) { return hyp::MmioReply::InjectAbort; }

}  // namespace farside::machine
