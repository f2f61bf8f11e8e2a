// core/isa/a64/branch.inl - semantics of branches and exception generation.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
