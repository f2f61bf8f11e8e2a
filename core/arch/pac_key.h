// core/arch/pac_key.h - the four pointer keys of FEAT_PAuth.
#pragma once
#include "core/base/types.h"

namespace farside {

/// APIAKey, APIBKey, APDAKey and APDBKey.
enum class PacKey : u8 { IA, IB, DA, DB };

}  // namespace farside
