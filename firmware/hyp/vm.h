// firmware/hyp/vm.h - the hypervisor's public face: the host, its VMs, their vCPUs, slots and dirty logs.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/state.h"
#include "firmware/hyp/errors.h"
#include "firmware/hyp/policy.h"
#include "firmware/hyp/ports.h"
#include "firmware/hyp/stats.h"

namespace farside::hyp {

struct VmState;
struct HostState;
namespace host {
class Space;
}

/// Transparent huge pages of the modelled host.
enum class ThpMode : u8 { Never, Madvise, Always };

/// The host that all VMs share.
struct HostConfig {
  Pa ram_base{};       ///< host physical memory for guest pages and stage-2 tables; 2 MiB aligned
  u64 ram_size = 0;    ///< bytes; a multiple of 2 MiB
  u64 seed = 0;        ///< orders the frames that the allocator hands out
  unsigned pcpus = 1;  ///< physical CPUs: VcpuPort::pcpu() is below this
  ThpMode thp = ThpMode::Always;
};

/// What the CPU offers to the hypervisor.
struct CpuCaps {
  bool fwb = false, idc = false, dic = false;  ///< FEAT_S2FWB, CTR_EL0.IDC, CTR_EL0.DIC
  bool hafdbs = false;                         ///< hardware AF: VTCR_EL2.HA
  bool vmid16 = false;                         ///< 16-bit VMIDs: VTCR_EL2.VS
  bool pauth = false;                          ///< FEAT_PAuth: VMs get it
  bool pan = false, ssbs = false;              ///< PSTATE bits that an exception sets
  bool aliasing_icache = false;                ///< VIPT: IC by VA misses aliases
  u8 pa_bits = 40;                             ///< physical address size of the CPU
};

/// One VM.
struct VmConfig {
  unsigned ipa_bits = 40;                 ///< 32..48; the guest's physical address space
  std::vector<u64> mpidr = {0x80000000};  ///< VMPIDR_EL2 of each vCPU
  u64 midr = 0;                           ///< VPIDR_EL2
  Policy policy{};
  CpuCaps cpu{};
  bool nisv_exits = false;          ///< KVM_CAP_ARM_NISV_TO_USER
  bool trap_wfx = true;             ///< HCR.TWI and TWE
  bool trap_id_registers = true;    ///< HCR.TID3
  bool virtual_interrupts = false;  ///< HCR.{AMO,IMO,FMO}: physical interrupts go to EL2
};

/// KVM_SET_USER_MEMORY_REGION flags.
enum : u32 { kMemLogDirtyPages = 1, kMemReadOnly = 2 };

/// Argument of KVM_SET_USER_MEMORY_REGION. Size 0 deletes the slot.
struct MemoryRegion {
  u32 slot = 0;
  u32 flags = 0;
  Ipa guest{};
  u64 size = 0;
  u64 hva = 0;
};

/// How one exit ended. Everything but Stop runs the guest again.
enum class Resume : u8 {
  Guest,     ///< same PC: the instruction is replayed
  SkipInsn,  ///< emulated; the PC moved past it
  Injected,  ///< the guest is at an exception vector
  Mmio,      ///< an access to a device, completed; the PC moved past it
  Stop,      ///< this vCPU does not run again until told otherwise: see stop_reason()
};

enum class StopKind : u8 { None, CpuOff, SystemOff, SystemReset, RunError, Vmm };

/// Why handle_exit returned Stop.
struct StopReason {
  StopKind kind = StopKind::None;
  std::optional<Errno> error;  ///< what KVM_RUN returned, for RunError
  std::string text;            ///< one line for people
};

/// A slot as `info slots` prints it.
struct SlotInfo {
  u32 id, flags;
  Ipa guest;
  u64 size, hva;
  bool invalid;
  u64 mapped_bytes;
};

/// A stage-2 leaf as `info s2` prints it.
struct LeafInfo {
  Ipa ipa;
  Pa pa;
  int level;
  u64 size, descriptor;
};

/// One virtual machine. All methods are called by one thread at a time; handlers interleave at YieldPoints only.
class Vm {
 public:
  Vm(HostState& host, const VmConfig& config);
  ~Vm();
  Vm(const Vm&) = delete;

  // ---- The run loop, called by the machine with the PE at EL2 ----

