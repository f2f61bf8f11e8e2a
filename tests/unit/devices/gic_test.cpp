// tests/unit/devices/gic_test.cpp - the GIC's state machine: acknowledge, preemption, EOImode, levels, SGIs, routing.
#include "devices/gic/gic.h"
#include "tests/unit/catch.h"
#include "tests/unit/devices/device_driver.h"

using namespace farside;
using namespace farside::dev;

namespace {

constexpr u64 kGicdCtlr = 0, kGicdTyper = 4, kIgroupr = 0x80, kIsenabler = 0x100, kIcenabler = 0x180, kIspendr = 0x200,
              kIcpendr = 0x280, kIsactiver = 0x300, kIcactiver = 0x380, kIpriorityr = 0x400, kIcfgr = 0xc00,
              kIrouter = 0x6000, kPidr2 = 0xffe8;
constexpr u64 kSgiFrame = 0x10000;
constexpr u32 kSpurious = 1023;

struct Gic {
  GicV3 gic;
  Driver d{gic.distributor()}, r{gic.redistributors()};
  explicit Gic(u32 pes = 4, u32 spis = 256) : gic(pes, spis) {}

  u64 sgi_frame(u32 pe) const { return pe * 0x20000 + kSgiFrame; }
  void start() {
    d.wr(kGicdCtlr, 3);
    for (u32 pe = 0; pe < gic.pes(); pe++) {
      gic.icc_write(pe, IccReg::PMR, 0xf0);
      gic.icc_write(pe, IccReg::IGRPEN0, 1);
      gic.icc_write(pe, IccReg::IGRPEN1, 1);
    }
  }
  void priority(u32 intid, u8 value, u32 pe = 0) {
    if (intid < 32) {
      r.wr8(sgi_frame(pe) + kIpriorityr + intid, value);
    } else {
      d.wr8(kIpriorityr + intid, value);
    }
  }
  void enable(u32 intid, u32 pe = 0) {
    if (intid < 32) {
      r.wr(sgi_frame(pe) + kIsenabler, 1u << intid);
    } else {
      d.wr(kIsenabler + intid / 32 * 4, 1u << intid % 32);
    }
  }
  void group0(u32 intid) { d.wr(kIgroupr + intid / 32 * 4, ~(1u << intid % 32)); }
  void edge(u32 intid) { d.wr(kIcfgr + intid / 16 * 4, 2u << (intid % 16 * 2)); }
  bool bit_of(u64 array, u32 intid) { return d.rd(array + intid / 32 * 4) >> intid % 32 & 1; }
  u32 ack(u32 pe = 0) { return static_cast<u32>(gic.icc_read(pe, IccReg::IAR1)); }
  void eoi(u32 intid, u32 pe = 0) { gic.icc_write(pe, IccReg::EOIR1, intid); }
  u32 rpr(u32 pe = 0) { return static_cast<u32>(gic.icc_read(pe, IccReg::RPR)); }
};

}  // namespace

TEST_CASE("GIC identification") {
  Gic g(4, 256);
  CHECK(g.d.rd(kGicdTyper) == (8 | 9u << 19 | 1u << 24));
  CHECK((g.d.rd(kPidr2) >> 4 & 0xf) == 3);
  CHECK((g.r.rd(kPidr2) >> 4 & 0xf) == 3);
  CHECK(g.d.rd(8) == 0x43b);
  CHECK(g.d.rd(kGicdCtlr) == 0x50);
  g.d.wr(kGicdCtlr, 0xffffffff);
  CHECK(g.d.rd(kGicdCtlr) == 0x53);
  for (u32 pe = 0; pe < 4; pe++) {
    CHECK(g.r.rd64(pe * 0x20000 + 8) == (u64{pe} << 32 | pe << 8 | (pe == 3 ? 0x10 : 0)));
    CHECK(g.r.rd(pe * 0x20000 + 12) == pe);
  }
  CHECK_FALSE(g.gic.redistributors().read(4 * 0x20000, 4, 0).ok);
  CHECK(g.gic.icc_read(0, IccReg::SRE) == 7);
  CHECK(g.gic.icc_read(0, IccReg::CTLR) == (4 << 8 | 1 << 15));
  Gic small(1, 32);
  CHECK((small.d.rd(kGicdTyper) & 0x1f) == 1);
}

