// core/jit/emit_simd.cpp - the emitters of integer SIMD and cryptographic forms, and the table of pure functions.
#include "core/base/result.h"
#include "core/isa/a64/crypto.inl"
#include "core/isa/a64/simd_int.inl"
#include "core/isa/a64/simd_permute.inl"
#include "core/jit/emitters.h"

namespace farside::jit {

PureTable::PureTable() {
  register_simd_integer(*this);
  register_simd_shift(*this);
  register_simd_permute(*this);
  register_fp_arithmetic(*this);
  register_fp_convert(*this);
  register_fp_half(*this);
  register_crypto(*this);
}

const PureTable& pure_table() {
  static const PureTable table;
  return table;
}

void emit_pure(PureCall& call, const void* function) {
  const PureRow* const row = pure_table().find(function);
  if (row == nullptr) return call.x.decline();
  row->emit(call, *row);
  if (call.kit.exhausted()) call.x.decline();
}

void register_simd(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/crypto.def"
#include "core/isa/a64/simd_int.def"
#include "core/isa/a64/simd_permute.def"
#undef INST
}

}  // namespace farside::jit
