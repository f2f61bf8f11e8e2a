// core/interp/a64_simd_load_store.cpp - interpreter handlers of loads and stores of structures.
#include "core/interp/handlers.h"
#include "core/isa/a64/simd_load_store.inl"

namespace farside::interp {

void register_simd_load_store([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/simd_load_store.def"
#undef INST
}

}  // namespace farside::interp
