// core/arch/mem_attr.cpp - decodes MAIR and stage-2 attributes, combines two stages, and encodes PAR.ATTR.
#include "core/arch/mem_attr.h"

#include <algorithm>

#include "core/base/bits.h"

namespace farside {
namespace {

/// SH = 0b01 is reserved; this model reads it as Outer Shareable.
Shareability decode_sh(u8 sh) {
  if ((sh & 3) == 1) return Shareability::Outer;
  return static_cast<Shareability>(sh & 3);
}

/// One nibble of a MAIR byte for Normal memory (DecodeLDFAttr). 0b0000 is reserved and reads as Non-cacheable.
CacheAttr decode_nibble(u8 nibble) {
  if (nibble == 0b0100 || nibble == 0) return kNonCacheable;
  CacheAttr attr;
  attr.policy = bit(nibble, 2) ? Cacheability::WriteBack : Cacheability::WriteThrough;
  attr.read_allocate = bit(nibble, 1);
  attr.write_allocate = bit(nibble, 0);
  attr.transient = !bit(nibble, 3) && (nibble & 3) != 0;
  return attr;
}

u8 encode_nibble(const CacheAttr& attr) {
  if (attr.policy == Cacheability::NonCacheable) return 0b0100;
  const u8 hints = static_cast<u8>(attr.read_allocate << 1 | attr.write_allocate);
  const u8 write_back = attr.policy == Cacheability::WriteBack ? 0b0100 : 0;
  return static_cast<u8>((attr.transient ? 0 : 0b1000) | write_back | hints);
}

/// Stage 2 names a policy and no hints (S2DecodeCacheability); the reserved 0b00 reads as Non-cacheable.
CacheAttr decode_s2_policy(u8 field) {
  if (field == 3) return kWriteBackRaWa;
  if (field == 2) return kWriteThroughRa;
  return kNonCacheable;
}

/// The weaker policy of the two, with the hints of stage 1 (S2CombineS1AttrHints).
CacheAttr combine_policy(const CacheAttr& s1, const CacheAttr& s2) {
  const Cacheability policy = std::min(s1.policy, s2.policy);
  if (policy == Cacheability::NonCacheable) return kNonCacheable;
  return {policy, s1.read_allocate, s1.write_allocate, s1.transient};
}

/// S2CombineS1Shareability: the wider domain.
Shareability combine_shareability(Shareability a, Shareability b) {
  if (a == Shareability::Outer || b == Shareability::Outer) return Shareability::Outer;
  if (a == Shareability::Inner || b == Shareability::Inner) return Shareability::Inner;
  return Shareability::Non;
}

}  // namespace

MemAttr with_effective_shareability(MemAttr attr) {
  if (attr.is_device() || attr.is_non_cacheable()) attr.shareability = Shareability::Outer;
  return attr;
}

MemAttr decode_mair(u8 mair_byte, u8 sh) {
  if ((mair_byte & 0xf0) == 0) return device_attr(static_cast<MemType>(bits(mair_byte, 3, 2)));
  // FEAT_XS and FEAT_MTE give these two a meaning of their own; without them they read as their nearest relative.
  if (mair_byte == 0xa0) return normal_attr(kWriteThroughRa, kWriteThroughRa, decode_sh(sh));
  if (mair_byte == 0xf0) return normal_attr(kWriteBackRaWa, kWriteBackRaWa, decode_sh(sh));
  const CacheAttr outer = decode_nibble(mair_byte >> 4), inner = decode_nibble(mair_byte & 0xf);
  return with_effective_shareability(normal_attr(inner, outer, decode_sh(sh)));
}

CacheAttr decode_rgn(u8 rgn) {
  static constexpr CacheAttr kTable[4] = {
      kNonCacheable, kWriteBackRaWa, kWriteThroughRa, {Cacheability::WriteBack, true, false, false}};
  return kTable[rgn & 3];
}

MemAttr decode_walk_attr(u8 irgn, u8 orgn, u8 sh) {
  return with_effective_shareability(normal_attr(decode_rgn(irgn), decode_rgn(orgn), decode_sh(sh)));
}

MemAttr decode_stage2(u8 mem_attr, u8 sh) {
  const u8 outer = bits(mem_attr, 3, 2), inner = bits(mem_attr, 1, 0);
  if (outer == 0) return device_attr(static_cast<MemType>(inner));
  return with_effective_shareability(normal_attr(decode_s2_policy(inner), decode_s2_policy(outer), decode_sh(sh)));
}

MemAttr combine(const MemAttr& s1, const MemAttr& s2) {
  if (s1.is_device() && s2.is_device()) return device_attr(std::min(s1.type, s2.type));
  if (s1.is_device()) return device_attr(s1.type);
  if (s2.is_device()) return device_attr(s2.type);
  return with_effective_shareability(normal_attr(combine_policy(s1.inner, s2.inner), combine_policy(s1.outer, s2.outer),
                                                 combine_shareability(s1.shareability, s2.shareability)));
}

MemAttr combine_fwb(const MemAttr& s1, u8 mem_attr, u8 sh) {
  const Shareability shared = combine_shareability(s1.shareability, decode_sh(sh));
  if (!bit(mem_attr, 2)) {
    const auto s2_type = static_cast<MemType>(bits(mem_attr, 1, 0));
    return device_attr(s1.is_device() ? std::min(s1.type, s2_type) : s2_type);
  }
  switch (mem_attr & 3) {
    case 3: {
      MemAttr out = s1;
      out.shareability = shared;
      return with_effective_shareability(out);
    }
    case 2: {
      const auto forced = [&](const CacheAttr& hints) {
        if (s1.is_device() || hints.policy == Cacheability::NonCacheable) return kWriteBackRaWa;
        return CacheAttr{Cacheability::WriteBack, hints.read_allocate, hints.write_allocate, hints.transient};
      };
      return normal_attr(forced(s1.inner), forced(s1.outer), shared);
    }
    default:  // 0b101, and the reserved 0b100 like it
      return s1.is_device() ? device_attr(s1.type) : normal_attr(kNonCacheable, kNonCacheable, Shareability::Outer);
  }
}

u8 encode_mair(const MemAttr& attr) {
  if (attr.is_device()) return static_cast<u8>(static_cast<u8>(attr.type) << 2);
  return static_cast<u8>(encode_nibble(attr.outer) << 4 | encode_nibble(attr.inner));
}

}  // namespace farside
