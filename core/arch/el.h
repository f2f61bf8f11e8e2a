// core/arch/el.h - exception levels and translation regimes.
#pragma once
#include "core/base/types.h"

namespace farside {

enum class El : u8 { EL0 = 0, EL1 = 1, EL2 = 2, EL3 = 3 };
constexpr unsigned number(El el) { return static_cast<unsigned>(el); }

/// Which set of translation tables an access uses (Arm ARM D8.1.2).
enum class RegimeId : u8 {
  EL10,  ///< EL1&0: stage 1, and stage 2 when EL2 enables it
  EL2,   ///< EL2 with HCR_EL2.E2H = 0: one VA range
  EL20,  ///< EL2&0 with HCR_EL2.E2H = 1: two VA ranges
};

}  // namespace farside
