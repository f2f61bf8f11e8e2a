// tests/unit/hyp/psci_test.cpp - PSCI and SMCCC functions, directly and through HVC.
#include "firmware/hyp/psci.h"
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

constexpr u64 k64 = 0x4000'0000;
constexpr u64 kVersion = 0x8400'0000, kSuspend = 0x8400'0001, kOff = 0x8400'0002, kOn = 0x8400'0003,
              kAffinity = 0x8400'0004, kMigrateInfo = 0x8400'0006, kSystemOff = 0x8400'0008, kReset = 0x8400'0009,
              kFeatures = 0x8400'000a, kReset2 = 0x8400'0012;

/// X0 of the reply as the signed number that the caller sees.
i64 call(FakeMachine& m, u64 function, u64 a1 = 0, u64 a2 = 0, u64 a3 = 0) {
  return static_cast<i64>(smccc_call(m, 0, {function, a1, a2, a3}).x[0]);
}

Resume hvc(World& w, u64 x0, u64 x1 = 0, u64 x2 = 0, u64 x3 = 0) {
  w.pe.xs[0] = x0, w.pe.xs[1] = x1, w.pe.xs[2] = x2, w.pe.xs[3] = x3;
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::HVC64, 0).raw;
  return w.vm->handle_exit(0, w.pe);
}

}  // namespace

TEST_CASE("versions and features") {
  FakeMachine m;
  CHECK(call(m, kVersion) == 0x1'0001);
  CHECK(call(m, 0x8000'0000) == 0x1'0001);  // SMCCC_VERSION
  for (const u64 f : {kVersion, kSuspend, kOff, kOn, kAffinity, kMigrateInfo, kSystemOff, kReset, kFeatures, kReset2})
    CHECK(call(m, kFeatures, f) == 0);
  for (const u64 f : {kSuspend, kOn, kAffinity, kReset2}) CHECK(call(m, kFeatures, f | k64) == 0);
  for (const u64 f : {kVersion | k64, kOff | k64, kSystemOff | k64, u64{0x8400'0007}, u64{0x8400'000e}, u64{0}})
    CHECK(call(m, kFeatures, f) == -1);
  CHECK(call(m, kFeatures, 0x8000'0000) == 0);
  CHECK(call(m, kMigrateInfo) == 2);
}

TEST_CASE("SMCCC_ARCH_FEATURES names the workarounds as not required, and calling them is harmless") {
  FakeMachine m;
  for (const u64 workaround : {0x8000'8000, 0x8000'7fff, 0x8000'3fff}) {
    CHECK(call(m, 0x8000'0001, workaround) == 1);
    CHECK(call(m, workaround) == 0);
  }
  CHECK(call(m, 0x8000'0001, 0x8000'0000) == 0);
  CHECK(call(m, 0x8000'0001, 0x8000'0002) == -1);
}

TEST_CASE("unknown functions are not supported") {
  FakeMachine m;
  for (const u64 f : {u64{0}, u64{0x8400'0005}, u64{0x8400'0020}, kVersion | k64, kOff | k64, kSystemOff | k64,
                      u64{0x8600'0000}, u64{0xffff'ffff}})
    CHECK(call(m, f) == -1);
  CHECK(m.offs + m.system_offs + m.resets + m.suspends == 0);
}

TEST_CASE("only the low half of X0 is the function, and SMC32 arguments are 32 bits wide") {
  FakeMachine m;
  CHECK(call(m, 0xdead'0000'0000'0000 | kVersion) == 0x1'0001);
  CHECK(call(m, kOn, 0xffff'ffff'0000'0001, 0xffff'ffff'8000'0000, ~u64{0}) == 0);
  CHECK(m.on_mpidr == 1);
  CHECK(m.on_entry == 0x8000'0000);
  CHECK(m.on_context == 0xffff'ffff);
  CHECK(call(m, kOn | k64, 1, 0xffff'0000'4000'0000, ~u64{0}) == 0);
  CHECK(m.on_entry == 0xffff'0000'4000'0000);
  CHECK(m.on_context == ~u64{0});
}

TEST_CASE("CPU_ON: every answer of the machine has its code") {
  FakeMachine m;
  const std::pair<CpuOnResult, i64> rows[] = {{CpuOnResult::Started, 0},
                                              {CpuOnResult::AlreadyOn, -4},
                                              {CpuOnResult::OnPending, -5},
                                              {CpuOnResult::NoSuchCpu, -2},
                                              {CpuOnResult::InvalidAddress, -9}};
  for (const auto& [result, code] : rows) {
    m.on_result = result;
    CHECK(call(m, kOn | k64, 1, 0x4000'0000) == code);
  }
  m.on_mpidr = 77;
  CHECK(call(m, kOn | k64, 0x8000'0001, 0x4000'0000) == -2);  // bits outside the affinity fields
  CHECK(call(m, kOn | k64, u64{1} << 40, 0x4000'0000) == -2);
  CHECK(m.on_mpidr == 77);
}

TEST_CASE("AFFINITY_INFO") {
  FakeMachine m;
  CHECK(call(m, kAffinity | k64, 0, 0) == 0);
  CHECK(call(m, kAffinity | k64, 1, 0) == 1);
  CHECK(call(m, kAffinity | k64, 2, 0) == -2);
  CHECK(call(m, kAffinity | k64, 0, 3) == 0);
  CHECK(call(m, kAffinity | k64, 0, 4) == -2);
}

TEST_CASE("HVC: the PC has moved already, results are in X0 to X3") {
  World w;
  w.pe.xs[3] = 9;
  CHECK(hvc(w, kVersion, 1, 2, 3) == Resume::Guest);
  CHECK(w.pe.xs[0] == 0x1'0001);
  CHECK(w.pe.xs[1] == 0);
  CHECK(w.pe.xs[3] == 0);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
  CHECK(hvc(w, 0x1234) == Resume::Guest);
  CHECK(w.pe.xs[0] == ~u64{0});
  CHECK(hvc(w, kSuspend | k64) == Resume::Guest);
  CHECK(w.machine.suspends == 1);
  CHECK(w.pe.xs[0] == 0);
}

TEST_CASE("calls that stop the vCPU or the machine") {
  struct Row {
    u64 function, argument;
    StopKind kind;
  };
  for (const Row& row :
       {Row{kOff, 0, StopKind::CpuOff}, Row{kSystemOff, 0, StopKind::SystemOff}, Row{kReset, 0, StopKind::SystemReset},
        Row{kReset2, 0, StopKind::SystemReset}, Row{kReset2 | k64, 0x8000'0000, StopKind::SystemReset}}) {
    World w;
    CHECK(hvc(w, row.function, row.argument) == Resume::Stop);
    CHECK(w.vm->stop_reason(0).kind == row.kind);
    CHECK_FALSE(w.vm->stop_reason(0).error);
    CHECK(w.machine.offs == (row.kind == StopKind::CpuOff));
    CHECK(w.machine.system_offs == (row.kind == StopKind::SystemOff));
    CHECK(w.machine.resets == (row.kind == StopKind::SystemReset));
  }
  World w;
  CHECK(hvc(w, kReset2, 1) == Resume::Guest);  // an architectural type that does not exist
  CHECK(w.pe.xs[0] == static_cast<u64>(-2));
  CHECK(w.machine.resets == 0);
}

}  // namespace farside::hyp::test
