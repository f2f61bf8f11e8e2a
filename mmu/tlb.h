// mmu/tlb.h - a TLB: stage-1 or combined entries by VA, and stage-2 entries by IPA, kept apart.
#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "core/arch/mem_attr.h"
#include "core/base/chance.h"
#include "core/base/state.h"
#include "mmu/geometry.h"
#include "mmu/knobs.h"
#include "mmu/permission.h"
#include "mmu/tlbi.h"
#include "mmu/translation.h"

namespace farside::mmu {

enum class TlbKind : u8 {
  Stage1,    ///< VA to PA in a regime or state without stage 2
  Combined,  ///< VA to PA through both stages
  Stage2,    ///< IPA to PA
};

/// One cached translation. Only leaves that were valid, accessed (AF) and free of walk faults get here.
struct TlbEntry {
  u64 input = 0;                ///< VA or IPA of the range, aligned to its size; VA in its 64-bit sign-extended form
  u64 output = 0;               ///< PA of the range
  u64 ipa = 0;                  ///< Combined: IPA of the range
  TranslationFacts facts[2]{};  ///< for data and for fetches, prot aside (Stage2 entries: unused)
  u16 vmid = 0, asid = 0;
  u16 config = 0;  ///< Regime::config under which it was filled
  TlbKind kind = TlbKind::Stage1;
  RegimeId regime = RegimeId::EL10;
  Granule granule = Granule::K4;  ///< of stage 1, or of stage 2 in Stage2 entries
  Granule s2_granule = Granule::K4;
  u8 size_log2 = 12;             ///< the range that this entry maps
  u8 leaf_size_log2 = 12;        ///< the range of the stage-1 leaf (Stage2: stage-2 leaf): what TLBI by VA names
  i8 level = 3, s2_level = 3;    ///< of the leaves
  Prot prot[2]{};                ///< both stages for privileged [0] and EL0 [1] accesses, PAN aside
  bool device = false;           ///< Device at either stage
  bool user_accessible = false;  ///< EL0 may read or write: what PAN looks at
  S1Perm s1_perm{};
  S2Perm s2_perm{};
  u8 s2_mem_attr = 0, s2_sh = 0;  ///< raw, for Stage2 entries
  bool global = false, guarded = false;
  bool s1_dirty_pending = false;  ///< a write must walk to update the descriptor: s1_perm has no write
  bool s2_dirty_pending = false;
};

/// Event counts for --stats. `by_kind` is indexed by TlbiKind.
struct TlbStats {
  u64 hits = 0, misses = 0, walks = 0, fills = 0, evictions = 0;
  u64 s2_hits = 0, s2_misses = 0, s2_walks = 0, s2_fills = 0, s2_evictions = 0;
  u64 invalidations[7] = {};  ///< TLBI operations, by TlbiKind
  u64 invalidated = 0;        ///< entries removed
};

class Tlb {
 public:
  explicit Tlb(const Knobs& knobs = {});

  /// The entry for `va` (sign-extended, tag removed) in a regime, or nullptr. Counts a hit or a miss.
  const TlbEntry* lookup(RegimeId regime, u16 vmid, u16 asid, u16 config, u64 va) {
    const TlbEntry* entry = va_side_.find(context_of(regime, vmid, asid, config), va);
    if (overlaps_) [[unlikely]]
      entry = lookup_overlapping(context_of(regime, vmid, asid, config), va, entry);
    ++(entry ? stats_.hits : stats_.misses);
    return entry;
  }
  /// Whether the last lookup found two entries and ends in a conflict abort (knob bbm); asking forgets it. The value
  /// is the stage whose leaves differ in size, 0 without a conflict.
  unsigned take_conflict() { return std::exchange(conflict_, 0u); }
  /// The stage-2 entry for `ipa`, or nullptr. Counts a hit or a miss.
  const TlbEntry* lookup_s2(u16 vmid, u64 ipa) {
    const TlbEntry* entry = ipa_side_.find(context_of(RegimeId::EL10, vmid, 0, 0), ipa);
    ++(entry ? stats_.s2_hits : stats_.s2_misses);
    return entry;
  }
  /// As lookup, without counting: for the monitor.
  const TlbEntry* peek(RegimeId regime, u16 vmid, u16 asid, u16 config, u64 va) const {
    return va_side_.find(context_of(regime, vmid, asid, config), va);
  }
  /// Adds `entry` to the side that its kind names, replacing entries that translate the same input.
  void fill(const TlbEntry& entry);
  /// Applies `op`; returns the number of entries removed. The op's scope is the caller's business.
  u64 invalidate(const TlbiOp& op);
  /// Empties both sides (reset).
  void clear();
  /// Calls `visit` for each live entry: VA side first, in set order.
  void for_each(const std::function<void(const TlbEntry&)>& visit) const;
  /// Visits every entry in its place. Restoring rejects entries that no fill can have made.
  void visit_state(StateVisitor& visitor);

  /// A number that changes whenever an entry comes or goes that may translate the page of `va`. Until then the answer
  /// of a lookup can be kept, unless two entries for one address stay (knob bbm); count_hit() counts its further uses.
  u64 generation(u64 va) const { return va_side_.generation(va); }
  void count_hit() { ++stats_.hits; }

