// tests/unit/pe/l0_test.cpp - contexts of the fast path: what they keep, what invalidation takes from them.
#include "core/pe/l0.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;

namespace {

u8 g_page[kL0PageSize];

bool hits(const L0Context& context, u64 va) {
  const L0Entry& entry = context.read[L0Context::index(va)];
  return (va ^ entry.tag) <= kL0PageSize - 1 && entry.host == g_page;
}

}  // namespace

TEST_CASE("an empty context matches no address, not even those of its own empty tags") {
  L0 l0;
  const L0Context& context = l0.select({});
  for (u64 page = 0; page < 4096; ++page) {
    const u64 va = page * kL0PageSize;
    CHECK((va ^ context.read[L0Context::index(va)].tag) >= kL0PageSize);
    CHECK((va ^ context.fetch[L0Context::index(va)].tag) >= kL0PageSize);
    CHECK((va ^ context.aligned_read[L0Context::aligned_index(va)].tag) >= kL0PageSize);
  }
}

TEST_CASE("another key is another context, and the old one is still there when it comes back") {
  L0 l0;
  L0Context& first = l0.select({.epoch = 1, .asid = 1});
  l0.insert_read(first, Va{0x5000}, g_page);
  CHECK_FALSE(hits(l0.select({.epoch = 1, .asid = 2}), 0x5000));
  CHECK(hits(l0.select({.epoch = 1, .asid = 1}), 0x5000));
}

TEST_CASE("the least recently used context is the one that goes") {
  L0 l0(2);
  l0.insert_read(l0.select({.asid = 1}), Va{0x5000}, g_page);
  l0.insert_read(l0.select({.asid = 2}), Va{0x5000}, g_page);
  l0.select({.asid = 1});
  l0.select({.asid = 3});
  CHECK(hits(l0.select({.asid = 1}), 0x5000));
  CHECK_FALSE(hits(l0.select({.asid = 2}), 0x5000));
}

TEST_CASE("clearing a range takes its pages from every context and leaves the others") {
  L0 l0;
  for (u16 asid : {1, 2}) {
    L0Context& context = l0.select({.asid = asid});
    for (u64 va : {0x5000, 0x6000, 0x7000}) l0.insert_read(context, Va{va}, g_page);
  }
  CHECK_FALSE(l0.clear_range(0x6000, 0x1000));
  for (u16 asid : {1, 2}) {
    const L0Context& context = l0.select({.asid = asid});
    CHECK(hits(context, 0x5000));
    CHECK_FALSE(hits(context, 0x6000));
    CHECK(hits(context, 0x7000));
  }
}

TEST_CASE("an address inside a larger mapping takes the mapping's other pages with it") {
  const unsigned size_log2 = GENERATE(16u, 21u, 25u, 30u);
  L0 l0;
  const u64 page = u64{0x40'0000'0000} + 0x3000;
  l0.note_size(page, size_log2);
  l0.insert_read(l0.select({}), Va{page}, g_page);
  CHECK(l0.clear_range(u64{0x40'0000'0000} + (u64{1} << size_log2) - 0x1000, 0x1000));
  CHECK_FALSE(hits(l0.select({}), page));
}

TEST_CASE("a range that ends in a larger mapping finds it too") {
  L0 l0;
  const u64 block = 0x4020'0000;
  l0.note_size(block + 0x5000, 21);
  l0.insert_read(l0.select({}), Va{block + 0x5000}, g_page);
  CHECK(l0.clear_range(block - 0x2000, 0x4000));
  CHECK_FALSE(hits(l0.select({}), block + 0x5000));
}
