// cache/access.h - who accesses memory, how, and for what: the context of one
// access to the hierarchy.
#pragma once
#include "core/arch/el.h"
#include "core/arch/mem_attr.h"
#include "core/base/addr.h"

namespace farside::cache {

/// Bytes of a line in every cache of the model, as CTR_EL0.{IminLine,DminLine}
/// report.
constexpr u64 kLine = 64;

/// Who asks. Host is the VMM or the hypervisor through its own cacheable alias.
enum class AccessKind : u8 { Data, Fetch, Walk, Dma, Host };

/// One access. Only `core`, `kind`, `attr`, `vmid`, `asid`, `va` (index of
/// virtually indexed instruction caches) and the two flags decide anything; the
/// rest is what reports and histories say about it.
struct AccessInfo {
  u32 core = 0;
  AccessKind kind = AccessKind::Data;
  El el = El::EL1;
  /// SCTLR_ELx.C = 0 is the only reason why `attr` is not write-back (the knob
  /// c0_policy decides about such accesses).
  bool cache_disabled = false;
  /// DMA of a device that is connected coherently: it snoops the caches.
  bool coherent_dma = false;
  u16 vmid = 0, asid = 0;
  MemAttr attr{};      ///< final: both stages combined, controls applied
  MemAttr s1{}, s2{};  ///< for reports
  u64 pc = 0, va = 0, ipa = 0;
};

/// Normal Inner Shareable Write-Back, what Linux maps RAM with.
constexpr MemAttr kWriteBackIsh = normal_attr(kWriteBackRaWa, kWriteBackRaWa, Shareability::Inner);

}  // namespace farside::cache
