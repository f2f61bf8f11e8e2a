// core/interp/a64_alu.cpp - interpreter handlers of data processing on general-purpose registers.
#include "core/interp/handlers.h"
#include "core/isa/a64/alu.inl"

namespace farside::interp {

void register_alu([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_SPECIALISED_HANDLERS(name, pattern)
#include "core/isa/a64/alu.def"
#undef INST
}

}  // namespace farside::interp
