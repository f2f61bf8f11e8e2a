// firmware/hyp/pgtable.h - edits one VM's stage-2 tables: map, unmap, protect, relax, age, flush, destroy.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "core/base/result.h"
#include "core/base/state.h"
#include "firmware/hyp/cmo.h"
#include "firmware/hyp/host/frames.h"
#include "mmu/table_visit.h"

namespace farside::hyp {

/// Stage-2 rights and type of a mapping.
struct Prot {
  bool read = false, write = false, exec = false, device = false;
};

/// Zeroed table pages, filled before mmu_lock is taken (kvm_mmu_memory_cache).
struct TableCache {
  std::vector<Pa> pages;
};

enum class MapStatus : u8 {
  Mapped,
  Again,     ///< nothing but permissions would change: somebody else was faster, replay
  NoMemory,  ///< no cache given, or neither it nor the host has a table page left
};

/// A leaf as found in the tables.
struct Leaf {
  u64 descriptor = 0;
  int level = 0;
};

/// What one map call wants.
struct MapRequest {
  Ipa ipa{};
  u64 size = 0;  ///< one leaf: page or block size
  Pa pa{};
  Prot prot{};
  bool clean = true;  ///< CIVAC Normal memory before the entry is written
};

/// What the editor works with.
struct PgtableEnv {
  HostMemoryPort& memory;
  host::Frames& frames;
  YieldPort& yield;
  Cmo& cmo;
  TlbFlush& tlb;
  const Policy& policy;
  const CpuCaps& cpu;
  Stats& stats;
};

/// 4 KiB granule stage-2 tables in host memory, with reference counts per table page. The caller holds mmu_lock.
class Pgtable {
 public:
  /// Allocates the (concatenated) first table; ENOMEM when there is no room. `ipa_bits` in 32..48.
  static Result<std::unique_ptr<Pgtable>, Errno> create(unsigned ipa_bits, const PgtableEnv& env);
  ~Pgtable();
  Pgtable(const Pgtable&) = delete;

  /// Installs a leaf (kvm_pgtable_stage2_map). `cache` may be null when no table can be missing.
  MapStatus map(const MapRequest& request, TableCache* cache);
  /// Removes every leaf that meets the range, and tables that become empty (kvm_pgtable_stage2_unmap).
  void unmap(Ipa ipa, u64 size);
  /// Clears write permission; the caller invalidates the TLBs (kvm_pgtable_stage2_wrprotect).
  void wrprotect(Ipa ipa, u64 size);
  /// Adds rights to the leaf at `ipa` and invalidates it (kvm_pgtable_stage2_relax_perms). Where every PE may keep
  /// its stale stricter entry, only `pcpu` is invalidated.
  void relax(Ipa ipa, const Prot& prot, unsigned pcpu);
  /// Sets AF of the leaf at `ipa` (kvm_pgtable_stage2_mkyoung); false when there is no leaf.
  bool mkyoung(Ipa ipa);
  /// Clears AF; true when it was set. No TLB maintenance (kvm_pgtable_stage2_mkold).
  bool mkold(Ipa ipa);
  bool is_young(Ipa ipa) const;
  /// CIVAC of every Normal leaf in the range (kvm_pgtable_stage2_flush).
  void flush(Ipa ipa, u64 size);
  std::optional<Leaf> find(Ipa ipa) const;
  void for_each_leaf(const std::function<void(const LeafInfo&)>& visit) const;

  /// Fills `cache` to `pages` zeroed pages; false when memory is exhausted.
  bool top_up(TableCache& cache, usize pages);
  void release(TableCache& cache);
  Pa root() const { return Pa{root_.base}; }
  int start_level() const { return root_.start_level; }
  /// Table pages that one fault may need.
  unsigned min_cache_pages() const { return 3 - root_.start_level; }
  /// References of the table page that holds `entry_address`: 1 + counted entries.
  u32 table_refs(u64 table) const;

  /// The tables' places and counts; their entries are memory.
  void visit_state(StateVisitor& visitor);
  void for_each_table(const std::function<void(Pa)>& visit) const;
  /// Reads an entry without any effect.
  using PeekEntry = std::function<u64(Pa)>;
  /// Whether the tables in memory are exactly those that are counted.
  bool is_sound(const PeekEntry& peek) const;

 private:
  class Memory final : public mmu::TableMemory {
   public:
    explicit Memory(HostMemoryPort& port) : port_(port) {}
    u64 read_descriptor(u64 address) override { return port_.read_entry(Pa{address}); }
    void write_descriptor(u64 address, u64 value) override { port_.write_entry(Pa{address}, value); }

   private:
    HostMemoryPort& port_;
  };
  struct MapVisitor;
  struct UnmapVisitor;
  struct AttrVisitor;
  struct FlushVisitor;
  struct LeafVisitor;
  friend struct MapVisitor;

  Pgtable(const PgtableEnv& env, mmu::TableRoot root) : env_(env), memory_(env.memory), root_(root) {}
  u64 attributes(const Prot& prot) const;
  bool is_normal(u64 descriptor) const;
  void write(const mmu::TableEntry& entry, u64 value) { memory_.write_descriptor(entry.address, value); }
  void break_entry(const mmu::TableEntry& entry);
  void replace(const mmu::TableEntry& entry, u64 leaf, bool clean);
  void get_table(const mmu::TableEntry& entry) { ++refs_[table_of(entry)]; }
  void put_table(const mmu::TableEntry& entry) { --refs_[table_of(entry)]; }
  static u64 table_of(const mmu::TableEntry& entry) { return align_down(entry.address, host::kPageSize); }
  void free_table(u64 table);
  void free_subtree(u64 table, int level);
  u64 root_bytes() const;
  bool table_is_sound(u64 table, int level, const PeekEntry& peek, std::set<u64>& met) const;
  std::optional<Leaf> update(Ipa ipa, u64 size, u64 set, u64 clear);
  template <class Visitor>
  void visit(Ipa ipa, u64 size, Visitor& visitor) const;

  PgtableEnv env_;
  mutable Memory memory_;
  mmu::TableRoot root_;
  std::unordered_map<u64, u32> refs_;  ///< looked up only, never iterated
};

}  // namespace farside::hyp
