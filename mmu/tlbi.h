// mmu/tlbi.h - TLB invalidation as a value: decoded in one place, applied in another.
#pragma once
#include <optional>

#include "core/arch/el.h"
#include "core/arch/features.h"
#include "core/base/addr.h"

namespace farside::mmu {

struct TlbEntry;

/// Which entries a TLBI names.
enum class TlbiKind : u8 {
  Va,        ///< by VA and ASID (global entries whatever their ASID): VAE1, VALE1, VAE2, RVAE1 ...
  Vaa,       ///< by VA, every ASID: VAAE1, VAALE1, RVAAE1 ...
  Asid,      ///< every non-global entry of one ASID: ASIDE1
  All,       ///< a whole regime: ALLE1 (every VMID, stage 2 too), ALLE2
  VmAll,     ///< stage 1 of one VMID, combined entries with it: VMALLE1
  VmAllS12,  ///< both stages of one VMID: VMALLS12E1
  Ipa,       ///< stage-2-only entries by IPA: IPAS2E1, IPAS2LE1, RIPAS2E1 ...
};

/// Who must apply it.
enum class TlbiScope : u8 { Local, InnerShareable, OuterShareable };

/// One TLBI. `base` and `size` are used by Va, Vaa and Ipa only, in bytes of VA or IPA.
struct TlbiOp {
  TlbiKind kind = TlbiKind::All;
  RegimeId regime = RegimeId::EL10;
  TlbiScope scope = TlbiScope::Local;
  bool last_level = false;    ///< leaf entries only; all that this TLB keeps are leaves
  bool any_asid_tag = false;  ///< the regime has no ASIDs (EL2 with E2H = 0)
  u16 vmid = 0;
  u16 asid = 0;
  u64 base = 0;
  u64 size = 0;        ///< a power of two for single addresses, else any multiple of the granule
  i8 ttl_level = -1;   ///< 0..3: only entries whose leaf was at this level need to go; -1: any level
  u8 ttl_granule = 0;  ///< log2 of the granule that ttl_level belongs to; 0: unknown

  const char* mnemonic = "tlbi";  ///< static text, set by decode_tlbi

  /// True when the architecture requires that `entry` goes.
  bool matches(const TlbEntry& entry) const;
  /// For traces: `vae1is`, `vmalls12e1` ... in the assembler's spelling without range details.
  const char* name() const;
};

/// What decoding needs to know about the PE that executes the instruction.
struct TlbiContext {
  El el = El::EL1;      ///< where it executes: EL1 or EL2
  u16 vmid = 0;         ///< VTTBR_EL2.VMID, already cut to its width
  bool e2h = false;     ///< HCR_EL2.E2H
  bool tge = false;     ///< HCR_EL2.TGE
  bool fb = false;      ///< HCR_EL2.FB: EL1's local forms become Inner Shareable
  bool asid16 = true;   ///< TCR_ELx.AS of the regime: 8-bit ASIDs ignore the upper byte
  Features features{};  ///< TLBIOS, TLBIRANGE, TTL
};

/// Decodes SYS #op1, C<CRn>, C<CRm>, #op2, Xt. Empty when it is not a TLBI that these features have (UNDEFINED).
/// Traps and the UNDEFINED rules of exception levels are the caller's.
std::optional<TlbiOp> decode_tlbi(unsigned op1, unsigned crn, unsigned crm, unsigned op2, u64 xt,
                                  const TlbiContext& context);

}  // namespace farside::mmu
