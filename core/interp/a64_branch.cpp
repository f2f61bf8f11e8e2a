// core/interp/a64_branch.cpp - interpreter handlers of branches and exception generation.
#include "core/interp/handlers.h"
#include "core/isa/a64/branch.inl"

namespace farside::interp {

void register_branch([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/branch.def"
#undef INST
}

}  // namespace farside::interp
