// tests/unit/hyp/device_test.cpp - device accesses by syndrome, exceptions into the guest, and what happens to the PC.
#include "firmware/hyp/mmio.h"
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

constexpr AbortSpec kLoad{.fsc = kTf | 3, .isv = true};
constexpr AbortSpec kStore{.fsc = kTf | 3, .write = true, .isv = true};

AbortSpec sized(AbortSpec a, unsigned size) {
  a.sas = static_cast<unsigned>(std::countr_zero(size));
  return a;
}

void set_pstate(FakePe& pe, Pstate pstate) { pe.regs[Reg::SPSR_EL2] = pstate.raw; }
Pstate el0() { return Pstate{}.with(Pstate::EL, El::EL0); }

}  // namespace

// ---- Loads and stores ----

TEST_CASE("what a load leaves in its register") {
  struct Row {
    unsigned size;
    bool sign, sixty_four;
    u64 data, value;
  };
  const Row rows[] = {
      {1, false, false, 0x80, 0x80},
      {1, true, false, 0x80, 0xffff'ff80},  // LDRSB Wt keeps X[63:32] zero
      {1, true, true, 0x80, 0xffff'ffff'ffff'ff80},
      {1, true, true, 0x7f, 0x7f},
      {2, true, false, 0x8000, 0xffff'8000},
      {2, true, true, 0x8000, 0xffff'ffff'ffff'8000},
      {2, false, false, 0x8000, 0x8000},
      {4, true, true, 0x8000'0000, 0xffff'ffff'8000'0000},
      {4, false, false, 0x8000'0000, 0x8000'0000},
      {8, false, true, 0x8000'0000'0000'0001, 0x8000'0000'0000'0001},
  };
  for (const Row& row : rows) {
    INFO("size " << row.size << " sign " << row.sign << " sf " << row.sixty_four);
    World w;
    w.machine.device_value = row.data;
    w.pe.xs[1] = 0x5555'5555'5555'5555;
    AbortSpec a = sized(kLoad, row.size);
    a.sse = row.sign;
    a.sf = row.sixty_four;
    CHECK(w.abort(a, kHole + 0x24) == Resume::Mmio);
    CHECK(w.pe.xs[1] == row.value);
    CHECK(w.machine.vmm_io.at(0).size == row.size);
    CHECK(w.machine.vmm_io.at(0).ipa == kHole + 0x24);
    CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 4);
  }
  CHECK(extend_load(0x80, 1, true, false, false) == 0xffff'ffff'ffff'ff80);  // museum 52
}

TEST_CASE("a store gives the device the register's low bytes; register 31 is zero") {
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    World w;
    w.pe.xs[7] = 0x1122'3344'5566'7788;
    AbortSpec a = sized(kStore, size);
    a.rt = 7;
    CHECK(w.abort(a, kHole) == Resume::Mmio);
    CHECK(w.machine.vmm_io.at(0).write);
    CHECK(w.machine.vmm_io.at(0).value == (0x1122'3344'5566'7788 & ones(8 * size)));
    CHECK(w.pe.xs[7] == 0x1122'3344'5566'7788);
    a.rt = 31;
    CHECK(w.abort(a, kHole) == Resume::Mmio);
    CHECK(w.machine.vmm_io.at(1).value == 0);
  }
  World w;
  w.machine.device_value = 0xff;
  AbortSpec a = kLoad;
  a.rt = 31;
  const std::vector<u64> before(w.pe.xs, w.pe.xs + 31);
  CHECK(w.abort(a, kHole) == Resume::Mmio);
  CHECK(std::equal(before.begin(), before.end(), w.pe.xs));
}

TEST_CASE("a big-endian guest sees bytes swapped: SCTLR_EL1.EE at EL1, E0E at EL0") {
  struct Row {
    bool el0, ee, e0e, swapped;
  };
  for (const Row& row : {Row{false, true, false, true}, Row{false, false, true, false}, Row{true, false, true, true},
                         Row{true, true, false, false}}) {
    INFO("el0 " << row.el0 << " ee " << row.ee << " e0e " << row.e0e);
    World w;
    if (row.el0) set_pstate(w.pe, el0());
    w.pe.regs[Reg::SCTLR_EL1] = Sctlr{}.with(Sctlr::EE, row.ee).with(Sctlr::E0E, row.e0e).raw;
    w.machine.device_value = 0x1122;
    CHECK(w.abort(sized(kLoad, 2), kHole) == Resume::Mmio);
    CHECK(w.pe.xs[1] == (row.swapped ? 0x2211u : 0x1122u));
    w.pe.xs[1] = 0xaabb'ccdd;
    CHECK(w.abort(sized(kStore, 4), kHole) == Resume::Mmio);
    CHECK(w.machine.vmm_io.at(1).value == (row.swapped ? 0xddcc'bbaau : 0xaabb'ccddu));
  }
  // The sign is that of the swapped value.
  World w;
  w.pe.regs[Reg::SCTLR_EL1] = Sctlr{}.with(Sctlr::EE, true).raw;
  w.machine.device_value = 0x0080;
  AbortSpec a = sized(kLoad, 2);
  a.sse = a.sf = true;
  w.abort(a, kHole);
  CHECK(w.pe.xs[1] == 0xffff'ffff'ffff'8000);
}

TEST_CASE("devices in the kernel are asked first") {
  World w;
  w.machine.kernel_claims = true;
  w.machine.device_value = 0x42;
  CHECK(w.abort(kLoad, kHole) == Resume::Mmio);
  CHECK(w.pe.xs[1] == 0x42);
  CHECK(w.abort(kStore, kHole) == Resume::Mmio);
  CHECK(w.machine.kernel_io.size() == 2);
  CHECK(w.machine.vmm_io.empty());
  CHECK(w.vm->stats().mmio_kernel == 2);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 8);
}

TEST_CASE("the PC moves by the instruction's length, and BTYPE and SS are cleared with it") {
  World w;
  set_pstate(w.pe, Pstate{}
                       .with(Pstate::EL, El::EL1)
                       .with(Pstate::SP, true)
                       .with(Pstate::BTYPE, u64{2})
                       .with(Pstate::SS, true)
                       .with(Pstate::N, true));
  w.abort(kStore, kHole);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 4);
  const Pstate after = Pstate::of(w.pe.regs[Reg::SPSR_EL2]);
  CHECK(after[Pstate::BTYPE] == 0);
  CHECK_FALSE(after[Pstate::SS]);
  CHECK(after[Pstate::N]);
}

// ---- Without a syndrome ----

TEST_CASE("an access without syndrome: ENOSYS, or an exit with CM, WnR and FSC only") {
  World off;
  CHECK(off.abort({.fsc = kTf | 3, .write = true}, kHole) == Resume::Stop);
  CHECK(off.vm->stop_reason(0).error == Errno::NoSys);
  CHECK(off.pe.regs[Reg::ELR_EL2] == kPc);

  Options o;
  o.vm.nisv_exits = true;
  World on(o);
  CHECK(on.abort({.fsc = kTf | 3, .write = true}, kHole) == Resume::Guest);
  CHECK(on.machine.nisv_iss == (u64{1} << 6 | kTf | 3));
  CHECK(on.pe.regs[Reg::ELR_EL2] == kPc);
  REQUIRE(on.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
  CHECK(on.abort({.fsc = kTf | 3, .cm = true}, kRam) == Resume::Guest);  // a cache operation on a read-only slot
  CHECK(on.machine.nisv_iss == (u64{1} << 8 | u64{1} << 6 | kTf | 3));
  on.machine.vmm_reply = MmioReply::InjectAbort;
  CHECK(on.abort({.fsc = kTf | 3}, Va{0x1234}, kHole) == Resume::Injected);
  CHECK(on.pe.regs[Reg::FAR_EL1] == 0x1234);
  on.machine.vmm_reply = MmioReply::Stop;
  CHECK(on.abort({.fsc = kTf | 3}, kHole) == Resume::Stop);
  CHECK(on.vm->stop_reason(0).kind == StopKind::Vmm);
}

TEST_CASE("a VMM that pends an abort instead of answering: no register, no PC increment") {
  World w;
  w.machine.vmm_reply = MmioReply::InjectAbort;
  w.machine.device_value = 0x77;
  w.pe.xs[1] = 5;
  CHECK(w.abort(kLoad, Va{0xabc}, kHole) == Resume::Injected);
  CHECK(w.pe.xs[1] == 5);
  CHECK(w.pe.regs[Reg::ELR_EL1] == kPc);
  CHECK(w.pe.regs[Reg::ELR_EL2] == 0x1200);
  CHECK(w.pe.regs[Reg::FAR_EL1] == 0xabc);
  w.vm->reenter(0, w.pe);
  CHECK(w.pe.regs[Reg::ELR_EL2] == 0x1200);
}

TEST_CASE("a VMM that gives up leaves the access to be completed later, once") {
  World w;
  w.machine.vmm_reply = MmioReply::Stop;
  w.machine.device_value = 0x77;
  CHECK(w.abort(kLoad, kHole) == Resume::Stop);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
  w.vm->reenter(0, w.pe);
  CHECK(w.pe.xs[1] == 0x77);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 4);
  w.vm->reenter(0, w.pe);
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 4);
}

// ---- Exceptions into the guest ----

TEST_CASE("an injected abort enters EL1 as hardware would") {
  struct Row {
    Pstate from;
    u64 offset;
    Ec data, fetch;
  };
  const Row rows[] = {
      {Pstate{}.with(Pstate::EL, El::EL1).with(Pstate::SP, true), 0x200, Ec::DABT_CUR, Ec::IABT_CUR},
      {Pstate{}.with(Pstate::EL, El::EL1), 0x000, Ec::DABT_CUR, Ec::IABT_CUR},
      {el0(), 0x400, Ec::DABT_LOW, Ec::IABT_LOW},
      {Pstate{}.with(Pstate::nRW, true), 0x600, Ec::DABT_LOW, Ec::IABT_LOW},
  };
  for (const Row& row : rows)
    for (const bool fetch : {false, true}) {
      INFO("vector offset " << row.offset << " fetch " << fetch);
      World w;
      const Pstate from = row.from.with(Pstate::NZCV, u64{0xa}).with(Pstate::SS, true).with(Pstate::IL, true);
      set_pstate(w.pe, from);
      const AbortSpec a{.ec = fetch ? Ec::IABT_LOW : Ec::DABT_LOW, .fsc = kTf | 3, .s1ptw = true};
      CHECK(w.abort(a, Va{0xdead'beef}, kHole) == Resume::Injected);
      CHECK(w.pe.regs[Reg::ELR_EL1] == kPc);
      CHECK(w.pe.regs[Reg::SPSR_EL1] == from.raw);
      CHECK(w.pe.regs[Reg::ELR_EL2] == 0x1000 + row.offset);
      CHECK(w.pe.regs[Reg::FAR_EL1] == 0xdead'beef);
      CHECK(w.pe.regs[Reg::ESR_EL1] == make_esr(fetch ? row.fetch : row.data, 0x10).raw);
      const Pstate expected = Pstate{}
                                  .with(Pstate::NZCV, u64{0xa})
                                  .with(Pstate::DAIF, u64{0xf})
                                  .with(Pstate::EL, El::EL1)
                                  .with(Pstate::SP, true);
      CHECK(w.pe.regs[Reg::SPSR_EL2] == expected.raw);
    }
}

TEST_CASE("PAN and SSBS on entry follow SCTLR_EL1") {
  for (const bool span : {false, true})
    for (const bool dssbs : {false, true})
      for (const bool pan_before : {false, true}) {
        Options o;
        o.vm.cpu.pan = o.vm.cpu.ssbs = true;
        World w(o);
        set_pstate(w.pe, Pstate{}.with(Pstate::EL, El::EL1).with(Pstate::PAN, pan_before).with(Pstate::SSBS, !dssbs));
        w.pe.regs[Reg::SCTLR_EL1] = Sctlr{}.with(Sctlr::SPAN, span).with(Sctlr::DSSBS, dssbs).raw;
        w.abort({.ec = Ec::IABT_LOW, .fsc = kTf | 3}, kHole);
        const Pstate to = Pstate::of(w.pe.regs[Reg::SPSR_EL2]);
        CHECK(to[Pstate::PAN] == (pan_before || !span));
        CHECK(to[Pstate::SSBS] == dssbs);
      }
}

TEST_CASE("an exception class that nobody handles is UNDEFINED to the guest") {
  World w;
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::UNKNOWN, 0).raw;
  CHECK(w.vm->handle_exit(0, w.pe) == Resume::Injected);
  CHECK(Esr::of(w.pe.regs[Reg::ESR_EL1])[Esr::EC] == Ec::UNKNOWN);
  CHECK(w.pe.regs[Reg::ELR_EL2] == 0x1200);
  CHECK(w.vm->stats().undefs_injected == 1);
}

TEST_CASE("WFI waits, WFE yields, SMC is not supported: all move the PC") {
  World w;
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::WFX, 0).raw;
  CHECK(w.vm->handle_exit(0, w.pe) == Resume::SkipInsn);
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::WFX, 1).raw;
  CHECK(w.vm->handle_exit(0, w.pe) == Resume::SkipInsn);
  CHECK(w.machine.waits == 1);
  CHECK(w.machine.yields == 1);
  w.pe.regs[Reg::ESR_EL2] = make_esr(Ec::SMC64, 0).raw;
  w.pe.xs[0] = 0x8400'0000;
  CHECK(w.vm->handle_exit(0, w.pe) == Resume::SkipInsn);
  CHECK(w.pe.xs[0] == ~u64{0});
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 12);
}

}  // namespace farside::hyp::test
