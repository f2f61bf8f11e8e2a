// devices/state.h - the walk over a device's state, under the name by which devices know it.
#pragma once
#include "core/base/state.h"

namespace farside::dev {

using farside::StateHash;
using farside::StateVisitor;

}  // namespace farside::dev
