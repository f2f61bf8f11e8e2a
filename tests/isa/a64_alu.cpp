// tests/isa/a64_alu.cpp - rows of data processing on general-purpose registers.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_alu_rows.inc"
};

}  // namespace

std::span<const Row> alu_rows() { return kRows; }

}  // namespace farside::test
