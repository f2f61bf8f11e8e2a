// tests/isa/a64_simd_permute.cpp - rows of moves between SIMD elements.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_simd_permute_rows.inc"
};

}  // namespace

std::span<const Row> simd_permute_rows() { return kRows; }

}  // namespace farside::test
