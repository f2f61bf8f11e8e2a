// firmware/hyp/cmo.cpp - the barrier, TLBI and cache maintenance sequences of KVM's hyp/tlb.c and mmu.c.
#include "firmware/hyp/cmo.h"

namespace farside::hyp {

void Cmo::clean_invalidate(Pa pa, u64 size) {
  if (cpu_.fwb) return;
  ++stats_.dc_civac;
  stats_.dc_civac_bytes += size;
  port_.dc_civac(pa, size);
}

void Cmo::invalidate_icache(Pa pa, u64 size) {
  if (cpu_.dic || !policy_.invalidate_icache) return;
  if (cpu_.aliasing_icache) return invalidate_icache_all();
  ++stats_.ic_ivau;
  stats_.ic_ivau_bytes += size;
  port_.ic_ivau(pa, size);
}

void Cmo::invalidate_icache_all() {
  ++stats_.ic_all;
  port_.ic_ialluis();
}

void TlbFlush::ipa(Ipa ipa, unsigned level) {
  ++stats_.tlbi_ipa;
  if (policy_.dsb_before_tlbi) port_.dsb_ishst();
  port_.tlbi_ipas2e1is(vmid_, ipa, level);
  // Combined entries are not reached by IPA. They go next, and only after the walkers can no longer refill them from
  // the old stage-2 entry: hence the DSB between the two.
  if (policy_.tlbi_stage1_too) {
    if (policy_.dsb_between_tlbi) port_.dsb_ish();
    port_.tlbi_vmalle1is(vmid_);
  }
  port_.dsb_ish();
  port_.isb();
}

void TlbFlush::ipa_local(unsigned pcpu, Ipa ipa, unsigned level) {
  ++stats_.tlbi_ipa;
  port_.dsb_ishst();
  port_.tlbi_ipas2e1(pcpu, vmid_, ipa, level);
  port_.dsb_nsh();
  port_.tlbi_vmalle1(pcpu, vmid_);
  port_.dsb_nsh();
  port_.isb();
}

void TlbFlush::vmid() {
  ++stats_.tlbi_vmid;
  port_.dsb_ishst();
  port_.tlbi_vmalls12e1is(vmid_);
  port_.dsb_ish();
  port_.isb();
}

void TlbFlush::stage1_local(unsigned pcpu) {
  ++stats_.tlbi_local;
  port_.tlbi_vmalle1(pcpu, vmid_);
  port_.dsb_nsh();
  port_.isb();
}

void TlbFlush::cpu_context(unsigned pcpu) {
  ++stats_.tlbi_local;
  ++stats_.ic_all;
  port_.tlbi_vmalle1(pcpu, vmid_);
  port_.ic_iallu(pcpu);
  port_.dsb_nsh();
  port_.isb();
}

}  // namespace farside::hyp
