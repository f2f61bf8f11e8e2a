// cache/visit.h - loops over the copies of one line, shared by the files of the
// hierarchy.
#pragma once
#include "cache/hierarchy.h"

namespace farside::cache {

/// Calls `visit(core, Line&)` for each copy in an L1D of the cores in the mask,
/// then `visit(cores + 1, ...)` for L2's.
template <class Visit>
void Hierarchy::for_each_data_copy(const LineInfo& line, u32 cores, Visit visit) {
  for (u32 left = line.l1d & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    visit(core, l1d_copy(core, line));
  }
  if (line.l2) visit(cores_ + 1, *l2_copy(line));
}

/// Calls `visit(Line&)` for each copy in the instruction cache of `core`:
/// virtual indexing may have put it in several sets, VMID or ASID tags several
/// times in one.
template <class Visit>
void Hierarchy::for_each_instruction_copy(unsigned core, const LineInfo& line, Visit visit) {
  Cache& cache = core_[core].l1i;
  const u32 aliases = config_.icache == ICacheKind::PIPT || config_.icache == ICacheKind::VPIPT ? 1 : cache.aliases();
  for (u32 alias = 0; alias < aliases; ++alias) {
    const u64 index = aliases == 1 ? address_of(line) : (address_of(line) & 4095) | u64{alias} << 12;
    const u32 set = cache.set_of(index);
    for (u32 way = 0; way < cache.ways(); ++way) {
      Line& copy = cache.at(set, way);
      if (copy.valid() && copy.info == &line) visit(copy);
    }
  }
}

}  // namespace farside::cache
