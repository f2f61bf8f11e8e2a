// core/interp/a64_system.cpp - interpreter handlers of system instructions.
#include "core/interp/handlers.h"
#include "core/isa/a64/system.inl"

namespace farside::interp {

void register_system([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/system.def"
#undef INST
}

}  // namespace farside::interp
