// mmu/at.cpp - address translation instructions.
#include "mmu/at.h"

#include "core/arch/esr.h"

namespace farside::mmu {
namespace {

struct Row {
  u8 op1, crm, op2;
  El el;
  bool write, pan, both_stages;
};

/// SYS #op1, C7, C<CRm>, #op2 (Arm ARM C5.5, AT instructions).
constexpr Row kRows[] = {
    {0, 8, 0, El::EL1, false, false, false},  // S1E1R
    {0, 8, 1, El::EL1, true, false, false},   // S1E1W
    {0, 8, 2, El::EL0, false, false, false},  // S1E0R
    {0, 8, 3, El::EL0, true, false, false},   // S1E0W
    {0, 9, 0, El::EL1, false, true, false},   // S1E1RP
    {0, 9, 1, El::EL1, true, true, false},    // S1E1WP
    {4, 8, 0, El::EL2, false, false, false},  // S1E2R
    {4, 8, 1, El::EL2, true, false, false},   // S1E2W
    {4, 8, 4, El::EL1, false, false, true},   // S12E1R
    {4, 8, 5, El::EL1, true, false, true},    // S12E1W
    {4, 8, 6, El::EL0, false, false, true},   // S12E0R
    {4, 8, 7, El::EL0, true, false, true},    // S12E0W
};

/// PAR_EL1 for success (AArch64.EncodePAR).
u64 par_for_translation(u64 address, const MemAttr& attr) {
  const MemAttr effective = with_effective_shareability(attr);
  u64 par = u64{1} << 11;  // RES1
  par |= static_cast<u64>(effective.shareability) << 7;
  par |= address & ones(48) & ~ones(12);
  par |= u64{encode_mair(attr)} << 56;
  return par;
}

bool is_external(FaultKind kind) { return kind == FaultKind::SyncExternal || kind == FaultKind::SyncExternalOnWalk; }

}  // namespace

std::optional<AtOp> decode_at(unsigned op1, unsigned crm, unsigned op2, u64 hcr_el2, const Features& features) {
  for (const Row& row : kRows) {
    if (row.op1 != op1 || row.crm != crm || row.op2 != op2) continue;
    if (row.pan && !features.PAN2) return std::nullopt;
    AtOp op{.el = row.el, .write = row.write, .pan = row.pan, .both_stages = row.both_stages};
    // S1E1 and S1E0 of a VHE host mean its own regime; S12 forms always mean EL1&0 (AArch64.AT).
    const bool host = bit(hcr_el2, 34) && bit(hcr_el2, 27);
    if (row.el == El::EL2) {
      op.regime = bit(hcr_el2, 34) ? RegimeId::EL20 : RegimeId::EL2;
    } else if (host && !row.both_stages) {
      op.regime = RegimeId::EL20;
      if (row.el == El::EL1) op.el = El::EL2;
    }
    return op;
  }
  return std::nullopt;
}

Result<u64, Fault> address_translate(const Regime& regime, const AtOp& op, const AtContext& context, Va va,
                                     DescriptorPort& port, Tlb& tlb) {
  const Access access{
      .kind = AccessKind::AddressTranslation, .el = op.el, .pan = op.pan && context.pan, .at_write = op.write};
  const Result<Translation, Fault> got =
      op.both_stages ? translate(regime, va, access, port, tlb) : translate_stage1(regime, va, access, port, tlb);
  if (got.ok()) {
    const Translation& t = got.value();
    return op.both_stages ? par_for_translation(t.pa.value, t.attr) : par_for_translation(t.ipa.value, t.s1_attr);
  }
  const Fault& fault = got.error();
  if (is_external(fault.kind) || (context.el == El::EL1 && fault.s1ptw)) return fault;
  return par_for_fault(fault);
}

}  // namespace farside::mmu
