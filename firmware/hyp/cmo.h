// firmware/hyp/cmo.h - cache and TLB maintenance as the hypervisor issues it: exact sequences, counted.
#pragma once
#include "firmware/hyp/policy.h"
#include "firmware/hyp/ports.h"
#include "firmware/hyp/stats.h"
#include "firmware/hyp/vm.h"

namespace farside::hyp {

/// Cache maintenance of guest memory; what FWB, IDC and DIC make unnecessary is not issued.
class Cmo {
 public:
  Cmo(MaintenancePort& port, const Policy& policy, const CpuCaps& cpu, Stats& stats)
      : port_(port), policy_(policy), cpu_(cpu), stats_(stats) {}
  /// Clean and invalidate to the PoC, so that a non-cacheable or MMU-off access sees the bytes
  /// (__clean_dcache_guest_page).
  void clean_invalidate(Pa pa, u64 size);
  /// Makes instruction fetches see the bytes (__invalidate_icache_guest_page).
  void invalidate_icache(Pa pa, u64 size);
  /// Whole I-cache of all PEs (kvm_reset with FWB and without DIC).
  void invalidate_icache_all();

 private:
  MaintenancePort& port_;
  const Policy& policy_;
  const CpuCaps& cpu_;
  Stats& stats_;
};

/// TLB invalidation in the guest's VMID (spec: nVHE switches VTTBR_EL2 around it, the port's operations carry the
/// VMID instead).
class TlbFlush {
 public:
  TlbFlush(MaintenancePort& port, const Policy& policy, const u16& vmid, Stats& stats)
      : port_(port), policy_(policy), vmid_(vmid), stats_(stats) {}
  /// One leaf or, with `level` 0, whatever is at `ipa`, walk caches included (__kvm_tlb_flush_vmid_ipa).
  void ipa(Ipa ipa, unsigned level);
  /// The same for this PE only.
  void ipa_local(unsigned pcpu, Ipa ipa, unsigned level);
  /// Both stages of the VM (__kvm_tlb_flush_vmid).
  void vmid();
  /// Makes table edits visible to hardware walkers, where nothing cached needs to go.
  void publish() { port_.dsb_ishst(); }
  /// Stage 1 of one PE, after a control bit changed that its TLB may hold.
  void stage1_local(unsigned pcpu);
  /// Stage 1 and the I-cache of one PE, when it changes between vCPUs of the VM (__kvm_flush_cpu_context).
  void cpu_context(unsigned pcpu);

 private:
  MaintenancePort& port_;
  const Policy& policy_;
  const u16& vmid_;
  Stats& stats_;
};

}  // namespace farside::hyp
