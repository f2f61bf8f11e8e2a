// cache/id.h - identification registers that tell the truth about the modelled
// caches.
#pragma once
#include "cache/config.h"

namespace farside::cache {

/// CTR_EL0.
u64 ctr(const Config& config);
/// CLIDR_EL1: split L1, unified L2 where there is one; the levels of unification and of coherency.
u64 clidr(const Config& config);
/// CCSIDR_EL1 (32-bit format) of the cache that CSSELR_EL1 = `select` names; 0
/// where there is none (UNKNOWN).
u64 ccsidr(const Config& config, u64 select);
/// DCZID_EL0.BS: DC ZVA zeroes a line.
constexpr u64 kDczidBlockSize = 4;

}  // namespace farside::cache
