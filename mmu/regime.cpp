// mmu/regime.cpp - derives a translation regime from the control registers.
#include "mmu/regime.h"

#include <algorithm>

#include "core/base/field.h"

namespace farside::mmu {
namespace {

struct Hcr : Reg<Hcr> {
  static constexpr Bit<0> VM{};
  static constexpr Bit<2> PTW{};
  static constexpr Bit<12> DC{};
  static constexpr Bit<27> TGE{};
  static constexpr Bit<32> CD{};
  static constexpr Bit<33> ID{};
  static constexpr Bit<34> E2H{};
  static constexpr Bit<46> FWB{};
};

struct Sctlr : Reg<Sctlr> {
  static constexpr Bit<0> M{};
  static constexpr Bit<2> C{};
  static constexpr Bit<12> I{};
  static constexpr Bit<19> WXN{};
  static constexpr Bit<25> EE{};
};

/// Fields of one VA range, wherever its TCR keeps them.
struct RangeFields {
  u8 txsz, irgn, orgn, sh, ps;
  Granule granule;
  bool epd, hpd, tbi, tbid, e0pd, ha, hd;
  u64 ttbr;
};

/// TG0 and VTCR.TG0: 00 4K, 01 64K, 10 16K. A granule that does not exist reads as one that does.
Granule legal_granule(Granule wanted, const Features& features) {
  const auto have = [&](Granule g) {
    return g == Granule::K4 ? features.granule_4k : g == Granule::K16 ? features.granule_16k : features.granule_64k;
  };
  if (have(wanted)) return wanted;
  for (Granule g : {Granule::K4, Granule::K64, Granule::K16}) {
    if (have(g)) return g;
  }
  return Granule::K4;
}
Granule granule_tg0(u64 tg, const Features& features) {
  static constexpr Granule kTable[4] = {Granule::K4, Granule::K64, Granule::K16, Granule::K4};
  return legal_granule(kTable[tg & 3], features);
}
Granule granule_tg1(u64 tg, const Features& features) {
  static constexpr Granule kTable[4] = {Granule::K4, Granule::K16, Granule::K4, Granule::K64};
  return legal_granule(kTable[tg & 3], features);
}

/// IPS and PS in bits; values above the implemented size mean the implemented size.
u8 output_bits(u64 ps, const Features& features) {
  static constexpr u8 kTable[8] = {32, 36, 40, 42, 44, 48, 48, 48};
  return std::min(kTable[ps & 7], features.pa_bits);
}

unsigned max_txsz(Granule g, const Features& features) {
  if (!features.TTST) return 39;
  return g == Granule::K64 ? 47 : 48;
}

/// TCR_EL1, and TCR_EL2 when E2H = 1.
RangeFields two_range_fields(u64 tcr, u64 ttbr, bool upper, const Features& f) {
  const unsigned base = upper ? 16 : 0;
  RangeFields out{};
  out.txsz = bits(tcr, base + 5, base);
  out.irgn = bits(tcr, base + 9, base + 8);
  out.orgn = bits(tcr, base + 11, base + 10);
  out.sh = bits(tcr, base + 13, base + 12);
  out.ps = bits(tcr, 34, 32);
  out.granule = upper ? granule_tg1(bits(tcr, 31, 30), f) : granule_tg0(bits(tcr, 15, 14), f);
  out.epd = bit(tcr, base + 7);
  out.hpd = f.HPDS && bit(tcr, upper ? 42 : 41);
  out.tbi = bit(tcr, upper ? 38 : 37);
  out.tbid = f.PAuth && bit(tcr, upper ? 52 : 51);
  out.e0pd = f.E0PD && bit(tcr, upper ? 56 : 55);
  out.ha = f.HAFDBS && bit(tcr, 39);
  out.hd = f.HAFDBS && bit(tcr, 40);
  out.ttbr = ttbr;
  return out;
}

/// TCR_EL2 when E2H = 0.
RangeFields one_range_fields(u64 tcr, u64 ttbr, const Features& f) {
  RangeFields out{};
  out.txsz = bits(tcr, 5, 0);
  out.irgn = bits(tcr, 9, 8);
  out.orgn = bits(tcr, 11, 10);
  out.sh = bits(tcr, 13, 12);
  out.ps = bits(tcr, 18, 16);
  out.granule = granule_tg0(bits(tcr, 15, 14), f);
  out.hpd = f.HPDS && bit(tcr, 24);
  out.tbi = bit(tcr, 20);
  out.tbid = f.PAuth && bit(tcr, 29);
  out.ha = f.HAFDBS && bit(tcr, 21);
  out.hd = f.HAFDBS && bit(tcr, 22);
  out.ttbr = ttbr;
  return out;
}

/// Sets base, and bad_base when it lies above the output size.
void set_base(WalkParams& walk, u64 ttbr) {
  const unsigned align = root_size_log2(walk.granule, walk.start_level, walk.ia_bits);
  walk.base = ttbr & ones(48) & ~u64{1} & ~ones(align);
  walk.bad_base = walk.base >> walk.output_bits != 0;
}

VaRange make_range(const RangeFields& fields, Sctlr sctlr, const Features& features) {
  VaRange range;
  range.tbi = fields.tbi;
  range.tbid = fields.tbid;
  range.e0pd = fields.e0pd;
  WalkParams& walk = range.walk;
  walk.stage = 1;
  walk.granule = fields.granule;
  walk.output_bits = output_bits(fields.ps, features);
  walk.disabled = fields.epd;
  walk.hpd = fields.hpd;
  walk.ha = fields.ha;
  walk.hd = fields.ha && fields.hd;
  walk.big_endian = sctlr[Sctlr::EE];
  walk.attr = sctlr[Sctlr::C] ? decode_walk_attr(fields.irgn, fields.orgn, fields.sh) : decode_walk_attr(0, 0, 2);
  // A TxSZ outside its range is a fault rather than clamped: IMPLEMENTATION DEFINED without 52-bit addresses.
  walk.bad_config = fields.txsz < 16 || fields.txsz > max_txsz(fields.granule, features);
  if (walk.bad_config) return range;
  walk.ia_bits = static_cast<u8>(64 - fields.txsz);
  walk.start_level = static_cast<i8>(s1_start_level(fields.granule, walk.ia_bits));
  set_base(walk, fields.ttbr);
  return range;
}

/// AArch64.S2InvalidSL: start levels that need a large physical address space.
bool s2_level_needs_more_pa(Granule g, int level, unsigned pa_bits) {
  switch (g) {
    case Granule::K4: return level == 0 && pa_bits < 44;
    case Granule::K16: return level == 1 && pa_bits < 42;
    case Granule::K64: return level == 1 && pa_bits < 44;
  }
  return false;
}

WalkParams make_stage2(u64 vtcr, u64 vttbr, const Regime& regime, bool big_endian, const Features& features) {
  WalkParams walk;
  walk.stage = 2;
  walk.granule = granule_tg0(bits(vtcr, 15, 14), features);
  walk.output_bits = output_bits(bits(vtcr, 18, 16), features);
  walk.ha = features.HAFDBS && bit(vtcr, 21);
  walk.hd = walk.ha && bit(vtcr, 22);
  walk.big_endian = big_endian;
  walk.attr = regime.s2_cd ? decode_walk_attr(0, 0, 2)
                           : decode_walk_attr(bits(vtcr, 9, 8), bits(vtcr, 11, 10), bits(vtcr, 13, 12));
  const unsigned t0sz = bits(vtcr, 5, 0);
  const auto level = s2_start_level(walk.granule, bits(vtcr, 7, 6), features.TTST);
  const unsigned min_t0sz = 64u - features.pa_bits;
  walk.bad_config = !level || t0sz < min_t0sz || t0sz > max_txsz(walk.granule, features) ||
                    s2_level_needs_more_pa(walk.granule, *level, features.pa_bits) ||
                    !s2_input_fits(walk.granule, *level, 64 - t0sz);
  if (walk.bad_config) return walk;
  walk.ia_bits = static_cast<u8>(64 - t0sz);
  walk.start_level = static_cast<i8>(*level);
  set_base(walk, vttbr);
  return walk;
}

/// Stage 2 and the HCR_EL2 controls of the EL1&0 regime.
void add_stage2(Regime& regime, const ControlRegs& regs, Hcr hcr, const Features& features) {
  const bool host = hcr[Hcr::E2H] && hcr[Hcr::TGE];
  regime.default_cacheable = hcr[Hcr::DC] && !host;
  regime.s2_enabled = (hcr[Hcr::VM] || hcr[Hcr::DC]) && !host;
  regime.s2_cd = hcr[Hcr::CD];
  regime.s2_id = hcr[Hcr::ID];
  regime.s2_ptw = hcr[Hcr::PTW] && !hcr[Hcr::TGE];
  regime.s2_fwb = features.S2FWB && hcr[Hcr::FWB];
  const bool vmid16 = features.VMID16 && bit(regs.vtcr_el2, 19);
  regime.vmid = static_cast<u16>(bits(regs.vttbr_el2, 63, 48) & (vmid16 ? 0xffff : 0xff));
  const bool big_endian = Sctlr::of(regs.sctlr_el2)[Sctlr::EE];
  regime.s2 = make_stage2(regs.vtcr_el2, regs.vttbr_el2, regime, big_endian, features);
}

u16 select_asid(u64 tcr, u64 ttbr0, u64 ttbr1) {
  const u64 asid = bits(bit(tcr, 22) ? ttbr1 : ttbr0, 63, 48);     // TCR.A1
  return static_cast<u16>(asid & (bit(tcr, 36) ? 0xffff : 0xff));  // TCR.AS
}

/// Bits that a TLB entry's validity depends on. Caches and the MMU switch act at once; the rest may be cached in a TLB.
u16 config_of(const Regime& r, bool stale_controls) {
  u16 config = static_cast<u16>(r.data_cacheable | r.fetch_cacheable << 1);
  if (stale_controls) return config;
  return static_cast<u16>(config | r.s2_enabled << 2 | r.wxn << 3 | r.s2_cd << 4 | r.s2_id << 5 | r.s2_fwb << 6 |
                          r.s2_ptw << 7);
}

/// Attributes while stage 1 is off (AArch64.S1DisabledOutput).
void set_off_attributes(Regime& regime) {
  if (regime.default_cacheable) {
    regime.off_attr[0] = regime.off_attr[1] = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Non);
    return;
  }
  regime.off_attr[0] = device_attr(MemType::Device_nGnRnE);
  const CacheAttr fetch = regime.fetch_cacheable ? kWriteThroughRa : kNonCacheable;
  regime.off_attr[1] = normal_attr(fetch, fetch, Shareability::Outer);
}

}  // namespace

