// tests/unit/hyp/entry_test.cpp - VMIDs and their rollover, EL2 registers at entry, trapped registers, cache tracking.
#include <set>

#include "firmware/hyp/vmid.h"
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

u16 loaded_vmid(const FakePe& pe) { return static_cast<u16>(pe.read(Reg::VTTBR_EL2) >> 48); }

}  // namespace

// ---- VMIDs ----

TEST_CASE("VMIDs start at 1, are kept while the generation lasts, and roll over with one broadcast") {
  FakeMachine m;
  VmidAllocator vmids(2, 8, m);
  std::vector<VmidTag> tags(255);
  for (unsigned i = 0; i < 255; ++i) {
    CHECK_FALSE(vmids.update(0, tags[i]));
    CHECK(vmids.vmid(tags[i]) == i + 1);
    CHECK_FALSE(vmids.update(0, tags[i]));
    CHECK(vmids.vmid(tags[i]) == i + 1);
  }
  CHECK(m.log.empty());
  VmidTag next;
  CHECK(vmids.update(0, next));
  CHECK(m.log == std::vector<std::string>{"dsb ishst", "alle1is", "dsb ish"});
  CHECK(vmids.generation(next) == 2);
  CHECK(vmids.vmid(next) != 0);
  // What ran at the rollover keeps its number; what did not gets one of the new generation.
  CHECK(vmids.vmid(next) != 255);
  CHECK_FALSE(vmids.update(0, tags[254]));
  CHECK(vmids.vmid(tags[254]) == 255);
  CHECK(vmids.generation(tags[254]) == 2);
}

TEST_CASE("R13: after a rollover no two VMs share a number, whoever runs where") {
  FakeMachine m;
  VmidAllocator vmids(2, 8, m);
  std::vector<VmidTag> tags(600);
  unsigned rollovers = 0;
  for (unsigned i = 0; i < 600; ++i) {
    const VmidTag& resident = tags[0];
    if (i == 0) vmids.update(1, tags[0]);  // runs on the other CPU all the time, never updates again
    if (i != 0) rollovers += vmids.update(0, tags[i]);
    if (i != 0) CHECK(vmids.vmid(tags[i]) != vmids.vmid(resident));
  }
  CHECK(rollovers == 2);
  CHECK_FALSE(vmids.update(1, tags[0]));
  CHECK(vmids.vmid(tags[0]) == 1);
  CHECK(vmids.generation(tags[0]) == 3);

  std::map<u64, unsigned> users;  // of the current generation
  for (const VmidTag& tag : tags)
    if (vmids.generation(tag) == 3) ++users[vmids.vmid(tag)];
  for (const auto& [number, count] : users) CHECK(count == 1);
  CHECK_FALSE(users.contains(0));
}

TEST_CASE("a CPU without a VM reserves nothing") {
  FakeMachine m;
  VmidAllocator vmids(2, 8, m);
  VmidTag gone;
  vmids.update(1, gone);
  vmids.clear_active(1);
  std::vector<VmidTag> tags(255);
  for (VmidTag& tag : tags) vmids.update(0, tag);
  CHECK(vmids.generation(tags.back()) == 2);
  std::set<u16> numbers;
  for (VmidTag& tag : tags) {
    vmids.update(0, tag);
    numbers.insert(vmids.vmid(tag));
  }
  CHECK(numbers.size() == 255);
}

TEST_CASE("16-bit VMIDs do not roll over at 256") {
  FakeMachine m;
  VmidAllocator vmids(1, 16, m);
  VmidTag tag;
  for (unsigned i = 0; i < 300; ++i) vmids.update(0, tag = {});
  CHECK(vmids.vmid(tag) == 300);
  CHECK(m.log.empty());
}

TEST_CASE("three hundred VMs on one CPU: distinct neighbours, VTTBR_EL2 follows, one rollover") {
  World w({.thp = ThpMode::Never, .vm = {}, .ram = u64{1} << 30});
  VmConfig config;
  u16 last = loaded_vmid(w.pe);
  u64 rollovers = 0;
  for (int i = 0; i < 300; ++i) {
    Vm* vm = *w.hyp->create_vm(config);
    vm->prepare_entry(0, w.pe);
    CHECK(vm->vmid() == loaded_vmid(w.pe));
    CHECK(vm->vmid() != 0);
    CHECK(vm->vmid() != last);
    last = vm->vmid();
    rollovers += vm->stats().vmid_rollovers;
  }
  CHECK(rollovers == 1);
  CHECK(std::count(w.machine.log.begin(), w.machine.log.end(), "alle1is") == 1);
  // vCPU 0 of the first VM comes back with a VMID of the new generation.
  w.vm->prepare_entry(0, w.pe);
  CHECK(loaded_vmid(w.pe) == w.vm->vmid());
  CHECK(w.vm->vmid() != last);
}

