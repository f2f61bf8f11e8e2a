// firmware/hyp/vm_state.h - the state that the hypervisor's own files share: one struct per host, VM and vCPU.
#pragma once
#include <map>

#include "firmware/hyp/host/space.h"
#include "firmware/hyp/pgtable.h"
#include "firmware/hyp/regs.h"
#include "firmware/hyp/slots.h"
#include "firmware/hyp/vmid.h"

namespace farside::hyp {

/// A device access that the VMM has been asked for (kvm_run.mmio and vcpu->mmio_needed).
struct PendingMmio {
  bool needed = false;
  bool write = false, sign_extend = false, sixty_four = false, big_endian = false;
  Ipa ipa{};
  unsigned size = 0, rt = 0;
  u64 data = 0;
};

/// What happens to the PC before the next entry: one of the two, the exception wins.
struct PendingPc {
  bool increment = false;  ///< past the trapped instruction
  bool exception = false;  ///< ESR_EL1 and FAR_EL1 are written already; EL1 synchronous vector
};

struct VcpuState {
  unsigned index = 0;
  bool has_run = false;
  Hcr hcr{};
  PendingMmio mmio{};
  PendingPc pc{};
  TableCache tables{};
  StopReason stop{};
  u64 vttbr = 0, loaded_hcr = 0;  ///< as last written, so that unchanged registers are not written again
};

/// How KVM registers with the VMM's address space.
class VmNotifier final : public host::MmuNotifier {
 public:
  explicit VmNotifier(VmState& vm) : vm_(vm) {}
  void invalidate_range_start(host::HvaRange range) override;
  void invalidate_range_end(host::HvaRange range) override;
  void change_pte(u64 hva, Pa pa) override;
  bool clear_young(host::HvaRange range, bool flush) override;
  bool test_young(host::HvaRange range) override;
  void release() override;

 private:
  VmState& vm_;
  std::vector<bool> counted_;  ///< per invalidation under way, innermost last: did it meet a slot at its start?
};

struct HostState {
  HostConfig config;
  Ports ports;
  host::Frames frames;
  std::unique_ptr<VmidAllocator> vmids;  ///< made with the first VM, when the VMID size is known
  std::vector<const VcpuState*> loaded;  ///< by pCPU: whose registers it holds
  HostState(const HostConfig& c, const Ports& p)
      : config(c), ports(p), frames(c.ram_base, c.ram_size, c.seed), loaded(c.pcpus) {}
};

struct VmState {
  HostState& host;
  VmConfig config;
  Stats stats;
  VmidTag vmid_tag;
  u16 vmid = 0;
  Cmo cmo;
  TlbFlush tlb;
  host::Space space;
  VmNotifier notifier;
  std::unique_ptr<Pgtable> tables;  ///< empty when the address space is gone, or memory ran out at creation
  Slots slots;
  std::vector<VcpuState> vcpus;
  std::vector<int> last_vcpu_ran;  ///< by pCPU; -1: none
  // The invalidation protocol: a fault reads the sequence, resolves the host page, and maps only when no
  // invalidation is in progress and none has ended since.
  u64 invalidate_seq = 0;
  u32 invalidate_in_progress = 0;
  bool manual_protect = false, initially_set = false;
  u64 slots_generation = 0;

  VmState(HostState& host_state, const VmConfig& c);
  const Policy& policy() const { return config.policy; }
  Ports& ports() { return host.ports; }
  const Trace& trace() const { return host.ports.trace; }
  void yield(YieldPoint point) { host.ports.yield.at(point); }
};

/// mmu_invalidate_retry: must a fault that read `seq` be replayed? Called with mmu_lock held.
bool must_retry(const VmState& vm, u64 seq);
/// stage2_flush_vm: CIVAC of everything mapped.
void flush_vm(VmState& vm);
/// stage2_unmap_vm: unmaps all RAM slots but PFNMAP ones.
void unmap_vm(VmState& vm);
/// Marks the page of `ipa` dirty when its slot logs (mark_page_dirty_in_slot).
void mark_dirty(Slot& slot, Ipa ipa);
/// Write-protects a whole slot and invalidates the VMID (kvm_mmu_wp_memory_region).
void protect_slot(VmState& vm, const Slot& slot);

}  // namespace farside::hyp
