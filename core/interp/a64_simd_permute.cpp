// core/interp/a64_simd_permute.cpp - interpreter handlers of Advanced SIMD permutes, copies and tables.
#include "core/interp/handlers.h"
#include "core/isa/a64/simd_permute.inl"

namespace farside::interp {

void register_simd_permute([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_SPECIALISED_HANDLERS(name, pattern)
#include "core/isa/a64/simd_permute.def"
#undef INST
}

}  // namespace farside::interp
