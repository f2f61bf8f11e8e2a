// mmu/translation.h - the result of a translation that succeeded.
#pragma once
#include "core/arch/mem_attr.h"
#include "mmu/permission.h"

namespace farside::mmu {

/// What is the same for every address of a TLB entry; entries keep it ready, so that a hit is one copy.
struct TranslationFacts {
  MemAttr attr{};  ///< both stages, for this kind of access (data or fetch)
  MemAttr s1_attr{};
  u8 size_log2 = 12;       ///< the naturally aligned VA range around the address that has this same translation
  u8 leaf_size_log2 = 12;  ///< of the stage-1 leaf (12 when stage 1 is off): TLBI by any VA in it ends this translation
  bool guarded = false;    ///< GP: BTI applies
  bool global = true;      ///< does not depend on the ASID
  Prot prot{};             ///< for this access's EL and PAN; write is false while a dirty-state update is to be done
};

/// A translation that succeeded.
struct Translation : TranslationFacts {
  Pa pa{};
  Ipa ipa{};  ///< equals the PA when stage 2 is off
};

}  // namespace farside::mmu
