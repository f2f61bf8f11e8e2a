// tests/isa/rows_test.cpp - every row holds, every form of the A64 table has a row, and the harness can fail.
#include "tests/isa/flat_machine.h"
#include "tests/isa/harness.h"
#undef CHECK  // Catch2 has its own

#include <fmt/format.h>

#include <bit>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

namespace farside::test {
namespace {

struct RowGroup {
  const char* name;
  std::span<const Row> rows;
};

std::vector<RowGroup> row_groups() {
  return {{"alu", alu_rows()},
          {"branch", branch_rows()},
          {"system", system_rows()},
          {"load_store", load_store_rows()},
          {"atomic", atomic_rows()},
          {"fp", fp_rows()},
          {"simd_load_store", simd_load_store_rows()},
          {"simd_int", simd_int_rows()},
          {"simd_fp", simd_fp_rows()},
          {"simd_permute", simd_permute_rows()},
          {"crypto", crypto_rows()}};
}

}  // namespace

TEST_CASE("each row of assembly has the listing, the effect and nothing but the effect that it states") {
  for (const RowGroup& group : row_groups()) {
    for (const Row& row : group.rows) {
      const std::string report = check_row(row);
      INFO(fmt::format("{}: {} ({:08x}) in({}) out({})\n{}", group.name, row.text, row.word, row.before, row.after,
                       report));
      CHECK(report.empty());
    }
  }
}

TEST_CASE("every instruction form has at least one row") {
  std::set<isa::A64> covered;
  for (const RowGroup& group : row_groups())
    for (const Row& row : group.rows) covered.insert(isa::decode_a64(row.word, all_features()));
  for (usize i = 0; i < isa::kA64Count; ++i) {
    INFO("no row for " << isa::a64_table()[i].name);
    CHECK(covered.contains(static_cast<isa::A64>(i)));
  }
}

TEST_CASE("where two forms share words, one has more fixed bits, so decoding has one answer") {
  const auto& table = isa::a64_table();
  for (usize i = 0; i < table.size(); ++i) {
    for (usize j = i + 1; j < table.size(); ++j) {
      if (((table[i].value ^ table[j].value) & table[i].mask & table[j].mask) != 0) continue;
      INFO(table[i].name << " and " << table[j].name);
      CHECK(std::popcount(table[i].mask) != std::popcount(table[j].mask));
    }
  }
}

TEST_CASE("the harness notices a wrong listing, a wrong result, an unnamed change and a wrong ending") {
  const auto fails = [](const char* text, u32 word, const char* in, const char* out) {
    return !check_row({text, word, in, out, true}).empty();
  };
  CHECK_FALSE(fails("add x0, x1, #1", 0x91000420, "x1=5", "x0=6"));
  CHECK(fails("add x0, x1, #2", 0x91000420, "x1=5", "x0=6"));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5", "x0=7"));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5", ""));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5", "x0=6 nzcv=0100"));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5", "x0=6 pc=10000"));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5", "undef"));
  CHECK(fails("add x0, x1, #1", 0x91000420, "x1=5 x31=2", "x0=6"));
  CHECK(fails("str w0, [x1]", 0xb9000020, "x0=1 x1=40000000", ""));
}

}  // namespace farside::test