TEST_CASE("the encodings of the CPU interface") {
  CHECK(icc_reg(4, 6, 0) == IccReg::PMR);
  CHECK(icc_reg(12, 12, 0) == IccReg::IAR1);
  CHECK(icc_reg(12, 12, 1) == IccReg::EOIR1);
  CHECK(icc_reg(12, 11, 1) == IccReg::DIR);
  CHECK(icc_reg(12, 11, 5) == IccReg::SGI1R);
  CHECK(icc_reg(12, 8, 3) == IccReg::BPR0);
  CHECK_FALSE(icc_reg(12, 8, 5));  // AP0R1 needs more bits of priority
  CHECK_FALSE(icc_reg(12, 9, 1));
}

TEST_CASE("GICR_WAKER: ChildrenAsleep follows ProcessorSleep") {
  Gic g;
  CHECK(g.r.rd(0x14) == 6);
  g.r.wr(0x14, 4);
  CHECK(g.r.rd(0x14) == 0);
  g.r.wr(0x14, 2);
  CHECK(g.r.rd(0x14) == 6);
}

TEST_CASE("a level-sensitive SPI from wire to end of interrupt") {
  Gic g;
  g.start();
  int changes = 0;
  g.gic.set_output_listener([&](u32 pe, bool irq, bool fiq) {
    CHECK(pe == 0);
    CHECK_FALSE(fiq);
    CHECK(irq == (changes % 2 == 0));
    changes++;
  });
  g.priority(33, 0xa0);
  g.gic.set_spi(1, true);
  CHECK_FALSE(g.gic.irq_pending(0));  // not enabled
  CHECK(g.bit_of(kIspendr, 33));
  g.enable(33);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.gic.icc_read(0, IccReg::HPPIR1) == 33);
  CHECK(g.ack() == 33);
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.rpr() == 0xa0);
  CHECK(g.bit_of(kIsactiver, 33));
  CHECK(g.bit_of(kIspendr, 33));  // the wire is high: active and pending
  CHECK(g.ack() == kSpurious);
  SECTION("the device still asks: it comes again") {
    g.eoi(33);
    CHECK(g.gic.irq_pending(0));
    CHECK(g.ack() == 33);
    CHECK(changes == 4);
  }
  SECTION("the device was served") {
    g.gic.set_spi(1, false);
    CHECK_FALSE(g.bit_of(kIspendr, 33));
    g.eoi(33);
    CHECK_FALSE(g.gic.irq_pending(0));
    CHECK_FALSE(g.bit_of(kIsactiver, 33));
    CHECK(g.rpr() == 0xff);
    CHECK(changes == 2);
  }
}

TEST_CASE("an edge-triggered SPI latches, and a second edge while active waits") {
  Gic g;
  g.start();
  g.edge(40);
  g.enable(40);
  g.gic.set_spi(8, true);
  g.gic.set_spi(8, false);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 40);
  CHECK_FALSE(g.bit_of(kIspendr, 40));
  g.gic.set_spi(8, true);
  CHECK(g.bit_of(kIspendr, 40));
  CHECK_FALSE(g.gic.irq_pending(0));
  g.eoi(40);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 40);
  g.eoi(40);
  CHECK(g.ack() == kSpurious);  // a high wire is no new edge
}

TEST_CASE("software sets and clears pending; a high level cannot be cleared") {
  Gic g;
  g.start();
  g.enable(50);
  g.d.wr(kIspendr + 4, 1u << 18);
  CHECK(g.gic.irq_pending(0));
  g.d.wr(kIcpendr + 4, 1u << 18);
  CHECK_FALSE(g.gic.irq_pending(0));
  g.gic.set_spi(18, true);
  g.d.wr(kIcpendr + 4, 1u << 18);
  CHECK(g.gic.irq_pending(0));
  g.d.wr(kIcenabler + 4, 1u << 18);
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.bit_of(kIcpendr, 50));
}

TEST_CASE("software sets and clears active") {
  Gic g;
  g.start();
  g.enable(50);
  g.d.wr(kIsactiver + 4, 1u << 18);
  g.gic.set_spi(18, true);
  CHECK_FALSE(g.gic.irq_pending(0));
  g.d.wr(kIcactiver + 4, 1u << 18);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 50);
}

