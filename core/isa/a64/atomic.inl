// core/isa/a64/atomic.inl - semantics of exclusives and atomics.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
