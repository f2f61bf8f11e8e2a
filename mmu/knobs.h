// mmu/knobs.h - what silicon may choose in translation and TLBs; every choice is deterministic for a seed.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/knob.h"
#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::mmu {

/// How a full TLB set chooses its victim.
enum class Replacement : u8 { RoundRobin, Random };
/// What becomes of two entries of different size for one address: a table was changed without break-before-make.
enum class Bbm : u8 {
  Old,       ///< both stay, and the smaller one translates
  New,       ///< the entry that comes removes the other
  Conflict,  ///< a lookup that finds both is a TLB conflict abort
  Amalgam,   ///< it gets the address of one, and the attributes and permissions of the other
};
/// Exclusives and atomics on memory that is not Write-Back.
enum class ExclusivesNc : u8 {
  Succeed,
  Fail,   ///< a store-exclusive never stores
  Abort,  ///< Unsupported exclusive or atomic
};

/// The freedoms of one MMU. The defaults behave like a well-kept core: everything that may be dropped early is
/// dropped only by replacement, and control bits take effect at once. What has a row in knobs.cpp can be set by name.
struct Knobs {
  u32 entries_log2 = 12;     ///< stage-1 and combined entries; 2..20
  u32 s2_entries_log2 = 10;  ///< IPA entries; 2..20
  Replacement replacement = Replacement::RoundRobin;
  u64 seed = 0;          ///< for everything that is left to chance
  u32 evict_period = 0;  ///< fills per entry that is dropped without need, on average; 0: never
  Bbm bbm = Bbm::Old;
  bool stale_controls = false;  ///< keep entries across changes of WXN, VM, EE, CD, ID, PTW, FWB, which may be cached
  bool ignore_ttl = false;      ///< invalidate whatever level the TTL hint names; false keeps other levels
  bool device_fetch_faults = false;  ///< fetch from Device: Permission fault instead of Normal Non-cacheable
  ExclusivesNc exclusives_nc = ExclusivesNc::Succeed;
  bool cmo_checks_access_flag = true;  ///< DC and IC by VA take Access flag faults
  /// A DC IVAC that acts as CIVAC (HCR_EL2.{VM,DC}) still needs write permission, as since the 2021-09 release of the
  /// architecture; before, it was upgraded first.
  bool ivac_checks_write = true;
  bool hpfar_junk = true;  ///< HPFAR_EL2 gets a random value whenever the architecture calls it UNKNOWN
};

/// Gives the knob `name` a value; false when it is none of these. The error names the values that there are.
Result<bool, UserError> set_knob(Knobs& knobs, std::string_view name, std::string_view value);
/// Every knob as `name=value`, in the order of the table.
std::vector<std::string> print_knobs(const Knobs& knobs);
/// For help.
std::vector<KnobInfo> knob_table();

}  // namespace farside::mmu
