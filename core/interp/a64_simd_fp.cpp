// core/interp/a64_simd_fp.cpp - interpreter handlers of floating-point Advanced SIMD.
#include "core/interp/handlers.h"
#include "core/isa/a64/simd_fp.inl"

namespace farside::interp {

void register_simd_fp([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/simd_fp.def"
#undef INST
}

}  // namespace farside::interp
