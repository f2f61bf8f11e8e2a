// core/jit/emit_simd_fp.cpp - the emitters of scalar and vector floating-point forms.
#include "core/base/result.h"
#include "core/isa/a64/fp.inl"
#include "core/isa/a64/simd_fp.inl"
#include "core/jit/emitters.h"

namespace farside::jit {

void register_fp(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/fp.def"
#include "core/isa/a64/simd_fp.def"
#undef INST
  register_fp_rules(table);
}

}  // namespace farside::jit
