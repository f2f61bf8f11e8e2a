// tests/isa/a64_fp.cpp - rows of scalar floating point.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_fp_rows.inc"
};

}  // namespace

std::span<const Row> fp_rows() { return kRows; }

}  // namespace farside::test
