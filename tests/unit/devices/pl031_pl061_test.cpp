// tests/unit/devices/pl031_pl061_test.cpp - clock and GPIO as their drivers use them.
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;

namespace {

constexpr u64 kDr = 0, kMr = 4, kLr = 8, kCr = 0xc, kImsc = 0x10, kRis = 0x14, kMis = 0x18, kIcr = 0x1c;

struct Clock {
  bool irq = false;
  u64 now = 1'700'000'000;
  int schedules = 0;
  Pl031 device{IrqLine([this](bool level) { irq = level; }), [this] { return now; }};
  Driver io{device};
};

constexpr u64 kDir = 0x400, kIs = 0x404, kIbe = 0x408, kIev = 0x40c, kIe = 0x410, kGpioRis = 0x414, kGpioMis = 0x418,
              kIc = 0x41c, kAllLines = 0x3fc;

struct Gpio {
  bool irq = false;
  std::vector<std::pair<unsigned, bool>> outputs;
  Pl061 device{IrqLine([this](bool level) { irq = level; })};
  Driver io{device};
  Gpio() {
    device.set_output_listener([this](unsigned line, bool level) { outputs.emplace_back(line, level); });
  }
};

}  // namespace

TEST_CASE("PL031 identifies itself and counts the machine's seconds") {
  Clock c;
  const u32 id[] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (u32 i = 0; i < 8; i++) CHECK(c.io.rd(0xfe0 + 4 * i) == id[i]);
  CHECK(c.io.rd(kDr) == 1'700'000'000);
  c.now += 2;
  CHECK(c.io.rd(kDr) == 1'700'000'002);
  CHECK(c.io.rd(kCr) == 1);
  c.io.wr(kLr, 100);
  CHECK(c.io.rd(kLr) == 100);
  c.now += 5;
  CHECK(c.io.rd(kDr) == 105);
}

TEST_CASE("PL031 matches on time, masked until RTCIMSC, cleared by any write to RTCICR") {
  Clock c;
  CHECK_FALSE(c.device.next_match());
  c.io.wr(kMr, c.io.rd(kDr) + 1);
  REQUIRE(c.device.next_match());
  CHECK(*c.device.next_match() == c.now + 1);
  c.device.update();
  CHECK(c.io.rd(kRis) == 0);
  c.now += 1;
  c.device.update();
  CHECK(c.io.rd(kRis) == 1);
  CHECK(c.io.rd(kMis) == 0);
  CHECK_FALSE(c.irq);
  CHECK_FALSE(c.device.next_match());
  c.io.wr(kImsc, 1);
  CHECK(c.irq);
  CHECK(c.io.rd(kMis) == 1);
  c.io.wr(kIcr, 0x80000000);
  CHECK_FALSE(c.irq);
  CHECK(c.io.rd(kRis) == 0);
}

TEST_CASE("PL031 matches at once when the match is now, a read notices a missed match, a past one waits for the wrap") {
  Clock c;
  c.io.wr(kImsc, 1);
  c.io.wr(kMr, c.io.rd(kDr));
  CHECK(c.irq);
  c.io.wr(kIcr, 1);
  c.io.wr(kMr, c.io.rd(kDr) - 1);
  CHECK(*c.device.next_match() == c.now + 0xffff'ffff);
  c.io.wr(kMr, c.io.rd(kDr) + 3);
  c.now += 10;
  CHECK(c.io.rd(kRis) == 1);
  CHECK(c.irq);
}

TEST_CASE("loading PL031 moves the match, and the schedule listener hears of it") {
  Clock c;
  c.device.set_schedule_listener([&] { c.schedules++; });
  c.io.wr(kMr, 1000);
  c.io.wr(kLr, 990);
  CHECK(c.schedules == 2);
  CHECK(*c.device.next_match() == c.now + 10);
  c.now += 10;
  c.device.update();
  CHECK(c.schedules == 3);
}

TEST_CASE("read-only registers of PL031 ignore writes of every size") {
  Clock c;
  for (u64 offset : {kDr, kRis, kMis, u64{0xfe0}, u64{0xff0}, u64{0xffc}}) {
    const u32 before = c.io.rd(offset);
    c.io.wr8(offset, 0xef);
    c.device.write(offset, 2, 0xbeef, 0);
    c.io.wr(offset, 0xdeadbeef);
    CHECK(c.io.rd(offset) == before);
  }
}

TEST_CASE("PL031 state survives a snapshot") {
  Clock a, b;
  a.io.wr(kLr, 500);
  a.io.wr(kImsc, 1);
  a.io.wr(kMr, 500);
  REQUIRE(a.irq);
  restore(b.device, save(a.device));
  CHECK(b.irq);
  CHECK(b.io.rd(kDr) == 500);
  CHECK(hash_of(a.device) == hash_of(b.device));
}

TEST_CASE("PL061: the address masks the data") {
  Gpio g;
  g.io.wr(kDir, 0x0f);
  g.io.wr(kAllLines, 0xff);
  CHECK(g.io.rd(kAllLines) == 0x0f);  // inputs ignore writes and are low
  g.io.wr(0x2 << 2, 0);
  CHECK(g.io.rd(kAllLines) == 0x0d);
  CHECK(g.io.rd(0x4 << 2) == 0x04);
  CHECK(g.io.rd(0x2 << 2) == 0);
  CHECK(g.outputs.size() == 5);
  CHECK(g.outputs.back() == std::pair{1u, false});
  g.device.set_input(6, true);
  CHECK(g.io.rd(kAllLines) == 0x4d);
}

TEST_CASE("PL061: the power key as gpio-keys sets it up, both edges") {
  Gpio g;
  g.io.wr(kIe, 0);
  g.io.wr(kIbe, 1 << kPowerKeyLine);
  g.io.wr(kIc, 0xff);
  g.io.wr(kIe, 1 << kPowerKeyLine);
  CHECK_FALSE(g.irq);
  g.device.set_input(kPowerKeyLine, true);
  CHECK(g.irq);
  CHECK(g.io.rd(kGpioMis) == 8);
  CHECK(g.io.rd(8 << 2) == 8);
  g.io.wr(kIc, 8);
  CHECK_FALSE(g.irq);
  g.device.set_input(kPowerKeyLine, false);
  CHECK(g.irq);
}

TEST_CASE("PL061: single edges and levels") {
  Gpio g;
  g.io.wr(kIe, 0xff);
  g.io.wr(kIev, 0x01);  // line 0 rising, line 1 falling
  g.device.set_input(0, true);
  CHECK(g.io.rd(kGpioRis) == 1);
  g.io.wr(kIc, 1);
  g.device.set_input(0, false);
  CHECK(g.io.rd(kGpioRis) == 0);
  g.device.set_input(1, true);
  CHECK(g.io.rd(kGpioRis) == 0);
  g.device.set_input(1, false);
  CHECK(g.io.rd(kGpioRis) == 2);
  g.io.wr(kIc, 2);

  g.io.wr(kIev, 0xff);
  g.io.wr(kIs, 0x04);  // line 2 high level
  g.device.set_input(2, true);
  CHECK(g.irq);
  g.io.wr(kIc, 4);
  CHECK(g.irq);  // the level is still there
  g.device.set_input(2, false);
  CHECK_FALSE(g.irq);
}

TEST_CASE("PL061 identifies itself, resets and survives a snapshot") {
  Gpio a, b;
  const u32 id[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (u32 i = 0; i < 8; i++) CHECK(a.io.rd(0xfe0 + 4 * i) == id[i]);
  a.io.wr(kIe, 8);
  a.io.wr(kIev, 8);
  a.device.set_input(3, true);
  REQUIRE(a.irq);
  restore(b.device, save(a.device));
  CHECK(b.irq);
  CHECK(hash_of(a.device) == hash_of(b.device));
  b.device.reset();
  CHECK_FALSE(b.irq);
  CHECK(b.io.rd(8 << 2) == 8);  // the wire from outside is still high
  CHECK(b.io.rd(kGpioRis) == 0);
}
