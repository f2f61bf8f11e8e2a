// tests/unit/cache/directory_test.cpp - records of lines are found by address, and say which memory they are about.
#include "cache/directory.h"

#include "tests/unit/cache/fixture.h"

using namespace farside;
using namespace farside::cache;

TEST_CASE("a record says which memory it is about") {
  FakeRam ram(1024);  // two regions of 2 MiB, the second one in part
  Directory directory(ram);
  for (u64 offset : {u64{0}, u64{64}, u64{4096 - 64}, u64{4096}, u64{2} << 20, (u64{4} << 20) - 64}) {
    LineInfo* const line = directory.find(kRam + offset + 7);
    REQUIRE(line != nullptr);
    CHECK(Directory::address_of(*line) == kRam + offset);
    CHECK(Directory::memory_of(*line) == &ram.at(Pa{kRam + offset}));
    CHECK(directory.known(kRam + offset) == line);
  }
}

TEST_CASE("a page is known once one of its lines has been asked for") {
  FakeRam ram(8);
  Directory directory(ram);
  CHECK(directory.known(kRam + 0x1040) == nullptr);
  directory.find(kRam + 0x1fc0);
  directory.find(kRam);
  CHECK(directory.known(kRam + 0x1040) != nullptr);
  CHECK(directory.known(kRam + 0x2000) == nullptr);
  REQUIRE(directory.pages().size() == 2);  // in the order of first use
  CHECK(Directory::address_of(*directory.pages()[0]) == kRam + 0x1000);
  CHECK(directory.lines_of(*directory.pages()[1]).data() == directory.find(kRam));
}

TEST_CASE("nothing is known of what is not RAM") {
  FakeRam ram(1);
  Directory directory(ram);
  CHECK(directory.find(kRam + 4096) == nullptr);
  CHECK(directory.find(0) == nullptr);
  CHECK(directory.find(~u64{0}) == nullptr);
  CHECK(directory.pages().empty());
}

TEST_CASE("after clear nothing is known") {
  FakeRam ram(1);
  Directory directory(ram);
  directory.find(kRam)->l1d = 1;
  directory.clear();
  CHECK(directory.known(kRam) == nullptr);
  CHECK(directory.find(kRam)->l1d == 0);
}
