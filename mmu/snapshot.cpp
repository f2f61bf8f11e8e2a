// mmu/snapshot.cpp - the contents of a TLB as a snapshot keeps them.
#include "mmu/tlb.h"

namespace farside::mmu {
namespace {

void visit(StateVisitor& v, CacheAttr& attr) {
  v.choice("attr.policy", attr.policy, Cacheability::WriteBack);
  for (bool* hint : {&attr.read_allocate, &attr.write_allocate, &attr.transient}) v.value("attr.hint", *hint);
}

void visit(StateVisitor& v, MemAttr& attr) {
  v.choice("attr.type", attr.type, MemType::Normal);
  visit(v, attr.inner);
  visit(v, attr.outer);
  v.choice("attr.shareability", attr.shareability, Shareability::Inner);
}

void visit(StateVisitor& v, Prot& prot) {
  for (bool* right : {&prot.read, &prot.write, &prot.execute}) v.value("prot", *right);
}

/// A range of 4 KiB to 2^55 bytes.
void visit_size(StateVisitor& v, u8& size_log2) {
  v.value("tlb.size", size_log2);
  if (size_log2 >= 12 && size_log2 <= 55) return;
  v.reject("tlb.size");
  size_log2 = 12;
}

void visit(StateVisitor& v, TranslationFacts& facts) {
  visit(v, facts.attr);
  visit(v, facts.s1_attr);
  visit_size(v, facts.size_log2);
  visit_size(v, facts.leaf_size_log2);
  v.value("tlb.guarded", facts.guarded);
  v.value("tlb.global", facts.global);
  visit(v, facts.prot);
}

void visit_granule(StateVisitor& v, Granule& granule) {
  v.value("tlb.granule", granule);
  if (granule == Granule::K4 || granule == Granule::K16 || granule == Granule::K64) return;
  v.reject("tlb.granule");
  granule = Granule::K4;
}

void visit(StateVisitor& v, TlbEntry& e) {
  for (u64* address : {&e.input, &e.output, &e.ipa}) v.value("tlb.address", *address);
  for (TranslationFacts& facts : e.facts) visit(v, facts);
  for (u16* tag : {&e.vmid, &e.asid, &e.config}) v.value("tlb.tag", *tag);
  v.choice("tlb.kind", e.kind, TlbKind::Stage2);
  v.choice("tlb.regime", e.regime, RegimeId::EL20);
  visit_granule(v, e.granule);
  visit_granule(v, e.s2_granule);
  visit_size(v, e.size_log2);
  visit_size(v, e.leaf_size_log2);
  for (i8* level : {&e.level, &e.s2_level}) v.value("tlb.level", *level);
  for (Prot& prot : e.prot) visit(v, prot);
  S1Perm& one = e.s1_perm;
  S2Perm& two = e.s2_perm;
  for (bool* flag : {&e.device, &e.user_accessible, &one.priv_read, &one.priv_write, &one.priv_execute, &one.user_read,
                     &one.user_write, &one.user_execute, &two.read, &two.write, &two.priv_execute, &two.user_execute,
                     &e.global, &e.guarded, &e.s1_dirty_pending, &e.s2_dirty_pending})
    v.value("tlb.flag", *flag);
  for (u8* raw : {&e.s2_mem_attr, &e.s2_sh}) v.value("tlb.stage2", *raw);
}

}  // namespace

/// Live entries with their places, and whose turn it is to go.
void Tlb::Side::visit_state(StateVisitor& v) {
  if (v.restoring()) clear();
  const u64 live = v.count("tlb.live", live_, entries_.size(), sizeof(u64));
  u64 next = 0;
  for (u64 i = 0; i < live; ++i) {
    u64 slot = 0;
    if (!v.restoring()) {
      while (at(next) == nullptr) ++next;
      slot = next++;
    }
    v.value("tlb.slot", slot);
    if (slot >= entries_.size() || (v.restoring() && at(slot) != nullptr)) return v.reject("tlb.slot");
    Tag& tag = sets_[slot / kWays].way[slot % kWays];
    v.value("tlb.context", tag.context);
    v.value("tlb.page", tag.page);
    visit(v, entries_[slot]);
    if (!v.restoring()) continue;
    const TlbEntry& entry = entries_[slot];
    if (tag.page != page_of(entry.input, entry.size_log2) || set_of(tag.page) != slot / kWays ||
        (tag.context & kValid) == 0) {
      tag = {};
      return v.reject("tlb.page");
    }
    account(entry, +1);
  }
  v.field("tlb.next_victim", next_victim_.data(), next_victim_.size());
}

void Tlb::visit_state(StateVisitor& v) {
  u32 sizes[] = {knobs_.entries_log2, knobs_.s2_entries_log2};
  v.value("tlb.sizes", sizes);
  if (sizes[0] != knobs_.entries_log2 || sizes[1] != knobs_.s2_entries_log2) return v.reject("tlb.sizes");
  va_side_.begin_generation();
  va_side_.visit_state(v);
  ipa_side_.visit_state(v);
  v.chance("tlb.chance", chance_);
  for (u64* n : {&stats_.hits, &stats_.misses, &stats_.walks, &stats_.fills, &stats_.evictions, &stats_.s2_hits,
                 &stats_.s2_misses, &stats_.s2_walks, &stats_.s2_fills, &stats_.s2_evictions, &stats_.invalidated})
    v.value("tlb.figure", *n);
  v.value("tlb.invalidations", stats_.invalidations);
}

}  // namespace farside::mmu
