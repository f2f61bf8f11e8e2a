// core/jit/emit_alu.cpp - data processing on general-purpose registers: the generic emitters and those by hand.
#include "core/base/result.h"
#include "core/isa/a64/alu.inl"
#include "core/jit/emitters.h"
#include "core/jit/vector_lanes.h"

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

/// The bits of each byte by table, then the bytes.
template <bool Wide>
void reverse_bits(EmitExec& x, u32 word) {
  VectorKit& k = x.kit();
  const HostReg t = x.temp();
  x.into(x.reg({word >> 5 & 31}, Wide), t);
  const u8 bits = lanes::reverse_bits(k, k.from_general(t, Wide));
  if (k.exhausted()) return x.decline();
  if (k.host().avx) {
    Wide ? k.x86().vmovq(gp(true, t), xmm(bits)) : k.x86().vmovd(gp(false, t), xmm(bits));
  } else {
    Wide ? k.x86().movq(gp(true, t), xmm(bits)) : k.x86().movd(gp(false, t), xmm(bits));
  }
  x.code().bswap(Wide, t);
  x.set_reg({word & 31}, Wide, x.temp_value(t, !Wide));
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
  table.set(isa::A64::RBIT,
            [](EmitExec& x, u32 word) { word >> 31 ? reverse_bits<true>(x, word) : reverse_bits<false>(x, word); });
  table.set(isa::A64::REV_32, &reverse<false>);
  table.set(isa::A64::REV_64, &reverse<true>);
}

}  // namespace farside::jit
