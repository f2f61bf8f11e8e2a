// tests/isa/a64_system.cpp - rows of system instructions and FEAT_PAuth hints.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_system_rows.inc"
};

}  // namespace

std::span<const Row> system_rows() { return kRows; }

}  // namespace farside::test
