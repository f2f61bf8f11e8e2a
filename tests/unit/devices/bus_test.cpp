// tests/unit/devices/bus_test.cpp - dispatch by address, holes, edges of ranges.
#include "devices/bus.h"
#include "devices/regmap.h"
#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::dev;

namespace {

struct Echo final : MmioDevice {
  std::string_view label;
  u64 last_offset = ~u64{0}, last_value = 0;
  u32 last_pe = 99;
  int resets = 0;
  explicit Echo(std::string_view l) : label(l) {}
  std::string_view name() const override { return label; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override {
    last_pe = pe;
    return {offset << 8 | size};
  }
  MmioResult write(u64 offset, unsigned, u64 value, u32 pe) override {
    last_offset = offset;
    last_value = value;
    last_pe = pe;
    return {};
  }
  void reset() override { resets++; }
};

}  // namespace

TEST_CASE("the bus finds devices whatever the order of attachment") {
  Echo low("low"), middle("middle"), high("high");
  Bus bus;
  bus.attach(0x2000, 0x1000, middle);
  bus.attach(0xffff'ffff'ffff'f000, 0x1000, high);
  bus.attach(0x1000, 0x1000, low);
  REQUIRE(bus.ranges().size() == 3);
  CHECK(bus.ranges()[0].device == &low);
  CHECK(bus.ranges()[2].device == &high);
  CHECK(bus.read(0x1000, 4, 3).value == 4);
  CHECK(low.last_pe == 3);
  CHECK(bus.read(0x2ff8, 8, 0).value == (0xff8 << 8 | 8));
  CHECK(bus.read(0xffff'ffff'ffff'ffff, 1, 0).value == (0xfff << 8 | 1));
}

TEST_CASE("nothing answers in holes, before, after, and across the end of a device") {
  Echo device("device");
  Bus bus;
  CHECK_FALSE(bus.read(0, 4, 0).ok);
  bus.attach(0x1000, 0x1000, device);
  CHECK_FALSE(bus.read(0xfff, 1, 0).ok);
  CHECK_FALSE(bus.read(0x2000, 1, 0).ok);
  CHECK_FALSE(bus.write(0x1ffe, 4, 1, 0).ok);
  CHECK(bus.write(0x1ffc, 4, 1, 0).ok);
  CHECK(bus.find(0x1800)->device == &device);
  CHECK(bus.find(0x2000) == nullptr);
}

TEST_CASE("written values are cut to the access size") {
  Echo device("device");
  Bus bus;
  bus.attach(0, 0x100, device);
  REQUIRE(bus.write(0x10, 2, 0xdead'beef, 1).ok);
  CHECK(device.last_offset == 0x10);
  CHECK(device.last_value == 0xbeef);
  REQUIRE(bus.write(0x10, 8, 0x1122'3344'5566'7788, 1).ok);
  CHECK(device.last_value == 0x1122'3344'5566'7788);
}

TEST_CASE("a device at two places is reset once") {
  Echo device("device"), other("other");
  Bus bus;
  bus.attach(0, 0x100, device);
  bus.attach(0x100, 0x100, device);
  bus.attach(0x200, 0x100, other);
  bus.reset();
  CHECK(device.resets == 1);
  CHECK(other.resets == 1);
}

TEST_CASE("register maps find rows, arrays and holes") {
  enum class Id : u8 { A, B };
  static constexpr std::array rows{RegisterRow<Id>{0x10, 4, Id::A, "A", Rw::Read},
                                   RegisterRow<Id>{0x20, 0x20, Id::B, "B", Rw::Both}};
  static_assert(is_sorted(rows));
  CHECK(find_register(rows, 0) == nullptr);
  CHECK(find_register(rows, 0x10)->id == Id::A);
  CHECK(find_register(rows, 0x13)->id == Id::A);
  CHECK(find_register(rows, 0x14) == nullptr);
  CHECK(find_register(rows, 0x3f)->id == Id::B);
  CHECK(find_register(rows, 0x40) == nullptr);
  CHECK_FALSE(rows[0].writable());
  CHECK(narrow(0x11223344, 2, 1) == 0x22);
  CHECK(narrow(0x11223344, 2, 2) == 0x1122);
  CHECK(narrow(0x11223344, 0, 8) == 0x11223344);
}