  /// Everything KVM does between deciding to run `vcpu` on `port.pcpu()` and the ERET: VMID, HCR_EL2, VTTBR_EL2,
  /// VTCR_EL2, VMPIDR_EL2, VPIDR_EL2, TLB flush when vCPUs share a PE. Needed before the first entry and whenever
  /// a vCPU changes its PE; handle_exit does it on its own way out.
  void prepare_entry(unsigned vcpu, VcpuPort& port);
  /// Handles the exception that the PE took to EL2 for `vcpu` (ESR_EL2, FAR_EL2, HPFAR_EL2, ELR_EL2, SPSR_EL2 hold
  /// it). On return the machine executes ERET, unless the result is Stop.
  Resume handle_exit(unsigned vcpu, VcpuPort& port);
  /// Why the last handle_exit of `vcpu` returned Stop.
  const StopReason& stop_reason(unsigned vcpu) const;
  /// KVM_RUN entered again without an exit (immediate_exit): completes a pending MMIO at most once.
  void reenter(unsigned vcpu, VcpuPort& port);
  /// KVM_ARM_VCPU_INIT. On a vCPU that has run, unmaps all RAM so that the next faults clean it again.
  void init_vcpu(unsigned vcpu);

  // ---- Memory slots and dirty logs: the VMM's ioctls ----

  /// KVM_SET_USER_MEMORY_REGION; errors as in KVM (EINVAL, EEXIST, EFAULT).
  Result<void, Errno> set_user_memory_region(const MemoryRegion& region);
  /// Convenience of the machine: mmaps anonymous memory of `size` bytes and registers it as slot `slot` at `ipa`.
  Result<void, Errno> add_ram(u32 slot, Ipa ipa, u64 size, u32 flags = 0);
  /// KVM_GET_DIRTY_LOG: one bit per page, bit 0 of word 0 is the slot's first page. Clears and protects, unless
  /// manual protection is on.
  Result<std::vector<u64>, Errno> get_dirty_log(u32 slot);
  /// KVM_CLEAR_DIRTY_LOG: `first_page` and `pages` multiples of 64 (pages may end with the slot).
  Result<void, Errno> clear_dirty_log(u32 slot, u64 first_page, u64 pages, std::span<const u64> bitmap);
  /// KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
  void set_manual_dirty_protect(bool enable, bool initially_set);

  // ---- The VMM's view of guest memory: through hva, as DMA and image loading do ----

  /// Faults pages in as the host's own accesses do; EFAULT outside slots. No stage-2 entry is made.
  Result<void, Errno> write_guest(Ipa ipa, std::span<const u8> bytes);
  Result<void, Errno> read_guest(Ipa ipa, std::span<u8> out);
  /// The host frame behind `ipa` if one is present; allocates nothing.
  std::optional<Pa> peek(Ipa ipa) const;

  // ---- Looking inside ----

  /// The VMM process: mmap, munmap, mprotect, madvise, fork, merge, swap, aging.
  host::Space& space();
  Stats stats() const;
  const VmConfig& config() const;
  std::vector<SlotInfo> slots() const;
  void for_each_leaf(const std::function<void(const LeafInfo&)>& visit) const;
  /// VTTBR_EL2.BADDR of the VM, and the VMID it has now (0: none yet).
  Pa table_root() const;
  u16 vmid() const;
  u64 vtcr() const;
  u64 hcr(unsigned vcpu) const;

  // ---- Snapshots: no vCPU is inside a handler ----

  void visit_state(StateVisitor& visitor);
  /// Whether a restored state holds together; `peek` reads an entry of the tables without any effect.
  bool is_sound(const std::function<u64(Pa)>& peek) const;

 private:
  bool references_are_sound() const;
  std::unique_ptr<VmState> state_;
};

/// The host: physical memory, VMIDs, and the VMs.
class Hypervisor {
 public:
  /// Fails with one line when the host memory is misaligned or too small.
  static Result<std::unique_ptr<Hypervisor>, UserError> create(const HostConfig& config, const Ports& ports);
  ~Hypervisor();
  /// Fails when the CPU has not what the policy needs, or a size is outside what the CPU offers.
  Result<Vm*, UserError> create_vm(const VmConfig& config);
  /// Frees the VM's tables and memory; the pointer becomes invalid.
  void destroy_vm(Vm* vm);
  /// Bytes of host memory in use.
  u64 used_bytes() const;
  /// Visits the host and its VMs, but not the host's memory.
  void visit_state(StateVisitor& visitor);
  bool is_sound(const std::function<u64(Pa)>& peek) const;

 private:
  Hypervisor(const HostConfig& config, const Ports& ports);
  std::unique_ptr<HostState> host_;
  std::vector<std::unique_ptr<Vm>> vms_;
};

}  // namespace farside::hyp
