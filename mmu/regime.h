// mmu/regime.h - a translation regime: parameters derived once from the control registers.
#pragma once
#include "core/arch/el.h"
#include "core/arch/features.h"
#include "mmu/walk.h"

namespace farside::mmu {

/// The system registers that translation reads, as software wrote them.
struct ControlRegs {
  u64 sctlr_el1 = 0, tcr_el1 = 0, ttbr0_el1 = 0, ttbr1_el1 = 0, mair_el1 = 0;
  u64 sctlr_el2 = 0, tcr_el2 = 0, ttbr0_el2 = 0, ttbr1_el2 = 0, mair_el2 = 0;
  u64 hcr_el2 = 0, vtcr_el2 = 0, vttbr_el2 = 0;
};

/// One VA range of stage 1: TTBR0 or TTBR1.
struct VaRange {
  WalkParams walk{};
  bool tbi = false;   ///< top byte ignored for data
  bool tbid = false;  ///< ... but not for instruction fetches
  bool e0pd = false;  ///< EL0 gets a Translation fault
};

/// Everything that translation of one regime needs, derived from the registers by make_regime.
struct Regime {
  RegimeId id = RegimeId::EL10;
  bool s1_enabled = false;
  bool s2_enabled = false;
  bool two_ranges = true;  ///< VA[55] selects; false: only range[0] exists (EL2)
  VaRange range[2]{};
  WalkParams s2{};
  u64 mair = 0;
  u16 asid = 0, vmid = 0;
  u16 config = 0;  ///< control bits that a TLB entry depends on, see make_regime
  bool wxn = false;
  bool data_cacheable = false;     ///< SCTLR.C (or DC)
  bool fetch_cacheable = false;    ///< SCTLR.I (or DC)
  bool default_cacheable = false;  ///< HCR_EL2.DC is in force
  bool s2_fwb = false, s2_cd = false, s2_id = false, s2_ptw = false;
  bool xnx = false;
  u8 pa_bits = 48;        ///< PARange of this PE
  MemAttr off_attr[2]{};  ///< stage 1 disabled: data and fetch
};

/// Derives a regime. `stale_controls` (mmu/knobs.h) leaves cacheable control bits out of `config`, so that old TLB
/// entries survive their change.
Regime make_regime(const ControlRegs& regs, RegimeId id, const Features& features, bool stale_controls = false);

/// The regime that an access from `el` uses (Arm ARM D8.1.2), from HCR_EL2.{E2H,TGE}.
RegimeId regime_of(El el, u64 hcr_el2);

}  // namespace farside::mmu
