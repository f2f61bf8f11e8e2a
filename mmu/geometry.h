// mmu/geometry.h - the shape of VMSAv8-64 translation tables: granules, levels, block sizes, start levels.
#pragma once
#include <optional>

#include "core/base/bits.h"

namespace farside::mmu {

/// Translation granule; the value is log2 of its size in bytes.
enum class Granule : u8 { K4 = 12, K16 = 14, K64 = 16 };

constexpr unsigned shift(Granule g) { return static_cast<unsigned>(g); }
/// Bytes of one page, which is also the size of a full table.
constexpr u64 page_size(Granule g) { return u64{1} << shift(g); }
/// Address bits that one level resolves.
constexpr unsigned stride(Granule g) { return shift(g) - 3; }
/// Entries of a full table.
constexpr unsigned entries_per_table(Granule g) { return 1u << stride(g); }

constexpr int kLastLevel = 3;

/// log2 of the bytes that one entry of `level` maps; `level` in 0..3.
constexpr unsigned level_shift(Granule g, int level) {
  return shift(g) + static_cast<unsigned>(kLastLevel - level) * stride(g);
}
/// Bytes that one entry of `level` maps.
constexpr u64 level_size(Granule g, int level) { return u64{1} << level_shift(g, level); }

/// True where a block descriptor is legal (Arm ARM D8.3.1; 48-bit output addresses, so no 52-bit extra levels).
constexpr bool block_allowed(Granule g, int level) { return level == 2 || (g == Granule::K4 && level == 1); }
/// True where a leaf of either kind is legal: a block, or a page at level 3.
constexpr bool leaf_allowed(Granule g, int level) { return level == kLastLevel || block_allowed(g, level); }

/// log2 of the number of adjacent entries that the Contiguous bit joins at a level where leaves are legal.
constexpr unsigned contiguous_log2(Granule g, int level) {
  if (g == Granule::K4) return 4;
  if (g == Granule::K64) return 5;
  return level == kLastLevel ? 7 : 5;
}

/// Start level of stage 1 for an input of `ia_bits` (AArch64.S1StartLevel); 0..3.
constexpr int s1_start_level(Granule g, unsigned ia_bits) {
  return kLastLevel - static_cast<int>((ia_bits - 1 - shift(g)) / stride(g));
}

/// Start level of stage 2 that VTCR_EL2.SL0 names (AArch64.S2StartLevel); empty when SL0 is reserved.
/// `small_tables` is FEAT_TTST, which gives 4K granules a level-3 start.
constexpr std::optional<int> s2_start_level(Granule g, unsigned sl0, bool small_tables) {
  if (g == Granule::K4) {
    if (sl0 == 3) return small_tables ? std::optional<int>(3) : std::nullopt;
    return 2 - static_cast<int>(sl0);
  }
  if (sl0 == 3) return std::nullopt;
  return 3 - static_cast<int>(sl0);
}

/// SL0 that makes stage 2 start at `level`; `level` must be one that s2_start_level can return.
constexpr unsigned s2_sl0(Granule g, int level) {
  if (g == Granule::K4) return level == 3 ? 3u : static_cast<unsigned>(2 - level);
  return static_cast<unsigned>(3 - level);
}

/// Input bits that a table of `level` resolves together with all levels below it, without concatenation.
constexpr unsigned table_input_bits(Granule g, int level) { return level_shift(g, level) + stride(g); }

/// True when a stage-2 input of `ia_bits` suits `start_level`: 1..16 concatenated tables, and more than one entry in
/// the smallest (AArch64.S2InconsistentSL).
constexpr bool s2_input_fits(Granule g, int start_level, unsigned ia_bits) {
  return ia_bits > level_shift(g, start_level) && ia_bits <= table_input_bits(g, start_level) + 4;
}

/// log2 of the bytes of the first table, concatenation included: also the alignment of VTTBR.BADDR and TTBR.BADDR.
constexpr unsigned root_size_log2(Granule g, int start_level, unsigned ia_bits) {
  return ia_bits - level_shift(g, start_level) + 3;
}

/// Index of `address` in a full table of `level`.
constexpr unsigned table_index(Granule g, int level, u64 address) {
  return static_cast<unsigned>((address >> level_shift(g, level)) & (entries_per_table(g) - 1));
}
/// Index of `address` in the first table, which may be small or concatenated.
constexpr u64 root_index(Granule g, int start_level, unsigned ia_bits, u64 address) {
  return (address & ones(ia_bits)) >> level_shift(g, start_level);
}

}  // namespace farside::mmu
