// tests/unit/arch/esr_test.cpp - fault status codes, syndromes and PAR from Fault values.
#include "core/arch/esr.h"

#include "tests/unit/catch.h"

using namespace farside;

TEST_CASE("every fault status code") {
  struct Row {
    FaultKind kind;
    int level;
    unsigned fsc;
  };
  const Row rows[] = {
      {FaultKind::AddressSize, 0, 0x00},
      {FaultKind::AddressSize, 3, 0x03},
      {FaultKind::AddressSize, -1, 0x29},
      {FaultKind::Translation, 0, 0x04},
      {FaultKind::Translation, 2, 0x06},
      {FaultKind::Translation, -1, 0x2b},
      {FaultKind::AccessFlag, 1, 0x09},
      {FaultKind::AccessFlag, 3, 0x0b},
      {FaultKind::Permission, 1, 0x0d},
      {FaultKind::Permission, 3, 0x0f},
      {FaultKind::SyncExternal, 3, 0x10},
      {FaultKind::SyncExternalOnWalk, 0, 0x14},
      {FaultKind::SyncExternalOnWalk, 3, 0x17},
      {FaultKind::SyncExternalOnWalk, -1, 0x13},
      {FaultKind::Alignment, 3, 0x21},
      {FaultKind::Watchpoint, 0, 0x22},
      {FaultKind::TlbConflict, 0, 0x30},
      {FaultKind::UnsupportedAtomicUpdate, 2, 0x31},
      {FaultKind::UnsupportedExclusive, 2, 0x35},
  };
  for (const Row& row : rows) CHECK(unsigned{encode_fsc(row.kind, static_cast<i8>(row.level))} == row.fsc);
}

namespace {
Fault data_fault() {
  Fault f;
  f.kind = FaultKind::Translation;
  f.level = 3;
  f.syndrome = {.isv = true, .sas = 2, .sse = true, .srt = 19, .sf = true, .ar = true};
  return f;
}
}  // namespace

TEST_CASE("exception class: fetch or data, lower or current EL") {
  Fault f = data_fault();
  CHECK(esr_for_fault(f, false)[Esr::EC] == Ec::DABT_LOW);
  CHECK(esr_for_fault(f, true)[Esr::EC] == Ec::DABT_CUR);
  f.fetch = true;
  CHECK(esr_for_fault(f, false)[Esr::EC] == Ec::IABT_LOW);
  CHECK(esr_for_fault(f, true)[Esr::EC] == Ec::IABT_CUR);
  f.fetch = false;
  f.kind = FaultKind::Watchpoint;
  CHECK(esr_for_fault(f, false)[Esr::EC] == Ec::WATCHPT_LOW);
  CHECK(esr_for_fault(f, true)[Esr::EC] == Ec::WATCHPT_CUR);
  CHECK(esr_for_fault(f, true)[Esr::IL]);
}

TEST_CASE("ISV appears only for stage-2 data aborts that are not S1PTW, CMO or external") {
  const auto isv = [](const Fault& f) { return (*esr_for_fault(f, false).abort())[IssAbort::ISV]; };
  Fault f = data_fault();
  CHECK_FALSE(isv(f));  // stage 1
  f.stage = 2;
  CHECK(isv(f));
  const IssAbort iss = *esr_for_fault(f, false).abort();
  CHECK(iss[IssAbort::SAS] == 2);
  CHECK(iss[IssAbort::SSE]);
  CHECK(iss[IssAbort::SRT] == 19);
  CHECK(iss[IssAbort::SF]);
  CHECK(iss[IssAbort::AR]);
  Fault walk = f;
  walk.s1ptw = true;
  CHECK_FALSE(isv(walk));
  CHECK((*esr_for_fault(walk, false).abort())[IssAbort::S1PTW]);
  Fault cm = f;
  cm.cm = true;
  CHECK_FALSE(isv(cm));
  CHECK((*esr_for_fault(cm, false).abort())[IssAbort::CM]);
  CHECK((*esr_for_fault(cm, false).abort())[IssAbort::WnR]);  // CM implies WnR
  Fault external = f;
  external.kind = FaultKind::SyncExternalOnWalk;
  CHECK_FALSE(isv(external));
  Fault none = f;
  none.syndrome.isv = false;
  CHECK(esr_for_fault(none, false)[Esr::ISS] == 0b000111);
  CHECK(esr_for_fault(none, false)[Esr::IL]);
}

TEST_CASE("instruction aborts carry S1PTW and IFSC only") {
  Fault f = data_fault();
  f.fetch = f.s1ptw = true;
  f.stage = 2;
  CHECK(esr_for_fault(f, false)[Esr::ISS] == (0b000111u | 1u << 7));
}

TEST_CASE("PAR of a failed translation") {
  Fault f = data_fault();
  CHECK(par_for_fault(f) == (1u | 0b000111u << 1 | 1u << 11));
  f.stage = 2;
  CHECK(par_for_fault(f) == (1u | 0b000111u << 1 | 1u << 11 | 1u << 9));
  f.s1ptw = true;
  CHECK(par_for_fault(f) == (1u | 0b000111u << 1 | 1u << 11 | 1u << 9 | 1u << 8));
}

TEST_CASE("names of exception classes are the kernel's") {
  struct Row {
    Ec ec;
    const char* name;
  };
  for (const Row& row : {Row{Ec::WFX, "WFx"},
                         {Ec::HVC64, "HVC64"},
                         {Ec::SYS64, "SYS64"},
                         {Ec::IABT_LOW, "IABT_LOW"},
                         {Ec::DABT_LOW, "DABT_LOW"},
                         {Ec::SMC64, "SMC64"},
                         {Ec::FP_ASIMD, "FP_ASIMD"},
                         {Ec::SVC64, "SVC64"},
                         {Ec::BRK64, "BRK64"},
                         {Ec::SERROR, "SERROR"},
                         {Ec::PAUTH, "PAC"}}) {
    CHECK(std::string(ec_name(row.ec)) == row.name);
  }
  CHECK(std::string(ec_name(static_cast<Ec>(0x3f))) == "?");
}

TEST_CASE("descriptions") {
  Fault f = data_fault();
  f.stage = 2;
  f.write = true;
  f.level = 2;
  CHECK(describe(esr_for_fault(f, false)) == "DABT_LOW translation fault level 2, write, 4 bytes x19 signed ordered");
  f.s1ptw = true;
  CHECK(describe(esr_for_fault(f, false)) == "DABT_LOW translation fault level 2, write, s1ptw");
  f.fetch = true;
  CHECK(describe(esr_for_fault(f, true)) == "IABT_CUR translation fault level 2, s1ptw");
  const u64 iss = IssSys{}.with(IssSys::Op0, u64{3}).with(IssSys::CRn, u64{1}).with(IssSys::Rt, u64{5}).raw;
  CHECK(describe(make_esr(Ec::SYS64, iss)) == "SYS64 write s3_0_c1_c0_0 x5");
  CHECK(describe(make_esr(Ec::HVC64, 3)) == "HVC64 iss 0x3");
  CHECK(describe(make_esr(static_cast<Ec>(0x3f), 0)) == "EC 0x3f");
  CHECK_FALSE(make_esr(Ec::HVC64, 3).abort());
  CHECK_FALSE(make_esr(Ec::DABT_LOW, 3).sys());
}
