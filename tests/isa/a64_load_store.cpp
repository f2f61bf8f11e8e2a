// tests/isa/a64_load_store.cpp - rows of loads and stores of registers.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_load_store_rows.inc"
};

}  // namespace

std::span<const Row> load_store_rows() { return kRows; }

}  // namespace farside::test
