// tests/unit/pe/timer_test.cpp - generic timers: conditions, offsets, outputs, expiry, event stream.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr u64 kEnable = 1, kMask = 2, kStatus = 4, kNoExpiry = ~u64{0};

struct Timer {
  SysReg ctl, cval, tval;
  u32 ppi;
  bool offset;
};
const Timer kTimers[] = {{CNTP_CTL_EL0, CNTP_CVAL_EL0, CNTP_TVAL_EL0, 30, false},
                         {CNTV_CTL_EL0, CNTV_CVAL_EL0, CNTV_TVAL_EL0, 27, true},
                         {CNTHP_CTL_EL2, CNTHP_CVAL_EL2, CNTHP_TVAL_EL2, 26, false},
                         {CNTHV_CTL_EL2, CNTHV_CVAL_EL2, CNTHV_TVAL_EL2, 28, false}};

}  // namespace

TEST_CASE("each timer fires at CVAL on its own PPI, and only the virtual one is offset") {
  for (const Timer& timer : kTimers) {
    Bench bench;
    INFO("PPI " << timer.ppi);
    bench.fake.now = 1000;
    bench.set(CNTVOFF_EL2, 400);
    bench.set(timer.cval, 700);
    bench.set(timer.ctl, kEnable);
    const u64 expiry = timer.offset ? 1100 : 700;
    const bool met = bench.fake.now >= expiry;
    CHECK(bench.fake.ppi[timer.ppi] == met);
    CHECK(bench.pe.read_register(timer.ctl) == (kEnable | (met ? kStatus : 0)));
    CHECK(bench.pe.next_timer_expiry() == (met ? kNoExpiry : expiry));
    bench.fake.now = 1100;
    bench.pe.update_timers();
    CHECK(bench.fake.ppi[timer.ppi]);
    bench.set(timer.ctl, kEnable | kMask);
    CHECK_FALSE(bench.fake.ppi[timer.ppi]);
    CHECK(bench.pe.read_register(timer.ctl) == (kEnable | kMask | kStatus));
    bench.set(timer.ctl, 0);
    CHECK(bench.pe.read_register(timer.ctl) == 0);
  }
}

TEST_CASE("TVAL is a signed 32-bit view of CVAL") {
  for (const Timer& timer : kTimers) {
    Bench bench;
    bench.fake.now = 0x1'0000'0000;
    bench.set(CNTVOFF_EL2, 0x1000);
    const u64 count = bench.fake.now - (timer.offset ? 0x1000 : 0);
    bench.set(timer.tval, 100);
    CHECK(bench[timer.cval] == count + 100);
    bench.set(timer.tval, 0xffff'fff6);  // -10
    CHECK(bench[timer.cval] == count - 10);
    CHECK(bench.pe.read_register(timer.tval) == 0xffff'fff6);
    bench.set(timer.ctl, kEnable);
    CHECK(bench.fake.ppi[timer.ppi]);
    bench.fake.now += 20;
    CHECK(bench.pe.read_register(timer.tval) == 0xffff'ffe2);  // -30
  }
}

TEST_CASE("a CVAL of all ones never expires, and IMASK or a disabled timer has no expiry") {
  Bench bench;
  bench.fake.now = 5;
  bench.set(CNTV_CVAL_EL0, ~u64{0});
  bench.set(CNTV_CTL_EL0, kEnable);
  CHECK(bench.pe.next_timer_expiry() == kNoExpiry);
  bench.set(CNTV_CVAL_EL0, 50);
  CHECK(bench.pe.next_timer_expiry() == 50);
  bench.set(CNTP_CVAL_EL0, 20);
  bench.set(CNTP_CTL_EL0, kEnable);
  CHECK(bench.pe.next_timer_expiry() == 20);
  bench.set(CNTP_CTL_EL0, kEnable | kMask);
  CHECK(bench.pe.next_timer_expiry() == 50);
}

TEST_CASE("CNTVCT_EL0 is offset, except for a VHE host and its EL0") {
  Bench bench("neoverse-n1");
  bench.fake.now = 1000;
  bench.set(CNTVOFF_EL2, 300);
  CHECK(bench.pe.read_register(CNTVCT_EL0) == 700);
  CHECK(bench.pe.read_register(CNTPCT_EL0) == 1000);
  bench.set(HCR_EL2, Hcr::E2H.mask | Hcr::TGE.mask);
  bench.at(El::EL2);
  CHECK(bench.pe.read_register(CNTVCT_EL0) == 1000);
  bench.at(El::EL0);
  CHECK(bench.pe.read_register(CNTVCT_EL0) == 1000);
}

TEST_CASE("EL0 under a VHE host reaches the host's timer by the EL0 name") {
  Bench bench("neoverse-n1");
  bench.set(HCR_EL2, Hcr::E2H.mask | Hcr::TGE.mask);
  bench.set(CNTHCTL_EL2, 0x300);  // EL0VTEN, EL0PTEN
  bench.at(El::EL0);
  CHECK(bench.access(CNTP_CVAL_EL0, false, 0x77) == "ok");
  CHECK(bench[CNTHP_CVAL_EL2] == 0x77);
  CHECK(bench[CNTP_CVAL_EL0] == 0);
}

TEST_CASE("the event stream wakes WFE and is an expiry only while waiting in WFE") {
  Bench bench;
  bool wait;
  bench.fake.now = 100;
  bench.set(CNTKCTL_EL1, 1u << 2 | 4u << 4);  // EVNTEN, EVNTI = 4: bit 4 becomes 1 at 16 + 32 n
  CHECK(bench.pe.next_timer_expiry() == kNoExpiry);
  REQUIRE(bench.pe.wait_for_event(wait));
  REQUIRE(wait);
  CHECK(bench.pe.next_timer_expiry() == 112);
  bench.fake.now = 111;
  bench.pe.update_timers();
  CHECK_FALSE(bench.pe.wakeup_pending());
  bench.fake.now = 112;
  bench.pe.update_timers();
  CHECK(bench.pe.wakeup_pending());
  SECTION("EVNTDIR picks the transition to 0") {
    bench.pe.waiting = bench.pe.event_register = false;
    bench.set(CNTKCTL_EL1, 1u << 2 | 1u << 3 | 4u << 4);
    REQUIRE(bench.pe.wait_for_event(wait));
    CHECK(bench.pe.next_timer_expiry() == 128);
  }
}
