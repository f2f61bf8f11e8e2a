// tests/unit/pe/exception_test.cpp - exception entry and return: routing, vectors, saved state, illegal returns.
#include "tests/unit/pe/fake_ports.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::pe;
using enum SysReg;

namespace {

constexpr u64 b(unsigned n) { return u64{1} << n; }

Fault stage1_fault(bool fetch = false) {
  Fault fault;
  fault.kind = FaultKind::Translation;
  fault.level = 3;
  fault.fetch = fetch;
  fault.va = Va{0xffff'8000'1234'5678};
  return fault;
}

Fault stage2_fault(FaultKind kind, bool ipa_valid) {
  Fault fault = stage1_fault();
  fault.kind = kind;
  fault.stage = 2;
  fault.ipa = Ipa{0x4012'3678};
  fault.ipa_valid = ipa_valid;
  return fault;
}

}  // namespace

TEST_CASE("vectors: by where the exception comes from and which stack pointer was in use") {
  struct Row {
    El from;
    bool sp_el0;
    u64 offset;
  };
  const Row rows[] = {{El::EL1, true, 0x000}, {El::EL1, false, 0x200}, {El::EL0, false, 0x400}};
  for (const Row& row : rows) {
    Bench bench;
    bench.set(VBAR_EL1, 0x10000);
    bench.at(row.from, row.sp_el0);
    bench.pe.s.pc = 0x4000;
    CHECK_FALSE(bench.pe.supervisor_call(7));
    bench.pe.take_pending();
    CHECK(bench.pe.s.pc == 0x10000 + row.offset);
    CHECK(bench.pe.el() == El::EL1);
    CHECK(bench[ELR_EL1] == 0x4004);
    CHECK(bench[ESR_EL1] == make_esr(Ec::SVC64, 7).raw);
    CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::EL] == row.from);
    CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::SP] == (row.from == El::EL1 && !row.sp_el0));
  }
}

TEST_CASE("PSTATE on entry") {
  Bench bench;
  bench.set(SCTLR_EL1, Sctlr::DSSBS.mask);
  bench.pe.set_pstate(
      Pstate::of(b(31) | b(29) | Pstate::UAO.mask | Pstate::DIT.mask | Pstate::SS.mask | Pstate::IL.mask | 0x800));
  bench.pe.raise(stage1_fault());
  bench.pe.take_pending();
  const Pstate now = bench.pe.pstate();
  CHECK(now[Pstate::DAIF] == 15);
  CHECK(now[Pstate::SP]);
  CHECK(now[Pstate::PAN]);  // SPAN = 0
  CHECK(now[Pstate::SSBS]);
  CHECK(now[Pstate::DIT]);
  CHECK_FALSE(now[Pstate::UAO]);
  CHECK_FALSE(now[Pstate::SS]);
  CHECK_FALSE(now[Pstate::IL]);
  CHECK(now[Pstate::BTYPE] == 0);
  CHECK(now[Pstate::NZCV] == 0b1010);
  CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::UAO]);
  CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::IL]);
  SECTION("SPAN = 1 leaves PAN alone") {
    bench.set(SCTLR_EL1, Sctlr::SPAN.mask);
    bench.at(El::EL0);
    bench.pe.raise(stage1_fault());
    bench.pe.take_pending();
    CHECK_FALSE(bench.pe.pstate()[Pstate::PAN]);
    CHECK_FALSE(bench.pe.pstate()[Pstate::SSBS]);
  }
}

