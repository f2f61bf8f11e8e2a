// core/jit/pointer_loads.h - whether a block follows pointers.
#pragma once
#include "core/base/types.h"

namespace farside::jit {

/// Among the first `count` instructions is a load of pointers whose address is a pointer that was loaded (see
/// RunMember::chases): the block gains from being hot.
bool follows_pointers(const u32* words, unsigned count);

}  // namespace farside::jit
