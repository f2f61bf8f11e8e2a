// tests/unit/devices/flash_test.cpp - the NOR flash as firmware drives it, and the file that keeps it.
#include "devices/flash.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;

namespace {

constexpr u32 kReady = 0x0080'0080;

struct FlashBench {
  std::vector<bool> modes;
  Flash flash;
  Driver io{flash};
  explicit FlashBench(bool writable = true, std::vector<u8> contents = {1, 2, 3, 4, 5, 6, 7, 8})
      : flash(std::move(contents), writable) {
    flash.set_mode_listener([this](bool array) { modes.push_back(array); });
  }
  void command(u64 offset, u32 value) { io.wr(offset, value | value << 16); }
  u32 array(u64 offset) {
    command(0, 0xff);
    return io.rd(offset);
  }
};

struct File {
  std::string path;
  File() {
    char name[] = "/tmp/farside-flash-XXXXXX";
    const int fd = mkstemp(name);
    REQUIRE(fd >= 0);
    close(fd);
    path = name;
  }
  ~File() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("In array mode the flash reads as memory in any width, erased beyond its contents") {
  FlashBench f;
  CHECK(f.io.rd(0) == 0x04030201);
  CHECK(f.io.rd8(5) == 6);
  CHECK(f.io.rd64(0) == 0x0807060504030201);
  CHECK(f.io.rd(8) == 0xffffffff);
  CHECK(f.io.rd64(flash::kBankSize - 8) == ~u64{0});
  CHECK(f.io.rd(flash::kBankSize - 4) == 0xffffffff);
}

TEST_CASE("The CFI table and the identity are those of two Intel chips side by side") {
  FlashBench f;
  f.command(0x55 * 4, 0x98);
  CHECK(f.io.rd(0x10 * 4) == 0x00510051);
  CHECK(f.io.rd(0x11 * 4) == 0x00520052);
  CHECK(f.io.rd(0x12 * 4) == 0x00590059);
  CHECK(f.io.rd(0x13 * 4) == 0x00010001);
  CHECK((f.io.rd(0x27 * 4) & 0xff) == 25);
  // Regions: number of blocks less one, size / 256; two chips of them are the bank.
  const u64 blocks = (f.io.rd(0x2d * 4) & 0xff) + 1, block = 256 * u64{(f.io.rd(0x30 * 4) & 0xff) << 8};
  CHECK(2 * blocks * block == flash::kBankSize);
  CHECK(2 * block == flash::kSectorSize);
  CHECK(f.io.rd(0x200 * 4) == 0);
  f.command(0, 0x90);
  CHECK(f.io.rd(0) == 0x00890089);
  CHECK(f.io.rd(4) == 0x00180018);
  CHECK(f.io.rd(8) == 0);
  CHECK(f.array(0) == 0x04030201);
  CHECK(f.modes == std::vector<bool>{false, true});
}

TEST_CASE("A smaller bank ends where its size says, and its CFI table says so") {
  constexpr u64 kSize = 4 * flash::kSectorSize;
  Flash device({}, true, kSize);
  CHECK(device.contents().size() == kSize);
  CHECK(device.read(kSize - 8, 8, 0).value == ~u64{0});
  device.write(0x55 * 4, 4, 0x98, 0);
  CHECK(1u << (device.read(0x27 * 4, 4, 0).value & 0xff) == kSize / 2);
  CHECK((device.read(0x2d * 4, 4, 0).value & 0xff) == 3);
}

TEST_CASE("Programming clears bits only; erasing sets a sector") {
  FlashBench f;
  f.command(0x100, 0x40);
  f.io.wr(0x100, 0xff00ff00);
  CHECK(f.io.rd(0x100) == kReady);
  CHECK(f.array(0x100) == 0xff00ff00);
  f.command(0x100, 0x10);
  f.io.wr(0x100, 0x00ffffff);
  CHECK(f.array(0x100) == 0x0000ff00);
  f.command(0x100, 0x20);
  f.command(0x100, 0xd0);
  CHECK(f.io.rd(0x100) == kReady);
  CHECK(f.array(0x100) == 0xffffffff);
  CHECK(f.array(0) == 0xffffffff);
  const auto [from, to] = f.flash.take_changes();
  CHECK(from == 0);
  CHECK(to == flash::kSectorSize);
  CHECK(f.flash.take_changes() == std::pair<u64, u64>{0, 0});
}

TEST_CASE("A buffered program takes as many words as it was told, then a confirmation") {
  FlashBench f;
  f.command(0x1000, 0xe8);
  CHECK(f.io.rd(0x1000) == kReady);
  f.command(0x1000, 2);  // three words
  for (u32 i = 0; i < 3; ++i) f.io.wr(0x1000 + 4 * i, 0x11111111 * (i + 1));
  f.command(0x1000, 0xd0);
  CHECK(f.io.rd(0x1000) == kReady);
  CHECK(f.array(0x1000) == 0x11111111);
  CHECK(f.array(0x1008) == 0x33333333);
  CHECK(f.array(0x100c) == 0xffffffff);
}

TEST_CASE("The buffer is where its first word is, not where the command was") {
  FlashBench f;
  f.command(0, 0xe8);
  f.command(0, 1);
  f.io.wr(0x1804, 0x12345678);
  f.io.wr(0x1800, 0x9abcdef0);
  f.command(0, 0xd0);
  CHECK(f.array(0x1804) == 0x12345678);
  CHECK(f.array(0x1800) == 0x9abcdef0);
  CHECK(f.array(0) == 0x04030201);
}

TEST_CASE("Wrong sequences set status bits, change nothing, and are cleared by command 0x50") {
  FlashBench f;
  SECTION("erase without confirmation") {
    f.command(0, 0x20);
    f.command(0, 0x12);
  }
  SECTION("buffer larger than the chip's") {
    f.command(0, 0xe8);
    f.command(0, 0xffff);
  }
  SECTION("data outside the buffer") {
    f.command(0, 0xe8);
    f.command(0, 1);
    f.io.wr(0, 0);
    f.io.wr(flash::kBufferSize, 0);
    f.command(0, 0xd0);
  }
  SECTION("buffer without confirmation") {
    f.command(0, 0xe8);
    f.command(0, 0);
    f.io.wr(0, 0);
    f.command(0, 0x77);
  }
  SECTION("lock without confirmation") {
    f.command(0, 0x60);
    f.command(0, 0x77);
  }
  CHECK((f.io.rd(0) & 0x30) == 0x30);
  f.command(0, 0x50);
  CHECK(f.io.rd(0) == 0x04030201);
  f.command(0, 0x70);
  CHECK(f.io.rd(0) == kReady);
}

TEST_CASE("A bank that cannot be written says protected and stays as it is") {
  FlashBench f(false);
  f.command(0, 0x40);
  f.io.wr(0, 0);
  CHECK((f.io.rd(0) & 0xff) == 0x92);
  f.command(0, 0x50);
  f.command(0, 0x20);
  f.command(0, 0xd0);
  CHECK((f.io.rd(0) & 0xff) == 0xa2);
  CHECK(f.array(0) == 0x04030201);
}

TEST_CASE("The last buffer of the bank does not write beyond it") {
  FlashBench f;
  const u64 last = flash::kBankSize - 4;
  f.command(last, 0xe8);
  f.command(last, 0x1ff);
  for (u32 i = 0; i < 0x200; ++i) f.io.wr(last, 0x12345678);
  f.command(last, 0xd0);
  CHECK(f.array(last) == 0x12345678);
}

TEST_CASE("The state, in the middle of a command, survives save and restore") {
  FlashBench a, b(true, {});
  a.command(0x2000, 0xe8);
  a.command(0x2000, 1);
  a.io.wr(0x2000, 0xaaaaaaaa);
  restore(b.flash, save(a.flash));
  CHECK(hash_of(a.flash) == hash_of(b.flash));
  b.io.wr(0x2004, 0xbbbbbbbb);
  b.command(0x2000, 0xd0);
  CHECK(b.array(0x2000) == 0xaaaaaaaa);
  CHECK(b.array(0x2004) == 0xbbbbbbbb);
  CHECK(b.array(0) == 0x04030201);
}

TEST_CASE("What is programmed and erased is in the file at once; a short file grows in erased sectors") {
  File file;
  std::ofstream(file.path) << "abcd";
  {
    auto opened = FlashFile::open(file.path);
    REQUIRE(opened.ok());
    CHECK_FALSE(FlashFile::open(file.path).ok());  // two machines, one flash
    Flash flash((*opened)->contents(), true);
    flash.set_file(std::move(*opened));
    Driver io{flash};
    CHECK(io.rd(0) == 0x64636261);
    io.wr(0x1000, 0x00400040);
    io.wr(0x1000, 0x01020304);
    struct stat status {};
    REQUIRE(stat(file.path.c_str(), &status) == 0);
    CHECK(static_cast<u64>(status.st_size) == flash::kSectorSize);
  }
  auto again = FlashFile::open(file.path);
  REQUIRE(again.ok());
  const auto bytes = (*again)->contents();
  CHECK(bytes[0] == 'a');
  CHECK(bytes[4] == 0xff);
  CHECK(bytes[0x1000] == 4);
  CHECK(bytes[0x1004] == 0xff);
  CHECK_FALSE(FlashFile::open("/nonexistent/flash").ok());
  CHECK_FALSE(FlashFile::open("/dev/null").ok());
}
