// tests/isa/a64_atomic.cpp - rows of exclusives and atomics.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_atomic_rows.inc"
};

}  // namespace

std::span<const Row> atomic_rows() { return kRows; }

}  // namespace farside::test
