// tests/unit/virtio/console_test.cpp - bytes through the console's two queues.
#include "devices/virtio/console.h"

#include <string>

#include "tests/unit/virtio/guest_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::virtio;

namespace {

constexpr u16 kWrite = 2;

struct ConsoleBench {
  std::string output;
  Bench<Console> b{[this](u8 byte) { output += static_cast<char>(byte); }};
  void type(const std::string& text) { b.device.receive({reinterpret_cast<const u8*>(text.data()), text.size()}); }
  void give_buffer(u16 head, u32 size) {
    b.q(0).set(head, {b.kData + 0x100 * u64{head}, size, kWrite});
    b.q(0).offer(head);
    b.kick(0);
  }
  std::string buffer(u16 head, usize size) {
    const auto bytes = b.memory.copy(b.kData + 0x100 * u64{head}, size);
    return {bytes.begin(), bytes.end()};
  }
};

}  // namespace

TEST_CASE("Output is every readable byte, in order") {
  ConsoleBench c;
  c.b.start();
  const std::string text = "hello, far side";
  std::memcpy(&c.b.memory.bytes[c.b.kData - TestMemory::kBase], text.data(), text.size());
  CHECK(c.b.submit({{c.b.kData, 5}, {c.b.kData + 5, 10}}, 1));
  CHECK(c.output == text);
  CHECK(c.b.q(1).used_length(0) == 0);
  CHECK(c.b.irq);
}

TEST_CASE("Output without an end breaks the device before any of it is shown") {
  ConsoleBench c;
  c.b.start();
  std::vector<Desc> chain(8, Desc{c.b.kData, 0x2'0000});
  CHECK(c.b.submit(chain, 1));
  CHECK(c.output.size() == 0x10'0000);
  chain.back().length += 1;
  CHECK_FALSE(c.b.submit(chain, 1));
  CHECK(c.b.broken());
  CHECK(c.output.size() == 0x10'0000);
}

TEST_CASE("Input fills the driver's buffers; what does not fit waits") {
  ConsoleBench c;
  c.type("before the driver");
  CHECK(c.b.device.pending() == 17);
  c.b.start();
  c.give_buffer(0, 6);
  CHECK(c.buffer(0, 6) == "before");
  CHECK(c.b.q(0).used_length(0) == 6);
  CHECK(c.b.irq);
  CHECK(c.b.device.pending() == 11);
  c.give_buffer(1, 64);
  CHECK(c.buffer(1, 11) == " the driver");
  CHECK(c.b.q(0).used_length(1) == 11);
  c.give_buffer(2, 64);
  CHECK(c.b.q(0).used_idx() == 2);  // nothing typed, nothing given back
  c.type("x");
  CHECK(c.buffer(2, 1) == "x");
}

TEST_CASE("Input before it is read is kept within bounds, and in snapshots") {
  ConsoleBench c;
  for (int i = 0; i < 40; ++i) c.type(std::string(65536, 'y'));
  CHECK(c.b.device.pending() == 1 << 20);
  ConsoleBench saved, restored;
  saved.type("kept");
  restore(restored.b.slot, save(saved.b.slot));
  restored.b.start();
  restored.give_buffer(0, 16);
  CHECK(restored.buffer(0, 4) == "kept");
}

TEST_CASE("An emergency write needs no queue") {
  ConsoleBench c;
  c.b.io.wr(0x108, '!');
  CHECK(c.output == "!");
}

TEST_CASE("A receive buffer that cannot be written breaks the device") {
  ConsoleBench c;
  c.b.start();
  c.type("abc");
  SECTION("readable only") { c.b.q(0).set(0, {c.b.kData, 16}); }
  SECTION("outside memory") { c.b.q(0).set(0, {0x100, 16, kWrite}); }
  c.b.q(0).offer(0);
  c.b.kick(0);
  CHECK(c.b.broken());
}
