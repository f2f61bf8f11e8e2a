// frontends/scenario/tables.h - translation tables from `s1` and `s2` lines, 4K granule, 39 bits of input.
#pragma once
#include <functional>

#include "frontends/scenario/scenario.h"

namespace farside::scenario {

/// How the builder reaches memory: an empty table's address, and one descriptor at a time.
struct TableMemory {
  std::function<u64()> allocate;
  std::function<u64(u64 address)> read;
  std::function<void(u64 address, u64 descriptor)> write;
};

/// Input bits of both stages; the walk starts at level 1 with one table.
constexpr unsigned kInputBits = 39;
/// MAIR_EL1 for the types of `s1` lines: index 0 device, 1 nc, 2 wt, 3 wb.
constexpr u64 kMair = 0xff'bb'44'00;
/// TCR_EL1: T0SZ, walks Write-Back Inner Shareable, 4K, TTBR1 off, 40-bit output.
constexpr u64 kTcr = (64 - kInputBits) | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 23 | u64{2} << 32;
/// VTCR_EL2 for `s2` lines: the same, start level 1.
constexpr u64 kVtcr =
    (64 - kInputBits) | u64{1} << 6 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{2} << 16 | u64{1} << 31;

/// Adds `map` to the table at `root`, in blocks of 2M where both addresses and the size allow it.
void map_range(const TableMemory& memory, u64 root, const MapLine& map);

}  // namespace farside::scenario
