// mmu/tlbi.cpp - decodes TLBI instructions and decides which TLB entries they name.
#include "mmu/tlbi.h"

#include "mmu/tlb.h"

namespace farside::mmu {
namespace {

struct Row {
  u8 op1, crm, op2;
  TlbiKind kind;
  TlbiScope scope;
  bool el2;  ///< an E2 form: its regime is EL2 or EL2&0
  bool last_level;
  bool range;
  const char* name;
};

constexpr TlbiScope kLocal = TlbiScope::Local, kIs = TlbiScope::InnerShareable, kOs = TlbiScope::OuterShareable;

/// Every TLBI of CRn = 8, by op1, CRm, op2 (Arm ARM C5.5).
constexpr Row kRows[] = {
    {0, 1, 0, TlbiKind::VmAll, kOs, false, false, false, "vmalle1os"},
    {0, 1, 1, TlbiKind::Va, kOs, false, false, false, "vae1os"},
    {0, 1, 2, TlbiKind::Asid, kOs, false, false, false, "aside1os"},
    {0, 1, 3, TlbiKind::Vaa, kOs, false, false, false, "vaae1os"},
    {0, 1, 5, TlbiKind::Va, kOs, false, true, false, "vale1os"},
    {0, 1, 7, TlbiKind::Vaa, kOs, false, true, false, "vaale1os"},
    {0, 2, 1, TlbiKind::Va, kIs, false, false, true, "rvae1is"},
    {0, 2, 3, TlbiKind::Vaa, kIs, false, false, true, "rvaae1is"},
    {0, 2, 5, TlbiKind::Va, kIs, false, true, true, "rvale1is"},
    {0, 2, 7, TlbiKind::Vaa, kIs, false, true, true, "rvaale1is"},
    {0, 3, 0, TlbiKind::VmAll, kIs, false, false, false, "vmalle1is"},
    {0, 3, 1, TlbiKind::Va, kIs, false, false, false, "vae1is"},
    {0, 3, 2, TlbiKind::Asid, kIs, false, false, false, "aside1is"},
    {0, 3, 3, TlbiKind::Vaa, kIs, false, false, false, "vaae1is"},
    {0, 3, 5, TlbiKind::Va, kIs, false, true, false, "vale1is"},
    {0, 3, 7, TlbiKind::Vaa, kIs, false, true, false, "vaale1is"},
    {0, 5, 1, TlbiKind::Va, kOs, false, false, true, "rvae1os"},
    {0, 5, 3, TlbiKind::Vaa, kOs, false, false, true, "rvaae1os"},
    {0, 5, 5, TlbiKind::Va, kOs, false, true, true, "rvale1os"},
    {0, 5, 7, TlbiKind::Vaa, kOs, false, true, true, "rvaale1os"},
    {0, 6, 1, TlbiKind::Va, kLocal, false, false, true, "rvae1"},
    {0, 6, 3, TlbiKind::Vaa, kLocal, false, false, true, "rvaae1"},
    {0, 6, 5, TlbiKind::Va, kLocal, false, true, true, "rvale1"},
    {0, 6, 7, TlbiKind::Vaa, kLocal, false, true, true, "rvaale1"},
    {0, 7, 0, TlbiKind::VmAll, kLocal, false, false, false, "vmalle1"},
    {0, 7, 1, TlbiKind::Va, kLocal, false, false, false, "vae1"},
    {0, 7, 2, TlbiKind::Asid, kLocal, false, false, false, "aside1"},
    {0, 7, 3, TlbiKind::Vaa, kLocal, false, false, false, "vaae1"},
    {0, 7, 5, TlbiKind::Va, kLocal, false, true, false, "vale1"},
    {0, 7, 7, TlbiKind::Vaa, kLocal, false, true, false, "vaale1"},
    {4, 0, 1, TlbiKind::Ipa, kIs, false, false, false, "ipas2e1is"},
    {4, 0, 2, TlbiKind::Ipa, kIs, false, false, true, "ripas2e1is"},
    {4, 0, 5, TlbiKind::Ipa, kIs, false, true, false, "ipas2le1is"},
    {4, 0, 6, TlbiKind::Ipa, kIs, false, true, true, "ripas2le1is"},
    {4, 1, 0, TlbiKind::All, kOs, true, false, false, "alle2os"},
    {4, 1, 1, TlbiKind::Va, kOs, true, false, false, "vae2os"},
    {4, 1, 4, TlbiKind::All, kOs, false, false, false, "alle1os"},
    {4, 1, 5, TlbiKind::Va, kOs, true, true, false, "vale2os"},
    {4, 1, 6, TlbiKind::VmAllS12, kOs, false, false, false, "vmalls12e1os"},
    {4, 2, 1, TlbiKind::Va, kIs, true, false, true, "rvae2is"},
    {4, 2, 5, TlbiKind::Va, kIs, true, true, true, "rvale2is"},
    {4, 3, 0, TlbiKind::All, kIs, true, false, false, "alle2is"},
    {4, 3, 1, TlbiKind::Va, kIs, true, false, false, "vae2is"},
    {4, 3, 4, TlbiKind::All, kIs, false, false, false, "alle1is"},
    {4, 3, 5, TlbiKind::Va, kIs, true, true, false, "vale2is"},
    {4, 3, 6, TlbiKind::VmAllS12, kIs, false, false, false, "vmalls12e1is"},
    {4, 4, 0, TlbiKind::Ipa, kOs, false, false, false, "ipas2e1os"},
    {4, 4, 1, TlbiKind::Ipa, kLocal, false, false, false, "ipas2e1"},
    {4, 4, 2, TlbiKind::Ipa, kLocal, false, false, true, "ripas2e1"},
    {4, 4, 3, TlbiKind::Ipa, kOs, false, false, true, "ripas2e1os"},
    {4, 4, 4, TlbiKind::Ipa, kOs, false, true, false, "ipas2le1os"},
    {4, 4, 5, TlbiKind::Ipa, kLocal, false, true, false, "ipas2le1"},
    {4, 4, 6, TlbiKind::Ipa, kLocal, false, true, true, "ripas2le1"},
    {4, 4, 7, TlbiKind::Ipa, kOs, false, true, true, "ripas2le1os"},
    {4, 5, 1, TlbiKind::Va, kOs, true, false, true, "rvae2os"},
    {4, 5, 5, TlbiKind::Va, kOs, true, true, true, "rvale2os"},
    {4, 6, 1, TlbiKind::Va, kLocal, true, false, true, "rvae2"},
    {4, 6, 5, TlbiKind::Va, kLocal, true, true, true, "rvale2"},
    {4, 7, 0, TlbiKind::All, kLocal, true, false, false, "alle2"},
    {4, 7, 1, TlbiKind::Va, kLocal, true, false, false, "vae2"},
    {4, 7, 4, TlbiKind::All, kLocal, false, false, false, "alle1"},
    {4, 7, 5, TlbiKind::Va, kLocal, true, true, false, "vale2"},
    {4, 7, 6, TlbiKind::VmAllS12, kLocal, false, false, false, "vmalls12e1"},
};

const Row* find_row(unsigned op1, unsigned crm, unsigned op2, const Features& features) {
  for (const Row& row : kRows) {
    if (row.op1 != op1 || row.crm != crm || row.op2 != op2) continue;
    // Every Outer Shareable form belongs to FEAT_TLBIOS; a range also needs FEAT_TLBIRANGE.
    if (row.scope == TlbiScope::OuterShareable && !features.TLBIOS) return nullptr;
    if (row.range && !features.TLBIRANGE) return nullptr;
    return &row;
  }
  return nullptr;
}

/// log2 of the granule that a TG field of Xt names; 0 for the reserved 0b00.
u8 granule_of_tg(u64 tg) {
  static constexpr u8 kTable[4] = {0, 12, 14, 16};
  return kTable[tg & 3];
}

/// FEAT_TTL: Xt[47:44]. A level at which the granule has no leaf gives no hint.
void set_ttl(TlbiOp& op, u64 xt, const Features& features) {
  const u8 granule = granule_of_tg(bits(xt, 47, 46));
  const auto level = static_cast<i8>(bits(xt, 45, 44));
  if (!features.TTL || granule == 0 || !leaf_allowed(static_cast<Granule>(granule), level)) return;
  op.ttl_level = level;
  op.ttl_granule = granule;
}

/// One page: Xt[43:0] is VA[55:12], or Xt[39:0] is IPA[51:12].
void set_page(TlbiOp& op, u64 xt, bool two_ranges, const Features& features) {
  op.size = 4096;
  if (op.kind == TlbiKind::Ipa) {
    op.base = bits(xt, 39, 0) << 12;
  } else {
    const u64 va = bits(xt, 43, 0) << 12;
    op.base = two_ranges ? static_cast<u64>(sign_extend(va, 56)) : va;
  }
  set_ttl(op, xt, features);
}

/// Xt of the range forms: TG[47:46] SCALE[45:44] NUM[43:39] TTL[38:37] BaseADDR[36:0] (Arm ARM D8.14.7).
void set_range(TlbiOp& op, u64 xt, bool two_ranges) {
  const u8 granule = granule_of_tg(bits(xt, 47, 46));
  if (granule == 0) return;  // reserved: size stays 0 and names nothing
  const u64 base = bits(xt, 36, 0) << granule;
  const bool extend = op.kind != TlbiKind::Ipa && two_ranges;
  op.base = extend ? static_cast<u64>(sign_extend(base, 37u + granule)) : base;
  op.size = (bits(xt, 43, 39) + 1) << (5 * bits(xt, 45, 44) + 1) << granule;
  const auto level = static_cast<i8>(bits(xt, 38, 37));
  if (level == 0 || !leaf_allowed(static_cast<Granule>(granule), level)) return;
  op.ttl_level = level;
  op.ttl_granule = granule;
}

RegimeId regime_for(const Row& row, const TlbiContext& context) {
  if (row.el2) return context.e2h ? RegimeId::EL20 : RegimeId::EL2;
  // E1 forms without a stage-2 part mean the host's own regime for a VHE host (E2H = TGE = 1).
  const bool stage1 = row.op1 == 0;
  return stage1 && context.el == El::EL2 && context.e2h && context.tge ? RegimeId::EL20 : RegimeId::EL10;
}

/// [a, a + size) against [b, b + 2^log2), both possibly ending at 2^64.
bool overlap(u64 a, u64 size, u64 b, unsigned log2) {
  if (size == 0) return false;
  return a <= b + ones(log2) && b <= a + (size - 1);
}

bool level_fits(const TlbiOp& op, const TlbEntry& entry) {
  if (op.ttl_level < 0) return true;
  return op.ttl_level == entry.level && op.ttl_granule == shift(entry.granule);
}

}  // namespace

std::optional<TlbiOp> decode_tlbi(unsigned op1, unsigned crn, unsigned crm, unsigned op2, u64 xt,
                                  const TlbiContext& context) {
  if (crn != 8) return std::nullopt;
  const Row* row = find_row(op1, crm, op2, context.features);
  if (!row) return std::nullopt;
  TlbiOp op;
  op.kind = row->kind;
  op.scope = row->scope;
  op.last_level = row->last_level;
  op.mnemonic = row->name;
  op.vmid = context.vmid;
  op.regime = regime_for(*row, context);
  op.any_asid_tag = op.regime == RegimeId::EL2;
  if (op.scope == TlbiScope::Local && context.fb && context.el == El::EL1) op.scope = TlbiScope::InnerShareable;
  // In the EL2&0 regime VMALLE1 is simply everything: there is no VMID.
  if (op.kind == TlbiKind::VmAll && op.regime == RegimeId::EL20) op.kind = TlbiKind::All;
  op.asid = static_cast<u16>(bits(xt, 63, 48) & (context.asid16 ? 0xffff : 0xff));
  const bool by_address = op.kind == TlbiKind::Va || op.kind == TlbiKind::Vaa || op.kind == TlbiKind::Ipa;
  if (!by_address) return op;
  const bool two_ranges = op.regime != RegimeId::EL2;
  if (row->range) {
    set_range(op, xt, two_ranges);
  } else {
    set_page(op, xt, two_ranges, context.features);
  }
  return op;
}

bool TlbiOp::matches(const TlbEntry& entry) const {
  if (entry.regime != regime) return false;
  const bool stage2 = entry.kind == TlbKind::Stage2;
  const bool same_vm = regime != RegimeId::EL10 || entry.vmid == vmid;
  switch (kind) {
    case TlbiKind::All: return true;
    case TlbiKind::VmAllS12: return same_vm;
    case TlbiKind::VmAll: return same_vm && !stage2;
    case TlbiKind::Asid: return same_vm && !stage2 && !entry.global && entry.asid == asid;
    case TlbiKind::Ipa:
      return same_vm && stage2 && level_fits(*this, entry) && overlap(base, size, entry.input, entry.leaf_size_log2);
    case TlbiKind::Va:
      if (!any_asid_tag && !entry.global && entry.asid != asid) return false;
      [[fallthrough]];
    case TlbiKind::Vaa: {
      // A leaf that stage 2 has split into several entries goes as a whole.
      const u64 leaf = align_down(entry.input, u64{1} << entry.leaf_size_log2);
      return same_vm && !stage2 && level_fits(*this, entry) && overlap(base, size, leaf, entry.leaf_size_log2);
    }
  }
  return false;
}

const char* TlbiOp::name() const { return mnemonic; }

}  // namespace farside::mmu