TEST_CASE("aborts: class by EL, FAR, and stage 2 to EL2") {
  Bench bench;
  SECTION("from EL1 itself") {
    bench.pe.raise(stage1_fault());
    bench.pe.take_pending();
    CHECK(Esr::of(bench[ESR_EL1])[Esr::EC] == Ec::DABT_CUR);
    CHECK(bench[FAR_EL1] == 0xffff'8000'1234'5678);
  }
  SECTION("fetch from EL0") {
    bench.at(El::EL0);
    bench.pe.raise(stage1_fault(true));
    bench.pe.take_pending();
    CHECK(Esr::of(bench[ESR_EL1])[Esr::EC] == Ec::IABT_LOW);
  }
  SECTION("stage 2 with a valid IPA") {
    bench.pe.raise(stage2_fault(FaultKind::Translation, true));
    bench.pe.take_pending();
    CHECK(bench.pe.el() == El::EL2);
    CHECK(Esr::of(bench[ESR_EL2])[Esr::EC] == Ec::DABT_LOW);
    CHECK(bench[HPFAR_EL2] == 0x40123 << 4);
    CHECK(bench[FAR_EL2] == 0xffff'8000'1234'5678);
  }
  SECTION("stage 2 without one: HPFAR_EL2 gets junk") {
    bench.pe.raise(stage2_fault(FaultKind::Permission, false));
    bench.pe.take_pending();
    CHECK(bench[HPFAR_EL2] != 0x40123 << 4);
    CHECK(bench[HPFAR_EL2] != 0);
  }
  SECTION("the junk can be switched off and is the same for the same seed") {
    Bench other;
    bench.pe.raise(stage2_fault(FaultKind::Permission, false));
    bench.pe.take_pending();
    other.pe.raise(stage2_fault(FaultKind::Permission, false));
    other.pe.take_pending();
    CHECK(bench[HPFAR_EL2] == other[HPFAR_EL2]);
    other.pe.scribble_hpfar = false;
    other[HPFAR_EL2] = 0x50;
    other.at(El::EL1);
    other.pe.raise(stage2_fault(FaultKind::Permission, false));
    other.pe.take_pending();
    CHECK(other[HPFAR_EL2] == 0x50);
  }
}

TEST_CASE("routing of synchronous exceptions") {
  Bench bench;
  SECTION("TGE takes EL0's exceptions to EL2") {
    bench.set(HCR_EL2, Hcr::TGE.mask);
    bench.at(El::EL0);
    bench.pe.supervisor_call(0);
    CHECK(bench.take() == "el2:SVC64");
  }
  SECTION("HVC goes to EL2, with the return address behind it") {
    bench.pe.s.pc = 0x100;
    CHECK_FALSE(bench.pe.hypervisor_call(3));
    CHECK(bench.take() == "el2:HVC64");
    CHECK(bench[ELR_EL2] == 0x104);
  }
  SECTION("HVC with HCD is UNDEFINED, as at EL0") {
    bench.set(HCR_EL2, Hcr::HCD.mask);
    bench.pe.hypervisor_call(0);
    CHECK(bench.take() == "undef");
    bench.at(El::EL0);
    bench.pe.hypervisor_call(0);
    CHECK(bench.take() == "undef");
  }
  SECTION("SMC traps with TSC at the SMC itself, else reaches firmware") {
    CHECK(bench.pe.secure_monitor_call(0));
    CHECK(bench.fake.firmware_calls == 1);
    bench.set(HCR_EL2, Hcr::TSC.mask);
    bench.pe.s.pc = 0x200;
    CHECK_FALSE(bench.pe.secure_monitor_call(0));
    CHECK(bench.take() == "el2:SMC64");
    CHECK(bench[ELR_EL2] == 0x200);
    CHECK(bench.fake.firmware_calls == 1);
  }
  SECTION("BRK goes to EL2 with TDE") {
    bench.pe.breakpoint_instruction(5);
    CHECK(bench.take() == "el1:BRK64");
    bench.set(MDCR_EL2, MdcrEl2::TDE.mask);
    bench.at(El::EL1);
    bench.pe.breakpoint_instruction(5);
    CHECK(bench.take() == "el2:BRK64");
  }
  SECTION("external aborts go to EL2 with TEA") {
    Fault fault = stage1_fault();
    fault.kind = FaultKind::SyncExternal;
    bench.set(HCR_EL2, Hcr::TEA.mask);
    bench.pe.raise(fault);
    CHECK(bench.take() == "el2:DABT_LOW");
  }
}

TEST_CASE("without EL2, HVC and SMC are firmware's or UNDEFINED") {
  Bench bench("max", false);
  CHECK(bench.pe.hypervisor_call(0));
  bench.fake.firmware_answers = false;
  CHECK_FALSE(bench.pe.hypervisor_call(0));
  CHECK(bench.take() == "undef");
  bench.at(El::EL0);
  CHECK_FALSE(bench.pe.secure_monitor_call(0));
  CHECK(bench.fake.firmware_calls == 2);
}

TEST_CASE("a hosted EL2 is called once for each exception to EL2") {
  FakePorts fake;
  Pe pe(0, *find_cpu("cortex-a72"), fake.all(true));
  pe.set_pstate(Pstate{}.with(Pstate::EL, El::EL1).with(Pstate::SP, true));
  pe.supervisor_call(0);
  pe.take_pending();
  CHECK(fake.el2_entries == 0);
  pe.hypervisor_call(0);
  pe.take_pending();
  CHECK(fake.el2_entries == 1);
}

TEST_CASE("FP traps: CPACR_EL1.FPEN by EL, then CPTR_EL2") {
  struct Row {
    u64 fpen;
    bool tfp;
    El el;
    const char* expected;
  };
  const Row rows[] = {{0, false, El::EL1, "el1:fp"}, {0, false, El::EL0, "el1:fp"}, {1, false, El::EL1, "ok"},
                      {1, false, El::EL0, "el1:fp"}, {2, false, El::EL1, "el1:fp"}, {3, false, El::EL0, "ok"},
                      {3, true, El::EL0, "el2:fp"},  {0, true, El::EL1, "el1:fp"}};
  for (const Row& row : rows) {
    Bench bench;
    bench.set(CPACR_EL1, row.fpen << 20);
    bench.set(CPTR_EL2, u64{row.tfp} << 10);
    bench.at(row.el);
    INFO("FPEN " << row.fpen << " TFP " << row.tfp << " EL" << number(row.el));
    if (bench.pe.fp_enabled()) {
      CHECK(row.expected == std::string("ok"));
    } else {
      bench.pe.raise_fp_trap();
      CHECK(bench.take() == row.expected);
    }
  }
}

TEST_CASE("ERET restores PSTATE and PC") {
  Bench bench;
  bench[ELR_EL1] = 0x1234;
  bench[SPSR_EL1] = b(30) | Pstate::PAN.mask | Pstate::I.mask | Pstate::SSBS.mask | 0x400 | 0x5;
  bench.pe.monitor.armed = true;
  bench.pe.exception_return();
  CHECK(bench.pe.s.pc == 0x1234);
  CHECK(bench.pe.el() == El::EL1);
  CHECK(bench.pe.s.nzcv == b(30));
  CHECK(bench.pe.s.btype == 1);
  CHECK(bench.pe.s.pstate[Pstate::PAN]);
  CHECK(bench.pe.s.pstate[Pstate::I]);
  CHECK(bench.pe.s.pstate[Pstate::SSBS]);
  CHECK_FALSE(bench.pe.monitor.armed);
  CHECK(bench.pe.event_register);
}

TEST_CASE("ERET to EL0 switches the stack pointer and back") {
  Bench bench;
  bench.pe.s.sp = 0x1000;
  bench.pe.s.sp_bank[0] = 0x2000;
  bench[SPSR_EL1] = 0;
  bench.pe.exception_return();
  CHECK(bench.pe.el() == El::EL0);
  CHECK(bench.pe.s.sp == 0x2000);
  bench.pe.supervisor_call(0);
  bench.pe.take_pending();
  CHECK(bench.pe.s.sp == 0x1000);
}

TEST_CASE("instructions are counted by EL") {
  Bench bench;
  const u64 before = bench.pe.instructions_at(El::EL1);
  bench.pe.begin_slice(100);
  bench.pe.budget -= 10;
  bench[SPSR_EL1] = 0;
  bench.pe.exception_return();
  bench.pe.budget -= 20;
  CHECK(bench.pe.instructions_at(El::EL1) == before + 10);
  CHECK(bench.pe.instructions_at(El::EL0) == 20);
  bench.pe.supervisor_call(0);
  bench.pe.take_pending();
  bench.pe.budget -= 3;
  CHECK(bench.pe.instructions_at(El::EL1) == before + 13);
  CHECK(bench.pe.instructions_at(El::EL0) == 20);
}

TEST_CASE("a slice of steps ends with the step in which it is asked to, or with a hypervisor's work") {
  Bench bench;
  pe::Pe& pe = bench.pe;
  const u64 begin = pe.instructions();
  const auto run = [&](u64 n) { pe.budget -= static_cast<i64>(n); };
  pe.begin_slice(5000, 500);
  run(700);
  pe.end_step();
  CHECK(pe.budget == 300);
  pe.end_step();
  CHECK(pe.budget == 300);
  run(300);
  pe.end_step();
  CHECK(pe.budget == 0);
  CHECK(pe.instructions() == begin + 1000);

  pe.begin_slice(5000, 500);
  run(500);
  pe.spend(1);  // an exception in place of the first instruction of a step
  pe.end_step();
  CHECK(pe.budget == 499);
  pe.begin_slice(5000, 500);
  run(10);
  pe.spend(1000);
  CHECK(pe.budget == 0);
  pe.begin_slice(5000);
  pe.spend(1000);
  pe.end_step();
  CHECK(pe.budget == 4000);
}

TEST_CASE("illegal returns set PSTATE.IL and stay") {
  struct Row {
    El at;
    u64 spsr;
    u64 hcr;
    bool illegal;
  };
  const Row rows[] = {
      {El::EL1, 0x5, 0, false},  // EL1h
      {El::EL1, 0x4, 0, false},  // EL1t
      {El::EL1, 0x0, 0, false},  // EL0t
      {El::EL1, 0x1, 0, true},   // EL0 with SP_ELx
      {El::EL1, 0x6, 0, true},   // M[1]
      {El::EL1, 0x9, 0, true},   // to a higher EL
      {El::EL1, 0xd, 0, true},   // EL3
      {El::EL1, 0x10, 0, true},  // AArch32 User
      {El::EL2, 0x9, 0, false},
      {El::EL2, 0x5, 0, false},
      {El::EL2, 0x5, Hcr::TGE.mask, true},
      {El::EL2, 0x0, Hcr::TGE.mask, false},
  };
  for (const Row& row : rows) {
    Bench bench;
    bench.set(HCR_EL2, row.hcr);
    bench.at(row.at);
    const bool el2 = row.at == El::EL2;
    bench[el2 ? SPSR_EL2 : SPSR_EL1] = row.spsr | b(29) | Pstate::I.mask | Pstate::UAO.mask;
    bench[el2 ? ELR_EL2 : ELR_EL1] = 0x77770;
    bench.pe.exception_return();
    INFO("from EL" << number(row.at) << " SPSR " << std::hex << row.spsr);
    CHECK(bench.pe.s.pstate[Pstate::IL] == row.illegal);
    CHECK(bench.pe.s.pc == 0x77770);
    CHECK(bench.pe.s.nzcv == b(29));
    CHECK(bench.pe.s.pstate[Pstate::I]);
    if (row.illegal) {
      CHECK(bench.pe.el() == row.at);
      CHECK(bench.pe.s.pstate[Pstate::SP]);
      CHECK_FALSE(bench.pe.s.pstate[Pstate::UAO]);
    } else {
      CHECK(bench.pe.el() == static_cast<El>(row.spsr >> 2 & 3));
    }
  }
}

TEST_CASE("SPSR.BTYPE survives only exceptions that precede execution") {
  Bench bench;
  bench.pe.s.btype = 2;
  bench.pe.raise(Ec::BTI, 2);
  bench.pe.take_pending();
  CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::BTYPE] == 2);
  bench.pe.s.btype = 2;
  bench.pe.raise(stage1_fault());
  bench.pe.take_pending();
  CHECK(Pstate::of(bench[SPSR_EL1])[Pstate::BTYPE] == 0);
}

