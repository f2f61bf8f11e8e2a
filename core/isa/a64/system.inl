// core/isa/a64/system.inl - semantics of system instructions.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
