// mmu/tlb.cpp - fills, replacement and invalidation of the TLB.
#include "mmu/tlb.h"

#include <algorithm>

namespace farside::mmu {

Tlb::Side::Side(u32 entries_log2) {
  const u32 log2 = std::clamp<u32>(entries_log2, 2, 20);
  const u32 sets_log2 = log2 - std::countr_zero(kWays);
  sets_.resize(usize{1} << sets_log2);
  entries_.resize(usize{1} << log2);
  next_victim_.resize(sets_.size());
  set_mask_ = (u64{1} << sets_log2) - 1;
}

/// A counter for the leaf around `input`, so that TLBI by address can tell that no part of that leaf is cached.
unsigned Tlb::Side::block_bucket(u64 input, unsigned leaf_size_log2) {
  return static_cast<unsigned>(((input >> leaf_size_log2) * 0x9e3779b97f4a7c15 + leaf_size_log2) >> 56);
}

/// Keeps the size summaries true; `delta` is +1 when `entry` comes and -1 when it goes.
void Tlb::Side::account(const TlbEntry& entry, int delta) {
  size_count_[entry.size_log2] += static_cast<u32>(delta);
  sizes_in_use_ = with_bits(sizes_in_use_, entry.size_log2, entry.size_log2, size_count_[entry.size_log2] != 0);
  live_ += static_cast<u64>(static_cast<i64>(delta));
  if (entry.leaf_size_log2 <= entry.size_log2) return;
  const unsigned leaf = entry.leaf_size_log2;
  split_count_[leaf] += static_cast<u32>(delta);
  split_bucket_[block_bucket(entry.input, leaf)] += static_cast<u32>(delta);
  leaf_sizes_split_ = with_bits(leaf_sizes_split_, leaf, leaf, split_count_[leaf] != 0);
}

void Tlb::Side::remove(u64 set, unsigned way) {
  note_change(entries_[set * kWays + way]);
  account(entries_[set * kWays + way], -1);
  sets_[set].way[way] = {};
}

/// Puts `entry` in its set; returns true when a live entry of another translation had to go.
bool Tlb::Side::fill(const TlbEntry& entry, u64 context, Replacement policy, Chance& chance) {
  const u64 page = page_of(entry.input, entry.size_log2);
  const u64 index = set_of(page);
  Set& set = sets_[index];
  unsigned way = kWays;
  for (unsigned i = 0; i < kWays && way == kWays; ++i) {
    if (set.way[i].page == page && context_matches(set.way[i].context, context)) way = i;
  }
  for (unsigned i = 0; i < kWays && way == kWays; ++i) {
    if (set.way[i].context == 0) way = i;
  }
  bool evicted = false;
  if (way == kWays) {
    way = policy == Replacement::Random ? static_cast<unsigned>(chance.below(kWays)) : next_victim_[index]++ % kWays;
    evicted = true;
  }
  if (set.way[way].context != 0) remove(index, way);
  entries_[index * kWays + way] = entry;
  set.way[way] = {context, page};
  account(entry, +1);
  note_change(entry);
  return evicted;
}

template <class Match>
u64 Tlb::Side::remove_if(const Match& match) {
  if (live_ == 0) return 0;
  u64 removed = 0;
  for (u64 index = 0; index < sets_.size(); ++index) {
    for (unsigned way = 0; way < kWays; ++way) {
      if (sets_[index].way[way].context == 0 || !match(entries_[index * kWays + way])) continue;
      remove(index, way);
      ++removed;
    }
  }
  return removed;
}

/// As remove_if, for a match that names the entries around one address: only their sets are looked at, unless parts of
/// a larger leaf around `base` may be anywhere.
template <class Match>
u64 Tlb::Side::remove_at(u64 base, const Match& match) {
  for (u64 leaves = leaf_sizes_split_; leaves != 0; leaves &= leaves - 1) {
    if (split_bucket_[block_bucket(base, static_cast<unsigned>(std::countr_zero(leaves)))] != 0)
      return remove_if(match);
  }
  u64 removed = 0;
  for (u64 sizes = sizes_in_use_; sizes != 0; sizes &= sizes - 1) {
    const u64 index = set_of(page_of(base, static_cast<unsigned>(std::countr_zero(sizes))));
    for (unsigned way = 0; way < kWays; ++way) {
      if (sets_[index].way[way].context == 0 || !match(entries_[index * kWays + way])) continue;
      remove(index, way);
      ++removed;
    }
  }
  return removed;
}

void Tlb::Side::clear() {
  remove_if([](const TlbEntry&) { return true; });
  std::fill(next_victim_.begin(), next_victim_.end(), u8{0});
}

const TlbEntry* Tlb::Side::find_larger(u64 context, u64 input, unsigned size_log2) const {
  for (u64 sizes = sizes_in_use_ & ~ones(size_log2 + 1); sizes != 0; sizes &= sizes - 1) {
    const u64 page = page_of(input, static_cast<unsigned>(std::countr_zero(sizes)));
    const u64 index = set_of(page);
    for (unsigned way = 0; way < kWays; ++way) {
      const Tag& tag = sets_[index].way[way];
      if (tag.page == page && context_matches(tag.context, context)) return &entries_[index * kWays + way];
    }
  }
  return nullptr;
}

void Tlb::Side::drop_one(Chance& chance) {
  if (live_ == 0) return;
  u64 slot = chance.below(slots());
  while (at(slot) == nullptr) slot = (slot + 1) % slots();
  remove(slot / kWays, static_cast<unsigned>(slot % kWays));
}

const TlbEntry* Tlb::Side::at(u64 slot) const {
  return sets_[slot / kWays].way[slot % kWays].context != 0 ? &entries_[slot] : nullptr;
}

Tlb::Tlb(const Knobs& knobs)
    : knobs_(knobs),
      chance_(knobs.seed, "tlb.replacement"),
      va_side_(knobs.entries_log2),
      ipa_side_(knobs.s2_entries_log2) {}

void Tlb::fill(const TlbEntry& entry) {
  const bool stage2 = entry.kind == TlbKind::Stage2;
  u64 context = context_of(entry.regime, entry.vmid, entry.asid, entry.config);
  if (stage2) context = context_of(RegimeId::EL10, entry.vmid, 0, 0);
  if (entry.global) context |= kGlobal;
  Side& side = stage2 ? ipa_side_ : va_side_;
  if (!stage2 && knobs_.bbm != Bbm::Old) meet_overlaps(entry, context);
  if (knobs_.evict_period != 0 && chance_.one_in(knobs_.evict_period)) side.drop_one(chance_);
  const bool evicted = side.fill(entry, context, knobs_.replacement, chance_);
  ++(stage2 ? stats_.s2_fills : stats_.fills);
  (stage2 ? stats_.s2_evictions : stats_.evictions) += evicted;
}

/// `entry` is about to come: entries of another size that translate a part of the same addresses go, or are noted.
void Tlb::meet_overlaps(const TlbEntry& entry, u64 context) {
  const auto overlaps = [&](const TlbEntry& other, u64 other_context) {
    if (other.size_log2 == entry.size_log2) return false;
    const u64 outside = ~ones(std::max(other.size_log2, entry.size_log2));
    return ((other.input ^ entry.input) & outside) == 0 &&
           (context_matches(other_context, context) || context_matches(context, other_context));
  };
  bool any = false;
  for (u64 slot = 0; slot < va_side_.slots() && !any; ++slot) {
    const TlbEntry* other = va_side_.at(slot);
    any = other != nullptr && overlaps(*other, va_side_.context_at(slot));
  }
  if (!any) return;
  if (knobs_.bbm != Bbm::New) {
    overlaps_ = true;
    return;
  }
  va_side_.remove_if([&](const TlbEntry& other) {
    u64 other_context = context_of(other.regime, other.vmid, other.asid, other.config);
    if (other.global) other_context |= kGlobal;
    return overlaps(other, other_context);
  });
}

/// `first` is the smallest entry for `va`. With a larger one beside it: no entry and a conflict, or a mixture.
const TlbEntry* Tlb::lookup_overlapping(u64 context, u64 va, const TlbEntry* first) {
  conflict_ = 0;
  const TlbEntry* other = first == nullptr ? nullptr : va_side_.find_larger(context, va, first->size_log2);
  if (other == nullptr) return first;
  if (knobs_.bbm == Bbm::Conflict) {
    conflict_ = first->leaf_size_log2 != other->leaf_size_log2 ? 1 : 2;
    return nullptr;
  }
  amalgam_ = *other;
  amalgam_.size_log2 = first->size_log2;
  amalgam_.input = first->input;
  amalgam_.output = first->output;
  amalgam_.ipa = first->ipa;
  for (TranslationFacts& facts : amalgam_.facts) facts.size_log2 = first->size_log2;
  return &amalgam_;
}

u64 Tlb::invalidate(const TlbiOp& given) {
  TlbiOp op = given;
  if (knobs_.ignore_ttl) op.ttl_level = -1;
  ++stats_.invalidations[static_cast<unsigned>(op.kind)];
  const auto match = [&op](const TlbEntry& entry) { return op.matches(entry); };
  u64 removed = 0;
  switch (op.kind) {
    case TlbiKind::Va:
    case TlbiKind::Vaa:
      // One page lies inside one entry of each size; a range may meet many.
      removed = op.size == 4096 ? va_side_.remove_at(op.base, match) : va_side_.remove_if(match);
      break;
    case TlbiKind::Ipa:
      removed = op.size == 4096 ? ipa_side_.remove_at(op.base, match) : ipa_side_.remove_if(match);
      break;
    case TlbiKind::Asid:
    case TlbiKind::VmAll: removed = va_side_.remove_if(match); break;
    case TlbiKind::All:
    case TlbiKind::VmAllS12: removed = va_side_.remove_if(match) + ipa_side_.remove_if(match); break;
  }
  stats_.invalidated += removed;
  if (va_side_.live() == 0) overlaps_ = false;
  return removed;
}

void Tlb::clear() {
  va_side_.clear();
  ipa_side_.clear();
  overlaps_ = false;
}

void Tlb::for_each(const std::function<void(const TlbEntry&)>& visit) const {
  for (const Side* side : {&va_side_, &ipa_side_}) {
    for (u64 slot = 0; slot < side->slots(); ++slot) {
      if (const TlbEntry* entry = side->at(slot)) visit(*entry);
    }
  }
}

}  // namespace farside::mmu