  const Knobs& knobs() const { return knobs_; }
  const TlbStats& stats() const { return stats_; }
  void reset_stats() { stats_ = {}; }
  /// A walk was made: counted here so that all figures live in one place.
  void count_walk(unsigned stage) { ++(stage == 1 ? stats_.walks : stats_.s2_walks); }

 private:
  static constexpr unsigned kWays = 4;
  static constexpr u64 kValid = u64{1} << 63, kGlobal = u64{1} << 62;
  static constexpr u64 kAsidMask = 0xffff;

  /// What a lookup compares: `context` holds valid, global, regime, config, VMID and ASID; `page` the input and size.
  struct Tag {
    u64 context = 0;
    u64 page = 0;
  };
  struct Set {
    Tag way[kWays];
  };

  /// One set-associative array. Sets are chosen by the input address alone, so TLBI by address probes few sets.
  class Side {
   public:
    explicit Side(u32 entries_log2);
    const TlbEntry* find(u64 context, u64 input) const {
      for (u64 sizes = sizes_in_use_; sizes != 0; sizes &= sizes - 1) {
        const unsigned size = static_cast<unsigned>(std::countr_zero(sizes));
        const u64 page = page_of(input, size);
        const u64 index = set_of(page);
        const Set& set = sets_[index];
        // Without branches per way: which way holds a page is not predictable.
        unsigned matches = 0;
#pragma GCC unroll 4
        for (unsigned way = 0; way < kWays; ++way) {
          const Tag& tag = set.way[way];
          matches |= static_cast<unsigned>((tag.page == page) & context_matches(tag.context, context)) << way;
        }
        if (matches != 0) return &entries_[index * kWays + static_cast<unsigned>(std::countr_zero(matches))];
      }
      return nullptr;
    }
    bool fill(const TlbEntry& entry, u64 context, Replacement policy, Chance& chance);
    template <class Match>
    u64 remove_if(const Match& match);
    template <class Match>
    u64 remove_at(u64 base, const Match& match);
    void clear();
    void visit_state(StateVisitor& visitor);
    const TlbEntry* at(u64 slot) const;
    u64 slots() const { return entries_.size(); }
    u64 live() const { return live_; }
    /// The smallest entry for `input` that maps more than 2^size_log2 bytes.
    const TlbEntry* find_larger(u64 context, u64 input, unsigned size_log2) const;
    /// Drops an entry that `chance` chooses, if there is one.
    void drop_one(Chance& chance);
    u64 context_at(u64 slot) const { return sets_[slot / kWays].way[slot % kWays].context; }
    u64 generation(u64 input) const { return generation_ + page_generations_[generation_slot(input)]; }
    /// Every entry may be another.
    void begin_generation() { ++generation_; }

   private:
    static u64 page_of(u64 input, unsigned size_log2) { return input >> size_log2 << size_log2 | size_log2; }
    u64 set_of(u64 page) const {
      const u64 mixed = (page ^ page >> 32) * 0x9e3779b97f4a7c15;
      return mixed >> 40 & set_mask_;
    }
    static usize generation_slot(u64 input) { return (input >> 12 ^ input >> 20) % 256; }
    void note_change(const TlbEntry& entry) {
      ++(entry.size_log2 == 12 ? page_generations_[generation_slot(entry.input)] : generation_);
    }
    static unsigned block_bucket(u64 input, unsigned leaf_size_log2);
    void remove(u64 set, unsigned way);
    void account(const TlbEntry& entry, int delta);

    std::vector<Set> sets_;
    std::vector<TlbEntry> entries_;
    std::vector<u8> next_victim_;
    u64 set_mask_ = 0;
    u64 live_ = 0;
    u64 sizes_in_use_ = 0;      ///< bit n: some entry maps 2^n bytes
    u64 leaf_sizes_split_ = 0;  ///< bit n: some entry maps a part of a 2^n leaf
    u32 size_count_[64] = {};
    u32 split_count_[64] = {};
    u32 split_bucket_[256] = {};      ///< entries that are parts of a larger leaf, by that leaf
    u64 generation_ = 0;              ///< counts changes of entries that map more than a page
    u64 page_generations_[256] = {};  ///< and of the others, by a hash of the page: both only grow
  };

  static bool context_matches(u64 tag, u64 wanted) {
    const u64 ignored = kGlobal | (tag & kGlobal ? kAsidMask : 0);
    return ((tag ^ wanted) & ~ignored) == 0;
  }
  static u64 context_of(RegimeId regime, u16 vmid, u16 asid, u16 config) {
    return kValid | u64{static_cast<u8>(regime)} << 56 | u64{config} << 32 | u64{vmid} << 16 | asid;
  }

  void meet_overlaps(const TlbEntry& entry, u64 context);
  const TlbEntry* lookup_overlapping(u64 context, u64 va, const TlbEntry* first);

  Knobs knobs_;
  Chance chance_;
  bool overlaps_ = false;  ///< an entry was filled over one of another size, and both stay (knob bbm)
  unsigned conflict_ = 0;
  TlbEntry amalgam_{};
  TlbStats stats_;
  Side va_side_, ipa_side_;
};

}  // namespace farside::mmu
