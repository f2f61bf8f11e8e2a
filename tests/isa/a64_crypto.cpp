// tests/isa/a64_crypto.cpp - rows of the cryptographic extensions.
#include "tests/isa/harness.h"

namespace farside::test {
namespace {

constexpr Row kRows[] = {
#include "tests/isa/a64_crypto_rows.inc"
};

}  // namespace

std::span<const Row> crypto_rows() { return kRows; }

}  // namespace farside::test
