// tests/unit/interp/interp_test.cpp - the two loops: exact budgets, branch targets, illegal state, traces.
#include "core/interp/interp.h"

#include "tests/unit/catch.h"
#include "tests/unit/pe/fake_ports.h"

using namespace farside;
using namespace farside::pe;

namespace {

constexpr u32 kNop = 0xd503201f, kBtiC = 0xd503245f, kBtiJ = 0xd503249f, kPaciasp = 0xd503233f, kBrX1 = 0xd61f0020,
              kBlrX1 = 0xd63f0020, kBranchSelf = 0x14000000;

// Code at 0x8000 in a guarded page (GP), MMU on: 39-bit VA, one L3 table.
struct Runner : Bench {
  interp::Interp engine{pe.features()};
  explicit Runner(bool guarded = false) : Bench("max", false) {
    put(0x1000, 0x2003);
    put(0x2000, 0x3003);
    for (u64 page = 4; page < 16; ++page)
      put(0x3000 + page * 8, page << 12 | u64{0x703} | (guarded ? u64{1} << 50 : 0));
    set(SysReg::MAIR_EL1, 0xff);
    set(SysReg::TCR_EL1, 25 | u64{1} << 8 | u64{1} << 10 | u64{3} << 12 | u64{1} << 23);
    set(SysReg::TTBR0_EL1, 0x1000);
    set(SysReg::SCTLR_EL1, 0x30d0'1805);
    set(SysReg::VBAR_EL1, 0xc000);
    code(0xc200, {kBranchSelf});  // synchronous exceptions from EL1h end here
    pe.s.pc = 0x8000;
    pe.powered_on = true;
  }
  void put(u64 address, u64 value) { std::memcpy(fake.ram.data() + address, &value, 8); }
  void code(u64 address, std::initializer_list<u32> words) {
    for (u32 word : words) {
      std::memcpy(fake.ram.data() + address, &word, 4);
      address += 4;
    }
  }
  void run(u64 n) {
    pe.begin_slice(n);
    engine.run(pe);
  }
  Ec taken() const { return Esr::of(pe.s.sys[SysReg::ESR_EL1])[Esr::EC]; }
};

}  // namespace

TEST_CASE("a slice executes exactly its budget and counts it") {
  Runner m;
  m.code(0x8000, {kNop, kNop, kNop, kNop, kBranchSelf});
  m.run(3);
  CHECK(m.pe.s.pc == 0x800c);
  CHECK(m.pe.instructions() == 3);
  m.run(1000);
  CHECK(m.pe.instructions() == 1003);
  CHECK(m.pe.s.pc == 0x8010);
}

TEST_CASE("changed code is executed as it is in memory, without any maintenance when CTR says so") {
  Runner m;
  m.code(0x8000, {0xd2800020, 0x17ffffff});  // movz x0, #1; b .-4
  m.run(4);
  CHECK(m.pe.s.x[0] == 1);
  m.code(0x8000, {0xd2800040});  // movz x0, #2
  m.run(4);
  CHECK(m.pe.s.x[0] == 2);
}

TEST_CASE("BTI: which instructions an indirect branch may land on") {
  struct Row {
    u32 branch, target;
    bool allowed;
  };
  const Row row =
      GENERATE(Row{kBrX1, kBtiJ, true}, Row{kBrX1, kBtiC, false}, Row{kBlrX1, kBtiC, true}, Row{kBlrX1, kBtiJ, false},
               Row{kBlrX1, kPaciasp, true}, Row{kBrX1, kNop, false}, Row{kBlrX1, kNop, false});
  CAPTURE(row.branch, row.target);
  SECTION("guarded page") {
    Runner m(true);
    m.code(0x8000, {row.branch});
    m.code(0x9000, {row.target, kBranchSelf});
    m.pe.s.x[1] = 0x9000;
    m.run(2);
    CHECK((m.pe.s.pc == 0x9004) == row.allowed);
    if (!row.allowed) {
      CHECK(m.taken() == Ec::BTI);
      CHECK(m.pe.s.sys[SysReg::ELR_EL1] == 0x9000);
      CHECK(Pstate::of(m.pe.s.sys[SysReg::SPSR_EL1])[Pstate::BTYPE] != 0);
    }
  }
  SECTION("other pages do not care") {
    Runner m(false);
    m.code(0x8000, {row.branch});
    m.code(0x9000, {row.target, kBranchSelf});
    m.pe.s.x[1] = 0x9000;
    m.run(2);
    CHECK(m.pe.s.pc == 0x9004);
    CHECK(m.pe.s.btype == 0);
  }
}

TEST_CASE("PSTATE.IL makes every instruction an Illegal Execution state exception") {
  Runner m;
  m.code(0x8000, {kNop});
  m.pe.s.pstate = m.pe.s.pstate.with(Pstate::IL, true);
  m.run(1);
  CHECK(m.taken() == Ec::ILLEGAL_STATE);
}

TEST_CASE("a fetch that faults names the PC, and an odd PC is an alignment fault") {
  Runner m;
  m.pe.s.pc = 0x2'0000'0000;
  m.run(1);
  CHECK(m.taken() == Ec::IABT_CUR);
  CHECK(m.pe.s.sys[SysReg::FAR_EL1] == 0x2'0000'0000);
  m.pe.s.pc = 0x8002;
  m.run(1);
  CHECK(m.taken() == Ec::PC_ALIGN);
}

TEST_CASE("an exec trace sees every instruction and changes nothing") {
  Runner plain, traced;
  unsigned seen = 0;
  traced.fake.trace.set_sink([&](const TraceEvent&) { ++seen; });
  traced.fake.trace.enable(TraceGroup::Exec);
  for (Runner* m : {&plain, &traced}) {
    m->code(0x8000, {kNop, 0x91000400, 0x17fffffe});  // nop; add x0, x0, #1; b .-8
    m->run(30);
  }
  CHECK(seen == 30);
  CHECK(plain.pe.s.x[0] == traced.pe.s.x[0]);
  CHECK(plain.pe.s.pc == traced.pe.s.pc);
}

TEST_CASE("vectors that cannot be fetched do not keep a slice from ending") {
  Runner m;
  m.set(SysReg::VBAR_EL1, 0x7f'0000'0000);
  m.pe.s.pc = 0x8002;
  m.run(1000);
  CHECK(m.pe.budget <= 0);
  CHECK(m.taken() == Ec::IABT_CUR);
}
