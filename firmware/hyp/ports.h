// firmware/hyp/ports.h - everything the hosted hypervisor needs from the machine it runs on (consumer-owned).
#pragma once
#include <optional>
#include <span>

#include "core/base/addr.h"
#include "core/base/trace.h"

namespace farside::hyp {

/// The system registers that the hypervisor touches, named as in the Arm ARM. While a handler runs, the guest's PC
/// is ELR_EL2 and the guest's PSTATE is SPSR_EL2.
// clang-format off
enum class Reg : u8 {
  ESR_EL2, FAR_EL2, HPFAR_EL2, HCR_EL2, VTTBR_EL2, VTCR_EL2, ELR_EL2, SPSR_EL2, VMPIDR_EL2, VPIDR_EL2, VSESR_EL2,
  CNTVOFF_EL2, CNTHCTL_EL2,
  PAR_EL1, SCTLR_EL1, ACTLR_EL1, TTBR0_EL1, TTBR1_EL1, TCR_EL1, ESR_EL1, FAR_EL1, AFSR0_EL1, AFSR1_EL1, MAIR_EL1,
  AMAIR_EL1, CONTEXTIDR_EL1, ELR_EL1, SPSR_EL1, VBAR_EL1,
};
// clang-format on

/// One PE with a vCPU loaded on it, seen from EL2.
class VcpuPort {
 public:
  virtual ~VcpuPort() = default;
  /// Index of the physical CPU, below HostConfig::pcpus.
  virtual unsigned pcpu() const = 0;
  /// Plain register access with the register's architectural side effects (a VTTBR write changes the VMID and so on).
  virtual u64 read(Reg reg) const = 0;
  virtual void write(Reg reg, u64 value) = 0;
  /// General registers 0..30; the hypervisor itself treats 31 as XZR.
  virtual u64 x(unsigned n) const = 0;
  virtual void set_x(unsigned n, u64 value) = 0;
  /// AT S1E1R executed at EL2 with the guest's VTTBR loaded, then ISB; PAR_EL1 holds the result. False when the
  /// instruction itself took a synchronous exception (an external abort on a table), PAR_EL1 is then UNKNOWN.
  virtual bool at_s1e1r(Va va) = 0;
  /// The value of an identification register of this CPU as EL2 reads it; `encoding` is op0:op1:CRn:CRm:op2 packed
  /// by `sys_encoding`. Unallocated encodings of the ID space read as 0.
  virtual u64 id_register(u32 encoding) const = 0;
};

/// op0[15:14] op1[13:11] CRn[10:7] CRm[6:3] op2[2:0]: the order in which the Arm ARM lists system registers.
constexpr u32 sys_encoding(u32 op0, u32 op1, u32 crn, u32 crm, u32 op2) {
  return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

/// TLB and cache maintenance and barriers, executed at EL2. Broadcast forms reach every PE of the Inner Shareable
/// domain; local forms act on `pcpu` only. Operations on a VMID behave as if VTTBR_EL2 held that VMID.
class MaintenancePort {
 public:
  virtual ~MaintenancePort() = default;
  /// TLBI IPAS2E1IS; `ttl_level` is the level of the leaf (1..3) or 0 for no hint.
  virtual void tlbi_ipas2e1is(u16 vmid, Ipa ipa, unsigned ttl_level) = 0;
  /// TLBI IPAS2E1 on one PE only (local relax of later eras).
  virtual void tlbi_ipas2e1(unsigned pcpu, u16 vmid, Ipa ipa, unsigned ttl_level) = 0;
  virtual void tlbi_vmalle1is(u16 vmid) = 0;
  virtual void tlbi_vmalle1(unsigned pcpu, u16 vmid) = 0;
  virtual void tlbi_vmalls12e1is(u16 vmid) = 0;
  virtual void tlbi_alle1is() = 0;
  virtual void dsb_ishst() = 0;
  virtual void dsb_ish() = 0;
  virtual void dsb_nsh() = 0;
  virtual void isb() = 0;
  /// DC CIVAC over [base, base + size) through the hypervisor's own cacheable alias of host memory.
  virtual void dc_civac(Pa base, u64 size) = 0;
  /// DSB, then IC IVAU over [base, base + size), to the point of unification.
  virtual void ic_ivau(Pa base, u64 size) = 0;
  virtual void ic_ialluis() = 0;
  virtual void ic_iallu(unsigned pcpu) = 0;
};

/// [ipa, ipa + size) of the guest leads to `pa` from now on, or no longer does.
struct LeafChange {
  Ipa ipa{};
  Pa pa{};
  u64 size = 0;
  bool mapped = false;
};

/// Host physical memory through the cacheable path of a host CPU: never around the caches.
class HostMemoryPort {
 public:
  virtual ~HostMemoryPort() = default;
  /// Translation table entries, 8-byte aligned, single-copy atomic. A write is a store-release.
  virtual u64 read_entry(Pa pa) const = 0;
  virtual void write_entry(Pa pa, u64 value) = 0;
  virtual void zero(Pa pa, u64 size) = 0;
  virtual void copy(Pa to, Pa from, u64 size) = 0;
  virtual void read(Pa pa, std::span<u8> out) const = 0;
  virtual void write(Pa pa, std::span<const u8> bytes) = 0;
  /// Told after each change of a stage-2 leaf: for those who explain later what happened to a page.
  virtual void leaf_changed(const LeafChange&) {}
};

/// What became of an access that the VMM was asked to emulate.
enum class MmioReply : u8 {
  Done,         ///< completed; for a read the value is valid
  InjectAbort,  ///< the VMM pended an external abort instead (KVM_SET_VCPU_EVENTS.ext_dabt_pending)
  Stop,         ///< the VMM gives up; the vCPU does not run again
};

/// Emulated devices. `size` is 1, 2, 4 or 8 bytes; values are zero-extended, in the device's little-endian order.
class MmioPort {
 public:
  virtual ~MmioPort() = default;
  /// In-kernel devices: true when one claims the access.
  virtual bool kernel_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) = 0;
  virtual bool kernel_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) = 0;
  /// The VMM, after KVM_EXIT_MMIO.
  virtual MmioReply vmm_read(unsigned vcpu, Ipa ipa, unsigned size, u64& value) = 0;
  virtual MmioReply vmm_write(unsigned vcpu, Ipa ipa, unsigned size, u64 value) = 0;
  /// The VMM, after KVM_EXIT_ARM_NISV: `iss` holds only CM, WnR and FSC. Done means that the VMM emulated the
  /// instruction and advanced ELR_EL2 itself.
  virtual MmioReply vmm_nisv(unsigned vcpu, Ipa ipa, u64 iss) = 0;
};