TEST_CASE("WFI and WFE: traps only when they would wait") {
  Bench bench;
  bool wait;
  bench.at(El::EL0);
  SECTION("EL0 without nTWI and nTWE traps to EL1") {
    CHECK_FALSE(bench.pe.wait_for_interrupt(wait));
    CHECK(bench.take() == "el1:WFx");
    CHECK((bench[ESR_EL1] & 1) == 0);
    bench.at(El::EL0);
    CHECK_FALSE(bench.pe.wait_for_event(wait));
    CHECK(bench.take() == "el1:WFx");
    CHECK((bench[ESR_EL1] & 1) == 1);
  }
  SECTION("a pending interrupt or event means no wait and no trap") {
    bench.pe.lines.irq = true;
    CHECK(bench.pe.wait_for_interrupt(wait));
    CHECK_FALSE(wait);
    bench.pe.lines.irq = false;
    bench.pe.event_register = true;
    CHECK(bench.pe.wait_for_event(wait));
    CHECK_FALSE(wait);
    CHECK_FALSE(bench.pe.event_register);
  }
  SECTION("HCR_EL2.TWI") {
    bench.set(SCTLR_EL1, Sctlr::nTWI.mask | Sctlr::nTWE.mask);
    CHECK(bench.pe.wait_for_interrupt(wait));
    CHECK(wait);
    bench.pe.waiting = false;
    bench.set(HCR_EL2, Hcr::TWI.mask);
    CHECK_FALSE(bench.pe.wait_for_interrupt(wait));
    CHECK(bench.take() == "el2:WFx");
  }
  SECTION("an event ends WFE but not WFI") {
    bench.at(El::EL1);
    CHECK(bench.pe.wait_for_interrupt(wait));
    bench.pe.event_register = true;
    CHECK_FALSE(bench.pe.wakeup_pending());
    bench.pe.event_register = bench.pe.waiting = false;
    CHECK(bench.pe.wait_for_event(wait));
    CHECK_FALSE(bench.pe.wakeup_pending());
    bench.pe.event_register = true;
    CHECK(bench.pe.wakeup_pending());
  }
}
