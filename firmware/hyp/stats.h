// firmware/hyp/stats.h - what the hypervisor counted; `--stats` and the fault-matrix tests read it.
#pragma once
#include <array>

#include "core/base/types.h"

namespace farside::hyp {

/// Rows of `Stats::faults`.
enum class FaultType : u8 { Translation, AccessFlag, Permission, Other };
/// Columns of `Stats::faults`.
enum class FaultAccess : u8 { Read, Write, Exec, Walk };

/// Plain counters since the VM was created.
struct Stats {
  u64 faults[4][4] = {};              ///< stage-2 aborts by FaultType and FaultAccess (Walk: S1PTW)
  std::array<u64, 64> exits_by_ec{};  ///< exits by ESR_EL2.EC
  u64 entries = 0;                    ///< returns to the guest
  u64 replays = 0;                    ///< faults that changed nothing: lost race, or the guest's own stage 1 moved
  u64 mmio_kernel = 0, mmio_vmm = 0, mmio_nisv = 0;
  u64 aborts_injected = 0, undefs_injected = 0, cmo_skipped = 0;
  u64 s2_map = 0, s2_relax = 0, s2_mkyoung = 0, s2_unmap = 0, s2_wrprotect = 0;  ///< page-table operations
  u64 s2_split = 0, s2_collapse = 0, s2_break = 0;                               ///< break-before-make sequences
  std::array<u64, 4> mapped{};  ///< leaves present now, by level: [1] 1G, [2] 2M, [3] 4K with a 4K granule
  u64 table_pages = 0;          ///< stage-2 table pages present now
  u64 tlbi_ipa = 0, tlbi_vmid = 0, tlbi_local = 0, tlbi_all = 0;
  u64 dc_civac = 0, dc_civac_bytes = 0, ic_ivau = 0, ic_ivau_bytes = 0, ic_all = 0;  ///< range calls, not lines
  u64 at = 0;  ///< AT S1E1R that the hypervisor executed
  u64 flush_vm = 0, toggle_cache = 0, set_way = 0;
  u64 vmid_rollovers = 0;
  u64 notifier_unmaps = 0, cow_breaks = 0, demand_zero = 0, huge_faults = 0;

  u64 fault_count() const {
    u64 sum = 0;
    for (const auto& row : faults)
      for (u64 n : row) sum += n;
    return sum;
  }
};

}  // namespace farside::hyp
