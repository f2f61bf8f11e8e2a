// core/isa/a64/simd_load_store.inl - semantics of loads and stores of structures.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