Regime make_regime(const ControlRegs& regs, RegimeId id, const Features& features, bool stale_controls) {
  Regime regime;
  regime.id = id;
  regime.xnx = features.XNX;
  regime.pa_bits = features.pa_bits;
  regime.two_ranges = id != RegimeId::EL2;
  const bool el1 = id == RegimeId::EL10;
  const Hcr hcr = Hcr::of(features.el2 ? regs.hcr_el2 : 0);
  const Sctlr sctlr = Sctlr::of(el1 ? regs.sctlr_el1 : regs.sctlr_el2);
  const u64 tcr = el1 ? regs.tcr_el1 : regs.tcr_el2;
  const u64 ttbr0 = el1 ? regs.ttbr0_el1 : regs.ttbr0_el2, ttbr1 = el1 ? regs.ttbr1_el1 : regs.ttbr1_el2;
  regime.mair = el1 ? regs.mair_el1 : regs.mair_el2;
  regime.s1_enabled = sctlr[Sctlr::M];
  regime.wxn = sctlr[Sctlr::WXN];
  regime.data_cacheable = sctlr[Sctlr::C];
  regime.fetch_cacheable = sctlr[Sctlr::I];
  if (el1 && features.el2) {
    if (hcr[Hcr::DC] || hcr[Hcr::TGE]) regime.s1_enabled = false;
    add_stage2(regime, regs, hcr, features);
  }
  if (regime.two_ranges) {
    regime.asid = select_asid(tcr, ttbr0, ttbr1);
    regime.range[0] = make_range(two_range_fields(tcr, ttbr0, false, features), sctlr, features);
    regime.range[1] = make_range(two_range_fields(tcr, ttbr1, true, features), sctlr, features);
  } else {
    regime.range[0] = make_range(one_range_fields(tcr, ttbr0, features), sctlr, features);
  }
  set_off_attributes(regime);
  regime.config = config_of(regime, stale_controls);
  return regime;
}

RegimeId regime_of(El el, u64 hcr_el2) {
  const Hcr hcr = Hcr::of(hcr_el2);
  if (el == El::EL1) return RegimeId::EL10;
  if (el == El::EL0) return hcr[Hcr::E2H] && hcr[Hcr::TGE] ? RegimeId::EL20 : RegimeId::EL10;
  return hcr[Hcr::E2H] ? RegimeId::EL20 : RegimeId::EL2;
}

}  // namespace farside::mmu
