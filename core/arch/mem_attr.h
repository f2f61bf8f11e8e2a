// core/arch/mem_attr.h - memory types and attributes: MAIR and stage-2 decoding, combination of two stages.
#pragma once
#include "core/base/types.h"

namespace farside {

/// Memory type; the Device kinds are ordered from strongest to weakest (Arm ARM B2.7).
enum class MemType : u8 { Device_nGnRnE = 0, Device_nGnRE = 1, Device_nGRE = 2, Device_GRE = 3, Normal = 4 };
/// Cacheability of Normal memory, ordered from strongest to weakest.
enum class Cacheability : u8 { NonCacheable = 0, WriteThrough = 1, WriteBack = 2 };
enum class Shareability : u8 { Non = 0, Outer = 2, Inner = 3 };  ///< encoded as SH[1:0]

/// Cacheability and allocation hints of one domain (inner or outer).
struct CacheAttr {
  Cacheability policy = Cacheability::NonCacheable;
  bool read_allocate = false, write_allocate = false, transient = false;
  friend constexpr bool operator==(const CacheAttr&, const CacheAttr&) = default;
};

/// The attributes of one access: after one stage, or after both have been combined.
struct MemAttr {
  MemType type = MemType::Device_nGnRnE;
  CacheAttr inner, outer;
  Shareability shareability = Shareability::Outer;
  constexpr bool is_device() const { return type != MemType::Normal; }
  /// Inner and outer write-back: the only kind that a data cache of this model allocates.
  constexpr bool is_write_back() const {
    return type == MemType::Normal && inner.policy == Cacheability::WriteBack &&
           outer.policy == Cacheability::WriteBack;
  }
  constexpr bool is_non_cacheable() const {
    return type == MemType::Normal && inner.policy == Cacheability::NonCacheable &&
           outer.policy == Cacheability::NonCacheable;
  }
  friend constexpr bool operator==(const MemAttr&, const MemAttr&) = default;
};

constexpr CacheAttr kNonCacheable{};
constexpr CacheAttr kWriteBackRaWa{Cacheability::WriteBack, true, true, false};
constexpr CacheAttr kWriteThroughRa{Cacheability::WriteThrough, true, false, false};

constexpr MemAttr device_attr(MemType type) { return {type, {}, {}, Shareability::Outer}; }
constexpr MemAttr normal_attr(CacheAttr inner, CacheAttr outer, Shareability sh) {
  return {MemType::Normal, inner, outer, sh};
}

/// One MAIR_ELx byte with the descriptor's SH field (AArch64.S1DecodeMemAttrs, EffectiveShareability).
MemAttr decode_mair(u8 mair_byte, u8 sh);
/// A TCR/VTCR IRGN or ORGN field (2 bits).
CacheAttr decode_rgn(u8 rgn);
/// Attributes of table walks from IRGN, ORGN and SH fields.
MemAttr decode_walk_attr(u8 irgn, u8 orgn, u8 sh);
/// Stage-2 MemAttr[3:0] without FEAT_S2FWB (AArch64.S2DecodeMemAttrs).
MemAttr decode_stage2(u8 mem_attr, u8 sh);
/// Combines stage-1 and stage-2 attributes without FWB (AArch64.S2ApplyFWBMemAttrs is combine_fwb).
MemAttr combine(const MemAttr& s1, const MemAttr& s2);
/// Combines with HCR_EL2.FWB = 1: `mem_attr` is the raw stage-2 field.
MemAttr combine_fwb(const MemAttr& s1, u8 mem_attr, u8 sh);
/// The MAIR-format byte that PAR_EL1.ATTR reports.
u8 encode_mair(const MemAttr& attr);
/// Device and fully non-cacheable memory count as Outer Shareable (EffectiveShareability).
MemAttr with_effective_shareability(MemAttr attr);

}  // namespace farside
