// firmware/hyp/pgtable.cpp - stage-2 table edits with break-before-make, reference counts and cache maintenance.
#include "firmware/hyp/pgtable.h"

#include <algorithm>

namespace farside::hyp {

using mmu::Descriptor;
using mmu::DescriptorKind;
using mmu::Granule;
using mmu::S2Leaf;
using mmu::TableEntry;
using mmu::TableVisitor;
using mmu::Visit;

namespace {

constexpr u64 kAttrDevice = 0x1;        // MemAttr of Device-nGnRE
constexpr u64 kAttrNormal = 0xf;        // Normal, inner and outer write-back
constexpr u64 kAttrNormalFwb = 0x6;     // with FEAT_S2FWB: write-back whatever stage 1 says
constexpr u64 kXnNone = 0, kXnAll = 2;  // XN[1:0]; KVM sets bit 54 only
constexpr u64 kPermissions = S2Leaf::S2AP.mask | S2Leaf::XN.mask;

bool is_leaf(const TableEntry& entry) {
  return entry.kind() == DescriptorKind::Block || entry.kind() == DescriptorKind::Page;
}
bool is_executable(u64 descriptor) { return S2Leaf::of(descriptor)[S2Leaf::XN] == kXnNone; }

/// Fewest levels that hold `ipa_bits` with up to 16 concatenated first tables, and at least two so that 2M blocks
/// stay usable (stage2_pgtable_levels).
int start_level_for(unsigned ipa_bits) {
  for (int level = 2; level > 0; --level)
    if (mmu::s2_input_fits(Granule::K4, level, ipa_bits)) return level;
  return 0;
}

}  // namespace

Result<std::unique_ptr<Pgtable>, Errno> Pgtable::create(unsigned ipa_bits, const PgtableEnv& env) {
  const int level = start_level_for(ipa_bits);
  const u64 bytes = std::max(host::kPageSize, u64{1} << mmu::root_size_log2(Granule::K4, level, ipa_bits));
  const auto base = bytes == host::kPageSize ? env.frames.allocate() : env.frames.allocate_run(bytes);
  if (!base) return Errno::NoMem;
  env.memory.zero(*base, bytes);
  env.stats.table_pages += bytes / host::kPageSize;
  const mmu::TableRoot root{base->value, Granule::K4, static_cast<i8>(level), static_cast<u8>(ipa_bits)};
  std::unique_ptr<Pgtable> table(new Pgtable(env, root));
  for (u64 offset = 0; offset < bytes; offset += host::kPageSize) table->refs_[base->value + offset] = 1;
  return table;
}

/// kvm_pgtable_stage2_destroy: no TLB maintenance, the VMID is dead.
Pgtable::~Pgtable() {
  for (u64 offset = 0, bytes = root_bytes(); offset < bytes; offset += host::kPageSize) {
    free_subtree(root_.base + offset, root_.start_level);
    env_.frames.put(Pa{root_.base + offset});
    --env_.stats.table_pages;
  }
}

template <class Visitor>
void Pgtable::visit(Ipa ipa, u64 size, Visitor& visitor) const {
  const u64 limit = u64{1} << root_.ia_bits;
  if (ipa.value >= limit) return;
  mmu::visit_range(memory_, root_, ipa.value, std::min(size, limit - ipa.value), visitor);
}

u64 Pgtable::attributes(const Prot& prot) const {
  const u64 type = prot.device ? kAttrDevice : env_.cpu.fwb ? kAttrNormalFwb : kAttrNormal;
  return S2Leaf{}
             .with(S2Leaf::MEM_ATTR, type)
             .with(S2Leaf::S2AP_R, prot.read)
             .with(S2Leaf::S2AP_W, prot.write)
             .with(S2Leaf::XN, prot.exec ? kXnNone : kXnAll)
             .raw |
         Descriptor{}.with(Descriptor::SH, u64{3}).with(Descriptor::AF, true).raw;
}

bool Pgtable::is_normal(u64 descriptor) const {
  return S2Leaf::of(descriptor)[S2Leaf::MEM_ATTR] == (env_.cpu.fwb ? kAttrNormalFwb : kAttrNormal);
}

// ---- Break before make ----

/// The break half: invalid entry, then TLBI. A table gets no level hint, or walk caches would survive (museum 33).
void Pgtable::break_entry(const TableEntry& entry) {
  write(entry, 0);
  const bool hint = is_leaf(entry) || !env_.policy.table_tlbi_has_no_hint;
  env_.tlb.ipa(Ipa{entry.input}, hint ? static_cast<unsigned>(entry.level) : 0);
  if (is_leaf(entry)) --env_.stats.mapped[entry.level];
  put_table(entry);
}

/// The only way to write a leaf: break what was there, maintain caches, make. Order is what hardware walkers and
/// non-cacheable accesses see.
void Pgtable::replace(const TableEntry& entry, u64 leaf, bool clean) {
  const bool was_valid = is_leaf(entry);
  if (was_valid && env_.policy.break_before_make) {
    ++env_.stats.s2_break;
    break_entry(entry);
    env_.yield.at(YieldPoint::BreakBeforeMake);
  }
  const Pa pa{mmu::output_address(leaf, Granule::K4, entry.level)};
  if (clean && is_normal(leaf)) env_.cmo.clean_invalidate(pa, entry.size());
  if (is_executable(leaf)) env_.cmo.invalidate_icache(pa, entry.size());
  write(entry, leaf);
  env_.memory.leaf_changed({Ipa{entry.input}, pa, entry.size(), true});
  if (was_valid && !env_.policy.break_before_make) return env_.tlb.ipa(Ipa{entry.input}, entry.level);
  get_table(entry);
  ++env_.stats.mapped[entry.level];
}

// ---- Map ----

struct Pgtable::MapVisitor : TableVisitor {
  Pgtable& self;
  const MapRequest& request;
  TableCache* cache;
  MapStatus status = MapStatus::Mapped;
  MapVisitor(Pgtable& s, const MapRequest& r, TableCache* c) : self(s), request(r), cache(c) {}

