// frontends/machine/hyp_adapter.h - binds the hosted hypervisor's ports to cores, memory and devices.
#pragma once
#include <memory>
#include <vector>

#include "core/pe/pe.h"
#include "firmware/hyp/vm.h"
#include "frontends/machine/board.h"
#include "frontends/machine/power.h"

namespace farside::machine {

/// A core as firmware/hyp sees it: EL2 registers, the guest's registers, AT.
class VcpuAdapter : public hyp::VcpuPort {
 public:
  explicit VcpuAdapter(pe::Pe& pe) : pe_(pe) {}
  unsigned pcpu() const override { return pe_.physical(); }
  u64 read(hyp::Reg reg) const override;
  void write(hyp::Reg reg, u64 value) override;
  u64 x(unsigned n) const override { return pe_.s.x[n]; }
  void set_x(unsigned n, u64 value) override { pe_.s.x[n] = value; }
  bool at_s1e1r(Va va) override;
  u64 id_register(u32 encoding) const override;

 private:
  pe::Pe& pe_;
};

/// Runs one VM, vCPU n in pe::Pe n on whatever physical core. It is the cores' El2Host. Its own loads, stores and
/// maintenance are those of the caches' host core.
class HypAdapter : public pe::El2Host,
                   public hyp::MaintenancePort,
                   public hyp::HostMemoryPort,
                   public hyp::MmioPort,
                   public hyp::WfxPort,
                   public hyp::YieldPort {
 public:
  using Cores = std::vector<std::unique_ptr<pe::Pe>>;
  HypAdapter(Cores& cores, Board& board, Power& power, const Trace& trace);
  /// Creates the host and its VM with `config.memory` bytes of RAM at `ram_base`.
  Result<void, UserError> create(const MachineConfig& config, u64 ram_base);
  hyp::Vm& vm() { return *vm_; }
  void visit_state(StateVisitor& visitor) { hypervisor_->visit_state(visitor); }
  bool is_sound(const std::function<u64(Pa)>& entry) const { return hypervisor_->is_sound(entry); }
  /// Enters the guest on `core` at EL1 with the MMU off: first boot and CPU_ON.
  void enter(pe::Pe& core, u64 entry);
  /// `core` has been loaded on a physical core where another vCPU may have run since.
  void load(pe::Pe& core);

  void on_exception_to_el2(pe::Pe& pe) override;

  void tlbi_ipas2e1is(u16 vmid, Ipa ipa, unsigned ttl_level) override;
  void tlbi_ipas2e1(unsigned pcpu, u16 vmid, Ipa ipa, unsigned ttl_level) override;
  void tlbi_vmalle1is(u16 vmid) override;
  void tlbi_vmalle1(unsigned pcpu, u16 vmid) override;
  void tlbi_vmalls12e1is(u16 vmid) override;
  void tlbi_alle1is() override;
  void dsb_ishst() override { barrier(cache::Barrier::Dsb); }
  void dsb_ish() override { barrier(cache::Barrier::Dsb); }
  void dsb_nsh() override { barrier(cache::Barrier::Dsb); }
  void isb() override { barrier(cache::Barrier::Isb); }
  void leaf_changed(const hyp::LeafChange& change) override;
  void dc_civac(Pa base, u64 size) override;
  void ic_ivau(Pa base, u64 size) override;
  void ic_ialluis() override;
  void ic_iallu(unsigned pcpu) override;

  u64 read_entry(Pa pa) const override;
  void write_entry(Pa pa, u64 value) override;
  void zero(Pa pa, u64 size) override;
  void copy(Pa to, Pa from, u64 size) override;
  void read(Pa pa, std::span<u8> out) const override;
  void write(Pa pa, std::span<const u8> bytes) override;

  bool kernel_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) override;
  bool kernel_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) override;
  hyp::MmioReply vmm_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) override;
  hyp::MmioReply vmm_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) override;
  hyp::MmioReply vmm_nisv(unsigned vcpu, Ipa ipa, u64 iss) override;

  void wait_for_interrupt(unsigned vcpu) override { cores_[vcpu]->waiting = true; }
  void yield(unsigned vcpu) override { cores_[vcpu]->end_slice(); }
  void at(hyp::YieldPoint) override {}

 private:
  void broadcast(const mmu::TlbiOp& op);
  void barrier(cache::Barrier kind) { board_.caches().barrier(board_.caches().host_core(), kind); }
  /// The operation as the hypervisor executes it, on the host's core.
  template <class Op>
  void maintain(const Op& op);
  Cores& cores_;
  Board& board_;
  Power& power_;
  const Trace& trace_;
  /// Exits of one vCPU since it last executed an instruction.
  struct Standstill {
    u64 instructions = 0, exits = 0;
  };
  bool stands_still(const pe::Pe& pe);
  std::vector<VcpuAdapter> vcpus_;
  std::vector<Standstill> standstills_;
  std::unique_ptr<hyp::Hypervisor> hypervisor_;
  hyp::Vm* vm_ = nullptr;
};

}  // namespace farside::machine