TEST_CASE("the higher priority wins, the lower INTID among equals") {
  Gic g;
  g.start();
  for (u32 intid : {35u, 60u, 27u}) g.enable(intid);
  g.priority(35, 0x80);
  g.priority(60, 0x40);
  g.priority(27, 0x40);
  g.gic.set_spi(3, true);
  CHECK(g.gic.icc_read(0, IccReg::HPPIR1) == 35);
  g.gic.set_spi(28, true);
  CHECK(g.gic.icc_read(0, IccReg::HPPIR1) == 60);
  g.gic.set_ppi(0, 27, true);
  CHECK(g.ack() == 27);
}

TEST_CASE("priorities have five bits") {
  Gic g;
  g.d.wr(kIpriorityr + 32, 0xffa7'0706);
  CHECK(g.d.rd(kIpriorityr + 32) == 0xf8a0'0000);
  CHECK(g.d.rd8(kIpriorityr + 34) == 0xa0);
  g.gic.icc_write(0, IccReg::PMR, 0xff);
  CHECK(g.gic.icc_read(0, IccReg::PMR) == 0xf8);
}

TEST_CASE("the priority mask holds back equal and lower priorities") {
  Gic g;
  g.start();
  g.enable(33);
  g.priority(33, 0x80);
  g.gic.icc_write(0, IccReg::PMR, 0x80);
  g.gic.set_spi(1, true);
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.gic.icc_read(0, IccReg::HPPIR1) == 33);
  CHECK(g.ack() == kSpurious);
  g.gic.icc_write(0, IccReg::PMR, 0x88);
  CHECK(g.gic.irq_pending(0));
}

TEST_CASE("preemption nests and unwinds, the running priority follows") {
  Gic g;
  g.start();
  g.enable(33);
  g.enable(34);
  g.enable(35);
  g.priority(33, 0xa0);
  g.priority(34, 0x60);
  g.priority(35, 0x60);
  g.gic.set_spi(1, true);
  REQUIRE(g.ack() == 33);
  g.gic.set_spi(2, true);
  CHECK(g.gic.irq_pending(0));
  REQUIRE(g.ack() == 34);
  CHECK(g.rpr() == 0x60);
  CHECK(g.gic.icc_read(0, IccReg::AP1R0) == (1u << (0xa0 >> 3) | 1u << (0x60 >> 3)));
  g.gic.set_spi(3, true);
  CHECK_FALSE(g.gic.irq_pending(0));  // the same priority does not preempt
  g.gic.set_spi(2, false);
  g.eoi(34);
  CHECK(g.rpr() == 0xa0);
  CHECK(g.gic.irq_pending(0));
  REQUIRE(g.ack() == 35);
  g.gic.set_spi(3, false);
  g.eoi(35);
  g.gic.set_spi(1, false);
  g.eoi(33);
  CHECK(g.rpr() == 0xff);
  CHECK(g.gic.icc_read(0, IccReg::AP1R0) == 0);
}

TEST_CASE("the binary point makes sub-priorities that order but do not preempt") {
  Gic g;
  g.start();
  CHECK(g.gic.icc_read(0, IccReg::BPR0) == 2);
  CHECK(g.gic.icc_read(0, IccReg::BPR1) == 3);
  g.gic.icc_write(0, IccReg::BPR1, 0);
  CHECK(g.gic.icc_read(0, IccReg::BPR1) == 3);
  g.gic.icc_write(0, IccReg::BPR1, 6);  // group priority is bits 7:6
  g.enable(33);
  g.enable(34);
  g.enable(35);
  g.priority(33, 0xb8);
  g.priority(34, 0x88);
  g.priority(35, 0x78);
  g.gic.set_spi(1, true);
  REQUIRE(g.ack() == 33);
  CHECK(g.rpr() == 0x80);
  g.gic.set_spi(2, true);
  CHECK_FALSE(g.gic.irq_pending(0));
  g.gic.set_spi(3, true);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 35);
}

TEST_CASE("with CBPR group 1 uses BPR0 and reads it plus one") {
  Gic g;
  g.gic.icc_write(0, IccReg::BPR0, 5);
  g.gic.icc_write(0, IccReg::BPR1, 4);
  g.gic.icc_write(0, IccReg::CTLR, 1);
  CHECK(g.gic.icc_read(0, IccReg::BPR1) == 6);
  g.gic.icc_write(0, IccReg::BPR1, 3);
  g.gic.icc_write(0, IccReg::BPR0, 7);
  CHECK(g.gic.icc_read(0, IccReg::BPR1) == 7);
  g.gic.icc_write(0, IccReg::CTLR, 0);
  CHECK(g.gic.icc_read(0, IccReg::BPR1) == 4);
}

