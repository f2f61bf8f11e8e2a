// tests/unit/devices/code_copies_test.cpp - fetches see what was there first, until maintenance.
#include "devices/code_copies.h"

#include <cstring>
#include <utility>

#include "tests/unit/catch.h"

namespace farside::dev {
namespace {

/// RAM of 16 pages with copies of those that are asked for.
struct Fetching {
  Ram ram = std::move(*Ram::create(16 * Ram::kPage));
  std::vector<std::pair<u64, u64>> changes;  ///< offset and size
  std::unique_ptr<CodeCopies> copies = std::move(
      *CodeCopies::create(ram, [this](const u8* from, u64 size) { changes.emplace_back(offset(from), size); }));

  u64 offset(const u8* of_copy) const { return static_cast<u64>(of_copy - ram.data() - copies->distance()); }
  const u8* page(u64 number) { return copies->page(ram.data() + number * Ram::kPage); }
  u8 fetched(u64 at) { return page(at / Ram::kPage)[at % Ram::kPage]; }
  u64 hash() {
    StateHash hash;
    ram.visit_state(hash);
    copies->visit_state(hash);
    return hash.digest();
  }
};

constexpr u64 kPage = Ram::kPage;
using Changes = std::vector<std::pair<u64, u64>>;

}  // namespace

TEST_CASE("a page is copied as a whole when it is first fetched from") {
  Fetching f;
  f.ram.data()[kPage + 8] = 1;
  CHECK(f.fetched(kPage + 8) == 1);
  f.ram.data()[kPage + 8] = 2;
  f.ram.data()[kPage + 4000] = 2;
  f.ram.data()[2 * kPage] = 2;
  CHECK(f.fetched(kPage + 8) == 1);
  CHECK(f.fetched(kPage + 4000) == 0);
  CHECK(f.fetched(2 * kPage) == 2);
  CHECK(f.page(1) == f.ram.data() + kPage + f.copies->distance());
  CHECK(f.copies->counters().pages == 2);
  CHECK(f.changes.empty());
}

TEST_CASE("maintenance renews the lines that it names, and tells of those that are others") {
  Fetching f;
  for (u64 page : {0, 1, 3}) f.page(page);
  for (u64 at : {u64{100}, kPage + 60, kPage + 64, 2 * kPage, 3 * kPage}) f.ram.data()[at] = 7;
  f.copies->renew(kPage + 70, 1);
  CHECK(f.fetched(kPage + 64) == 7);
  CHECK(f.fetched(kPage + 60) == 0);
  CHECK(f.changes == Changes{{kPage + 64, 64}});
  f.changes.clear();
  f.copies->renew(kPage, 64);  // what is as it was is not worth mentioning
  f.copies->renew(kPage, 64);
  CHECK(f.changes == Changes{{kPage, 64}});
  f.changes.clear();
  f.copies->renew_all();
  CHECK(f.fetched(100) == 7);
  CHECK(f.changes == Changes{{64, 64}, {3 * kPage, 64}});
  CHECK(f.copies->counters().changed == 4);
  CHECK(f.copies->counters().lines == 3);
  CHECK(f.copies->counters().all == 1);
}

TEST_CASE("a range may have pages that were never fetched from, and ends where RAM does") {
  Fetching f;
  f.page(1);
  f.page(15);
  f.ram.data()[kPage + 4095] = f.ram.data()[15 * kPage] = 9;
  f.copies->renew(100, ~u64{0} - 200);
  CHECK(f.fetched(kPage + 4095) == 9);
  CHECK(f.fetched(15 * kPage) == 9);
  CHECK(f.copies->counters().lines == 128);
  f.changes.clear();
  f.copies->renew(16 * kPage, 64);
  f.copies->renew(~u64{0}, 64);
  CHECK(f.changes.empty());
  CHECK(f.copies->counters().pages == 2);
}

TEST_CASE("old instructions and the pages that have any are part of the state") {
  Fetching a, b;
  const u64 fresh = a.hash();
  a.page(3);
  CHECK(a.hash() != fresh);
  a.ram.data()[3 * kPage] = b.ram.data()[3 * kPage] = 5;
  b.page(3);
  CHECK(a.hash() != b.hash());  // one has the old instruction, one the new one
  a.copies->renew_all();
  CHECK(a.hash() == b.hash());
}

}  // namespace farside::dev
