// tests/unit/hyp/abort_test.cpp - the decision tables of a guest abort: registers in, outcome and table entry out.
#include "firmware/hyp/fault.h"
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

Esr injected(const FakePe& pe) { return Esr::of(pe.read(Reg::ESR_EL1)); }
u64 injected_fsc(const FakePe& pe) { return IssAbort::of(injected(pe)[Esr::ISS])[IssAbort::FSC]; }

constexpr AbortSpec kReadTf{.fsc = kTf | 3, .isv = true};
constexpr AbortSpec kWriteTf{.fsc = kTf | 3, .write = true, .isv = true};
constexpr AbortSpec kExecTf{.ec = Ec::IABT_LOW, .fsc = kTf | 3};

}  // namespace

// ---- From registers to a fault ----

TEST_CASE("the fault status is classified by its upper bits, external aborts by their own codes") {
  const std::pair<u64, FscType> rows[] = {
      {0x00, FscType::AddressSize}, {0x03, FscType::AddressSize}, {0x04, FscType::Translation},
      {0x07, FscType::Translation}, {0x08, FscType::AccessFlag},  {0x0b, FscType::AccessFlag},
      {0x0c, FscType::Permission},  {0x0f, FscType::Permission},  {0x10, FscType::External},
      {0x11, FscType::Other},       {0x14, FscType::External},    {0x17, FscType::External},
      {0x18, FscType::External},    {0x1c, FscType::External},    {0x1f, FscType::External},
      {0x21, FscType::Other},       {0x30, FscType::Other},       {0x31, FscType::Other},
  };
  for (const auto& [fsc, type] : rows) {
    INFO("fsc " << fsc);
    CHECK(fsc_type(fsc) == type);
  }
}

TEST_CASE("what counts as a write depends on the era") {
  using enum WriteFaultRule;
  struct Row {
    AbortSpec abort;
    bool rule[5];  // UnlessKnownRead, Wnr, DataWalkIsWrite, AnyWalkIsWrite, WalkByType
  };
  const Row rows[] = {
      {{.fsc = kTf, .isv = true}, {false, false, false, false, false}},
      {{.fsc = kTf}, {true, false, false, false, false}},  // LDP: no syndrome, taken for a write in 2012
      {{.fsc = kTf, .write = true, .isv = true}, {true, true, true, true, true}},
      {{.fsc = kTf, .cm = true}, {true, true, true, true, true}},  // cache operations report WnR
      {{.fsc = kTf, .s1ptw = true}, {true, false, true, true, false}},
      {{.fsc = kPf, .s1ptw = true}, {true, false, true, true, true}},
      {{.fsc = kTf, .write = true, .s1ptw = true}, {true, true, true, true, false}},
      {{.ec = Ec::IABT_LOW, .fsc = kTf}, {false, false, false, false, false}},
      {{.ec = Ec::IABT_LOW, .fsc = kPf}, {false, false, false, false, false}},
      {{.ec = Ec::IABT_LOW, .fsc = kTf, .s1ptw = true}, {false, false, false, true, false}},
      {{.ec = Ec::IABT_LOW, .fsc = kPf, .s1ptw = true}, {false, false, false, true, true}},
  };
  for (const Row& row : rows)
    for (const auto rule : {UnlessKnownRead, Wnr, DataWalkIsWrite, AnyWalkIsWrite, WalkByType}) {
      INFO("row " << &row - rows << " rule " << int(rule));
      CHECK(is_write_fault(rule, abort_esr(row.abort), fsc_type(row.abort.fsc)) == row.rule[int(rule)]);
    }
}

