// frontends/scenario/tables.cpp - writes leaves and the tables on the way to them.
#include "frontends/scenario/tables.h"

#include "core/base/bits.h"
#include "mmu/descriptor.h"

namespace farside::scenario {
namespace {

constexpr mmu::Granule kGranule = mmu::Granule::K4;
constexpr u64 kBlock = u64{2} << 20, kPage = 4096;
constexpr u64 kInner = 3;

u64 s1_attributes(const MapLine& map) {
  constexpr std::pair<std::string_view, u64> kTypes[] = {{"device", 0}, {"nc", 1}, {"wt", 2}, {"wb", 3}};
  using Leaf = mmu::S1Leaf;
  Leaf leaf = Leaf{}.with(Leaf::AP1, map.el0).with(Leaf::AP2, !map.w).with(Leaf::nG, map.ng);
  leaf = leaf.with(Leaf::PXN, !map.x).with(Leaf::UXN, !(map.x && map.el0));
  for (const auto& [name, index] : kTypes) {
    if (name == map.type) leaf = leaf.with(Leaf::ATTR_INDX, index);
  }
  return leaf.raw;
}

u64 s2_attributes(const MapLine& map) {
  constexpr std::pair<std::string_view, u64> kTypes[] = {{"device", 1}, {"nc", 5}, {"wt", 10}, {"wb", 15}};
  using Leaf = mmu::S2Leaf;
  Leaf leaf = Leaf{}.with(Leaf::S2AP_R, map.r).with(Leaf::S2AP_W, map.w).with(Leaf::XN, u64{map.x ? 0u : 2u});
  for (const auto& [name, attr] : kTypes) {
    if (name == map.type) leaf = leaf.with(Leaf::MEM_ATTR, attr);
  }
  return leaf.raw;
}

u64 attributes(const MapLine& map) {
  const u64 common = mmu::Descriptor{}.with(mmu::Descriptor::SH, kInner).with(mmu::Descriptor::AF, map.af).raw;
  return common | (map.stage2 ? s2_attributes(map) : s1_attributes(map));
}

void map_leaf(const TableMemory& memory, u64 table, u64 from, u64 leaf, int leaf_level) {
  for (int level = 1; level < leaf_level; ++level) {
    const u64 entry = table + 8 * mmu::table_index(kGranule, level, from);
    u64 descriptor = memory.read(entry);
    if (mmu::classify(descriptor, kGranule, level) != mmu::DescriptorKind::Table) {
      descriptor = mmu::make_table(memory.allocate());
      memory.write(entry, descriptor);
    }
    table = mmu::table_address(descriptor, kGranule);
  }
  memory.write(table + 8 * mmu::table_index(kGranule, leaf_level, from), leaf);
}

}  // namespace

void map_range(const TableMemory& memory, u64 root, const MapLine& map) {
  const u64 attr = attributes(map);
  for (u64 done = 0; done < map.size;) {
    const u64 from = map.from + done, to = map.to + done;
    const bool block = is_aligned(from | to, kBlock) && map.size - done >= kBlock;
    const int level = block ? 2 : 3;
    map_leaf(memory, root, from, mmu::make_leaf(level, to, attr), level);
    done += block ? kBlock : kPage;
  }
}

}  // namespace farside::scenario
