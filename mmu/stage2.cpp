// mmu/stage2.cpp - the second stage of one translation: IPA lookup, walk, checks, hardware updates.
#include "mmu/translator.h"

namespace farside::mmu {
namespace {

/// IPAValid: when HPFAR_EL2 holds the IPA.
bool ipa_valid(FaultKind kind, bool s1ptw) {
  const bool walk_fault =
      kind == FaultKind::Translation || kind == FaultKind::AccessFlag || kind == FaultKind::AddressSize;
  return walk_fault || (s1ptw && kind == FaultKind::Permission);
}

}  // namespace

SwapOutcome swap_descriptor(DescriptorPort& port, const WalkParams& params, u64 pa, const MemAttr& attr, u64 from,
                            u64 to) {
  if (params.big_endian) return port.compare_exchange(Pa{pa}, attr, __builtin_bswap64(from), __builtin_bswap64(to));
  return port.compare_exchange(Pa{pa}, attr, from, to);
}

bool Translator::fail2(FaultKind kind, int level, u64 ipa, const S2Want& want, bool write_failed) {
  fail1(kind, level, write_failed);
  fault_.stage = 2;
  fault_.s1ptw = want.purpose == Purpose::Walk;
  fault_.ipa = Ipa{ipa};
  fault_.ipa_valid = ipa_valid(kind, fault_.s1ptw);
  return false;
}

S2Want Translator::want_for_access(bool s1_device) const {
  return {.needs = needs_,
          .el = access_.el,
          .purpose = access_.kind == AccessKind::Walk ? Purpose::Walk : purpose(),
          .sets_dirty = access_.kind == AccessKind::Write || (access_.kind == AccessKind::Read && access_.atomic),
          .s1_device = s1_device};
}

/// Alignment by memory type, then permission (AArch64.S2HasAlignmentFault, AArch64.S2CheckPermissions).
bool Translator::check_stage2(u64 ipa, const S2Want& want, const S2Mapping& mapping) {
  const bool device = s2_is_device(regime_, mapping.mem_attr, want.s1_device);
  if (device && want.purpose == Purpose::Data && misaligned()) {
    return fail2(FaultKind::Alignment, mapping.level, ipa, want);
  }
  if (device && want.purpose == Purpose::Walk && regime_.s2_ptw) {
    return fail2(FaultKind::Permission, mapping.level, ipa, want);
  }
  if (device && want.purpose == Purpose::Fetch && tlb_.knobs().device_fetch_faults) {
    return fail2(FaultKind::Permission, mapping.level, ipa, want);
  }
  const Prot prot = s2_prot(mapping.perm, want.el);
  if (satisfies(prot, want.needs)) return true;
  return fail2(FaultKind::Permission, mapping.level, ipa, want, prot.read || !want.needs.read);
}

bool Translator::stage2(u64 ipa, const S2Want& want, S2Mapping& out) {
  if (regime_.s2.bad_config || ipa >> regime_.s2.ia_bits != 0) return fail2(FaultKind::Translation, 0, ipa, want);
  const TlbEntry* hit = tlb_.lookup_s2(regime_.vmid, ipa);
  if (!hit || (want.needs.write && hit->s2_dirty_pending)) return walk_stage2(ipa, want, out);
  out.pa = hit->output | (ipa & ones(hit->size_log2));
  out.size_log2 = hit->size_log2;
  out.level = hit->level;
  out.granule = hit->granule;
  out.perm = hit->s2_perm;
  out.dirty_pending = hit->s2_dirty_pending;
  out.mem_attr = hit->s2_mem_attr;
  out.sh = hit->s2_sh;
  return check_stage2(ipa, want, out);
}

/// AArch64.S2Translate from the walk on; repeated while a hardware update finds the descriptor changed.
bool Translator::walk_stage2(u64 ipa, const S2Want& want, S2Mapping& out) {
  const WalkParams& params = regime_.s2;
  for (unsigned restarts = 0; restarts < kMaxRestarts; ++restarts) {
    DirectTables tables{port_, params.attr};
    tlb_.count_walk(2);
    const WalkResult leaf = walk(params, ipa, tables);
    if (leaf.fault != FaultKind::None) return fail2(leaf.fault, leaf.level, ipa, want);
    const Descriptor descriptor = Descriptor::of(leaf.descriptor);
    const bool checks_af = want.purpose == Purpose::Walk || takes_access_flag_faults();
    if (!descriptor[Descriptor::AF] && !params.ha && checks_af) {
      return fail2(FaultKind::AccessFlag, leaf.level, ipa, want);
    }
    const bool dirty_managed = params.hd && descriptor[Descriptor::DBM] && !bit(leaf.descriptor, S2Leaf::S2AP_W.lo);
    out.pa = leaf.output;
    out.size_log2 = leaf.size_log2;
    out.level = leaf.level;
    out.granule = params.granule;
    out.perm = s2_permissions(leaf.descriptor, regime_.xnx, dirty_managed);
    out.mem_attr = static_cast<u8>(S2Leaf::MEM_ATTR.get(leaf.descriptor));
    out.sh = static_cast<u8>(Descriptor::SH.get(leaf.descriptor));
    if (!check_stage2(ipa, want, out)) return false;
    u64 desired = leaf.descriptor;
    if (params.ha) desired |= Descriptor::AF.mask;
    const bool sets_dirty = dirty_managed && want.sets_dirty && want.needs.write;
    if (sets_dirty) desired |= S2Leaf::S2AP_W.mask;
    bool again = false;
    if (desired != leaf.descriptor && !update_stage2(ipa, want, leaf, desired, again)) return false;
    if (again) continue;
    out.dirty_pending = dirty_managed && !sets_dirty;
    if (out.dirty_pending) out.perm.write = false;
    if (desired & Descriptor::AF.mask) fill_stage2(ipa, out);
    return true;
  }
  return fail2(FaultKind::UnsupportedAtomicUpdate, 0, ipa, want);
}

bool Translator::update_stage2(u64 ipa, const S2Want& want, const WalkResult& leaf, u64 desired, bool& again) {
  const WalkParams& params = regime_.s2;
  switch (swap_descriptor(port_, params, leaf.descriptor_address, params.attr, leaf.descriptor, desired)) {
    case SwapOutcome::Done: return true;
    case SwapOutcome::Mismatch: again = true; return true;
    case SwapOutcome::ExternalAbort: return fail2(FaultKind::SyncExternalOnWalk, leaf.level, ipa, want);
    case SwapOutcome::Unsupported: break;
  }
  return fail2(FaultKind::UnsupportedAtomicUpdate, leaf.level, ipa, want);
}

void Translator::fill_stage2(u64 ipa, const S2Mapping& mapping) {
  TlbEntry entry;
  entry.kind = TlbKind::Stage2;
  entry.input = ipa & ~ones(mapping.size_log2);
  entry.output = mapping.pa & ~ones(mapping.size_log2);
  entry.vmid = regime_.vmid;
  entry.granule = entry.s2_granule = mapping.granule;
  entry.size_log2 = entry.leaf_size_log2 = mapping.size_log2;
  entry.level = entry.s2_level = mapping.level;
  entry.s1_perm = kS1All;
  entry.s2_perm = mapping.perm;
  entry.s2_mem_attr = mapping.mem_attr;
  entry.s2_sh = mapping.sh;
  entry.s2_dirty_pending = mapping.dirty_pending;
  tlb_.fill(entry);
}

}  // namespace farside::mmu
