// mmu/knobs.h - what silicon may choose in translation and TLBs; every choice is deterministic for a seed.
#pragma once
#include "core/base/types.h"

namespace farside::mmu {

/// How a full TLB set chooses its victim.
enum class Replacement : u8 { RoundRobin, Random };

/// The freedoms of one MMU. The defaults behave like a well-kept core: everything that may be dropped early is
/// dropped only by replacement, and control bits take effect at once.
struct Knobs {
  u32 entries_log2 = 12;     ///< stage-1 and combined entries; 2..20
  u32 s2_entries_log2 = 10;  ///< IPA entries; 2..20
  Replacement replacement = Replacement::RoundRobin;
  u64 seed = 0;                 ///< for Replacement::Random
  bool stale_controls = false;  ///< keep entries across changes of WXN, VM, EE, CD, ID, PTW, FWB, which may be cached
  bool ignore_ttl = false;      ///< invalidate whatever level the TTL hint names; false keeps other levels
  bool device_fetch_faults = false;         ///< fetch from Device: Permission fault instead of Normal Non-cacheable
  bool exclusives_need_write_back = false;  ///< exclusives and atomics elsewhere: UnsupportedExclusive
  bool cmo_checks_access_flag = true;       ///< DC and IC by VA take Access flag faults
};

}  // namespace farside::mmu
