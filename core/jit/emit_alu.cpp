// core/jit/emit_alu.cpp - data processing on general-purpose registers: the generic emitters and those by hand.
#include "core/base/result.h"
#include "core/isa/a64/alu.inl"
#include "core/jit/emitters.h"

namespace farside::jit {
namespace {

using isa::Imm;

CondCode code_of(u32 word) { return static_cast<CondCode>(word >> 12 & 15); }

/// CCMP and CCMN, register (bit 11 clear) and immediate.
template <bool Negative>
void conditional_compare(EmitExec& x, u32 word) {
  const bool sf = word >> 31, immediate = bit(word, 11);
  const RegNo rn{word >> 5 & 31}, rm{word >> 16 & 31};
  x.conditional_compare(code_of(word), Negative, x.reg(rn, sf), immediate ? x.imm(rm) : x.reg(rm, sf), sf, word & 15);
}

template <bool Wide>
void reverse(EmitExec& x, u32 word) {
  x.set_reg({word & 31}, Wide, x.swap_bytes(x.reg({word >> 5 & 31}, Wide), Wide));
}

}  // namespace

void register_alu(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/alu.def"
#undef INST
  table.set(isa::A64::CCMP_reg, &conditional_compare<false>);
  table.set(isa::A64::CCMP_imm, &conditional_compare<false>);
  table.set(isa::A64::CCMN_reg, &conditional_compare<true>);
  table.set(isa::A64::CCMN_imm, &conditional_compare<true>);
  table.set(isa::A64::REV_32, &reverse<false>);
  table.set(isa::A64::REV_64, &reverse<true>);
}

}  // namespace farside::jit
