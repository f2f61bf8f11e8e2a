// core/interp/a64_simd_int.cpp - interpreter handlers of integer Advanced SIMD.
#include "core/interp/handlers.h"
#include "core/isa/a64/simd_int.inl"

namespace farside::interp {

void register_simd_int([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/simd_int.def"
#undef INST
}

}  // namespace farside::interp
