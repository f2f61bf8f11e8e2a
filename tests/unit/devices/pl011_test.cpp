// tests/unit/devices/pl011_test.cpp - the UART as its drivers use it.
#include <string>

#include "devices/pl011.h"
#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;
using namespace farside::dev::pl011;

namespace {

constexpr u64 kDr = 0, kRsr = 4, kFr = 0x18, kIbrd = 0x24, kFbrd = 0x28, kLcrh = 0x2c, kCr = 0x30, kIfls = 0x34,
              kImsc = 0x38, kRis = 0x3c, kMis = 0x40, kIcr = 0x44;

struct Uart {
  bool irq = false;
  std::string sent;
  Pl011 device{IrqLine([this](bool level) { irq = level; }), [this](u8 byte) { sent.push_back(byte); }};
  Driver io{device};
  void type(std::string_view text) {
    for (char c : text) device.receive(static_cast<u8>(c));
  }
  std::string drain() {
    std::string text;
    while ((io.rd(kFr) & kFrRxfe) == 0) text.push_back(static_cast<char>(io.rd(kDr)));
    return text;
  }
  /// The way amba-pl011 starts: FIFOs on, pending interrupts cleared, receive interrupts on.
  void start() {
    io.wr(kIbrd, 13);
    io.wr(kFbrd, 1);
    io.wr(kLcrh, 0x70);
    io.wr(kIcr, 0x7ff);
    io.wr(kCr, kCrUarten | kCrTxe | kCrRxe);
    io.wr(kImsc, kIntRx | kIntRt);
  }
};

}  // namespace

