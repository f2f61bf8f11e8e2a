// mmu/stage_attr.h - memory attributes of an access after each stage, with the controls that override them.
#pragma once
#include "mmu/regime.h"

namespace farside::mmu {

/// What the bytes are for: controls differ for data, fetches and the walker.
enum class Purpose : u8 { Data, Fetch, Walk };

constexpr MemAttr kNormalNc = normal_attr(kNonCacheable, kNonCacheable, Shareability::Outer);

/// Stage-1 attributes of a leaf for `purpose`: SCTLR.C and SCTLR.I reduce Normal memory to Non-cacheable, and a fetch
/// from Device memory counts as Non-cacheable (AArch64.S1Translate, end).
inline MemAttr s1_attr_for(const Regime& regime, const MemAttr& leaf, Purpose purpose) {
  if (purpose == Purpose::Fetch) return leaf.is_device() || !regime.fetch_cacheable ? kNormalNc : leaf;
  return !leaf.is_device() && !regime.data_cacheable ? kNormalNc : leaf;
}

/// True when stage 2 makes the access Device: by its own field, or with FWB together with stage 1.
inline bool s2_is_device(const Regime& regime, u8 mem_attr, bool s1_device) {
  if (!regime.s2_fwb) return (mem_attr & 0xc) == 0;
  if (!bit(mem_attr, 2)) return true;
  return (mem_attr & 3) != 2 && s1_device;
}

/// Attributes after stage 2 (AArch64.S2Translate, end): HCR_EL2.CD, ID and Device walks or fetches reduce the stage-2
/// part to Non-cacheable before it is combined.
inline MemAttr s2_attr_for(const Regime& regime, const MemAttr& s1, u8 mem_attr, u8 sh, Purpose purpose) {
  const bool device = s2_is_device(regime, mem_attr, s1.is_device());
  const bool reduced = (purpose == Purpose::Walk && device && !regime.s2_ptw) ||
                       (purpose == Purpose::Fetch && (device || regime.s2_id)) ||
                       (purpose != Purpose::Fetch && !device && regime.s2_cd);
  if (regime.s2_fwb) return reduced ? kNormalNc : combine_fwb(s1, mem_attr, sh);
  return combine(s1, reduced ? kNormalNc : decode_stage2(mem_attr, sh));
}

}  // namespace farside::mmu
