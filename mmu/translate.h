// mmu/translate.h - from a virtual address and an access to a physical address, or the Fault that it ends in.
#pragma once
#include "core/base/result.h"
#include "mmu/permission.h"
#include "mmu/regime.h"
#include "mmu/tlb.h"
#include "mmu/translation.h"

namespace farside::mmu {

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
