// core/pe/compare.h - in what the states of two PEs differ, for tests of one engine against another.
#pragma once
#include <string>

#include "core/pe/pe.h"

namespace farside::pe {

/// One line for each register, counter or monitor of `actual` that differs from `expected`; empty if they are equal.
std::string compare(const Pe& expected, const Pe& actual);

}  // namespace farside::pe
