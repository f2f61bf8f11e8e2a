// tests/unit/devices/gic_v2_test.cpp - GICv2: banked registers, software interrupts with their sources, groups,
// targets.
#include "devices/gic/v2.h"
#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;

namespace {

constexpr u64 kCtlr = 0, kTyper = 4, kIgroupr = 0x80, kIsenabler = 0x100, kIcenabler = 0x180, kIspendr = 0x200,
              kIcpendr = 0x280, kIsactiver = 0x300, kIpriorityr = 0x400, kItargetsr = 0x800, kIcfgr = 0xc00,
              kSgir = 0xf00, kCpendsgir = 0xf10, kSpendsgir = 0xf20, kPidr2 = 0xfe8;
constexpr u64 kCpuCtlr = 0, kPmr = 4, kBpr = 8, kIar = 0xc, kEoir = 0x10, kRpr = 0x14, kHppir = 0x18, kAiar = 0x20,
              kAeoir = 0x24, kDir = 0x1000;
constexpr u32 kSpurious = 1023;

struct Gic {
  GicV2 gic;
  explicit Gic(u32 pes = 4) : gic(pes, 256) {}
  u32 rd(u64 offset, u32 pe = 0) { return static_cast<u32>(gic.distributor().read(offset, 4, pe).value); }
  void wr(u64 offset, u32 value, u32 pe = 0) { REQUIRE(gic.distributor().write(offset, 4, value, pe).ok); }
  void wr8(u64 offset, u8 value, u32 pe = 0) { REQUIRE(gic.distributor().write(offset, 1, value, pe).ok); }
  u32 crd(u64 offset, u32 pe = 0) { return static_cast<u32>(gic.cpu_interface().read(offset, 4, pe).value); }
  void cwr(u64 offset, u32 value, u32 pe = 0) { REQUIRE(gic.cpu_interface().write(offset, 4, value, pe).ok); }
  void start() {
    wr(kCtlr, 3);
    for (u32 pe = 0; pe < gic.pes(); ++pe) {
      cwr(kPmr, 0xf0, pe);
      cwr(kCpuCtlr, 3, pe);
    }
  }
  void enable_spi(u32 intid, u8 targets) {
    wr(kIsenabler + intid / 32 * 4, 1u << intid % 32);
    wr8(kItargetsr + intid, targets);
  }
  std::array<bool, 8> irq{}, fiq{};
  void watch() {
    gic.set_output_listener([this](u32 pe, bool i, bool f) { irq[pe] = i, fiq[pe] = f; });
  }
};

}  // namespace

TEST_CASE("GICv2 says what it is, and how many PEs and interrupts it has") {
  Gic g(3);
  CHECK(g.rd(kTyper) == (8 | 2u << 5));
  CHECK((g.rd(kPidr2) >> 4 & 0xf) == 2);
  CHECK((g.crd(0xfc) >> 16 & 0xf) == 2);
}

