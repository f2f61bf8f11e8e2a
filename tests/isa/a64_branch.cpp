// tests/isa/a64_branch.cpp - rows of branches.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_branch_rows.inc"
};

}  // namespace

std::span<const Row> branch_rows() { return kRows; }

}  // namespace farside::test
