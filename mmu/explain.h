// mmu/explain.h - the two-stage walk of one address as a printable tree.
#pragma once
#include <string>

#include "mmu/translate.h"

namespace farside::mmu {

/// Explains how `va` translates for `access`: every descriptor with address, value and decoded fields, the stage-2
/// walk of each stage-1 table access, the combined attributes, or the fault. Reads through `port` only (give it one
/// that peeks); nothing is updated and the TLB is not asked.
std::string explain(const Regime& regime, Va va, const Access& access, DescriptorPort& port);

}  // namespace farside::mmu