/// The scheduler side of WFI and WFE: the calls return at once; the machine stops running the vCPU as it sees fit.
class WfxPort {
 public:
  virtual ~WfxPort() = default;
  /// WFI, and CPU_SUSPEND: do not run `vcpu` until an interrupt is pending for it.
  virtual void wait_for_interrupt(unsigned vcpu) = 0;
  /// WFE: give other vCPUs a turn.
  virtual void yield(unsigned vcpu) = 0;
};

enum class AffinityState : u8 { On = 0, Off = 1, OnPending = 2 };
enum class CpuOnResult : u8 { Started, AlreadyOn, OnPending, NoSuchCpu, InvalidAddress };
enum class ResetKind : u8 { Reset, Reset2Warm };

/// CPU and system power. Also all that a machine without hypervisor needs to use psci.h as its firmware.
class PsciPort {
 public:
  virtual ~PsciPort() = default;
  /// Starts the CPU whose MPIDR affinity fields equal `mpidr` at `entry` (EL1, MMU off) with X0 = `context`.
  virtual CpuOnResult cpu_on(u64 mpidr, u64 entry, u64 context) = 0;
  /// Stops the calling CPU; its handler still returns.
  virtual void cpu_off(unsigned vcpu) = 0;
  /// Standby until an interrupt.
  virtual void cpu_suspend(unsigned vcpu) = 0;
  /// State of the CPUs whose affinity fields at `lowest_level` and above equal `mpidr`: On when any is on.
  virtual std::optional<AffinityState> affinity_info(u64 mpidr, unsigned lowest_level) const = 0;
  virtual void system_off() = 0;
  virtual void system_reset(ResetKind kind) = 0;
};

/// Named places where another vCPU's handler or a host action may run. None is inside mmu_lock except the ones
/// that say so; at those only a hardware table walk or a guest access can interleave.
enum class YieldPoint : u8 {
  FaultAfterVmaLookup,   ///< mmap lock still conceptually held: VMA known, sequence not read yet
  FaultAfterMmapUnlock,  ///< mmap lock dropped
  FaultAfterPfn,         ///< host frame known, mmu_lock not taken
  FaultAfterMap,         ///< entry installed, mmu_lock dropped
  HpfarResolve,          ///< before AT: the guest's stage-1 tables may change
  NotifierAfterStart,    ///< invalidate_range_start done, the host's own entry still there
  NotifierBeforeEnd,     ///< the host's entry gone, invalidate_range_end still to come
  DirtyLogAfterHarvest,  ///< bits moved to the VMM's copy; inside mmu_lock until protection and flush are done
  SlotInvalidPublished,  ///< DELETE or MOVE: the INVALID copy is visible
  BreakBeforeMake,       ///< inside mmu_lock: the old entry is gone, the new one not yet written
};

class YieldPort {
 public:
  virtual ~YieldPort() = default;
  /// A no-op unless an explorer or a test drives it.
  virtual void at(YieldPoint point) = 0;
};

/// All ports that are not tied to one vCPU. The objects must outlive the Hypervisor.
struct Ports {
  HostMemoryPort& memory;
  MaintenancePort& maintenance;
  MmioPort& mmio;
  WfxPort& wfx;
  PsciPort& psci;
  YieldPort& yield;
  const Trace& trace;
};

}  // namespace farside::hyp