// ---- Entry ----

TEST_CASE("the registers of an entry") {
  Options o;
  o.vm.midr = 0x410f'd0f0;
  World w(o);
  const Hcr hcr = Hcr::of(w.pe.regs[Reg::HCR_EL2]);
  CHECK(hcr.raw == w.vm->hcr(0));
  for (const bool on :
       {hcr[Hcr::VM], hcr[Hcr::SWIO], hcr[Hcr::PTW], hcr[Hcr::FB], hcr[Hcr::TWI], hcr[Hcr::TWE], hcr[Hcr::TSC],
        hcr[Hcr::TIDCP], hcr[Hcr::TACR], hcr[Hcr::TSW], hcr[Hcr::TVM], hcr[Hcr::RW], hcr[Hcr::TID3]})
    CHECK(on);
  CHECK(hcr[Hcr::BSU] == 1);
  for (const bool off : {hcr[Hcr::FWB], hcr[Hcr::AMO], hcr[Hcr::IMO], hcr[Hcr::FMO], hcr[Hcr::VSE]}) CHECK_FALSE(off);
  const Vtcr vtcr = Vtcr::of(w.pe.regs[Reg::VTCR_EL2]);
  CHECK(vtcr[Vtcr::T0SZ] == 24);
  CHECK(vtcr[Vtcr::SL0] == 1);  // level 1 with a 4K granule
  CHECK(vtcr[Vtcr::PS] == 2);   // 40 bits
  CHECK(vtcr[Vtcr::SH0] == 3);
  CHECK_FALSE(vtcr[Vtcr::VS]);
  CHECK_FALSE(vtcr[Vtcr::HA]);
  CHECK(Vttbr::of(w.pe.regs[Reg::VTTBR_EL2])[Vttbr::BADDR] == w.vm->table_root().value);
  CHECK(w.pe.regs[Reg::VMPIDR_EL2] == 0x8000'0000);
  CHECK(w.pe1.regs[Reg::VMPIDR_EL2] == 0x8000'0001);
  CHECK(w.pe.regs[Reg::VPIDR_EL2] == 0x410f'd0f0);
}

TEST_CASE("FWB: no TVM, the guest's cache state does not matter") {
  Options o;
  o.vm.cpu.fwb = true;
  World w(o);
  CHECK(Hcr::of(w.pe.regs[Reg::HCR_EL2])[Hcr::FWB]);
  CHECK_FALSE(tvm(w));
  CHECK(dc_cisw(w) == Resume::SkipInsn);
  CHECK(w.vm->stats().flush_vm == 0);
  CHECK_FALSE(tvm(w));
}

TEST_CASE("another vCPU of the VM on a CPU flushes its TLB and instruction cache, the same one does not") {
  World w;
  w.vm->prepare_entry(0, w.pe);
  CHECK(w.machine.log.empty());
  w.vm->prepare_entry(1, w.pe);
  CHECK(w.machine.log == std::vector<std::string>{"vmalle1", "iallu", "dsb nsh", "isb"});
  CHECK(w.pe.regs[Reg::VMPIDR_EL2] == 0x8000'0001);
  w.machine.log.clear();
  w.vm->prepare_entry(1, w.pe);
  CHECK(w.machine.log.empty());
  // Another VM in between has its own VMID; coming back is still a change of vCPU for this one.
  Vm* other = *w.hyp->create_vm({});
  other->prepare_entry(0, w.pe);
  CHECK(w.machine.log.empty());
  w.vm->prepare_entry(0, w.pe);
  CHECK(w.machine.log.size() == 4);

  Options o;
  o.vm.policy.flush_between_vcpus = false;
  World old(o);
  old.vm->prepare_entry(1, old.pe);
  CHECK(old.machine.log.empty());
}

// ---- Caches coming on and going off ----

TEST_CASE("TVM watches the caches: one flush at enable, then no more traps") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  w.access(Kind::Write, kRam + 0x3000);
  CHECK(tvm(w));
  w.machine.log.clear();
  CHECK(write_sctlr(w, 1) == Resume::SkipInsn);  // M alone
  CHECK(w.pe.regs[Reg::SCTLR_EL1] == 1);
  CHECK(w.machine.log.empty());
  CHECK(tvm(w));
  CHECK(write_sctlr(w, kCachesOn) == Resume::SkipInsn);
  CHECK(w.machine.log == std::vector<std::string>{"civac 1000", "civac 1000"});  // what is mapped, no more
  CHECK_FALSE(tvm(w));
  CHECK(w.pe.regs[Reg::ELR_EL2] == kPc + 8);
  CHECK(w.vm->stats().flush_vm == 1);
}

TEST_CASE("every VM register is written through while TVM is set") {
  const std::pair<std::array<u32, 5>, Reg> rows[] = {
      {{3, 0, 1, 0, 0}, Reg::SCTLR_EL1},  {{3, 0, 2, 0, 0}, Reg::TTBR0_EL1},       {{3, 0, 2, 0, 1}, Reg::TTBR1_EL1},
      {{3, 0, 2, 0, 2}, Reg::TCR_EL1},    {{3, 0, 5, 1, 0}, Reg::AFSR0_EL1},       {{3, 0, 5, 1, 1}, Reg::AFSR1_EL1},
      {{3, 0, 5, 2, 0}, Reg::ESR_EL1},    {{3, 0, 6, 0, 0}, Reg::FAR_EL1},         {{3, 0, 10, 2, 0}, Reg::MAIR_EL1},
      {{3, 0, 10, 3, 0}, Reg::AMAIR_EL1}, {{3, 0, 13, 0, 1}, Reg::CONTEXTIDR_EL1},
  };
  for (const auto& [e, reg] : rows) {
    World w;
    w.pe.xs[2] = 0x1234'5678'9abc'0000;
    CHECK(trap(w, e[0], e[1], e[2], e[3], e[4], false) == Resume::SkipInsn);
    CHECK(w.pe.regs[reg] == 0x1234'5678'9abc'0000);
    CHECK(trap(w, e[0], e[1], e[2], e[3], e[4], false, 31) == Resume::SkipInsn);
    CHECK(w.pe.regs[reg] == 0);
  }
}

TEST_CASE("a set/way loop costs one flush and arms TVM; caches going off flush again") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  write_sctlr(w, kCachesOn);
  w.machine.log.clear();
  for (int i = 0; i < 100; ++i) CHECK(dc_cisw(w) == Resume::SkipInsn);
  CHECK(w.machine.log == std::vector<std::string>{"civac 1000"});
  CHECK(tvm(w));
  CHECK(w.vm->stats().set_way == 100);
  CHECK(write_sctlr(w, 1) == Resume::SkipInsn);  // C off: dirty lines must reach memory (C4)
  CHECK(w.machine.log.size() == 2);
  CHECK(tvm(w));
  CHECK(write_sctlr(w, kCachesOn) == Resume::SkipInsn);
  CHECK(w.machine.log.size() == 3);
  CHECK_FALSE(tvm(w));
  // Armed but nothing changed: the trap goes away without a flush.
  dc_cisw(w);
  w.machine.log.clear();
  CHECK(write_sctlr(w, kCachesOn) == Resume::SkipInsn);
  CHECK(w.machine.log.empty());
  CHECK_FALSE(tvm(w));
}

TEST_CASE("eras that did not flush") {
  Options o;
  o.vm.policy.flush_at_cache_enable = o.vm.policy.set_way_tracks_caches = false;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  write_sctlr(w, kCachesOn);
  dc_cisw(w);
  CHECK(w.vm->stats().flush_vm == 0);
  CHECK_FALSE(tvm(w));
}

TEST_CASE("cleaning at map only while the guest's caches are off") {
  Options o;
  o.vm.policy.clean_at_map = CleanAtMap::CachesOff;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  CHECK(w.vm->stats().dc_civac == 1);
  w.pe.regs[Reg::SCTLR_EL1] = kCachesOn;
  w.access(Kind::Write, kRam + 0x1000);
  CHECK(w.vm->stats().dc_civac == 1);
}

// ---- Other trapped registers ----

TEST_CASE("identification registers hide what is not virtualised and cannot be written") {
  World w;
  w.pe.ids[sys_encoding(3, 0, 0, 4, 0)] = ~u64{0};  // ID_AA64PFR0_EL1
  CHECK(trap(w, 3, 0, 0, 4, 0, true) == Resume::SkipInsn);
  CHECK(w.pe.xs[2] == ~(u64{0xf} << 32 | u64{0xf} << 40 | u64{0xf} << 44));
  w.pe.ids[sys_encoding(3, 0, 0, 6, 0)] = 0x1234;  // ID_AA64ISAR0_EL1: as it is
  CHECK(trap(w, 3, 0, 0, 6, 0, true) == Resume::SkipInsn);
  CHECK(w.pe.xs[2] == 0x1234);
  CHECK(trap(w, 3, 0, 0, 7, 5, true) == Resume::SkipInsn);  // unallocated: zero
  CHECK(w.pe.xs[2] == 0);
  CHECK(trap(w, 3, 0, 0, 6, 0, false) == Resume::Injected);
}

TEST_CASE("unknown registers are UNDEFINED; ACTLR_EL1 ignores writes") {
  World w;
  CHECK(trap(w, 3, 3, 15, 0, 0, true) == Resume::Injected);
  CHECK(w.pe.regs[Reg::ELR_EL1] == kPc);
  CHECK(trap(w, 1, 0, 7, 14, 2, true) == Resume::Injected);  // DC CISW is no read
  World a;
  a.pe.regs[Reg::ACTLR_EL1] = 7;
  a.pe.xs[2] = 99;
  CHECK(trap(a, 3, 0, 1, 0, 1, false) == Resume::SkipInsn);
  CHECK(trap(a, 3, 0, 1, 0, 1, true) == Resume::SkipInsn);
  CHECK(a.pe.xs[2] == 7);
}

// ---- Initialisation, creation, destruction ----

TEST_CASE("a vCPU that starts again unmaps all RAM, so that new contents are cleaned when they fault in") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  const u64 device =
      w.vm->space().mmap({.range = {0, 0x1000}, .kind = host::VmaKind::PfnMap, .device = Pa{0x9'0000'0000}});
  REQUIRE(w.vm->set_user_memory_region({1, 0, kPt, 0x1000, device}));
  w.access(Kind::Write, kRam);
  w.access(Kind::Read, kPt);
  write_sctlr(w, kCachesOn);
  w.vm->init_vcpu(0);
  CHECK(w.rights(kRam) == "none");
  CHECK(w.rights(kPt) == "rw-");
  CHECK(Hcr::of(w.vm->hcr(0))[Hcr::TVM]);

  Options o;
  o.vm.cpu.fwb = true;
  World f(o);
  REQUIRE(f.vm->add_ram(0, kRam, 1 << 20));
  f.access(Kind::Write, kRam);
  f.machine.log.clear();
  f.vm->init_vcpu(0);
  CHECK(f.machine.log == std::vector<std::string>{"ialluis"});  // museum 16
  CHECK(f.rights(kRam) == "rw-");
}

TEST_CASE("a host or VM that cannot be is refused with one line") {
  FakeMachine m;
  const Pa base{0x8'0000'0000};
  CHECK_FALSE(Hypervisor::create({.ram_base = base + 4096, .ram_size = 64 << 20}, m.ports()));
  CHECK_FALSE(Hypervisor::create({.ram_base = base, .ram_size = (64 << 20) + 4096}, m.ports()));
  CHECK_FALSE(Hypervisor::create({.ram_base = base, .ram_size = 8 << 20}, m.ports()));
  CHECK_FALSE(Hypervisor::create({.ram_base = base, .ram_size = 64 << 20, .pcpus = 0}, m.ports()));
  auto hyp = Hypervisor::create({.ram_base = base, .ram_size = 64 << 20}, m.ports());
  REQUIRE(hyp);
  VmConfig config;
  config.ipa_bits = 31;
  CHECK_FALSE((*hyp)->create_vm(config));
  config.ipa_bits = 42;  // the CPU has 40
  CHECK_FALSE((*hyp)->create_vm(config));
  config = {};
  config.mpidr.clear();
  CHECK_FALSE((*hyp)->create_vm(config));
  config = {};
  config.policy = *find_policy("fwb");  // and the CPU has no FEAT_S2FWB
  CHECK_FALSE((*hyp)->create_vm(config));
  config = {};
  CHECK((*hyp)->create_vm(config));
  config.cpu.vmid16 = true;
  CHECK_FALSE((*hyp)->create_vm(config));
}

TEST_CASE("a VM that is destroyed while loaded leaves nothing behind on its CPU") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  w.hyp->destroy_vm(w.vm);
  CHECK(w.hyp->used_bytes() == 0);
  w.pe.regs.clear();
  Vm* next = *w.hyp->create_vm({});  // may reuse the address of the old vCPU
  next->prepare_entry(0, w.pe);
  CHECK(w.pe.regs[Reg::VTTBR_EL2] != 0);
  CHECK(w.pe.regs[Reg::VMPIDR_EL2] == 0x8000'0000);
}

}  // namespace farside::hyp::test
