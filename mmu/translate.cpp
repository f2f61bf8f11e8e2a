// mmu/translate.cpp - the flow of one translation: ranges, TLB, stage 1, stage 2, result.
#include "mmu/translate.h"

#include <algorithm>

#include "mmu/translator.h"

namespace farside::mmu {
namespace {

Prot both(const Prot& a, const Prot& b) { return {a.read && b.read, a.write && b.write, a.execute && b.execute}; }

/// VA with its tag removed: as the tables and the TLB see it (AddrTop).
u64 without_tag(const Regime& regime, const VaRange& range, Va va, bool fetch) {
  if (!range.tbi || (fetch && range.tbid)) return va.value;
  return regime.two_ranges ? static_cast<u64>(sign_extend(va.value, 56)) : va.value & ones(56);
}

/// TxSZ, VA range and E0PD: all of them Translation faults at level 0.
bool range_fault(const Regime& regime, const VaRange& range, const Access& access, u64 input) {
  const bool upper = &range == &regime.range[1];
  const u64 outside = (upper ? ~input : input) >> range.walk.ia_bits;
  return (outside != 0) | range.walk.bad_config | (range.e0pd & (access.el == El::EL0));
}

/// The answer from an entry that has passed all checks for this access, but for the permissions.
Translation place(const TlbEntry& entry, u64 input, bool fetch) {
  const u64 offset = input & ones(entry.size_log2);
  return {entry.facts[fetch], Pa{entry.output | offset}, Ipa{entry.ipa | offset}};
}

Translation answer(const TlbEntry& entry, u64 input, const Access& access) {
  Translation out = place(entry, input, access.is_fetch());
  out.prot = both(s1_prot(entry.s1_perm, access), s2_prot(entry.s2_perm, access.el));
  return out;
}

/// True for the ordinary hit, which needs none of the finer checks: a plain load, store or fetch that both stages
/// allow, PAN not involved, and Normal memory or an aligned data access.
bool plain_hit(const TlbEntry& entry, Va va, const Access& access) {
  if (access.atomic | access.exclusive | access.zva) return false;
  const Prot& prot = entry.prot[access.el == El::EL0];
  switch (access.kind) {
    case AccessKind::Fetch: return prot.execute & !entry.device;
    case AccessKind::Read:
      if (!prot.read) return false;
      break;
    case AccessKind::Write:
      if (!prot.write) return false;
      break;
    default: return false;
  }
  if (access.pan & entry.user_accessible) return false;
  return !entry.device || (access.size != 0 && (va.value & (access.size - 1u)) == 0);
}

constexpr unsigned kUpdatable =
    1u << static_cast<unsigned>(AccessKind::Read) | 1u << static_cast<unsigned>(AccessKind::Write);

}  // namespace

bool Translator::misaligned() const {
  // DC ZVA faults on Device memory wherever it points; fetches, cache maintenance and AT never count as misaligned.
  if (access_.zva) return true;
  if (!(kUpdatable >> static_cast<unsigned>(access_.kind) & 1) || !is_power_of_two(access_.size)) return false;
  return !va_.is_aligned(access_.size);
}

/// Records a stage-1 fault and returns false. `write_failed`: a read of the same address would not have had it.
bool Translator::fail1(FaultKind kind, int level, bool write_failed) {
  fault_ = {};
  fault_.kind = kind;
  fault_.level = static_cast<i8>(level);
  fault_.va = va_;
  fault_.fetch = access_.is_fetch();
  fault_.cm = access_.kind == AccessKind::CacheMaintenance || access_.kind == AccessKind::AddressTranslation;
  const bool writes = access_.is_write() || access_.atomic;
  fault_.write = fault_.cm || (writes && (!access_.atomic || write_failed));
  fault_.syndrome = access_.syndrome;
  return false;
}

/// Alignment by memory type, then permission (AArch64.S1HasAlignmentFault, AArch64.S1CheckPermissions).
bool Translator::check_stage1(const S1Perm& perm, bool device, int level) {
  if (device && misaligned()) return fail1(FaultKind::Alignment, level);
  if (device && access_.is_fetch() && tlb_.knobs().device_fetch_faults) return fail1(FaultKind::Permission, level);
  const Prot prot = s1_prot(perm, access_);
  if (satisfies(prot, needs_)) return true;
  return fail1(FaultKind::Permission, level, prot.read || !needs_.read);
}

/// Reads stage-1 descriptors, through stage 2 where that is on.
struct Translator::StageOneTables {
  Translator& self;
  const WalkParams& params;

