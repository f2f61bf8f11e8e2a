// tests/unit/devices/ram_test.cpp - lazily given memory, its accounting and its state.
#include "devices/ram.h"
#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;

TEST_CASE("RAM is zero, costs nothing until touched, and counts what is touched") {
  auto created = Ram::create(u64{1} << 30);
  REQUIRE(created.ok());
  Ram& ram = *created;
  CHECK(ram.size() == u64{1} << 30);
  CHECK(reinterpret_cast<u64>(ram.data()) % (2 << 20) == 0);
  CHECK(ram.touched_bytes() == 0);
  ram.data()[5 << 20] = 1;
  ram.data()[(u64{1} << 30) - 1] = 2;
  CHECK(ram.touched_bytes() == 2 * Ram::kPage);
  CHECK(ram.data()[(5 << 20) + 1] == 0);
  ram.clear();
  CHECK(ram.data()[5 << 20] == 0);
}

TEST_CASE("RAM bounds hold at the edges and against wrap-around") {
  auto ram = Ram::create(2 * Ram::kPage);
  REQUIRE(ram.ok());
  CHECK(ram->at(0, 2 * Ram::kPage) == ram->data());
  CHECK(ram->at(2 * Ram::kPage - 1) != nullptr);
  CHECK(ram->at(2 * Ram::kPage) == nullptr);
  CHECK(ram->at(1, 2 * Ram::kPage) == nullptr);
  CHECK(ram->at(~u64{0}, 8) == nullptr);
  CHECK(ram->at(8, ~u64{0}) == nullptr);
}

TEST_CASE("more RAM than the host can address is the user's mistake") {
  auto ram = Ram::create(u64{1} << 60);
  REQUIRE_FALSE(ram.ok());
  CHECK(ram.error().message.find("--memory") != std::string::npos);
  CHECK_FALSE(Ram::create(~u64{0} & ~u64{0xfff}).ok());
}

TEST_CASE("zeroing clears what was written and touches nothing else") {
  auto ram = Ram::create(256 * Ram::kPage);
  REQUIRE(ram.ok());
  for (u64 at : {u64{10} * Ram::kPage - 1, 10 * Ram::kPage, 99 * Ram::kPage + 17, 200 * Ram::kPage})
    ram->data()[at] = 7;
  const u64 touched = ram->touched_bytes();
  ram->zero(10 * Ram::kPage, 190 * Ram::kPage);
  CHECK(ram->data()[10 * Ram::kPage - 1] == 7);
  CHECK(ram->data()[10 * Ram::kPage] == 0);
  CHECK(ram->data()[99 * Ram::kPage + 17] == 0);
  CHECK(ram->data()[200 * Ram::kPage] == 7);
  ram->zero(200 * Ram::kPage, 8);
  CHECK(ram->data()[200 * Ram::kPage] == 0);
  CHECK(ram->touched_bytes() == touched);
}

TEST_CASE("the state of RAM is its content, not the host pages behind it") {
  auto a = Ram::create(64 * Ram::kPage), b = Ram::create(64 * Ram::kPage, HostPages::Huge);
  REQUIRE((a.ok() && b.ok()));
  a->data()[3 * Ram::kPage + 7] = 42;
  b->data()[3 * Ram::kPage + 7] = 42;
  b->data()[9 * Ram::kPage] = 0;  // touched, and still zero
  CHECK(hash_of(*a) == hash_of(*b));
  a->data()[4 * Ram::kPage - 1] = 1;
  CHECK(hash_of(*a) != hash_of(*b));

  const std::vector<u8> saved = save(*a);
  CHECK(saved.size() < 2 * Ram::kPage);
  b->data()[20 * Ram::kPage] = 9;  // gone after the restore
  restore(*b, saved);
  CHECK(b->data()[20 * Ram::kPage] == 0);
  CHECK(b->data()[4 * Ram::kPage - 1] == 1);
  CHECK(hash_of(*a) == hash_of(*b));
}

TEST_CASE("moving RAM keeps its host address") {
  auto created = Ram::create(Ram::kPage);
  REQUIRE(created.ok());
  u8* where = created->data();
  where[0] = 7;
  Ram moved = std::move(*created);
  CHECK(moved.data() == where);
  CHECK(moved.data()[0] == 7);
}
