// tests/unit/hyp/race_test.cpp - named interleavings of vCPU handlers and host actions, with the fix and without.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

constexpr AbortSpec kReadTf{.fsc = kTf | 3, .isv = true};
constexpr AbortSpec kWriteTf{.fsc = kTf | 3, .write = true, .isv = true};
constexpr AbortSpec kExecPf{.ec = Ec::IABT_LOW, .fsc = kPf | 3};

/// A world with one slot, one written page, and a policy that the caller bends.
struct Race : World {
  explicit Race(
      const std::function<void(Policy&)>& bend = [](Policy&) {}, u32 flags = 0)
      : World(options(bend)) {
    REQUIRE(vm->add_ram(0, kRam, 4 << 20, flags));
    populate(*vm, kRam, 0x1000);
    hva = vm->slots()[0].hva;
  }
  static Options options(const std::function<void(Policy&)>& bend) {
    Options o;
    o.vm.mpidr = {0x8000'0000, 0x8000'0001};
    bend(o.vm.policy);
    return o;
  }
  u64 hva = 0;
  /// True when the guest's entry shows the frame that the host process sees.
  bool coherent() const {
    const auto l = leaf(kRam);
    return !l || vm->peek(kRam) == std::optional(l->pa);
  }
};

}  // namespace

TEST_CASE("R1: the host takes the page away after the fault has found its frame") {
  const auto take_away = [](Race& r) {
    r.machine.actions[YieldPoint::FaultAfterPfn] = [&r] { REQUIRE(r.vm->space().migrate(r.hva)); };
    CHECK(r.abort(kReadTf, kRam) == Resume::Guest);
  };
  Race fixed;
  take_away(fixed);
  CHECK(fixed.rights(kRam) == "none");
  CHECK(fixed.vm->stats().replays == 1);
  CHECK(fixed.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(fixed.coherent());

  Race broken([](Policy& p) { p.retry_if_sequence_moved = false; });
  take_away(broken);
  CHECK(broken.rights(kRam) == "rw-");  // a freed frame
  CHECK_FALSE(broken.coherent());
}

TEST_CASE("R1 with every host action that moves or removes a page") {
  const std::function<void(Race&)> actions[] = {
      [](Race& r) {
        r.vm->space().munmap({r.hva, 0x1000});
      },
      [](Race& r) {
        r.vm->space().madvise({r.hva, 0x1000}, host::Advice::DontNeed);
      },
      [](Race& r) {
        r.vm->space().mprotect({r.hva, 0x1000}, true, false);
      },
      [](Race& r) { r.vm->space().fork(); },
      [](Race& r) { REQUIRE(r.vm->space().migrate(r.hva)); },
      [](Race& r) { r.vm->space().poison(r.hva); },
  };
  for (const auto& action : actions)
    for (const YieldPoint point : {YieldPoint::FaultAfterMmapUnlock, YieldPoint::FaultAfterPfn}) {
      INFO("action " << &action - actions << " point " << int(point));
      Race r;
      r.machine.actions[point] = [&] { action(r); };
      const Resume resume = r.abort(kReadTf, kRam);
      CHECK(r.machine.actions.empty());
      CHECK(r.rights(kRam) == "none");
      if (point == YieldPoint::FaultAfterPfn) CHECK(resume == Resume::Guest);
    }
}

TEST_CASE("R2: a fault inside an invalidation, before the host's own entry goes") {
  const auto fault_inside = [](Race& r) {
    r.machine.actions[YieldPoint::NotifierAfterStart] = [&r] {
      CHECK(r.abort(kReadTf, Va{kRam.value}, kRam, 1) == Resume::Guest);
    };
    REQUIRE(r.vm->space().swap_out(r.hva));
  };
  Race fixed;
  fault_inside(fixed);
  CHECK(fixed.rights(kRam) == "none");
  Race broken([](Policy& p) { p.retry_if_in_progress = false; });
  fault_inside(broken);
  CHECK(broken.rights(kRam) == "rw-");
  CHECK_FALSE(broken.coherent());
}

TEST_CASE("R2 at the other end: the host's entry is gone, the invalidation has not ended") {
  Race r;
  r.machine.actions[YieldPoint::NotifierBeforeEnd] = [&r] {
    CHECK(r.abort(kReadTf, Va{kRam.value}, kRam, 1) == Resume::Guest);
    CHECK(r.rights(kRam) == "none");
  };
  r.vm->space().madvise({r.hva, 0x1000}, host::Advice::DontNeed);
  CHECK(r.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(r.coherent());
}

TEST_CASE("an invalidation elsewhere in the process does not disturb faults") {
  Race r;
  const u64 other = r.vm->space().mmap({.range = {0, 0x1000}});
  r.machine.actions[YieldPoint::FaultAfterPfn] = [&] { r.vm->space().munmap({other, 0x1000}); };
  CHECK(r.abort(kReadTf, kRam) == Resume::Guest);
  CHECK(r.rights(kRam) == "rw-");
}

TEST_CASE("R3: a hugetlb mapping is replaced by small pages between the VMA lookup and the frame") {
  const auto run = [](bool under_lock) {
    Race r([under_lock](Policy& p) { p.sequence_under_mmap_lock = under_lock; });
    const u64 hva = r.vm->space().mmap({.range = {0, 2 << 20}, .kind = host::VmaKind::HugeTlb, .huge_shift = 21});
    REQUIRE(r.vm->set_user_memory_region({1, 0, kPt, 2 << 20, hva}));
    r.machine.actions[YieldPoint::FaultAfterMmapUnlock] = [&r, hva] {
      r.vm->space().mmap_fixed({.range = {hva, 2 << 20}});
    };
    CHECK(r.abort(kWriteTf, Va{kPt.value}, kPt + 0x3000) == Resume::Guest);
    std::vector<LeafInfo> leaves;
    r.vm->for_each_leaf([&](const LeafInfo& l) { leaves.push_back(l); });
    return leaves;
  };
  CHECK(run(true).empty());  // replayed
  // One small page was there, and the guest got 2M of whatever lies behind it.
  const auto stray = run(false);
  REQUIRE(stray.size() == 512);
  CHECK(stray[511].pa == stray[0].pa + 511 * 4096);
}

TEST_CASE("R7: two vCPUs that want different rights do not undo each other's work") {
  Race r;
  r.machine.actions[YieldPoint::FaultAfterPfn] = [&r] {
    CHECK(r.abort(kWriteTf, Va{kRam.value}, kRam, 1) == Resume::Guest);
  };
  CHECK(r.abort({.ec = Ec::IABT_LOW, .fsc = kTf | 3}, kRam) == Resume::Guest);
  CHECK(r.rights(kRam) == "rw-");  // the second vCPU's entry stands
  CHECK(r.vm->stats().s2_break == 0);
  CHECK(r.vm->stats().replays == 1);
  CHECK(r.access(Kind::Exec, kRam) == Resume::Guest);
  CHECK(r.access(Kind::Write, kRam, 1) == Resume::Guest);
  CHECK(r.rights(kRam) == "rwx");
  CHECK(r.vm->stats().s2_break == 0);
  CHECK(r.vm->stats().fault_count() == 3);

  // Museum: each undoes the other with a break-before-make.
  Race old([](Policy& p) { p.skip_permission_only_map = false; });
  old.machine.actions[YieldPoint::FaultAfterPfn] = [&old] { old.abort(kWriteTf, Va{kRam.value}, kRam, 1); };
  old.abort({.ec = Ec::IABT_LOW, .fsc = kTf | 3}, kRam);
  CHECK(old.vm->stats().s2_break == 1);
}

TEST_CASE("a lost race does not mark the page dirty") {
  const auto dirty_after = [](bool only_if_mapped) {
    Race r([only_if_mapped](Policy& p) { p.dirty_only_if_mapped = only_if_mapped; }, kMemLogDirtyPages);
    r.access(Kind::Read, kRam);
    REQUIRE(r.vm->get_dirty_log(0));
    // A stale translation fault: the entry is there, only its rights differ.
    CHECK(r.abort(kWriteTf, kRam) == Resume::Guest);
    CHECK(r.rights(kRam) == "r--");
    return (*r.vm->get_dirty_log(0))[0] != 0;
  };
  CHECK_FALSE(dirty_after(true));
  CHECK(dirty_after(false));  // museum 54
}

TEST_CASE("R8: a write between harvest and protection, or protection and clearing") {
  const auto second_log = [](bool harvest_first) {
    Race r([harvest_first](Policy& p) { p.harvest_before_protect = harvest_first; }, kMemLogDirtyPages);
    r.access(Kind::Write, kRam);
    const auto write = [&r] { r.access(Kind::Write, kRam, 1); };  // no fault at all if the entry is still writable
    r.machine.actions[YieldPoint::DirtyLogAfterHarvest] = [&r, write] {
      write();
      r.machine.actions[YieldPoint::DirtyLogAfterHarvest] = write;  // the wrong order passes here twice
    };
    REQUIRE((*r.vm->get_dirty_log(0))[0] == 1);
    r.access(Kind::Write, kRam);  // after the VMM has copied the page
    return (*r.vm->get_dirty_log(0))[0];
  };
  CHECK(second_log(true) == 1);
  CHECK(second_log(false) == 0);  // the write is lost
}

TEST_CASE("R19: the guest's stage 1 changes before EL2 has translated FAR again") {
  Race r;
  r.access(Kind::Read, kRam);
  const Delta d(*r.vm);
  r.machine.actions[YieldPoint::HpfarResolve] = [&r] { r.pe.stage1 = [](Va) { return std::optional<Ipa>(); }; };
  CHECK(r.abort(kExecPf, kRam) == Resume::Guest);
  CHECK(r.rights(kRam) == "rw-");
  CHECK(d(&Stats::aborts_injected) == 0);
  CHECK(d(&Stats::replays) == 1);
  // Still mapped, but elsewhere: another page is handled, and the access faults again for its own.
  r.machine.actions[YieldPoint::HpfarResolve] = [&r] { r.pe.stage1 = [](Va) { return std::optional(kRam + 0x1000); }; };
  CHECK(r.abort(kExecPf, kRam) == Resume::Guest);
  CHECK(r.rights(kRam) == "rw-");
  CHECK(World::executable(*r.leaf(kRam + 0x1000)));
}

TEST_CASE("R20: KVM_RUN entered again does not complete a device access twice") {
  const auto pc_after = [](bool once) {
    Race r([once](Policy& p) { p.mmio_completes_once = once; });
    CHECK(r.abort(kWriteTf, kHole) == Resume::Mmio);
    r.vm->reenter(0, r.pe);
    return r.pe.regs[Reg::ELR_EL2];
  };
  CHECK(pc_after(true) == kPc + 4);
  CHECK(pc_after(false) == kPc + 8);
}

TEST_CASE("R21: while a slot is deleted its memory looks like a device") {
  Race r;
  r.access(Kind::Write, kRam);
  r.machine.actions[YieldPoint::SlotInvalidPublished] = [&r] {
    CHECK(r.abort(kWriteTf, Va{kRam.value}, kRam + 0x1000, 1) == Resume::Mmio);
  };
  REQUIRE(r.vm->set_user_memory_region({0, 0, kRam, 0, 0}));
  CHECK(r.machine.vmm_io.size() == 1);
  CHECK(r.rights(kRam) == "none");
  CHECK(r.rights(kRam + 0x1000) == "none");
}

TEST_CASE("a slot that moves during a fault leaves nothing mapped at the old address") {
  for (const YieldPoint point :
       {YieldPoint::FaultAfterVmaLookup, YieldPoint::FaultAfterMmapUnlock, YieldPoint::FaultAfterPfn}) {
    Race r;
    r.machine.actions[point] = [&r] { REQUIRE(r.vm->set_user_memory_region({0, 0, kPt, 4 << 20, r.hva})); };
    CHECK(r.abort(kWriteTf, kRam) == Resume::Guest);
    CHECK(r.rights(kRam) == "none");
    CHECK(r.access(Kind::Write, kPt) == Resume::Guest);
  }
}

TEST_CASE("a fault that meets its page being broken out of copy-on-write by another vCPU") {
  Race r;
  r.vm->space().fork();
  r.machine.actions[YieldPoint::NotifierAfterStart] = [&r] {
    r.abort(kWriteTf, Va{kRam.value}, kRam, 1);  // its own break ends first
  };
  for (int i = 0; i < 8 && r.rights(kRam) != "rw-"; ++i) CHECK(r.abort(kWriteTf, kRam) == Resume::Guest);
  CHECK(r.rights(kRam) == "rw-");
  CHECK(r.coherent());
}

TEST_CASE("between break and make a block that is split has no entry at all") {
  bool seen = false;
  // Dirty logging on a block: 2M to pages.
  Options o;
  o.thp = ThpMode::Always;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 4 << 20));
  REQUIRE(w.access(Kind::Write, kRam) == Resume::Guest);
  REQUIRE(w.leaf(kRam)->size == u64{2} << 20);
  const u64 hva = w.vm->slots()[0].hva;
  REQUIRE(w.vm->set_user_memory_region({0, kMemLogDirtyPages, kRam, 4 << 20, hva}));
  w.machine.actions[YieldPoint::BreakBeforeMake] = [&] {
    seen = true;
    CHECK_FALSE(w.leaf(kRam));
  };
  CHECK(w.access(Kind::Write, kRam + 0x5000) == Resume::Guest);
  CHECK(seen);
  CHECK(w.leaf(kRam + 0x5000)->size == 4096);
}

TEST_CASE("a permission fault whose tables are gone by the time it is handled, on a vCPU without table pages") {
  Race r;
  for (u64 offset = 0; offset < 2 << 20; offset += 4096) r.access(Kind::Write, kRam + offset);
  r.machine.actions[YieldPoint::HpfarResolve] = [&r] { REQUIRE(r.vm->space().collapse(r.hva)); };
  CHECK(r.abort(kExecPf, Va{kRam.value}, kRam, 1) == Resume::Guest);
  CHECK(r.access(Kind::Exec, kRam, 1) == Resume::Guest);
  CHECK(r.leaf(kRam)->size == u64{2} << 20);
  CHECK(r.coherent());
}

}  // namespace farside::hyp::test