  /// PA and attributes of a descriptor; false when stage 2 refused (the fault is recorded).
  bool locate(u64 address, bool write, Pa& pa, MemAttr& attr) {
    if (!self.regime_.s2_enabled) {
      pa = Pa{address};
      attr = params.attr;
      return true;
    }
    S2Mapping mapping;
    const S2Want want{
        .needs = {.read = true, .write = write}, .purpose = Purpose::Walk, .sets_dirty = write, .s1_device = false};
    if (!self.stage2(address, want, mapping)) return false;
    pa = Pa{mapping.pa};
    attr = self.stage2_attr(params.attr, mapping, Purpose::Walk);
    return true;
  }
  bool read(u64 address, int level, u64& value) {
    Pa pa;
    MemAttr attr;
    if (!locate(address, false, pa, attr)) return false;
    const std::optional<u64> got = self.port_.read(pa, attr);
    if (!got) return self.fail1(FaultKind::SyncExternalOnWalk, level);
    value = *got;
    return true;
  }
};

/// Access flag, attributes, permissions of the leaf in `out.walk`; `desired` is the descriptor with hardware updates.
bool Translator::judge_leaf(const WalkParams& params, S1Mapping& out, u64& desired) {
  const WalkResult& leaf = out.walk;
  const Descriptor descriptor = Descriptor::of(leaf.descriptor);
  if (!descriptor[Descriptor::AF] && !params.ha && takes_access_flag_faults()) {
    return fail1(FaultKind::AccessFlag, leaf.level);
  }
  const bool dirty_managed = params.hd && descriptor[Descriptor::DBM] && bit(leaf.descriptor, S1Leaf::AP2.lo);
  const S1PermControls controls{regime_.two_ranges,     regime_.wxn,    leaf.ap_table_no_el0,
                                leaf.ap_table_no_write, leaf.uxn_table, leaf.pxn_table};
  out.perm = s1_permissions(leaf.descriptor, controls, dirty_managed);
  const unsigned index = static_cast<unsigned>(S1Leaf::ATTR_INDX.get(leaf.descriptor));
  out.attr =
      decode_mair(static_cast<u8>(regime_.mair >> (8 * index)), static_cast<u8>(Descriptor::SH.get(leaf.descriptor)));
  if (!check_stage1(out.perm, out.attr.is_device(), leaf.level)) return false;
  desired = leaf.descriptor;
  if (params.ha) desired |= Descriptor::AF.mask;
  const bool updatable = kUpdatable >> static_cast<unsigned>(access_.kind) & 1;
  const bool sets_dirty = dirty_managed && updatable && needs_.write;
  if (sets_dirty) desired &= ~S1Leaf::AP2.mask;
  out.dirty_pending = dirty_managed && !sets_dirty;
  if (out.dirty_pending) out.perm.priv_write = out.perm.user_write = false;
  out.cacheable = (desired & Descriptor::AF.mask) != 0;
  return true;
}

/// Writes the hardware update; to stage 2 it is a write by the walker (S1PTW).
bool Translator::update_stage1(const WalkParams& params, const S1Mapping& mapping, u64 desired, bool& again) {
  const WalkResult& leaf = mapping.walk;
  StageOneTables tables{*this, params};
  Pa pa;
  MemAttr attr;
  if (!tables.locate(leaf.descriptor_address, true, pa, attr)) return false;
  switch (swap_descriptor(port_, params, pa.value, attr, leaf.descriptor, desired)) {
    case SwapOutcome::Done: return true;
    case SwapOutcome::Mismatch: again = true; return true;
    case SwapOutcome::ExternalAbort: return fail1(FaultKind::SyncExternalOnWalk, leaf.level);
    case SwapOutcome::Unsupported: break;
  }
  return fail1(FaultKind::UnsupportedAtomicUpdate, leaf.level);
}

/// AArch64.S1Translate from the walk on; repeated while a hardware update finds the descriptor changed.
bool Translator::stage1(const VaRange& range, u64 input, S1Mapping& out) {
  const WalkParams& params = range.walk;
  for (unsigned restarts = 0; restarts < kMaxRestarts; ++restarts) {
    StageOneTables tables{*this, params};
    tlb_.count_walk(1);
    out.walk = walk(params, input, tables);
    if (out.walk.fault == FaultKind::SyncExternalOnWalk) return false;  // recorded where it happened
    if (out.walk.fault != FaultKind::None) return fail1(out.walk.fault, out.walk.level);
    u64 desired = 0;
    if (!judge_leaf(params, out, desired)) return false;
    bool again = false;
    if (desired != out.walk.descriptor && !update_stage1(params, out, desired, again)) return false;
    if (!again) return true;
  }
  return fail1(FaultKind::UnsupportedAtomicUpdate, out.walk.level);
}

TlbEntry Translator::make_entry(const VaRange& range, u64 input, const S1Mapping& s1, const S2Mapping* s2) const {
  TlbEntry entry;
  entry.kind = s2 ? TlbKind::Combined : TlbKind::Stage1;
  entry.regime = regime_.id;
  entry.vmid = regime_.vmid;
  entry.asid = regime_.asid;
  entry.config = regime_.config;
  entry.granule = range.walk.granule;
  entry.leaf_size_log2 = s1.walk.size_log2;
  entry.size_log2 = s2 ? std::min(s1.walk.size_log2, s2->size_log2) : s1.walk.size_log2;
  const u64 offset = ones(entry.size_log2);
  entry.input = input & ~offset;
  entry.ipa = s1.walk.output & ~offset;
  entry.output = (s2 ? s2->pa : s1.walk.output) & ~offset;
  entry.level = s1.walk.level;
  entry.s1_perm = s1.perm;
  entry.s1_dirty_pending = s1.dirty_pending;
  entry.global = !regime_.two_ranges || !bit(s1.walk.descriptor, S1Leaf::nG.lo);
  entry.guarded = bit(s1.walk.descriptor, S1Leaf::GP.lo);
  entry.s2_perm = s2 ? s2->perm : kS2All;
  if (s2) {
    entry.s2_level = s2->level;
    entry.s2_granule = s2->granule;
    entry.s2_dirty_pending = s2->dirty_pending;
    entry.s2_mem_attr = s2->mem_attr;
    entry.s2_sh = s2->sh;
  }
  for (const El el : {El::EL1, El::EL0}) {
    entry.prot[el == El::EL0] = both(s1_prot(entry.s1_perm, {.el = el}), s2_prot(entry.s2_perm, el));
  }
  entry.user_accessible = s1.perm.user_read || s1.perm.user_write;
  entry.device = s1.attr.is_device() || (s2 && s2_is_device(regime_, s2->mem_attr, false));
  for (const Purpose use : {Purpose::Data, Purpose::Fetch}) {
    const unsigned i = use == Purpose::Fetch;
    TranslationFacts& facts = entry.facts[i];
    facts.s1_attr = s1_attr_for(regime_, s1.attr, use);
    facts.attr = s2 ? stage2_attr(facts.s1_attr, *s2, use) : facts.s1_attr;
    facts.size_log2 = entry.size_log2;
    facts.leaf_size_log2 = entry.leaf_size_log2;
    facts.guarded = entry.guarded;
    facts.global = entry.global;
  }
  return entry;
}

/// The last check: exclusives and atomics on memory that cannot do them.
Result<Translation, Fault> Translator::finish(Translation result, bool stage2_weakened) {
  if ((access_.exclusive || access_.atomic) && tlb_.knobs().exclusives_nc == ExclusivesNc::Abort &&
      !result.attr.is_write_back()) {
    fail1(FaultKind::UnsupportedExclusive, 0);
    fault_.stage = stage2_weakened ? 2 : 1;
    fault_.ipa = stage2_weakened ? result.ipa : Ipa{};
    return fault_;
  }
  return result;
}

/// A TLB hit: the same checks as after a walk, in the same order.
Result<Translation, Fault> Translator::from_entry(const TlbEntry& entry, u64 input) {
  const bool device = entry.facts[0].s1_attr.is_device();
  if (!check_stage1(entry.s1_perm, device, entry.level)) return fault_;
  if (entry.kind == TlbKind::Combined) {
    S2Mapping mapping;
    mapping.level = entry.s2_level;
    mapping.perm = entry.s2_perm;
    mapping.mem_attr = entry.s2_mem_attr;
    const u64 ipa = entry.ipa | (input & ones(entry.size_log2));
    if (!check_stage2(ipa, want_for_access(device), mapping)) return fault_;
  }
  const bool weakened = entry.facts[access_.is_fetch()].s1_attr.is_write_back();
  return finish(answer(entry, input, access_), weakened);
}

Result<Translation, Fault> Translator::from_tables(const VaRange& range, u64 input) {
  S1Mapping s1;
  if (!stage1(range, input, s1)) return fault_;
  S2Mapping s2;
  const bool two_stages = regime_.s2_enabled;
  if (two_stages && !stage2(s1.walk.output, want_for_access(s1.attr.is_device()), s2)) return fault_;
  const TlbEntry entry = make_entry(range, input, s1, two_stages ? &s2 : nullptr);
  if (s1.cacheable) tlb_.fill(entry);
  return finish(answer(entry, input, access_), entry.facts[access_.is_fetch()].s1_attr.is_write_back());
}

/// Stage 1 off: AArch64.S1DisabledOutput, then stage 2 where it is on.
Result<Translation, Fault> Translator::flat(u64 input, bool two_stages) {
  const unsigned use = access_.is_fetch();
  const MemAttr& attr = regime_.off_attr[use];
  if (input >> regime_.pa_bits != 0) return fail1(FaultKind::AddressSize, 0), fault_;
  const bool device = regime_.off_attr[0].is_device();
  if (device && misaligned()) return fail1(FaultKind::Alignment, 0), fault_;
  Translation out;
  out.pa = Pa{input};
  out.ipa = Ipa{input};
  out.attr = out.s1_attr = attr;
  out.prot = {true, true, true};
  out.size_log2 = regime_.pa_bits;
  if (!two_stages) return finish(out, false);
  S2Mapping mapping;
  if (!stage2(input, want_for_access(attr.is_device()), mapping)) return fault_;
  out.pa = Pa{mapping.pa};
  out.attr = stage2_attr(attr, mapping, purpose());
  out.prot = s2_prot(mapping.perm, access_.el);
  out.size_log2 = mapping.size_log2;
  return finish(out, attr.is_write_back());
}

Result<Translation, Fault> Translator::run(const VaRange& range, u64 input, const TlbEntry* hit) {
  if (const unsigned stage = hit == nullptr ? tlb_.take_conflict() : 0) {
    fail1(FaultKind::TlbConflict, 0);
    fault_.stage = static_cast<u8>(stage);
    return fault_;
  }
  // A write to a page whose dirty state is still to be set walks again, so that the descriptor is updated.
  if (hit && !(needs_.write && (hit->s1_dirty_pending || hit->s2_dirty_pending))) return from_entry(*hit, input);
  return from_tables(range, input);
}

Result<Translation, Fault> Translator::run_stage1() {
  const VaRange& range = regime_.range[regime_.two_ranges && bit(va_.value, 55)];
  const u64 input = without_tag(regime_, range, va_, access_.is_fetch());
  if (!regime_.s1_enabled) return flat(input, false);
  if (range_fault(regime_, range, access_, input)) return run_out_of_range();
  S1Mapping s1;
  if (!stage1(range, input, s1)) return fault_;
  return answer(make_entry(range, input, s1, nullptr), input, access_);
}

Result<Translation, Fault> Translator::run_ipa(Ipa ipa) {
  const MemAttr s1 = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Non);
  S2Mapping mapping;
  if (!stage2(ipa.value, want_for_access(false), mapping)) return fault_;
  Translation out;
  out.pa = Pa{mapping.pa};
  out.ipa = ipa;
  out.s1_attr = s1;
  out.attr = stage2_attr(s1, mapping, purpose());
  out.prot = s2_prot(mapping.perm, access_.el);
  out.size_log2 = mapping.size_log2;
  return out;
}

