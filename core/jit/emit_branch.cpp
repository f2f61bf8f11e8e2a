// core/jit/emit_branch.cpp - branches.
#include "core/base/result.h"
#include "core/isa/a64/branch.inl"
#include "core/jit/emitters.h"

namespace farside::jit {

void register_branch(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/branch.def"
#undef INST
}

}  // namespace farside::jit
