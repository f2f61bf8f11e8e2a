// core/isa/a64/crypto.inl - semantics of the cryptographic extensions.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {}
