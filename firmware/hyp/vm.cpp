// firmware/hyp/vm.cpp - the public face: creates hosts and VMs and delegates to the files that know.
#include "firmware/hyp/vm.h"

#include <algorithm>

#include "firmware/hyp/dirty_log.h"
#include "firmware/hyp/entry.h"
#include "firmware/hyp/exit.h"
#include "firmware/hyp/inject.h"
#include "firmware/hyp/mmio.h"
#include "firmware/hyp/vm_state.h"

namespace farside::hyp {
namespace {

host::Thp thp_of(ThpMode mode) {
  return mode == ThpMode::Always ? host::Thp::Always : mode == ThpMode::Madvise ? host::Thp::Madvise : host::Thp::Never;
}

}  // namespace

// ---- Host ----

Result<std::unique_ptr<Hypervisor>, UserError> Hypervisor::create(const HostConfig& config, const Ports& ports) {
  if (!config.ram_base.is_aligned(host::kHugeSize) || !is_aligned(config.ram_size, host::kHugeSize))
    return UserError{
        fmt::format("host memory {} of {:#x} bytes is not aligned to 2 MiB", config.ram_base, config.ram_size)};
  if (config.ram_size < 8 * host::kHugeSize) return UserError{"host memory must be at least 16 MiB"};
  if (config.pcpus == 0 || config.pcpus > 128) return UserError{"a host has 1 to 128 CPUs"};
  return std::unique_ptr<Hypervisor>(new Hypervisor(config, ports));
}

Hypervisor::Hypervisor(const HostConfig& config, const Ports& ports)
    : host_(std::make_unique<HostState>(config, ports)) {}
Hypervisor::~Hypervisor() = default;

Result<Vm*, UserError> Hypervisor::create_vm(const VmConfig& config) {
  if (config.policy.fwb == FwbUse::Required && !config.cpu.fwb)
    return UserError{fmt::format("policy {}: needs a CPU with FEAT_S2FWB: --cpu max", config.policy.name)};
  if (config.ipa_bits < 32 || config.ipa_bits > 48 || config.ipa_bits > config.cpu.pa_bits)
    return UserError{fmt::format("a guest has 32 to {} address bits, not {}",
                                 std::min<unsigned>(48, config.cpu.pa_bits), config.ipa_bits)};
  if (config.mpidr.empty()) return UserError{"a VM needs at least one vCPU"};
  if (((host_->config.ram_base + host_->config.ram_size).value - 1) >> config.cpu.pa_bits)
    return UserError{fmt::format("host memory ends above the CPU's {} address bits", config.cpu.pa_bits)};
  const unsigned bits = config.cpu.vmid16 ? 16 : 8;
  if (!host_->vmids)
    host_->vmids = std::make_unique<VmidAllocator>(host_->config.pcpus, bits, host_->ports.maintenance);
  if (host_->vmids->bits() != bits) return UserError{"all VMs of a host need the same VMID size"};
  VmConfig used = config;
  used.cpu.fwb = config.cpu.fwb && config.policy.fwb != FwbUse::NotUsed;
  auto vm = std::make_unique<Vm>(*host_, used);
  if (vm->table_root().value == 0) return UserError{"no host memory left for stage-2 tables"};
  vms_.push_back(std::move(vm));
  return vms_.back().get();
}

void Hypervisor::destroy_vm(Vm* vm) {
  std::erase_if(vms_, [vm](const std::unique_ptr<Vm>& owned) { return owned.get() == vm; });
}

u64 Hypervisor::used_bytes() const { return host_->frames.used_bytes(); }

// ---- VM ----

VmState::VmState(HostState& host_state, const VmConfig& c)
    : host(host_state),
      config(c),
      cmo(host.ports.maintenance, config.policy, config.cpu, stats),
      tlb(host.ports.maintenance, config.policy, vmid, stats),
      space(host.frames, host.ports.memory, host.ports.yield, thp_of(host.config.thp)),
      notifier(*this),
      vcpus(c.mpidr.size()),
      last_vcpu_ran(host.config.pcpus, -1) {
  const PgtableEnv env{host.ports.memory, host.frames, host.ports.yield, cmo, tlb, config.policy, config.cpu, stats};
  if (auto created = Pgtable::create(config.ipa_bits, env)) tables = std::move(*created);
  for (usize i = 0; i < vcpus.size(); ++i) {
    vcpus[i].index = static_cast<unsigned>(i);
    vcpus[i].hcr = initial_hcr(config);
  }
  space.set_notifier(&notifier);
}

Vm::Vm(HostState& host, const VmConfig& config) : state_(std::make_unique<VmState>(host, config)) {}

Vm::~Vm() {
  state_->space.set_notifier(nullptr);
  for (const VcpuState*& loaded : state_->host.loaded)
    for (const VcpuState& vcpu : state_->vcpus)
      if (loaded == &vcpu) loaded = nullptr;
  for (VcpuState& vcpu : state_->vcpus)
    for (Pa page : std::exchange(vcpu.tables.pages, {})) state_->host.frames.put(page);
  state_->tables.reset();
}

void Vm::prepare_entry(unsigned vcpu, VcpuPort& port) {
  put_vcpu(*state_, port);
  enter_guest(*state_, state_->vcpus[vcpu], port);
}

Resume Vm::handle_exit(unsigned index, VcpuPort& port) {
  VcpuState& vcpu = state_->vcpus[index];
  vcpu.stop = {};
  // The PE clears VSE when it takes the virtual SError.
  if (vcpu.hcr[Hcr::VSE]) {
    vcpu.loaded_hcr = port.read(Reg::HCR_EL2);
    vcpu.hcr = vcpu.hcr.with(Hcr::VSE, Hcr::of(vcpu.loaded_hcr)[Hcr::VSE]);
  }
  const Resume resume = dispatch_exit(*state_, vcpu, port);
  if (resume == Resume::Stop) {
    commit_pc(*state_, vcpu, port);  // the VMM must see the final PC
    put_vcpu(*state_, port);
  } else {
    enter_guest(*state_, vcpu, port);
  }
  return resume;
}

const StopReason& Vm::stop_reason(unsigned vcpu) const { return state_->vcpus[vcpu].stop; }

void Vm::reenter(unsigned index, VcpuPort& port) {
  VcpuState& vcpu = state_->vcpus[index];
  complete_mmio(*state_, vcpu, port);
  enter_guest(*state_, vcpu, port);
}

void Vm::init_vcpu(unsigned index) {
  VcpuState& vcpu = state_->vcpus[index];
  if (vcpu.has_run && config().policy.unmap_at_reset) {
    if (!config().cpu.fwb)
      unmap_vm(*state_);
    else if (!config().cpu.dic)
      state_->cmo.invalidate_icache_all();
  }
  vcpu.hcr = initial_hcr(state_->config);
  vcpu.mmio = {};
  vcpu.pc = {};
  vcpu.stop = {};
}

// ---- Slots and dirty logs ----

Result<void, Errno> Vm::set_user_memory_region(const MemoryRegion& region) {
  return set_memory_region(*state_, region);
}

Result<void, Errno> Vm::add_ram(u32 slot, Ipa ipa, u64 size, u32 flags) {
  if (size == 0 || !is_aligned(size, host::kPageSize)) return Errno::Inval;
  const u64 align = std::max<u64>(host::kHugeSize, ipa.value & (~ipa.value + 1));
  const u64 hva = state_->space.mmap({.range = {0, size}}, std::min<u64>(align, u64{1} << 30));
  const auto done = set_user_memory_region({slot, flags, ipa, size, hva});
  if (!done) state_->space.munmap({hva, size});
  return done;
}

Result<std::vector<u64>, Errno> Vm::get_dirty_log(u32 slot) { return harvest_dirty_log(*state_, slot); }

Result<void, Errno> Vm::clear_dirty_log(u32 slot, u64 first_page, u64 pages, std::span<const u64> bitmap) {
  return hyp::clear_dirty_log(*state_, slot, first_page, pages, bitmap);
}

void Vm::set_manual_dirty_protect(bool enable, bool initially_set) {
  state_->manual_protect = enable;
  state_->initially_set = enable && initially_set;
}

// ---- Guest memory through hva ----

namespace {

/// Cuts [ipa, ipa + size) into parts inside one page of one slot; false at the first part without a slot.
template <class F>
bool for_each_part(VmState& vm, Ipa ipa, u64 size, F f) {
  for (u64 done = 0; done < size;) {
    Slot* slot = vm.slots.find(ipa + done);
    if (!slot || slot->invalid) return false;
    const u64 in_page = host::kPageSize - (ipa + done).offset_in(host::kPageSize);
    const u64 count = std::min(size - done, in_page);
    if (!f(*slot, ipa + done, done, count)) return false;
    done += count;
  }
  return true;
}

}  // namespace

Result<void, Errno> Vm::write_guest(Ipa ipa, std::span<const u8> bytes) {
  VmState& vm = *state_;
  const bool ok = for_each_part(vm, ipa, bytes.size(), [&](Slot& slot, Ipa at, u64 offset, u64 count) {
    if (!vm.space.write(slot.hva_of(at), bytes.subspan(offset, count))) return false;
    mark_dirty(slot, at);  // kvm_write_guest marks what no stage-2 fault will see
    return true;
  });
  if (!ok) return Errno::Fault;
  return {};
}

Result<void, Errno> Vm::read_guest(Ipa ipa, std::span<u8> out) {
  VmState& vm = *state_;
  const bool ok = for_each_part(vm, ipa, out.size(), [&](Slot& slot, Ipa at, u64 offset, u64 count) {
    return vm.space.read(slot.hva_of(at), out.subspan(offset, count));
  });
  if (!ok) return Errno::Fault;
  return {};
}

std::optional<Pa> Vm::peek(Ipa ipa) const {
  const Slot* slot = state_->slots.find(ipa);
  if (!slot) return std::nullopt;
  const u64 hva = slot->hva_of(ipa);
  const auto pte = state_->space.lookup(hva);
  if (!pte) return std::nullopt;
  return pte->pa + (hva & (pte->size - 1));
}

// ---- Looking inside ----

host::Space& Vm::space() { return state_->space; }
const VmConfig& Vm::config() const { return state_->config; }
Pa Vm::table_root() const { return state_->tables ? state_->tables->root() : Pa{}; }
u16 Vm::vmid() const { return state_->vmid; }
u64 Vm::vtcr() const { return vtcr_for(state_->config, state_->tables ? state_->tables->start_level() : 1); }
u64 Vm::hcr(unsigned vcpu) const { return state_->vcpus[vcpu].hcr.raw; }

Stats Vm::stats() const {
  Stats stats = state_->stats;
  const host::SpaceStats& host = state_->space.stats();
  stats.demand_zero = host.demand_zero;
  stats.huge_faults = host.huge_faults;
  stats.cow_breaks = host.cow_breaks;
  return stats;
}

std::vector<SlotInfo> Vm::slots() const {
  std::vector<SlotInfo> out;
  for (const Slot& slot : state_->slots.all())
    out.push_back({slot.id, slot.flags, slot.guest, slot.size, slot.hva, slot.invalid, 0});
  for_each_leaf([&out](const LeafInfo& leaf) {
    for (SlotInfo& slot : out)
      if (leaf.ipa.value - slot.guest.value < slot.size) slot.mapped_bytes += leaf.size;
  });
  return out;
}

void Vm::for_each_leaf(const std::function<void(const LeafInfo&)>& visit) const {
  if (state_->tables) state_->tables->for_each_leaf(visit);
}

}  // namespace farside::hyp