  u64 output(const TableEntry& entry) const { return request.pa.value + (entry.input - request.ipa.value); }
  bool fits(const TableEntry& entry, Part part) const {
    return part.size == entry.size() && mmu::leaf_allowed(entry.granule, entry.level) && part.size <= request.size &&
           entry.input >= request.ipa.value && is_aligned(output(entry), entry.size());
  }
  u64 leaf_value(const TableEntry& entry) const {
    return mmu::make_leaf(entry.level, output(entry), self.attributes(request.prot));
  }
  /// stage2_pte_needs_update: false when only permissions differ. Breaking such an entry would let two vCPUs with
  /// different needs undo each other's work for ever (R7).
  bool needs_update(u64 from, u64 to) const {
    const Policy& policy = self.env_.policy;
    if (policy.skip_permission_only_map && ((from ^ to) & ~kPermissions) == 0) return false;
    return !(policy.skip_unchanged_map && from == to);
  }

  Visit leaf(TableEntry& entry, Part part) {
    if (!fits(entry, part)) return link_table(entry);
    const u64 value = leaf_value(entry);
    if (is_leaf(entry) && !needs_update(entry.value, value)) {
      status = MapStatus::Again;
      return Visit::Stop;
    }
    self.replace(entry, value, request.clean);
    return Visit::Skip;
  }

  /// A hole or a block becomes a zeroed table; the rest of a block faults again when it is used.
  Visit link_table(TableEntry& entry) {
    // A plain permission fault tops nothing up, but may meet a block that logging splits or a table that is gone by
    // now: kvm_mmu_memory_cache_alloc then allocates on the spot.
    if (!cache || !self.top_up(*cache, 1)) {
      status = MapStatus::NoMemory;
      return Visit::Stop;
    }
    if (is_leaf(entry)) {
      ++self.env_.stats.s2_split;
      ++self.env_.stats.s2_break;
      self.break_entry(entry);
      self.env_.yield.at(YieldPoint::BreakBeforeMake);
    }
    const Pa table = cache->pages.back();
    cache->pages.pop_back();
    self.refs_[table.value] = 1;
    ++self.env_.stats.table_pages;
    self.write(entry, mmu::make_table(table.value));
    self.get_table(entry);
    return Visit::Continue;
  }

  /// A table where the new leaf fits: detach it, invalidate the whole VMID because 512 entries may be cached, free it,
  /// install the block (stage2_map_walk_table_pre).
  Visit pre(TableEntry& entry, Part part) {
    if (!fits(entry, part)) return Visit::Continue;
    const u64 child = mmu::table_address(entry.value, entry.granule);
    const int child_level = entry.level + 1;
    ++self.env_.stats.s2_collapse;
    ++self.env_.stats.s2_break;
    self.write(entry, 0);
    if (self.env_.policy.collapse_flushes_vmid)
      self.env_.tlb.vmid();
    else
      self.env_.tlb.ipa(Ipa{entry.input}, 0);
    self.put_table(entry);
    self.env_.yield.at(YieldPoint::BreakBeforeMake);
    self.free_subtree(child, child_level);
    self.free_table(child);
    entry.value = 0;
    self.replace(entry, leaf_value(entry), request.clean);
    return Visit::Skip;
  }
};

MapStatus Pgtable::map(const MapRequest& request, TableCache* cache) {
  MapVisitor visitor(*this, request, cache);
  visit(request.ipa, request.size, visitor);
  env_.tlb.publish();
  if (visitor.status == MapStatus::Mapped) ++env_.stats.s2_map;
  return visitor.status;
}

// ---- Unmap ----

struct Pgtable::UnmapVisitor : TableVisitor {
  Pgtable& self;
  explicit UnmapVisitor(Pgtable& s) : self(s) {}

