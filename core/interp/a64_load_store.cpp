// core/interp/a64_load_store.cpp - interpreter handlers of loads and stores of registers.
#include "core/interp/handlers.h"
#include "core/isa/a64/load_store.inl"

namespace farside::interp {

void register_load_store([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_SPECIALISED_HANDLERS(name, pattern)
#include "core/isa/a64/load_store.def"
#undef INST
}

}  // namespace farside::interp
