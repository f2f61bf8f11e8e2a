// tests/isa/a64_simd_fp.cpp - rows of Advanced SIMD floating point.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_simd_fp_rows.inc"
};

}  // namespace

std::span<const Row> simd_fp_rows() { return kRows; }

}  // namespace farside::test
