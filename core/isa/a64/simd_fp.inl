// core/isa/a64/simd_fp.inl - semantics of floating-point Advanced SIMD.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
