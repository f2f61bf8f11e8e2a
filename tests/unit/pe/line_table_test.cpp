// tests/unit/pe/line_table_test.cpp - lent lines by context: what is kept, what withdrawals and TLBIs take from them.
#include "core/pe/line_table.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;

namespace {

constexpr u64 kVa = 0xffff'0000'0012'3440;
constexpr unsigned kPage = 12, kBlock = 21;

struct Tables {
  LineTables tables;
  std::array<u8, 256> memory{};
  u8* line(unsigned place) { return &memory[place * 64]; }
  LineContext& context(u16 asid) { return tables.select({.asid = asid}); }
  bool reads(u16 asid, u64 va) { return find_line(context(asid).read, va, 8) != nullptr; }
};

mmu::TlbiOp by_va(u64 va) { return {.kind = mmu::TlbiKind::Va, .base = align_down(va, 4096), .size = 4096}; }

}  // namespace

TEST_CASE("an access is served by a line that holds all of it") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  CHECK(find_line(t.context(1).read, kVa, 64) == t.line(0));
  CHECK(find_line(t.context(1).read, kVa + 60, 4) == t.line(0) + 60);
  CHECK(find_line(t.context(1).read, kVa + 60, 8) == nullptr);
  CHECK(find_line(t.context(1).read, kVa + 64, 1) == nullptr);
  CHECK(find_line(t.context(1).write, kVa, 8) == nullptr);
}

TEST_CASE("nothing is found in empty slots") {
  Tables t;
  for (u64 va : {u64{0}, u64{64}, u64{65536}, ~u64{63}}) CHECK_FALSE(t.reads(1, va));
}

TEST_CASE("lines outlive a change of context and back") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  CHECK_FALSE(t.reads(2, kVa));
  CHECK(t.reads(1, kVa));
}

TEST_CASE("a line lent at a second address leaves the first") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  t.tables.insert_read(t.context(2), kVa + 4096, t.line(0), 0, kPage);
  CHECK_FALSE(t.reads(1, kVa));
  CHECK(t.reads(2, kVa + 4096));
}

TEST_CASE("a withdrawal takes the line of that place and no other") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  t.tables.insert_read(t.context(1), kVa + 64, t.line(1), 1, kPage);
  t.tables.withdraw_read(0);
  CHECK_FALSE(t.reads(1, kVa));
  CHECK(t.reads(1, kVa + 64));
}

TEST_CASE("a withdrawal leaves a slot alone that another line has taken") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  t.tables.insert_read(t.context(1), kVa + (64 << kDataLinesLog2), t.line(1), 1, kPage);
  t.tables.withdraw_read(0);
  CHECK(t.reads(1, kVa + (64 << kDataLinesLog2)));
}

TEST_CASE("a TLBI by address takes the lines of its page in every context") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  t.tables.insert_read(t.context(2), kVa + 64, t.line(1), 1, kPage);
  t.tables.insert_read(t.context(2), kVa + 4096, t.line(2), 2, kPage);
  t.tables.invalidate(by_va(kVa));
  CHECK_FALSE(t.reads(1, kVa));
  CHECK_FALSE(t.reads(2, kVa + 64));
  CHECK(t.reads(2, kVa + 4096));
  t.tables.invalidate(by_va(kVa));  // twice: empty slots stay empty
  CHECK_FALSE(t.reads(1, kVa));
}

TEST_CASE("a TLBI of an address in a block takes all of the block") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kBlock);
  t.tables.invalidate(by_va(kVa + 0x10000));
  CHECK_FALSE(t.reads(1, kVa));
}

TEST_CASE("a TLBI by ASID takes the contexts of that ASID") {
  Tables t;
  t.tables.insert_read(t.context(1), kVa, t.line(0), 0, kPage);
  t.tables.insert_read(t.context(2), kVa, t.line(1), 1, kPage);
  t.tables.invalidate({.kind = mmu::TlbiKind::Asid, .asid = 1});
  CHECK_FALSE(t.reads(1, kVa));
  CHECK(t.reads(2, kVa));
  t.tables.invalidate({.kind = mmu::TlbiKind::VmAll});
  CHECK_FALSE(t.reads(2, kVa));
}

TEST_CASE("what is known of the code of a line lasts until the line is withdrawn") {
  Tables t;
  int code = 0;
  const auto fetch = [&](u64 va, unsigned place) {
    t.tables.insert_fetch(t.context(1), va, t.line(place), false, place, kPage, true);
    return t.context(1).find_fetch(va);
  };
  t.tables.set_code(*fetch(kVa, 0), &code);
  fetch(kVa + (64 << kFetchLinesLog2), 1);  // takes the slot
  CHECK(fetch(kVa, 0)->code == &code);
  CHECK(fetch(kVa + 4096, 0)->code == nullptr);  // the same bytes elsewhere
  t.tables.set_code(*fetch(kVa, 0), &code);
  t.tables.withdraw_fetch(0);
  CHECK(t.context(1).find_fetch(kVa) == nullptr);
  CHECK(fetch(kVa, 0)->code == nullptr);
}

TEST_CASE("instructions of one address are lent in many contexts, or in the last one alone") {
  for (bool alone : {false, true}) {
    Tables t;
    int code = 0;
    for (u16 asid : {u16{1}, u16{2}}) t.tables.insert_fetch(t.context(asid), kVa, t.line(0), false, 0, kPage, alone);
    CHECK((t.context(1).find_fetch(kVa) != nullptr) == !alone);
    REQUIRE(t.context(2).find_fetch(kVa) != nullptr);
    t.tables.set_code(*t.context(2).find_fetch(kVa), &code);
    t.tables.insert_fetch(t.context(3), kVa, t.line(0), false, 0, kPage, alone);
    CHECK(t.context(3).find_fetch(kVa)->code == &code);
    t.tables.withdraw_fetch(0);
    for (u16 asid : {u16{1}, u16{2}, u16{3}}) CHECK(t.context(asid).find_fetch(kVa) == nullptr);
  }
}

TEST_CASE("instructions lent at a second address leave the first in all contexts") {
  Tables t;
  for (u16 asid : {u16{1}, u16{2}}) t.tables.insert_fetch(t.context(asid), kVa, t.line(0), false, 0, kPage, false);
  t.tables.insert_fetch(t.context(1), kVa + 4096, t.line(0), false, 0, kPage, false);
  for (u16 asid : {u16{1}, u16{2}}) CHECK(t.context(asid).find_fetch(kVa) == nullptr);
  CHECK(t.context(1).find_fetch(kVa + 4096) != nullptr);
}

TEST_CASE("a context that is looked for is not made") {
  Tables t;
  CHECK(t.tables.find({.asid = 1}) == nullptr);
  LineContext& made = t.context(1);
  CHECK(t.tables.find({.asid = 1}) == &made);
  t.tables.invalidate({.kind = mmu::TlbiKind::VmAll});
  CHECK(t.tables.find({.asid = 1}) == nullptr);
}
