// core/jit/emit_load_store.cpp - emitters of loads and stores, and the table of all emitters.
#include "core/base/result.h"
#include "core/isa/a64/load_store.inl"
#include "core/jit/emitters.h"

namespace farside::jit {

void register_load_store(EmitterTable& table){
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/load_store.def"
#undef INST
}

EmitterTable::EmitterTable() {
  register_alu(*this);
  register_branch(*this);
  register_system(*this);
  register_load_store(*this);
  register_simd(*this);
  register_simd_load_store(*this);
  register_fp(*this);
  register_atomic(*this);
}

const EmitterTable& emitters() {
  static const EmitterTable table;
  return table;
}

}  // namespace farside::jit
