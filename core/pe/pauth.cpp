// core/pe/pauth.cpp - pointer authentication with an IMPLEMENTATION DEFINED algorithm (ID_AA64ISAR1_EL1.API = 1).
#include <algorithm>

#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

/// The two halves of a product, folded: every bit of either factor reaches every bit.
u64 fold_product(u64 a, u64 b) {
  const u128 product = static_cast<u128>(a) * b;
  return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
}

bool is_instruction_key(PacKey key) { return key == PacKey::IA || key == PacKey::IB; }
bool is_b_key(PacKey key) { return key == PacKey::IB || key == PacKey::DB; }

constexpr SysReg key_register(PacKey key) {
  constexpr SysReg first[] = {SysReg::APIAKeyLo_EL1, SysReg::APIBKeyLo_EL1, SysReg::APDAKeyLo_EL1,
                              SysReg::APDBKeyLo_EL1};
  return first[static_cast<u8>(key)];
}

/// `pointer` with its PAC field and, without TBI, its top byte replaced by copies of `sign`.
u64 extended(u64 pointer, bool sign, unsigned bottom, bool tbi) {
  return with_bits(pointer, tbi ? 55 : 63, bottom, sign ? ~u64{0} : 0);
}

}  // namespace

u64 Pe::compute_pac(u64 data, u64 modifier, SysReg key) const {
  const u64 lo = s.sys[key], hi = s.sys[sysreg_at(key, 1)];
  const u64 state = fold_product(data ^ lo ^ 0xd6e8feb86659fd93, modifier ^ hi ^ 0xca9b0c7ebcd1a4f5);
  return fold_product(state ^ lo, 0x9e3779b97f4a7c15) ^ hi;
}

/// Layout of the PAC field of an address whose range is chosen by `upper` (EffectiveTBI, CalculateBottomPACBit).
Pe::PacField Pe::pac_field(bool upper, bool instruction) const {
  const RegimeId id = mmu::regime_of(el(), hcr());
  const u64 tcr = s.sys[id == RegimeId::EL10 ? SysReg::TCR_EL1 : SysReg::TCR_EL2];
  PacField field;
  u64 size;
  if (id == RegimeId::EL2) {
    field.tbi = bit(tcr, 20) && !(instruction && bit(tcr, 29));
    field.any_tbi = field.tbi;
    size = bits(tcr, 5, 0);
  } else {
    const bool tbi0 = bit(tcr, 37) && !(instruction && bit(tcr, 51)),
               tbi1 = bit(tcr, 38) && !(instruction && bit(tcr, 52));
    field.tbi = upper ? tbi1 : tbi0;
    field.any_tbi = tbi0 || tbi1;
    size = upper ? bits(tcr, 21, 16) : bits(tcr, 5, 0);
  }
  const u64 largest = features().TTST ? 48 : 39;
  field.bottom = static_cast<unsigned>(64 - std::clamp<u64>(size, 16, largest));
  return field;
}

bool Pe::pac_enabled(PacKey key) const {
  constexpr u64 enables[] = {Sctlr::EnIA.mask, Sctlr::EnIB.mask, Sctlr::EnDA.mask, Sctlr::EnDB.mask};
  return (sctlr() & enables[static_cast<u8>(key)]) != 0;
}

/// HCR_EL2.API = 0 traps the instructions below EL2, except under a VHE host. True: the trap is pending.
bool Pe::pac_trapped() {
  if (!features().el2 || el() == El::EL2 || has(Hcr::API.mask) || at_e2h(el())) return false;
  raise(Ec::PAUTH, 0, 0, El::EL2);
  return true;
}

bool Pe::pac_masks(u64 (&masks)[2]) {
  masks[0] = masks[1] = 0;
  if (!pac_enabled(PacKey::IA)) return true;
  if (features().el2 && el() != El::EL2 && !has(Hcr::API.mask) && !at_e2h(el())) return false;
  for (const bool upper : {false, true}) {
    const PacField field = pac_field(upper, true);
    masks[upper] = (ones(55) & ~ones(field.bottom)) | (field.tbi ? 0 : ~ones(56));
  }
  return true;
}

bool Pe::add_pac(u64& value, u64 modifier, PacKey key) {
  if (!pac_enabled(key)) return true;
  if (pac_trapped()) return false;
  const bool instruction = is_instruction_key(key);
  PacField field = pac_field(bit(value, 55), instruction);
  // With TBI bits 63:56 say nothing about the range; without it bit 63 is what the address should have been.
  const bool sign = bit(value, field.any_tbi ? 55 : 63);
  const bool tbi = field.tbi;
  field.bottom = pac_field(sign, instruction).bottom;
  u64 pac = compute_pac(extended(value, sign, field.bottom, tbi), modifier, key_register(key));
  const unsigned top = tbi ? 55 : 63;
  const u64 extension = bits(value, top, field.bottom);
  // A pointer that was not canonical must not become a good one: its PAC is corrupted.
  if (extension != 0 && extension != ones(top - field.bottom + 1)) pac ^= u64{1} << (top - 1);
  const u64 low = value & ones(field.bottom);
  const u64 high = (tbi ? value : pac) & ~ones(56);
  value = high | u64{sign} << 55 | (pac & ones(55) & ~ones(field.bottom)) | low;
  return true;
}

bool Pe::auth_pac(u64& value, u64 modifier, PacKey key) {
  if (!pac_enabled(key)) return true;
  if (pac_trapped()) return false;
  const bool upper = bit(value, 55);
  const PacField field = pac_field(upper, is_instruction_key(key));
  const u64 original = extended(value, upper, field.bottom, field.tbi);
  const u64 pac = compute_pac(original, modifier, key_register(key));
  const u64 compared = (ones(55) & ~ones(field.bottom)) | (field.tbi ? 0 : ~ones(56));
  const u64 error = is_b_key(key) ? 2 : 1;
  if (((pac ^ value) & compared) == 0) {
    value = original;
  } else {
    value = field.tbi ? with_bits(original, 54, 53, error) : with_bits(original, 62, 61, error);
  }
  return true;
}

u64 Pe::strip_pac(u64 value, bool instruction) const {
  const bool upper = bit(value, 55);
  const PacField field = pac_field(upper, instruction);
  return extended(value, upper, field.bottom, field.tbi);
}

bool Pe::generic_pac(u64& result, u64 value, u64 modifier) {
  if (pac_trapped()) return false;
  result = compute_pac(value, modifier, SysReg::APGAKeyLo_EL1) & ~ones(32);
  return true;
}

}  // namespace farside::pe