TEST_CASE("HPFAR_EL2 is used exactly where it is valid, and AT leaves the guest's PAR_EL1 alone") {
  struct Row {
    AbortSpec abort;
    bool resolves;
  };
  const Row rows[] = {
      {{.fsc = kTf | 3}, false},
      {{.fsc = kAf | 3}, false},
      {{.fsc = kPf | 3, .write = true}, true},
      {{.ec = Ec::IABT_LOW, .fsc = kPf | 3}, true},
      {{.fsc = kPf | 3, .s1ptw = true}, false},
      {{.ec = Ec::IABT_LOW, .fsc = kPf | 3, .s1ptw = true}, false},
      {{.fsc = kTf | 3, .s1ptw = true}, false},
  };
  for (const Row& row : rows) {
    INFO("row " << &row - rows);
    FakeMachine machine;
    FakePe pe;
    const Va far{0xffff'0000'1234'5678};
    const Ipa truth{0x4234'5000};
    pe.stage1 = [&](Va) { return std::optional(truth); };
    pe.regs[Reg::PAR_EL1] = 0x1234'5000'0f00;
    pe.regs[Reg::ESR_EL2] = abort_esr(row.abort).raw;
    pe.regs[Reg::FAR_EL2] = far.value;
    pe.regs[Reg::HPFAR_EL2] = row.resolves ? kJunkHpfar : truth.value >> 8;
    Stats stats;
    const auto fault = read_fault(pe, Policy{}, machine, stats);
    REQUIRE(fault);
    CHECK(fault->ipa == truth);
    CHECK(fault->exact_ipa() == truth + 0x678);
    CHECK(fault->level == 3);
    CHECK(pe.ats == (row.resolves ? 1 : 0));
    CHECK(pe.regs[Reg::PAR_EL1] == 0x1234'5000'0f00);
  }
}

TEST_CASE("without the saved PAR_EL1 the guest would see EL2's translation") {
  FakeMachine machine;
  FakePe pe;
  Policy policy;
  policy.preserve_par = false;
  pe.regs[Reg::PAR_EL1] = 0xabc000;
  pe.regs[Reg::ESR_EL2] = abort_esr({.fsc = kPf | 3, .write = true}).raw;
  pe.regs[Reg::FAR_EL2] = 0x5000;
  Stats stats;
  REQUIRE(read_fault(pe, policy, machine, stats));
  CHECK(pe.regs[Reg::PAR_EL1] == 0x5000);
}

TEST_CASE("an AT that faults, or reports a fault, replays the access and restores PAR_EL1") {
  for (const bool exception : {false, true}) {
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    w.access(Kind::Read, kRam);
    w.pe.regs[Reg::PAR_EL1] = 0x7000;
    if (exception)
      w.pe.at_takes_exception = true;
    else
      w.pe.stage1 = [](Va) { return std::optional<Ipa>(); };
    const Delta d(*w.vm);
    CHECK(w.abort({.ec = Ec::IABT_LOW, .fsc = kPf | 3}, kRam) == Resume::Guest);
    CHECK(d.faults() == 0);  // the host never hears of it
    CHECK(d(&Stats::replays) == 1);
    CHECK(d(&Stats::aborts_injected) == 0);
    CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
    CHECK(w.pe.regs[Reg::PAR_EL1] == 0x7000);
  }
}

// ---- Table 2.1 ----

TEST_CASE("an address beyond the host's limit is an address size fault, with the IPA in FAR_EL1") {
  World w;
  CHECK(w.abort(kReadTf, Va{0xffff'0000'0000'0123}, Ipa{u64{1} << 40}) == Resume::Injected);
  CHECK(injected(w.pe)[Esr::EC] == Ec::DABT_CUR);
  CHECK(injected_fsc(w.pe) == 0);
  CHECK(w.pe.regs[Reg::FAR_EL1] == (u64{1} << 40 | 0x123));
  CHECK(w.abort(kExecTf, Va{0x456}, Ipa{u64{1} << 47}) == Resume::Injected);
  CHECK(injected(w.pe)[Esr::EC] == Ec::IABT_CUR);
  CHECK(injected_fsc(w.pe) == 0);
}

TEST_CASE("an address beyond the VM's limit is an external abort, with the IPA in FAR_EL1") {
  Options o;
  o.vm.ipa_bits = 36;
  World w(o);
  CHECK(w.abort(kWriteTf, Va{0xffff'0000'0000'0123}, Ipa{u64{1} << 36}) == Resume::Injected);
  CHECK(injected(w.pe)[Esr::EC] == Ec::DABT_CUR);
  CHECK(injected_fsc(w.pe) == 0x10);
  CHECK(w.pe.regs[Reg::FAR_EL1] == (u64{1} << 36 | 0x123));
  CHECK(w.abort(kExecTf, Va{0x9000}, Ipa{u64{1} << 39}) == Resume::Injected);
  CHECK(injected(w.pe)[Esr::EC] == Ec::IABT_CUR);
  CHECK(w.pe.regs[Reg::FAR_EL1] == u64{1} << 39);
  CHECK(w.machine.vmm_io.empty());
}

TEST_CASE("an external abort becomes a virtual SError and the instruction replays") {
  for (const u64 fsc : {0x10, 0x15, 0x18, 0x1f}) {
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    CHECK(w.abort({.fsc = fsc}, kRam) == Resume::Guest);
    CHECK(Hcr::of(w.pe.regs[Reg::HCR_EL2])[Hcr::VSE]);
    CHECK(w.pe.regs[Reg::VSESR_EL2] == u64{1} << 24);
    CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
    CHECK(w.rights(kRam) == "none");
    // The PE has taken it: VSE does not come back at the next exit.
    w.pe.regs[Reg::HCR_EL2] = Hcr::of(w.pe.regs[Reg::HCR_EL2]).with(Hcr::VSE, false).raw;
    w.abort(kReadTf, kRam);
    CHECK_FALSE(Hcr::of(w.pe.regs[Reg::HCR_EL2])[Hcr::VSE]);
  }
}

TEST_CASE("fault codes that KVM does not know end KVM_RUN with EFAULT") {
  for (const u64 fsc : {0x00, 0x03, 0x21, 0x30, 0x31}) {
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    CHECK(w.abort({.fsc = fsc}, kRam) == Resume::Stop);
    CHECK(w.vm->stop_reason(0).kind == StopKind::RunError);
    CHECK(w.vm->stop_reason(0).error == Errno::Fault);
    CHECK(w.pe.regs[Reg::ELR_EL2] == kPc);
  }
}

TEST_CASE("an access flag fault makes the entry young without a TLB operation") {
  for (const u32 flags : {0u, u32{kMemLogDirtyPages}, u32{kMemReadOnly}}) {
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, flags));
    populate(*w.vm, kRam, 0x1000);
    w.access(Kind::Read, kRam);
    const std::string rights = w.rights(kRam);
    const u64 hva = w.vm->slots()[0].hva;
    CHECK(w.vm->space().age({hva, 0x1000}, false));
    CHECK_FALSE(World::young(*w.leaf(kRam)));
    w.machine.log.clear();
    const Delta d(*w.vm);
    CHECK(w.abort({.fsc = kAf | 3, .isv = true}, kRam) == Resume::Guest);
    CHECK(World::young(*w.leaf(kRam)));
    CHECK(w.rights(kRam) == rights);
    CHECK(w.vm->space().lookup(hva)->young);
    CHECK(d(&Stats::s2_mkyoung) == 1);
    CHECK(d(&Stats::s2_map) == 0);
    CHECK(w.machine.log == std::vector<std::string>{"store leaf", "dsb ishst"});
  }
}

TEST_CASE("an access flag fault of a write on a read-only slot is a device access") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
  w.access(Kind::Read, kRam);
  w.vm->space().age({w.vm->slots()[0].hva, 0x1000}, false);
  CHECK(w.abort({.fsc = kAf | 3, .write = true, .isv = true}, kRam) == Resume::Mmio);
  CHECK_FALSE(World::young(*w.leaf(kRam)));
}

TEST_CASE("before aging existed an access flag fault was an error") {
  Options o;
  o.vm.policy.access_flag_faults = false;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  CHECK(w.abort({.fsc = kAf | 3, .isv = true}, kRam) == Resume::Stop);
  CHECK(w.vm->stop_reason(0).error == Errno::Fault);
}

// ---- Table 2.2 ----

TEST_CASE("accesses that no memory can satisfy") {
  struct Row {
    AbortSpec abort;
    u32 flags;
    bool hole;
    Resume outcome;
    Ec injected;
  };
  const Ec none = Ec::UNKNOWN;
  const Row rows[] = {
      {{.ec = Ec::IABT_LOW, .fsc = kTf | 3}, 0, true, Resume::Injected, Ec::IABT_CUR},
      {{.ec = Ec::IABT_LOW, .fsc = kTf | 3, .s1ptw = true}, 0, true, Resume::Injected, Ec::IABT_CUR},
      {{.ec = Ec::IABT_LOW, .fsc = kPf | 3, .s1ptw = true}, kMemReadOnly, false, Resume::Injected, Ec::IABT_CUR},
      {{.fsc = kTf | 3, .s1ptw = true}, 0, true, Resume::Injected, Ec::DABT_CUR},
      {{.fsc = kPf | 3, .s1ptw = true}, kMemReadOnly, false, Resume::Injected, Ec::DABT_CUR},
      {{.fsc = kTf | 3, .s1ptw = true, .cm = true}, 0, true, Resume::Injected, Ec::DABT_CUR},  // AT or DC
      {{.fsc = kTf | 3, .cm = true}, 0, true, Resume::SkipInsn, none},
      {{.fsc = kTf | 3, .cm = true}, kMemReadOnly, false, Resume::Stop, none},
      {{.fsc = kTf | 3, .isv = true}, 0, true, Resume::Mmio, none},
      {{.fsc = kPf | 3, .write = true, .isv = true}, 0, true, Resume::Mmio, none},  // slot vanished meanwhile
      {{.fsc = kTf | 3}, 0, true, Resume::Stop, none},
  };
  for (const Row& row : rows) {
    INFO("row " << &row - rows);
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, row.flags));
    const Ipa at = row.hole ? kHole : kRam;
    w.pe.stage1 = [at](Va) { return std::optional(at); };
    const Va far{0xffff'0000'0000'0abc};
    CHECK(w.abort(row.abort, far, at) == row.outcome);
    if (row.outcome == Resume::Injected) {
      CHECK(injected(w.pe)[Esr::EC] == row.injected);
      CHECK(injected_fsc(w.pe) == 0x10);
      CHECK(w.pe.regs[Reg::FAR_EL1] == far.value);
    }
    if (row.outcome == Resume::SkipInsn) CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 4);
    if (row.outcome == Resume::Stop) CHECK(w.vm->stop_reason(0).error == Errno::NoSys);
    if (row.outcome == Resume::Mmio) CHECK(w.machine.vmm_io.at(0).ipa == at + 0xabc);
    CHECK(w.rights(kRam) == "none");
  }
}

// ---- Table 2.3 ----

namespace {

enum class Page : u8 { Unmapped, ReadMapped };
struct MapRow {
  AbortSpec abort;
  u32 flags;
  bool host_writable;  ///< the VMM has written the page
  Page before;
  std::string rights;
  bool dirty;
};

const MapRow kMapRows[] = {
    // Translation faults, memory that the host has writable: opportunistic write permission, unless logging.
    {kReadTf, 0, true, Page::Unmapped, "rw-", false},
    {kReadTf, kMemLogDirtyPages, true, Page::Unmapped, "r--", false},
    {kReadTf, kMemReadOnly, true, Page::Unmapped, "r--", false},
    // The zero page stays read-only.
    {kReadTf, 0, false, Page::Unmapped, "r--", false},
    {kExecTf, 0, true, Page::Unmapped, "rwx", false},
    {kExecTf, 0, false, Page::Unmapped, "r-x", false},
    {kExecTf, kMemLogDirtyPages, true, Page::Unmapped, "r-x", false},
    {kExecTf, kMemReadOnly, true, Page::Unmapped, "r-x", false},
    {kWriteTf, 0, true, Page::Unmapped, "rw-", false},
    {kWriteTf, kMemLogDirtyPages, true, Page::Unmapped, "rw-", true},
    // A table walk is a read.
    {{.fsc = kTf | 3, .s1ptw = true}, kMemLogDirtyPages, true, Page::Unmapped, "r--", false},
    {{.fsc = kTf | 3, .write = true, .s1ptw = true}, kMemLogDirtyPages, true, Page::Unmapped, "r--", false},
    {{.ec = Ec::IABT_LOW, .fsc = kTf | 3, .s1ptw = true}, 0, false, Page::Unmapped, "r--", false},
    // A cache operation is a write and dirties the page.
    {{.fsc = kTf | 3, .cm = true}, kMemLogDirtyPages, true, Page::Unmapped, "rw-", true},
    // Permission faults.
    {{.fsc = kPf | 3, .write = true, .isv = true}, kMemLogDirtyPages, true, Page::ReadMapped, "rw-", true},
    {{.ec = Ec::IABT_LOW, .fsc = kPf | 3}, kMemLogDirtyPages, true, Page::ReadMapped, "r-x", false},
    {{.ec = Ec::IABT_LOW, .fsc = kPf | 3}, kMemReadOnly, true, Page::ReadMapped, "r-x", false},
    {{.fsc = kPf | 3, .s1ptw = true}, kMemLogDirtyPages, true, Page::ReadMapped, "rw-", true},
    {{.ec = Ec::IABT_LOW, .fsc = kPf | 3, .s1ptw = true}, kMemLogDirtyPages, true, Page::ReadMapped, "rw-", true},
};

}  // namespace

TEST_CASE("what a fault maps or relaxes, by access and slot") {
  for (const MapRow& row : kMapRows) {
    INFO("row " << &row - kMapRows);
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, row.flags));
    if (row.host_writable) populate(*w.vm, kRam, 0x1000);
    if (row.before == Page::ReadMapped) REQUIRE(w.access(Kind::Read, kRam) == Resume::Guest);
    const bool logs = row.flags & kMemLogDirtyPages;
    if (logs) REQUIRE(w.vm->get_dirty_log(0));  // the VMM's own write
    CHECK(w.abort(row.abort, kRam) == Resume::Guest);
    CHECK(w.rights(kRam) == row.rights);
    CHECK(w.leaf(kRam)->size == 4096);
    if (logs) CHECK(((*w.vm->get_dirty_log(0))[0] == 1) == row.dirty);
  }
}

TEST_CASE("a permission fault that is neither write nor fetch cannot be: EFAULT") {
  for (const u32 flags : {0u, u32{kMemLogDirtyPages}, u32{kMemReadOnly}}) {
    World w;
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, flags));
    w.access(Kind::Read, kRam);
    CHECK(w.abort({.fsc = kPf | 3, .isv = true}, kRam) == Resume::Stop);
    CHECK(w.vm->stop_reason(0).error == Errno::Fault);
  }
}