TEST_CASE("EOImode 1 splits priority drop and deactivation") {
  Gic g;
  g.start();
  g.gic.icc_write(0, IccReg::CTLR, 2);
  CHECK((g.gic.icc_read(0, IccReg::CTLR) & 3) == 2);
  g.enable(33);
  g.enable(34);
  g.gic.set_spi(1, true);
  REQUIRE(g.ack() == 33);
  g.eoi(33);
  CHECK(g.rpr() == 0xff);
  CHECK(g.bit_of(kIsactiver, 33));
  CHECK_FALSE(g.gic.irq_pending(0));  // active interrupts are not offered again
  g.gic.set_spi(2, true);
  CHECK(g.ack() == 34);  // others are
  g.eoi(34);
  g.gic.icc_write(1, IccReg::DIR, 34);  // PE 1 has EOImode 0: not for it
  CHECK(g.bit_of(kIsactiver, 34));
  g.gic.icc_write(0, IccReg::DIR, 33);
  CHECK_FALSE(g.bit_of(kIsactiver, 33));
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 33);
}

TEST_CASE("ends of interrupts that were not acknowledged change nothing") {
  Gic g;
  g.start();
  g.enable(33);
  g.d.wr(kIsactiver + 4, 2);
  g.eoi(33);  // nothing is running
  CHECK(g.bit_of(kIsactiver, 33));
  g.d.wr(kIcactiver + 4, 2);
  g.gic.set_spi(1, true);
  REQUIRE(g.ack() == 33);
  g.eoi(kSpurious);
  g.eoi(700);
  g.gic.icc_write(0, IccReg::EOIR0, 33);  // the wrong group
  CHECK(g.rpr() == 0);
  CHECK(g.bit_of(kIsactiver, 33));
}

TEST_CASE("group 0 goes out as FIQ and is acknowledged by IAR0 only") {
  Gic g;
  g.start();
  g.group0(33);
  g.enable(33);
  g.enable(34);
  g.priority(34, 0x20);
  g.priority(33, 0x10);
  g.gic.set_spi(2, true);
  CHECK(g.gic.irq_pending(0));
  g.gic.set_spi(1, true);
  CHECK(g.gic.fiq_pending(0));
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.ack() == kSpurious);
  CHECK(g.gic.icc_read(0, IccReg::HPPIR1) == kSpurious);
  CHECK(g.gic.icc_read(0, IccReg::HPPIR0) == 33);
  CHECK(g.gic.icc_read(0, IccReg::IAR0) == 33);
  CHECK(g.gic.icc_read(0, IccReg::AP0R0) == 1u << 2);
  g.gic.set_spi(1, false);
  g.gic.icc_write(0, IccReg::EOIR0, 33);
  CHECK(g.gic.irq_pending(0));
  g.d.wr(kGicdCtlr, 1);  // group 1 off at the distributor
  CHECK_FALSE(g.gic.irq_pending(0));
  g.d.wr(kGicdCtlr, 3);
  g.gic.icc_write(0, IccReg::IGRPEN1, 0);  // and at the CPU interface
  CHECK_FALSE(g.gic.irq_pending(0));
}

TEST_CASE("a disabled group at the CPU interface does not hide the other group") {
  Gic g;
  g.start();
  g.group0(33);
  g.enable(33);
  g.enable(34);
  g.gic.icc_write(0, IccReg::IGRPEN0, 0);
  g.gic.set_spi(1, true);
  g.gic.set_spi(2, true);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.ack() == 34);
}

TEST_CASE("private wires belong to their PE") {
  Gic g;
  g.start();
  g.enable(27, 2);
  g.gic.set_ppi(1, 27, true);
  g.gic.set_ppi(2, 27, true);
  CHECK_FALSE(g.gic.irq_pending(1));
  CHECK(g.gic.irq_pending(2));
  CHECK(g.ack(2) == 27);
  CHECK(g.r.rd(g.sgi_frame(2) + kIsactiver) == 1u << 27);
  CHECK(g.r.rd(g.sgi_frame(1) + kIsactiver) == 0);
  CHECK(g.r.rd(g.sgi_frame(1) + kIspendr) == 1u << 27);
  g.gic.set_ppi(2, 27, false);
  g.eoi(27, 2);
  CHECK_FALSE(g.gic.irq_pending(2));
  g.gic.set_ppi(0, 3, true);  // SGIs and unknown PEs have no wires
  g.gic.set_ppi(7, 27, true);
  g.gic.set_spi(256, true);
  CHECK(g.r.rd(g.sgi_frame(0) + kIspendr) == 0);
}

