// tests/isa/a64_simd_int.cpp - rows of integer Advanced SIMD.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_simd_int_rows.inc"
};

}  // namespace

std::span<const Row> simd_int_rows() { return kRows; }

}  // namespace farside::test