Result<Translation, Fault> translate(const Regime& regime, Va va, const Access& access, DescriptorPort& port,
                                     Tlb& tlb) {
  const VaRange& range = regime.range[regime.two_ranges & bit(va.value, 55)];
  const u64 input = without_tag(regime, range, va, access.is_fetch());
  if (!regime.s1_enabled) return Translator(regime, va, access, port, tlb).run_off(input);
  if (range_fault(regime, range, access, input)) return Translator(regime, va, access, port, tlb).run_out_of_range();
  const TlbEntry* hit = tlb.lookup(regime.id, regime.vmid, regime.asid, regime.config, input);
  if (hit && plain_hit(*hit, va, access)) [[likely]] {
    Translation out = place(*hit, input, access.is_fetch());
    out.prot = hit->prot[access.el == El::EL0];
    return out;
  }
  return Translator(regime, va, access, port, tlb).run(range, input, hit);
}

Result<Translation, Fault> translate_stage1(const Regime& regime, Va va, const Access& access, DescriptorPort& port,
                                            Tlb& tlb) {
  return Translator(regime, va, access, port, tlb).run_stage1();
}

Result<Translation, Fault> translate_ipa(const Regime& regime, Ipa ipa, const Access& access, DescriptorPort& port,
                                         Tlb& tlb) {
  return Translator(regime, Va{ipa.value}, access, port, tlb).run_ipa(ipa);
}

}  // namespace farside::mmu
