// mmu/translate.h - from a virtual address and an access to a physical address, or the Fault that it ends in.
#pragma once
#include "core/base/result.h"
#include "mmu/permission.h"
#include "mmu/regime.h"
#include "mmu/tlb.h"

namespace farside::mmu {

/// A translation that succeeded.
struct Translation {
  Pa pa{};
  Ipa ipa{};       ///< equals the PA when stage 2 is off
  MemAttr attr{};  ///< both stages, for this kind of access (data or fetch)
  MemAttr s1_attr{};
  Prot prot{};        ///< for this access's EL and PAN; write is false while a dirty-state update is still to be done
  u8 size_log2 = 12;  ///< the naturally aligned VA range around the address that has this same translation
  u8 leaf_size_log2 = 12;  ///< of the stage-1 leaf (12 when stage 1 is off): TLBI by any VA in it ends this translation
  bool guarded = false;    ///< GP: BTI applies
  bool global = true;      ///< does not depend on the ASID
};

/// Translates `va` for `access`. Finds, in the architecture's order: VA range, walk, AddressSize, Access flag,
/// Alignment (Device memory), Permission; each stage. Side effects: TLB fills and hardware AF/dirty updates only.
/// Alignment that does not depend on the memory type (SCTLR.A, exclusives) is the caller's, before this.
Result<Translation, Fault> translate(const Regime& regime, Va va, const Access& access, DescriptorPort& port, Tlb& tlb);

/// Stage 1 alone: AT S1 instructions. The walk still goes through stage 2, the leaf's output does not: `ipa` and
/// `s1_attr` are the answer, `pa` and `attr` repeat them. Asks the TLB for neither side's VA entries and fills none.
Result<Translation, Fault> translate_stage1(const Regime& regime, Va va, const Access& access, DescriptorPort& port,
                                            Tlb& tlb);

/// Stage 2 alone, for an IPA that no instruction produced (tests, monitor): as the stage-2 half of translate.
Result<Translation, Fault> translate_ipa(const Regime& regime, Ipa ipa, const Access& access, DescriptorPort& port,
                                         Tlb& tlb);

}  // namespace farside::mmu
