// tests/unit/mmu/geometry_test.cpp - table shapes against the Arm ARM's tables, descriptor classes, break-before-make.
#include "mmu/descriptor.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::mmu;

TEST_CASE("stage-1 start levels follow the input size") {
  struct Row {
    Granule g;
    unsigned low, high;
    int level;
  };
  const Row rows[] = {
      {Granule::K4, 40, 48, 0},  {Granule::K4, 31, 39, 1},  {Granule::K4, 22, 30, 2},  {Granule::K4, 16, 21, 3},
      {Granule::K16, 48, 48, 0}, {Granule::K16, 37, 47, 1}, {Granule::K16, 26, 36, 2}, {Granule::K16, 16, 25, 3},
      {Granule::K64, 43, 48, 1}, {Granule::K64, 30, 42, 2}, {Granule::K64, 17, 29, 3},
  };
  for (const Row& row : rows) {
    for (unsigned bits = row.low; bits <= row.high; ++bits) {
      CAPTURE(shift(row.g), bits);
      CHECK(s1_start_level(row.g, bits) == row.level);
    }
  }
}

TEST_CASE("block sizes") {
  struct Row {
    Granule g;
    int level;
    unsigned size;
    bool leaf;
    unsigned contiguous;
  };
  const Row rows[] = {
      {Granule::K4, 0, 39, false, 0},  {Granule::K4, 1, 30, true, 34},  {Granule::K4, 2, 21, true, 25},
      {Granule::K4, 3, 12, true, 16},  {Granule::K16, 0, 47, false, 0}, {Granule::K16, 1, 36, false, 0},
      {Granule::K16, 2, 25, true, 30}, {Granule::K16, 3, 14, true, 21}, {Granule::K64, 1, 42, false, 0},
      {Granule::K64, 2, 29, true, 34}, {Granule::K64, 3, 16, true, 21},
  };
  for (const Row& row : rows) {
    CAPTURE(shift(row.g), row.level);
    CHECK(level_shift(row.g, row.level) == row.size);
    CHECK(leaf_allowed(row.g, row.level) == row.leaf);
    if (row.leaf) CHECK(row.size + contiguous_log2(row.g, row.level) == row.contiguous);
  }
}

TEST_CASE("stage-2 start levels and input sizes, with up to 16 concatenated tables") {
  struct Row {
    Granule g;
    unsigned sl0;
    int level;
    unsigned low, high;
  };
  const Row rows[] = {
      {Granule::K4, 0, 2, 22, 34},  {Granule::K4, 1, 1, 31, 43},  {Granule::K4, 2, 0, 40, 52},
      {Granule::K4, 3, 3, 13, 25},  {Granule::K16, 0, 3, 15, 29}, {Granule::K16, 1, 2, 26, 40},
      {Granule::K16, 2, 1, 37, 51}, {Granule::K64, 0, 3, 17, 33}, {Granule::K64, 1, 2, 30, 46},
      {Granule::K64, 2, 1, 43, 59},
  };
  for (const Row& row : rows) {
    CAPTURE(shift(row.g), row.sl0);
    REQUIRE(s2_start_level(row.g, row.sl0, true) == row.level);
    CHECK(s2_sl0(row.g, row.level) == row.sl0);
    CHECK_FALSE(s2_input_fits(row.g, row.level, row.low - 1));
    for (unsigned bits = row.low; bits <= row.high; ++bits) CHECK(s2_input_fits(row.g, row.level, bits));
    CHECK_FALSE(s2_input_fits(row.g, row.level, row.high + 1));
  }
  CHECK_FALSE(s2_start_level(Granule::K4, 3, false));
  CHECK_FALSE(s2_start_level(Granule::K16, 3, true));
  CHECK_FALSE(s2_start_level(Granule::K64, 3, true));
  CHECK(root_size_log2(Granule::K4, 1, 40) == 13);  // two concatenated tables
  CHECK(root_size_log2(Granule::K4, 0, 48) == 12);
  CHECK(root_size_log2(Granule::K4, 2, 34) == 16);  // sixteen
  CHECK(root_index(Granule::K4, 1, 40, 0xff'4000'0000) == 1021);
}

TEST_CASE("descriptor classes") {
  for (Granule g : {Granule::K4, Granule::K16, Granule::K64}) {
    for (int level = 0; level <= 3; ++level) {
      CAPTURE(shift(g), level);
      CHECK(classify(0, g, level) == DescriptorKind::Invalid);
      CHECK(classify(2, g, level) == DescriptorKind::Invalid);
      CHECK(classify(3, g, level) == (level == 3 ? DescriptorKind::Page : DescriptorKind::Table));
      const bool block = level == 2 || (g == Granule::K4 && level == 1);
      CHECK(classify(1, g, level) == (block ? DescriptorKind::Block : DescriptorKind::Invalid));
    }
  }
}

TEST_CASE("leaves are put together and taken apart without loss") {
  for (Granule g : {Granule::K4, Granule::K16, Granule::K64}) {
    for (int level = 1; level <= 3; ++level) {
      if (!leaf_allowed(g, level)) continue;
      const u64 address = level_size(g, level) * 5;
      const u64 attributes = 0x0078'0000'0000'0fdc;  // software bits, XN, contiguous, SH, AP, index
      const u64 d = make_leaf(level, address, attributes);
      CHECK(output_address(d, g, level) == address);
      CHECK(leaf_attributes(d, g, level) == attributes);
    }
  }
}

TEST_CASE("break-before-make is needed for everything but permissions, AF, DBM and software bits") {
  const u64 s1 = make_leaf(3, 0x4000'0000, 0x7ff & ~u64{3} & ~u64{0x400});
  CHECK(is_bbm_safe(0, s1, false));
  CHECK(is_bbm_safe(s1, 0, false));
  const u64 s1_free = u64{1} << 10 | u64{1} << 51 | u64{15} << 55 | 3u << 6 | u64{3} << 53;
  const u64 s2_free = s1_free;  // the same bit positions under other names
  for (unsigned n = 1; n < 64; ++n) {
    const u64 changed = s1 ^ u64 { 1 } << n;
    CAPTURE(n);
    CHECK(is_bbm_safe(s1, changed, false) == bit(s1_free, n));
    CHECK(is_bbm_safe(s1, changed, true) == bit(s2_free, n));
  }
}
