// cache/id.cpp - CTR_EL0, CLIDR_EL1 and CCSIDR_EL1 from the geometry.
#include "cache/id.h"

#include "core/base/bits.h"

namespace farside::cache {

u64 ctr(const Config& config) {
  constexpr u64 kWords = 4;  // log2 of the 16 words of a line: IminLine, DminLine, ERG, CWG
  const u64 l1ip = static_cast<u64>(config.icache);
  return u64{config.dic} << 29 | u64{config.idc} << 28 | kWords << 24 | kWords << 20 | kWords << 16 | l1ip << 14 |
         u64{1} << 31 | kWords;
}

u64 clidr(const Config& config) {
  constexpr u64 kSplit = 3, kUnified = 4;
  const bool l2 = config.l2.size != 0;
  const u64 coherency = l2 ? 2 : 1;  // LoC: the levels that a clean to memory goes through
  const u64 unification = config.unification == Unification::L2 ? 1 : coherency;  // LoUU and LoUIS
  return unification << 27 | coherency << 24 | unification << 21 | (l2 ? kUnified << 3 : 0) | kSplit;
}

u64 ccsidr(const Config& config, u64 select) {
  const bool instruction = bit(select, 0);
  const u64 level = bits(select, 3, 1);
  const Geometry* geometry = nullptr;
  if (level == 0) geometry = instruction ? &config.l1i : &config.l1d;
  if (level == 1 && !instruction) geometry = &config.l2;
  if (geometry == nullptr || geometry->ways == 0) return 0;
  constexpr u64 kLineSize = 2;            // log2(64) - 4
  const u64 kinds = instruction ? 2 : 7;  // WT, WB, RA, WA in bits 31:28 as TRMs print them
  return kinds << 28 | u64{geometry->sets() - 1} << 13 | u64{geometry->ways - 1} << 3 | kLineSize;
}

}  // namespace farside::cache
