// core/interp/a64_crypto.cpp - interpreter handlers of the cryptographic extensions.
#include "core/interp/handlers.h"
#include "core/isa/a64/crypto.inl"

namespace farside::interp {

void register_crypto([[maybe_unused]] HandlerTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)
#include "core/isa/a64/crypto.def"
#undef INST
}

}  // namespace farside::interp