TEST_CASE("SGIs reach exactly the target list") {
  Gic g;
  g.start();
  for (u32 pe = 0; pe < 4; pe++) g.enable(5, pe);
  g.gic.icc_write(1, IccReg::SGI1R, 5u << 24 | 0b1011);
  CHECK(g.gic.irq_pending(0));
  CHECK(g.gic.irq_pending(1));
  CHECK_FALSE(g.gic.irq_pending(2));
  CHECK(g.gic.irq_pending(3));
  CHECK(g.ack(3) == 5);
  g.gic.icc_write(0, IccReg::SGI1R, 5u << 24 | 0b1000);  // pends again while active
  CHECK_FALSE(g.gic.irq_pending(3));
  g.eoi(5, 3);
  CHECK(g.gic.irq_pending(3));
}

TEST_CASE("SGIs to all others, to strangers and to other groups") {
  Gic g;
  g.start();
  for (u32 pe = 0; pe < 4; pe++) g.enable(7, pe);
  SECTION("IRM: everybody but the sender") {
    g.gic.icc_write(2, IccReg::SGI1R, u64{1} << 40 | 7u << 24);
    for (u32 pe = 0; pe < 4; pe++) CHECK(g.gic.irq_pending(pe) == (pe != 2));
  }
  SECTION("other affinities and other ranges do not exist") {
    g.gic.icc_write(0, IccReg::SGI1R, u64{1} << 16 | 7u << 24 | 0xffff);
    g.gic.icc_write(0, IccReg::SGI1R, u64{1} << 32 | 7u << 24 | 0xffff);
    g.gic.icc_write(0, IccReg::SGI1R, u64{1} << 48 | 7u << 24 | 0xffff);
    g.gic.icc_write(0, IccReg::SGI1R, u64{1} << 44 | 7u << 24 | 0xffff);
    for (u32 pe = 0; pe < 4; pe++) CHECK_FALSE(g.gic.irq_pending(pe));
  }
  SECTION("the group must agree") {
    g.gic.icc_write(0, IccReg::SGI0R, 7u << 24 | 0b10);
    CHECK_FALSE(g.gic.irq_pending(1));
    g.r.wr(g.sgi_frame(1) + kIgroupr, 0);
    g.gic.icc_write(0, IccReg::SGI1R, 7u << 24 | 0b10);
    CHECK_FALSE(g.gic.fiq_pending(1));
    g.gic.icc_write(0, IccReg::ASGI1R, 7u << 24 | 0b10);
    CHECK(g.gic.fiq_pending(1));
  }
}

TEST_CASE("SPIs follow their route, also while pending") {
  Gic g;
  g.start();
  g.enable(33);
  g.gic.set_spi(1, true);
  CHECK(g.gic.irq_pending(0));
  g.d.wr64(kIrouter + 8 * 33, 2);
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.gic.irq_pending(2));
  CHECK(g.d.rd64(kIrouter + 8 * 33) == 2);
  g.d.wr(kIrouter + 8 * 33, 3);
  CHECK(g.gic.irq_pending(3));
  g.d.wr(kIrouter + 8 * 33 + 4, 1);  // 1.0.0.3 is nobody: it stays pending
  CHECK_FALSE(g.gic.irq_pending(3));
  CHECK(g.d.rd(kIrouter + 8 * 33 + 4) == 1);
  CHECK(g.bit_of(kIspendr, 33));
  g.d.wr64(kIrouter + 8 * 33, 1);
  CHECK(g.ack(1) == 33);
  g.gic.set_spi(1, false);
  g.gic.icc_write(3, IccReg::CTLR, 2);
  g.gic.icc_write(3, IccReg::DIR, 33);  // another PE may deactivate a shared interrupt
  CHECK_FALSE(g.bit_of(kIsactiver, 33));
  CHECK(g.d.rd64(kIrouter) == 0);  // private interrupts have no route
}

