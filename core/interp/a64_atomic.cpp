// core/interp/a64_atomic.cpp - interpreter handlers of exclusives and atomics.
#include "core/interp/handlers.h"
#include "core/isa/a64/atomic.inl"

namespace farside::interp {

void register_atomic([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_SPECIALISED_HANDLERS(name, pattern)
#include "core/isa/a64/atomic.def"
#undef INST
}

}  // namespace farside::interp
