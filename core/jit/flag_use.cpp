// core/jit/flag_use.cpp - walks a block backwards over what its instructions do with the condition flags.
#include "core/jit/flag_use.h"

#include <bit>

#include "core/base/bits.h"
#include "core/jit/access_runs.h"

namespace farside::jit {
namespace {

using isa::A64;

constexpr u8 kN = 8, kZ = 4, kC = 2, kV = 1, kAll = 15;

/// The flags that decide condition `code` and its opposite.
u8 flags_of(u32 code) {
  constexpr u8 kFlags[] = {kZ, kC, kN, kV, kC | kZ, kN | kV, kN | kZ | kV, 0};
  return kFlags[code >> 1 & 7];
}

/// What an instruction does with flags. `plain`: it computes and nothing else, so it cannot leave the block.
struct Effect {
  bool plain = false;
  u8 reads = 0;
  bool writes = false;
};

Effect effect_of(A64 form, u32 word) {
  switch (form) {
    case A64::ADDS_imm:
    case A64::SUBS_imm:
    case A64::ANDS_imm:
    case A64::ANDS_shift:
    case A64::BICS_shift:
    case A64::ADDS_shift:
    case A64::SUBS_shift:
    case A64::ADDS_ext:
    case A64::SUBS_ext: return {.plain = true, .writes = true};
    case A64::ADC:
    case A64::SBC: return {.plain = true, .reads = kC};
    case A64::ADCS:
    case A64::SBCS: return {.plain = true, .reads = kC, .writes = true};
    case A64::CCMN_reg:
    case A64::CCMP_reg:
    case A64::CCMN_imm:
    case A64::CCMP_imm: return {.plain = true, .reads = flags_of(word >> 12), .writes = true};
    case A64::CSEL:
    case A64::CSINC:
    case A64::CSINV:
    case A64::CSNEG: return {.plain = true, .reads = flags_of(word >> 12)};
    case A64::PACGA:
    case A64::RMIF:
    case A64::SETF8:
    case A64::SETF16: return {};
    default: break;
  }
  const bool authenticates = form >= A64::PACIA && form <= A64::XPACD;
  return {.plain = form >= A64::ADR && form <= A64::UMULH && !authenticates};
}

bool is_select(A64 form) { return form == A64::CSEL || form == A64::CSINC || form == A64::CSINV || form == A64::CSNEG; }

/// CMP, CMN and TST of a register with another or with a constant, no operand shifted: cheap to do again.
bool is_plain_comparison(A64 form, u32 word) {
  if ((word & 31) != 31) return false;
  switch (form) {
    case A64::ADDS_imm:
    case A64::SUBS_imm: return (word >> 5 & 31) != 31;  // not of SP
    case A64::ANDS_imm: return true;
    case A64::ADDS_shift:
    case A64::SUBS_shift:
    case A64::ANDS_shift: return (word & 0x00c0fc00) == 0;
    default: return false;
  }
}

/// The comparison at `i` may be emitted where its flags are read, for only conditional selections read them, and those
/// before the last leave its operands alone. Marks what follows up to the last reader.
bool may_defer(const A64* forms, const u32* words, unsigned count, unsigned i, FlagUse& use) {
  const bool has_rm = forms[i] != A64::ADDS_imm && forms[i] != A64::SUBS_imm && forms[i] != A64::ANDS_imm;
  const u32 rn = words[i] >> 5 & 31, rm = has_rm ? words[i] >> 16 & 31 : rn;
  unsigned last = i;
  bool operands_changed = false;
  for (unsigned j = i + 1;; ++j) {
    if (j == count || use.opaque[j]) return false;
    const Effect effect = effect_of(forms[j], words[j]);
    if (!effect.plain) return false;
    if (effect.reads != 0) {
      if (!is_select(forms[j]) || operands_changed) return false;
      last = j;
    }
    if (effect.writes) break;
    const u32 rd = words[j] & 31;
    operands_changed |= rd == rn || rd == rm;
  }
  for (unsigned j = i + 1; j <= last; ++j) use.waiting[j] = true;
  return true;
}

/// Whether an instruction that is an integer access, a branch or plain may change Xr.
bool may_change(A64 form, u32 word, u32 r) {
  if (form == A64::B_cond || form == A64::B || r == 31) return false;
  if (!is_integer_access(form, word)) return (word & 31) == r;
  const bool pair = (word >> 27 & 7) == 5;
  return (word & 31) == r || (word >> 5 & 31) == r || (pair && (word >> 10 & 31) == r);
}

/// Makes the accesses in the mask `behind` repeat the comparison at `i`; false if its operands may change before.
bool repeat(const A64* forms, const u32* words, unsigned i, u64 behind, FlagUse& use) {
  const bool has_rm = forms[i] != A64::ADDS_imm && forms[i] != A64::SUBS_imm && forms[i] != A64::ANDS_imm;
  const u32 rn = words[i] >> 5 & 31, rm = has_rm ? words[i] >> 16 & 31 : rn;
  const unsigned last = static_cast<unsigned>(std::bit_width(behind)) - 1;
  for (unsigned j = i + 1; j < last; ++j)
    if (may_change(forms[j], words[j], rn) || may_change(forms[j], words[j], rm)) return false;
  for (; behind != 0; behind &= behind - 1)
    use.repeated[static_cast<unsigned>(std::countr_zero(behind))] = static_cast<u8>(i + 1);
  return true;
}

/// B.cond right behind what sets its flags: they are the host's there. HI and LS change them unless it subtracts.
bool finds_host_flags(const A64* forms, const u32* words, unsigned i, const FlagUse& use) {
  if (forms[i] != A64::B_cond || i == 0 || use.opaque[i - 1]) return false;
  switch (forms[i - 1]) {
    case A64::SUBS_imm:
    case A64::SUBS_shift:
    case A64::SUBS_ext: return true;
    case A64::ADDS_imm:
    case A64::ADDS_shift:
    case A64::ADDS_ext:
    case A64::ANDS_imm:
    case A64::ANDS_shift: return (words[i] >> 1 & 7) != 4;
    default: return false;
  }
}

/// As a rule emitted without touching the host's flags. Where this is wrong the block is emitted again.
bool leaves_host_flags(A64 form, u32 word) {
  switch (form) {
    case A64::UMULH:
    case A64::MOVZ:
    case A64::MOVN: return true;
    case A64::MADD: return word >> 31 == 1 && (word >> 10 & 31) == 31;
    case A64::ORR_shift: return (word >> 5 & 31) == 31 && (word & 0x00c0fc00) == 0;
    default: return false;
  }
}

}  // namespace

void find_flag_use(const A64* forms, const u32* words, unsigned count, FlagUse& use) {
  u8 needed = kAll;
  bool kept = false;  // from here on the carry would reach its reader in the host's flags
  u64 accesses = 0;   // from here on, for whose slow paths alone flags are needed
  use.repeated.fill(0);
  for (unsigned i = count; i-- > 0;) {
    const Effect effect = use.opaque[i] ? Effect{} : effect_of(forms[i], words[i]);
    use.needed[i] = needed;
    use.kept[i] = kept && needed == kC;
    use.saved_outside[i] = use.inner[i] && finds_host_flags(forms, words, i, use);
    if (use.saved_outside[i] || (use.inner[i] && forms[i] == A64::B)) {
      kept = false;
      continue;
    }
    if (use.repeats && needed != kAll && !use.opaque[i] && is_integer_access(forms[i], words[i])) {
      accesses |= u64{1} << i;
      kept = false;
      continue;
    }
    if (!effect.plain) {
      needed = kAll;
      kept = false;
      accesses = 0;
      continue;
    }
    if (effect.writes) {
      const bool repeats = needed == 0 && is_plain_comparison(forms[i], words[i]);
      if (accesses != 0 && !(repeats && repeat(forms, words, i, accesses, use))) {
        use.needed[i] = kAll;
        use.kept[i] = false;
      }
      accesses = 0;
      needed = 0;
    }
    needed |= effect.reads;
    const bool adds_carry = effect.reads == kC && (forms[i] == A64::ADCS || forms[i] == A64::SBCS ||
                                                   forms[i] == A64::ADC || forms[i] == A64::SBC);
    kept = adds_carry ? effect.writes || (use.needed[i] & kC) == 0 : kept && leaves_host_flags(forms[i], words[i]);
  }
  use.waiting.fill(false);
  for (unsigned i = 0; i < count; ++i)
    use.deferred[i] =
        !use.opaque[i] && is_plain_comparison(forms[i], words[i]) && may_defer(forms, words, count, i, use);
}

}  // namespace farside::jit