TEST_CASE("1 of N goes to one participating PE") {
  Gic g;
  g.start();
  g.enable(33);
  g.d.wr64(kIrouter + 8 * 33, u64{1} << 31);
  g.gic.icc_write(0, IccReg::IGRPEN1, 0);
  g.gic.set_spi(1, true);
  CHECK_FALSE(g.gic.irq_pending(0));
  CHECK(g.gic.irq_pending(1));
  CHECK_FALSE(g.gic.irq_pending(2));
  g.r.wr(3 * 0x20000 + 0x14, 0);  // PE 3 is awake, the others never said so
  CHECK_FALSE(g.gic.irq_pending(1));
  CHECK(g.gic.irq_pending(3));
}

TEST_CASE("registers of private interrupts are only in the redistributor; absent SPIs read as zero") {
  Gic g(2, 64);
  g.d.wr(kIsenabler, 0xffffffff);
  CHECK(g.d.rd(kIsenabler) == 0);
  CHECK(g.r.rd(g.sgi_frame(0) + kIsenabler) == 0);
  g.d.wr(kIsenabler + 4 * 3, 0xffffffff);
  CHECK(g.d.rd(kIsenabler + 4 * 3) == 0);
  g.r.wr(g.sgi_frame(1) + kIsenabler + 4, 0xffffffff);
  CHECK(g.r.rd(g.sgi_frame(1) + kIsenabler + 4) == 0);
  g.r.wr(kIsenabler, 0xffffffff);  // RD_base has no such register
  CHECK(g.r.rd(g.sgi_frame(0) + kIsenabler) == 0);
  CHECK(g.d.rd(0x800 + 32) == 0);  // ITARGETSR
}

TEST_CASE("configuration: SGIs are edges for good, PPIs and SPIs can change") {
  Gic g;
  CHECK(g.r.rd(g.sgi_frame(0) + kIcfgr) == 0xaaaaaaaa);
  g.r.wr(g.sgi_frame(0) + kIcfgr, 0);
  CHECK(g.r.rd(g.sgi_frame(0) + kIcfgr) == 0xaaaaaaaa);
  CHECK(g.r.rd(g.sgi_frame(0) + kIcfgr + 4) == 0);
  g.r.wr(g.sgi_frame(0) + kIcfgr + 4, 0xffffffff);
  CHECK(g.r.rd(g.sgi_frame(0) + kIcfgr + 4) == 0xaaaaaaaa);
  g.d.wr(kIcfgr + 8, 0x00000080);
  CHECK(g.d.rd(kIcfgr + 8) == 0x00000080);
}

TEST_CASE("narrow and wide accesses") {
  Gic g;
  g.d.wr8(kIsenabler + 4, 0xff);  // one byte of an enable register is no access to it
  CHECK(g.d.rd(kIsenabler + 4) == 0);
  g.d.wr64(kIsenabler + 8, 0x1'0000'0002);
  CHECK(g.d.rd(kIsenabler + 8) == 2);
  CHECK(g.d.rd(kIsenabler + 12) == 1);
  CHECK(g.d.rd64(kIsenabler + 8) == 0x1'0000'0002);
}

TEST_CASE("reset clears everything but the wires; a PE's reset only its CPU interface") {
  Gic g;
  g.start();
  g.enable(33);
  g.gic.set_spi(1, true);
  REQUIRE(g.ack() == 33);
  g.gic.reset_cpu_interface(0);
  CHECK(g.rpr() == 0xff);
  CHECK(g.gic.icc_read(0, IccReg::PMR) == 0);
  CHECK(g.bit_of(kIsactiver, 33));
  CHECK(g.gic.icc_read(1, IccReg::PMR) == 0xf0);
  g.gic.distributor().reset();
  CHECK_FALSE(g.bit_of(kIsactiver, 33));
  CHECK(g.d.rd(kIsenabler + 4) == 0);
  CHECK(g.bit_of(kIspendr, 33));
  CHECK(g.d.rd(kIgroupr + 4) == 0xffffffff);
}

TEST_CASE("GIC state survives a snapshot, outputs included") {
  Gic a, b;
  a.start();
  a.enable(33);
  a.priority(33, 0x40);
  a.d.wr64(kIrouter + 8 * 33, 1);
  a.gic.set_spi(1, true);
  REQUIRE(a.gic.irq_pending(1));
  restore(b.gic, save(a.gic));
  CHECK(b.gic.irq_pending(1));
  CHECK(hash_of(a.gic) == hash_of(b.gic));
  CHECK(b.ack(1) == 33);
  CHECK(b.rpr(1) == 0x40);
  CHECK(hash_of(a.gic) != hash_of(b.gic));
}
