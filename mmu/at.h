// mmu/at.h - address translation instructions: PAR_EL1, or the exception that AT ends in.
#pragma once
#include <optional>

#include "mmu/translate.h"

namespace farside::mmu {

/// One AT instruction.
struct AtOp {
  RegimeId regime = RegimeId::EL10;  ///< as the instruction names it: E1 and E0 forms follow E2H and TGE
  El el = El::EL1;                   ///< whose permissions
  bool write = false;
  bool pan = false;          ///< S1E1RP, S1E1WP: PSTATE.PAN is honoured
  bool both_stages = false;  ///< S12: PAR holds a PA
};

/// Decodes SYS #op1, C7, C<CRm>, #op2; empty when it is not an AT that `features` have. `hcr_el2` decides whether E1
/// forms executed at EL2 mean the EL2&0 regime. Traps and UNDEFINED rules are the caller's.
std::optional<AtOp> decode_at(unsigned op1, unsigned crm, unsigned op2, u64 hcr_el2, const Features& features);

/// Who executes it.
struct AtContext {
  El el = El::EL1;   ///< executing exception level
  bool pan = false;  ///< PSTATE.PAN
};

/// Performs `op` on `va` with `regime` (which must be op.regime's): PAR_EL1 for success and for recorded faults, or a
/// Fault to raise: an external abort on a walk, or at EL1 a stage-2 fault on the stage-1 walk of an S1 form.
Result<u64, Fault> address_translate(const Regime& regime, const AtOp& op, const AtContext& context, Va va,
                                     DescriptorPort& port, Tlb& tlb);

}  // namespace farside::mmu