TEST_CASE("private registers are those of the PE that accesses them") {
  Gic g(2);
  g.wr(kIsenabler, 1u << 27, 1);
  CHECK(g.rd(kIsenabler, 0) == 0xffff);  // SGIs are always enabled
  CHECK(g.rd(kIsenabler, 1) == (0xffff | 1u << 27));
  g.wr(kIcenabler, 0xffff, 1);
  CHECK(g.rd(kIsenabler, 1) == (0xffff | 1u << 27));
  g.wr8(kIpriorityr + 27, 0x80, 1);
  CHECK(g.rd(kIpriorityr + 24, 0) == 0);
  CHECK(g.rd(kIpriorityr + 24, 1) == 0x8000'0000);
  CHECK(g.rd(kItargetsr, 0) == 0x01010101);
  CHECK(g.rd(kItargetsr + 28, 1) == 0x02020202);
  g.wr(kItargetsr, 0xffffffff, 1);  // read-only
  CHECK(g.rd(kItargetsr, 1) == 0x02020202);
}

TEST_CASE("an SGI tells who sent it, once for each sender, in any order of sending") {
  Gic g(4);
  g.start();
  g.wr(kSgir, 1u << 18 | 5, 3);  // PE 3 to PE 2
  g.wr(kSgir, 1u << 18 | 5, 1);
  CHECK(g.rd(kSpendsgir + 4, 2) == u32{0b1010} << 8);
  CHECK(g.rd(kIspendr, 2) == 1u << 5);
  CHECK(g.crd(kIar, 2) == (1u << 10 | 5));
  CHECK(g.crd(kIar, 2) == kSpurious);  // active: the second waits
  g.cwr(kEoir, 1u << 10 | 5, 2);
  CHECK(g.crd(kIar, 2) == (3u << 10 | 5));
  g.cwr(kEoir, 3u << 10 | 5, 2);
  CHECK(g.crd(kIar, 2) == kSpurious);
}

TEST_CASE("the filter of GICD_SGIR names the others, or the sender itself") {
  Gic g(3);
  g.start();
  g.wr(kSgir, 1u << 24 | 7, 1);
  CHECK(g.crd(kIar, 0) == (1u << 10 | 7));
  CHECK(g.crd(kIar, 1) == kSpurious);
  CHECK(g.crd(kIar, 2) == (1u << 10 | 7));
  g.wr(kSgir, 2u << 24 | 8, 1);
  CHECK(g.crd(kIar, 1) == (1u << 10 | 8));
  g.wr(kSgir, 3u << 24 | 0xff0000 | 9, 1);  // reserved
  for (u32 pe = 0; pe < 3; ++pe) CHECK((g.rd(kIspendr, pe) >> 9 & 1) == 0);
}

TEST_CASE("SGIs become pending through their own registers only") {
  Gic g(2);
  g.start();
  g.wr(kIspendr, 1u << 3);
  CHECK(g.crd(kIar) == kSpurious);
  g.wr8(kSpendsgir + 3, 0b11);
  CHECK(g.crd(kHppir) == 3);  // HPPIR of an SGI shows its number
  g.wr(kIcpendr, 1u << 3);
  CHECK(g.crd(kHppir) == 3);
  g.wr8(kCpendsgir + 3, 0b01);
  CHECK(g.crd(kIar) == (1u << 10 | 3));
}

TEST_CASE("an SPI goes to the first of its targets that takes interrupts") {
  Gic g(4);
  g.start();
  g.watch();
  g.enable_spi(40, 0b1100);
  g.gic.set_spi(8, true);
  CHECK(g.irq == std::array<bool, 8>{false, false, true});
  g.cwr(kCpuCtlr, 0, 2);
  CHECK(g.irq == std::array<bool, 8>{false, false, false, true});
  CHECK(g.crd(kIar, 3) == 40);
  CHECK_FALSE(g.irq[3]);
  g.cwr(kEoir, 40, 3);
  CHECK(g.irq[3]);  // the wire is still high
  g.gic.set_spi(8, false);
  CHECK_FALSE(g.irq[3]);
  g.wr8(kItargetsr + 40, 0);
  g.gic.set_spi(8, true);
  CHECK(g.irq == std::array<bool, 8>{});
}

TEST_CASE("group 0 goes out as IRQ, or as FIQ with FIQEn; group 1 is not what IAR may show without AckCtl") {
  Gic g(1);
  g.start();
  g.watch();
  g.enable_spi(50, 1);
  g.gic.set_spi(18, true);
  CHECK((g.irq[0] && !g.fiq[0]));
  g.cwr(kCpuCtlr, 0b1011);
  CHECK((!g.irq[0] && g.fiq[0]));
  g.wr(kIgroupr + 4, 1u << 18);
  CHECK((g.irq[0] && !g.fiq[0]));
  CHECK(g.crd(kHppir) == 1022);
  CHECK(g.crd(kIar) == 1022);
  CHECK(g.crd(kAiar) == 50);
  g.cwr(kEoir, 50);  // of the other group: ignored
  CHECK(g.crd(kRpr) == 0);
  g.gic.set_spi(18, false);
  g.cwr(kAeoir, 50);
  CHECK(g.crd(kRpr) == 0xff);
  g.cwr(kCpuCtlr, 0b0111);  // AckCtl
  g.gic.set_spi(18, true);
  CHECK(g.crd(kIar) == 50);
}

TEST_CASE("a higher priority preempts, as the binary point says, and ends in order") {
  Gic g(1);
  g.start();
  g.enable_spi(40, 1);
  g.enable_spi(41, 1);
  g.wr8(kIpriorityr + 40, 0xa0);
  g.wr8(kIpriorityr + 41, 0x90);
  g.gic.set_spi(8, true);
  CHECK(g.crd(kIar) == 40);
  g.gic.set_spi(9, true);
  g.cwr(kBpr, 6);  // one bit decides: 0x90 and 0xa0 are the same group priority
  CHECK(g.crd(kIar) == kSpurious);
  g.cwr(kBpr, 0);
  CHECK(g.crd(kBpr) == 2);  // the least that five bits of priority allow
  CHECK(g.crd(kIar) == 41);
  CHECK(g.crd(kRpr) == 0x90);
  g.cwr(kEoir, 41);
  CHECK(g.crd(kRpr) == 0xa0);
}

TEST_CASE("with EOImode an end of interrupt only drops the priority") {
  Gic g(1);
  g.start();
  g.cwr(kCpuCtlr, 1u << 9 | 1);
  g.enable_spi(33, 1);
  g.wr(kIcfgr + 8, 2u << 2);
  g.gic.set_spi(1, true);
  CHECK(g.crd(kIar) == 33);
  g.cwr(kEoir, 33);
  CHECK(g.crd(kRpr) == 0xff);
  CHECK(g.rd(kIsactiver + 4) == 2);
  g.cwr(kDir, 33);
  CHECK(g.rd(kIsactiver + 4) == 0);
}

TEST_CASE("a restored GICv2 goes on where the saved one was") {
  Gic a(2), b(2);
  a.start();
  b.watch();
  a.enable_spi(40, 2);
  a.gic.set_spi(8, true);
  a.wr(kSgir, 1u << 17 | 4, 0);
  restore(b.gic, save(a.gic));
  CHECK(hash_of(a.gic) == hash_of(b.gic));
  CHECK(b.irq[1]);
  CHECK(b.crd(kIar, 1) == 4);
  CHECK(b.crd(kIar, 1) == kSpurious);
  b.cwr(kEoir, 4, 1);
  CHECK(b.crd(kIar, 1) == 40);
}

TEST_CASE("a reset keeps wires, and nothing else") {
  Gic g(1);
  g.start();
  g.enable_spi(40, 1);
  g.gic.set_spi(8, true);
  g.gic.distributor().reset();
  CHECK(g.rd(kCtlr) == 0);
  CHECK(g.rd(kItargetsr + 40) == 0);
  CHECK(g.rd(kIspendr + 4) == 1u << 8);
}

TEST_CASE("accesses of PEs that are not there, and of odd sizes, do no harm") {
  Gic g(1);
  g.start();
  CHECK(g.gic.cpu_interface().read(kIar, 4, 7).ok);
  CHECK(g.gic.distributor().write(kSgir, 4, 0xff0000, 7).ok);
  CHECK(g.gic.cpu_interface().read(kIar + 1, 1, 0).value == 0);
  CHECK(g.gic.distributor().write(kItargetsr + 40, 8, ~u64{0}, 0).ok);
  CHECK(g.rd(kItargetsr + 44) == 0x01010101);
}