TEST_CASE("a page table in a read-only slot is read by one fault and written by none") {
  World w;
  REQUIRE(w.vm->add_ram(0, kPt, 1 << 20, kMemReadOnly));
  CHECK(w.abort({.fsc = kTf | 3, .s1ptw = true}, Va{0x1000}, kPt) == Resume::Guest);
  CHECK(w.rights(kPt) == "r--");
  // Museum 4: taken for a write, the walk could never get on.
  Options o;
  o.vm.policy.write_fault = WriteFaultRule::AnyWalkIsWrite;
  World old(o);
  REQUIRE(old.vm->add_ram(0, kPt, 1 << 20, kMemReadOnly));
  CHECK(old.abort({.fsc = kTf | 3, .s1ptw = true}, Va{0x1000}, kPt) == Resume::Injected);
}

TEST_CASE("memory that the VMM has unmapped, protected or lost") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  const u64 hva = w.vm->slots()[0].hva;
  w.vm->space().munmap({hva, 0x1000});
  CHECK(w.abort(kReadTf, kRam) == Resume::Stop);
  CHECK(w.vm->stop_reason(0).error == Errno::Fault);

  w.vm->space().mprotect({hva + 0x1000, 0x1000}, true, false);
  CHECK(w.abort(kWriteTf, kRam + 0x1000) == Resume::Stop);
  CHECK(w.vm->stop_reason(0).error == Errno::Fault);
  CHECK(w.abort(kReadTf, kRam + 0x1000) == Resume::Guest);
  CHECK(w.rights(kRam + 0x1000) == "r--");

  populate(*w.vm, kRam + 0x2000, 0x1000);
  w.vm->space().poison(hva + 0x2000);
  CHECK(w.abort(kReadTf, kRam + 0x2000) == Resume::Stop);
  CHECK(w.vm->stop_reason(0).error == Errno::HwPoison);
}

}  // namespace farside::hyp::test