  /// A leaf goes as a whole even when the range covers a part of it. CIVAC comes after the TLBI, when nobody can
  /// fetch the line again (R22).
  Visit leaf(TableEntry& entry, Part) {
    if (!is_leaf(entry)) return Visit::Continue;
    const Policy& policy = self.env_.policy;
    const bool clean = policy.clean_at_unmap && self.is_normal(entry.value);
    const Pa pa{entry.output()};
    if (clean && !policy.clean_after_tlbi) self.env_.cmo.clean_invalidate(pa, entry.size());
    self.break_entry(entry);
    self.env_.memory.leaf_changed({Ipa{entry.input}, pa, entry.size(), false});
    if (clean && policy.clean_after_tlbi) self.env_.cmo.clean_invalidate(pa, entry.size());
    ++self.env_.stats.s2_unmap;
    return Visit::Skip;
  }
  /// A table without counted entries is unlinked, then freed: walk caches are gone by then.
  Visit post(TableEntry& entry, Part) {
    const u64 child = mmu::table_address(entry.value, entry.granule);
    if (self.table_refs(child) != 1) return Visit::Continue;
    self.break_entry(entry);
    self.free_table(child);
    return Visit::Continue;
  }
};

/// stage2_apply_range: chunks of the largest block, between which mmu_lock could be dropped.
void Pgtable::unmap(Ipa ipa, u64 size) {
  const u64 chunk = mmu::level_size(Granule::K4, 1);
  UnmapVisitor visitor(*this);
  for (u64 at = ipa.value, end = ipa.value + size; at < end;) {
    const u64 next = std::min(end, align_down(at, chunk) + chunk);
    visit(Ipa{at}, next - at, visitor);
    at = next;
  }
}

void Pgtable::free_table(u64 table) {
  refs_.erase(table);
  --env_.stats.table_pages;
  env_.frames.put(Pa{table});
}

/// Frees the tables below `table`, which nobody can reach any more.
void Pgtable::free_subtree(u64 table, int level) {
  for (unsigned i = 0; i < mmu::entries_per_table(Granule::K4); ++i) {
    const TableEntry entry{table + i * 8, memory_.read_descriptor(table + i * 8), 0, level, Granule::K4};
    if (is_leaf(entry)) --env_.stats.mapped[level];
    if (entry.kind() != DescriptorKind::Table) continue;
    const u64 child = mmu::table_address(entry.value, Granule::K4);
    free_subtree(child, level + 1);
    free_table(child);
  }
}

// ---- Attributes ----

/// stage2_attr_walker: changes bits of valid leaves in place. Only what break-before-make does not protect.
struct Pgtable::AttrVisitor : TableVisitor {
  Pgtable& self;
  u64 set, clear;
  std::optional<Leaf> last{};  ///< the last leaf, before the change
  u64 changed = 0;
  AttrVisitor(Pgtable& s, u64 set_bits, u64 clear_bits) : self(s), set(set_bits), clear(clear_bits) {}