TEST_CASE("PL011 out of reset") {
  Uart u;
  CHECK(u.io.rd(kCr) == 0x300);
  CHECK(u.io.rd(kIfls) == 0x12);
  CHECK((u.io.rd(kFr) & (kFrRxfe | kFrTxfe | kFrTxff | kFrBusy | kFrRxff)) == (kFrRxfe | kFrTxfe));
  CHECK(u.io.rd(kRis) == 0);
  const u32 id[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (u32 i = 0; i < 8; i++) CHECK(u.io.rd(0xfe0 + 4 * i) == id[i]);
  CHECK(u.io.rd(0x80) == 0);
}

TEST_CASE("an early console prints by byte and word writes without any set-up") {
  Uart u;
  u.io.wr8(kDr, 'h');
  u.io.wr(kDr, 'i');
  u.device.write(kDr, 2, '!', 0);
  CHECK(u.sent == "hi!");
  CHECK((u.io.rd(kFr) & kFrTxff) == 0);
}

TEST_CASE("with FIFOs on the first character interrupts by timeout, and reading lowers the line") {
  Uart u;
  u.start();
  CHECK_FALSE(u.irq);
  u.type("a");
  CHECK(u.irq);
  CHECK(u.io.rd(kMis) == kIntRt);
  CHECK(u.io.rd(kDr) == 'a');
  CHECK_FALSE(u.irq);
  CHECK((u.io.rd(kFr) & kFrRxfe) != 0);
}

TEST_CASE("the receive interrupt comes at the trigger level and goes below it") {
  const auto [select, level] = GENERATE(table<u32, u32>({{0, 2}, {1, 4}, {2, 8}, {3, 12}, {4, 14}}));
  Uart u;
  u.start();
  u.io.wr(kIfls, select << 3);
  u.io.wr(kImsc, kIntRx);
  for (u32 i = 1; i < level; i++) u.type("x");
  CHECK_FALSE(u.irq);
  u.type("x");
  CHECK(u.irq);
  u.io.rd(kDr);
  CHECK_FALSE(u.irq);
}

TEST_CASE("a long paste is never lost and keeps interrupting until it is read") {
  Uart u;
  u.start();
  std::string text;
  for (int i = 0; i < 1000; i++) text.push_back(static_cast<char>('a' + i % 26));
  u.type(text);
  CHECK((u.io.rd(kFr) & kFrRxff) != 0);
  CHECK(u.device.unread() == 1000);
  std::string got;
  while (u.irq) {  // the driver clears, then reads a part
    u.io.wr(kIcr, kIntRt | kIntRx);
    for (int i = 0; i < 20 && (u.io.rd(kFr) & kFrRxfe) == 0; i++) got.push_back(static_cast<char>(u.io.rd(kDr)));
  }
  CHECK(got == text);
  CHECK(u.device.unread() == 0);
}

TEST_CASE("without FIFOs one character fills the receiver") {
  Uart u;
  u.io.wr(kImsc, kIntRx);
  u.type("xy");
  CHECK(u.irq);
  CHECK((u.io.rd(kFr) & kFrRxff) != 0);
  CHECK(u.drain() == "xy");
  CHECK_FALSE(u.irq);
}

TEST_CASE("masks gate the line, not the raw status") {
  Uart u;
  u.start();
  u.io.wr(kImsc, 0);
  u.type("q");
  CHECK((u.io.rd(kRis) & kIntRt) != 0);
  CHECK(u.io.rd(kMis) == 0);
  CHECK_FALSE(u.irq);
  u.io.wr(kImsc, kIntRt);
  CHECK(u.irq);
  u.io.wr(kIcr, kIntRt);
  CHECK_FALSE(u.irq);
}

TEST_CASE("a sent character raises the transmit interrupt, ICR clears it") {
  Uart u;
  u.start();
  u.io.wr(kImsc, kIntTx);
  CHECK_FALSE(u.irq);
  u.io.wr(kDr, 'z');
  CHECK(u.irq);
  u.io.wr(kIcr, kIntTx);
  CHECK_FALSE(u.irq);
}

TEST_CASE("loopback returns characters and modem lines and sends nothing out") {
  Uart u;
  u.start();
  u.io.wr(kCr, kCrUarten | kCrTxe | kCrRxe | kCrLbe | kCrRts);
  CHECK((u.io.rd(kFr) & (kFrCts | kFrDsr | kFrDcd | kFrRi)) == kFrCts);
  u.io.wr(kDr, 'L');
  CHECK(u.sent.empty());
  CHECK(u.drain() == "L");
  u.io.wr(kIcr, 0x7ff);
  u.io.wr(kCr, kCrUarten | kCrLbe | kCrDtr);
  CHECK((u.io.rd(kRis) & 0xf) == (kIntCts | kIntDsr));
}

TEST_CASE("a break is flagged in DR and RSR and raises BEIS") {
  Uart u;
  u.start();
  u.device.receive_break();
  CHECK((u.io.rd(kRis) & kIntBe) != 0);
  CHECK(u.io.rd(kDr) == kDrBe);
  CHECK(u.io.rd(kRsr) == 4);
  u.io.wr(kRsr, 0);
  CHECK(u.io.rd(kRsr) == 0);
}

TEST_CASE("turning the FIFOs off and on flushes them") {
  Uart u;
  u.start();
  u.type("abc");
  u.io.wr(kLcrh, 0x60);
  u.io.wr(kLcrh, 0x70);
  CHECK((u.io.rd(kFr) & kFrRxfe) != 0);
  CHECK_FALSE(u.irq);
  u.type("d");
  CHECK(u.drain() == "d");
}

TEST_CASE("read-only registers of the PL011 ignore writes") {
  Uart u;
  for (u64 offset : {kFr, kRis, kMis, u64{0xfe0}, u64{0xffc}}) {
    const u32 before = u.io.rd(offset);
    u.io.wr(offset, 0xdeadbeef);
    u.io.wr8(offset + 1, 0xff);
    CHECK(u.io.rd(offset) == before);
  }
}

TEST_CASE("PL011 state survives a snapshot, the interrupt line included") {
  Uart a, b;
  a.start();
  a.type("more characters than the FIFO holds");
  a.io.rd(kDr);
  restore(b.device, save(a.device));
  CHECK(hash_of(a.device) == hash_of(b.device));
  CHECK(b.irq);
  CHECK(b.drain() == "ore characters than the FIFO holds");
  CHECK(hash_of(a.device) != hash_of(b.device));
  b.device.reset();
  CHECK_FALSE(b.irq);
}
