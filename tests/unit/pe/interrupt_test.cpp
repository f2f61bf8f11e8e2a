// tests/unit/pe/interrupt_test.cpp - the masking and routing matrix of physical and virtual interrupts.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

/// Where an interrupt ends up: EL1, EL2 or nowhere yet.
enum Where { Pends, ToEl1, ToEl2 };

struct Row {
  El el;
  bool mo, tge;  ///< HCR_EL2.{AMO, IMO, FMO} together; TGE
  bool masked;   ///< PSTATE.{A, I, F}
  Where expected;
};

// Arm ARM, "Asynchronous exception masking" with EL3 absent and E2H = 0.
const Row kPhysical[] = {
    {El::EL0, false, false, false, ToEl1}, {El::EL0, false, false, true, Pends}, {El::EL0, true, false, false, ToEl2},
    {El::EL0, true, false, true, ToEl2},   {El::EL0, false, true, true, ToEl2},  {El::EL1, false, false, false, ToEl1},
    {El::EL1, false, false, true, Pends},  {El::EL1, true, false, false, ToEl2}, {El::EL1, true, false, true, ToEl2},
    {El::EL2, false, false, false, Pends}, {El::EL2, true, false, false, ToEl2}, {El::EL2, true, false, true, Pends},
    {El::EL2, false, true, false, ToEl2},  {El::EL2, false, true, true, Pends},
};
const Row kVirtual[] = {
    {El::EL0, true, false, false, ToEl1},  {El::EL1, true, false, false, ToEl1}, {El::EL1, true, false, true, Pends},
    {El::EL1, false, false, false, Pends}, {El::EL2, true, false, false, Pends}, {El::EL0, true, true, false, Pends},
};

constexpr u64 kMo = Hcr::AMO.mask | Hcr::IMO.mask | Hcr::FMO.mask;

struct Kind {
  const char* name;
  bool InterruptLines::*line;
  u64 hcr;
  u64 vector;
};

void check_row(const Row& row, const Kind& kind, bool virt) {
  Bench bench("cortex-a72");
  bench.set(VBAR_EL1, 0x10000);
  bench.set(VBAR_EL2, 0x20000);
  bench.set(HCR_EL2, (row.mo ? kMo : 0) | (row.tge ? Hcr::TGE.mask : 0) | kind.hcr);
  bench.at(row.el);
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::DAIF, u64{row.masked ? 7u : 0u});
  bench.pe.s.pc = 0x5000;
  if (kind.line != nullptr) bench.pe.lines.*kind.line = true;
  INFO(kind.name << (virt ? " virtual" : "") << " at EL" << number(row.el) << " mo " << row.mo << " tge " << row.tge
                 << " masked " << row.masked);
  const bool taken = bench.pe.take_interrupt();
  CHECK(taken == (row.expected != Pends));
  if (!taken) {
    CHECK(bench.pe.s.pc == 0x5000);
    return;
  }
  const bool el2 = row.expected == ToEl2;
  CHECK(bench.pe.el() == (el2 ? El::EL2 : El::EL1));
  CHECK((bench.pe.s.pc & 0x1ff) == (kind.vector & 0x1ff));
  CHECK((bench.pe.s.pc & ~u64{0x7ff}) == (el2 ? 0x20000 : 0x10000));
  CHECK(bench[el2 ? ELR_EL2 : ELR_EL1] == 0x5000);
}

}  // namespace

TEST_CASE("physical interrupts: routing and masks") {
  const Kind kinds[] = {{"IRQ", &InterruptLines::irq, 0, 0x80},
                        {"FIQ", &InterruptLines::fiq, 0, 0x100},
                        {"SError", &InterruptLines::serror, 0, 0x180}};
  for (const Kind& kind : kinds)
    for (const Row& row : kPhysical) check_row(row, kind, false);
}

TEST_CASE("virtual interrupts: from HCR_EL2 and from a virtual interrupt controller") {
  const Kind kinds[] = {{"vIRQ line", &InterruptLines::virq, 0, 0x80},
                        {"VI", nullptr, Hcr::VI.mask, 0x80},
                        {"vFIQ line", &InterruptLines::vfiq, 0, 0x100},
                        {"VF", nullptr, Hcr::VF.mask, 0x100},
                        {"VSE", nullptr, Hcr::VSE.mask, 0x180}};
  for (const Kind& kind : kinds)
    for (const Row& row : kVirtual) check_row(row, kind, true);
}

TEST_CASE("a virtual SError clears VSE and reports VSESR_EL2") {
  Bench bench("neoverse-n1");
  bench.set(HCR_EL2, Hcr::AMO.mask | Hcr::VSE.mask);
  bench.set(VSESR_EL2, 0x1000010);
  REQUIRE(bench.pe.take_interrupt());
  CHECK(bench[ESR_EL1] == make_esr(Ec::SERROR, 0x1000010).raw);
  CHECK((bench[HCR_EL2] & Hcr::VSE.mask) == 0);
  bench.at(El::EL1);
  CHECK_FALSE(bench.pe.take_interrupt());
}

TEST_CASE("an SError is taken once; an IRQ line stays") {
  Bench bench("cortex-a72");
  bench.pe.lines.serror = bench.pe.lines.irq = true;
  REQUIRE(bench.pe.take_interrupt());
  CHECK(Esr::of(bench[ESR_EL1])[Esr::EC] == Ec::SERROR);
  bench.at(El::EL1);
  REQUIRE(bench.pe.take_interrupt());
  CHECK((bench.pe.s.pc & 0xff) == 0x80);
  CHECK(bench.pe.lines.irq);
}

TEST_CASE("ISR_EL1 shows virtual interrupts to a guest and physical ones otherwise") {
  Bench bench("cortex-a72");
  bench.pe.lines.irq = true;
  CHECK(bench.pe.read_register(ISR_EL1) == 0x80);
  bench.set(HCR_EL2, Hcr::IMO.mask);
  CHECK(bench.pe.read_register(ISR_EL1) == 0);
  bench.pe.lines.virq = true;
  CHECK(bench.pe.read_register(ISR_EL1) == 0x80);
}

TEST_CASE("wake-up does not depend on PSTATE masks") {
  Bench bench("cortex-a72");
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::DAIF, u64{15});
  CHECK_FALSE(bench.pe.wakeup_pending());
  bench.pe.lines.irq = true;
  CHECK(bench.pe.wakeup_pending());
  bench.pe.lines = {.virq = true};
  CHECK_FALSE(bench.pe.wakeup_pending());  // virtual IRQs are off without IMO
  bench.set(HCR_EL2, Hcr::IMO.mask);
  CHECK(bench.pe.wakeup_pending());
}

TEST_CASE("ESB defers a masked SError to DISR_EL1 and VDISR_EL2") {
  Bench bench("neoverse-n1");
  bench.pe.lines.serror = true;
  bench.pe.error_synchronization_barrier();
  CHECK(bench.pe.lines.serror);  // unmasked: it will be taken instead
  bench.pe.s.pstate = bench.pe.s.pstate.with(Pstate::A, true);
  bench.pe.error_synchronization_barrier();
  CHECK_FALSE(bench.pe.lines.serror);
  CHECK(bench.pe.read_register(DISR_EL1) == u64{1} << 31);
  bench.set(HCR_EL2, Hcr::AMO.mask | Hcr::VSE.mask);
  bench.set(VSESR_EL2, 5);
  bench.pe.error_synchronization_barrier();
  CHECK(bench[VDISR_EL2] == (u64{1} << 31 | 5));
  CHECK(bench.pe.read_register(DISR_EL1) == (u64{1} << 31 | 5));  // EL1 reads the virtual one
}