  Visit leaf(TableEntry& entry, Part) {
    if (!is_leaf(entry)) return Visit::Continue;
    last = Leaf{entry.value, entry.level};
    const u64 value = (entry.value & ~clear) | set;
    if (value == entry.value) return Visit::Skip;
    CHECK(mmu::is_bbm_safe(entry.value, value, true), "unsafe change {:#x} to {:#x}", entry.value, value);
    // Instructions must be there before the entry that lets them be fetched.
    if (is_executable(value) && !is_executable(entry.value))
      self.env_.cmo.invalidate_icache(Pa{entry.output()}, entry.size());
    self.write(entry, value);
    ++changed;
    return Visit::Skip;
  }
};

std::optional<Leaf> Pgtable::update(Ipa ipa, u64 size, u64 set, u64 clear) {
  AttrVisitor visitor(*this, set, clear);
  visit(ipa, size, visitor);
  return visitor.last;
}

void Pgtable::wrprotect(Ipa ipa, u64 size) {
  AttrVisitor visitor(*this, 0, S2Leaf::S2AP_W.mask);
  visit(ipa, size, visitor);
  env_.stats.s2_wrprotect += visitor.changed;
}

void Pgtable::relax(Ipa ipa, const Prot& prot, unsigned pcpu) {
  const u64 set = (prot.read ? S2Leaf::S2AP_R.mask : 0) | (prot.write ? S2Leaf::S2AP_W.mask : 0);
  const auto leaf = update(ipa, host::kPageSize, set, prot.exec ? S2Leaf::XN.mask : 0);
  ++env_.stats.s2_relax;
  const unsigned level = leaf ? static_cast<unsigned>(leaf->level) : 0;
  env_.policy.relax_is_local ? env_.tlb.ipa_local(pcpu, ipa, level) : env_.tlb.ipa(ipa, level);
}

bool Pgtable::mkyoung(Ipa ipa) {
  const auto leaf = update(ipa, host::kPageSize, Descriptor::AF.mask, 0);
  env_.tlb.publish();  // AF = 0 is never cached: the barrier alone makes the new entry visible
  ++env_.stats.s2_mkyoung;
  return leaf.has_value();
}

bool Pgtable::mkold(Ipa ipa) {
  const auto leaf = update(ipa, host::kPageSize, 0, Descriptor::AF.mask);
  return leaf && Descriptor::of(leaf->descriptor)[Descriptor::AF];
}

bool Pgtable::is_young(Ipa ipa) const {
  const auto leaf = find(ipa);
  return leaf && Descriptor::of(leaf->descriptor)[Descriptor::AF];
}

// ---- Flush and inspection ----

struct Pgtable::FlushVisitor : TableVisitor {
  const Pgtable& self;
  explicit FlushVisitor(const Pgtable& s) : self(s) {}
  Visit leaf(TableEntry& entry, Part) {
    if (is_leaf(entry) && self.is_normal(entry.value)) self.env_.cmo.clean_invalidate(Pa{entry.output()}, entry.size());
    return Visit::Continue;
  }
};

void Pgtable::flush(Ipa ipa, u64 size) {
  if (env_.cpu.fwb) return;
  FlushVisitor visitor(*this);
  visit(ipa, size, visitor);
}

struct Pgtable::LeafVisitor : TableVisitor {
  const std::function<void(const LeafInfo&)>& visit;
  explicit LeafVisitor(const std::function<void(const LeafInfo&)>& v) : visit(v) {}
  Visit leaf(TableEntry& entry, Part) {
    if (is_leaf(entry)) visit({Ipa{entry.input}, Pa{entry.output()}, entry.level, entry.size(), entry.value});
    return Visit::Continue;
  }
};

void Pgtable::for_each_leaf(const std::function<void(const LeafInfo&)>& callback) const {
  LeafVisitor visitor(callback);
  visit(Ipa{0}, u64{1} << root_.ia_bits, visitor);
}

std::optional<Leaf> Pgtable::find(Ipa ipa) const {
  if (ipa.value >> root_.ia_bits) return std::nullopt;
  u64 address = root_.base + mmu::root_index(Granule::K4, root_.start_level, root_.ia_bits, ipa.value) * 8;
  for (int level = root_.start_level;; ++level) {
    const u64 descriptor = memory_.read_descriptor(address);
    switch (mmu::classify(descriptor, Granule::K4, level)) {
      case DescriptorKind::Invalid: return std::nullopt;
      case DescriptorKind::Block:
      case DescriptorKind::Page: return Leaf{descriptor, level};
      case DescriptorKind::Table: break;
    }
    address = mmu::table_address(descriptor, Granule::K4) + mmu::table_index(Granule::K4, level + 1, ipa.value) * 8;
  }
}

// ---- Table pages ----

bool Pgtable::top_up(TableCache& cache, usize pages) {
  while (cache.pages.size() < pages) {
    const auto page = env_.frames.allocate();
    if (!page) return false;
    env_.memory.zero(*page, host::kPageSize);
    cache.pages.push_back(*page);
  }
  return true;
}

void Pgtable::release(TableCache& cache) {
  for (Pa page : cache.pages) env_.frames.put(page);
  cache.pages.clear();
}

u32 Pgtable::table_refs(u64 table) const {
  const auto it = refs_.find(table);
  return it == refs_.end() ? 0 : it->second;
}

}  // namespace farside::hyp
