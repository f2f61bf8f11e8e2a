// core/interp/a64_fp.cpp - interpreter handlers of scalar floating point.
#include "core/interp/handlers.h"
#include "core/isa/a64/fp.inl"

namespace farside::interp {

void register_fp([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/fp.def"
#undef INST
}

}  // namespace farside::interp
