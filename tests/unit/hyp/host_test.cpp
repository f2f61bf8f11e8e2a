// tests/unit/hyp/host_test.cpp - the modelled host under a VM: copy-on-write, huge pages, devices, swap, KSM, aging.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

constexpr u64 k2M = 2u << 20, k1G = 1u << 30;
constexpr AbortSpec kReadTf{.fsc = kTf | 3, .isv = true};
constexpr AbortSpec kWriteTf{.fsc = kTf | 3, .write = true, .isv = true};
constexpr AbortSpec kExecTf{.ec = Ec::IABT_LOW, .fsc = kTf | 3};

/// A VM with one anonymous slot of 4 MiB.
struct Host : World {
  explicit Host(ThpMode thp = ThpMode::Never, u32 flags = 0) : World({.thp = thp, .vm = {}}) {
    REQUIRE(vm->add_ram(0, kRam, 4 << 20, flags));
    hva = vm->slots()[0].hva;
  }
  host::Space& space() { return vm->space(); }
  u64 hva = 0;
  u8 byte_at(Ipa ipa) const { return machine.page(vm->peek(ipa)->value)[0]; }
  bool coherent(Ipa ipa) const {
    const auto l = leaf(ipa);
    return l && vm->peek(ipa) == std::optional(l->pa + (ipa.value - l->ipa.value));
  }
};

}  // namespace

TEST_CASE("the first read maps the zero page without write permission, the first write needs two more exits") {
  Host h;
  const Delta d(*h.vm);
  CHECK(h.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(h.rights(kRam) == "r--");
  CHECK(h.access(Kind::Read, kRam + 0x1000) == Resume::Guest);
  CHECK(h.leaf(kRam)->pa == h.leaf(kRam + 0x1000)->pa);  // one zero page for all
  CHECK(d.faults() == 2);
  CHECK(h.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(d.faults() == 4);  // permission fault: the zero page is replaced; translation fault: mapped
  CHECK(d(&Stats::replays) == 1);
  CHECK(h.rights(kRam) == "rw-");
  CHECK(h.coherent(kRam));
  CHECK(h.byte_at(kRam) == 0);
  CHECK(h.rights(kRam + 0x1000) == "r--");
}

TEST_CASE("the first write to an empty page is one exit") {
  Host h;
  const Delta d(*h.vm);
  CHECK(h.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(d.faults() == 1);
  CHECK(d(&Stats::demand_zero) == 1);
  CHECK(h.byte_at(kRam) == 0);
}

TEST_CASE("a write that breaks copy-on-write takes two exits, a read of a shared page maps it read-only") {
  Host h;
  populate(*h.vm, kRam, 0x2000);
  h.machine.page(h.vm->peek(kRam)->value)[0] = 0x5a;
  const u32 child = h.space().fork();
  const Pa shared = *h.vm->peek(kRam);
  {
    const Delta d(*h.vm);
    CHECK(h.access(Kind::Write, kRam) == Resume::Guest);
    CHECK(d.faults() == 2);
    CHECK(d(&Stats::cow_breaks) == 1);
    CHECK(d(&Stats::replays) == 1);
  }
  CHECK(h.leaf(kRam)->pa != shared);
  CHECK(h.coherent(kRam));
  CHECK(h.byte_at(kRam) == 0x5a);                  // the copy
  CHECK(h.machine.page(shared.value)[0] == 0x5a);  // the child's

  CHECK(h.access(Kind::Read, kRam + 0x1000) == Resume::Guest);
  CHECK(h.rights(kRam + 0x1000) == "r--");
  // Nobody shares it any more: the permission fault reuses the page, one exit.
  h.space().exit_child(child);
  const Delta d(*h.vm);
  CHECK(h.access(Kind::Write, kRam + 0x1000) == Resume::Guest);
  CHECK(d.faults() == 1);
  CHECK(d(&Stats::s2_relax) == 1);
  CHECK(h.rights(kRam + 0x1000) == "rw-");
}

TEST_CASE("transparent huge pages give blocks where address and slot allow") {
  Host h(ThpMode::Always);
  const Delta d(*h.vm);
  CHECK(h.access(Kind::Write, kRam + 0x12'3000) == Resume::Guest);
  CHECK(h.leaf(kRam)->size == k2M);
  CHECK(h.rights(kRam) == "rw-");
  CHECK(d(&Stats::huge_faults) == 1);
  CHECK(d(&Stats::dc_civac_bytes) == k2M);
  CHECK(h.access(Kind::Write, kRam + 0x1000) == Resume::Guest);
  CHECK(d.faults() == 1);  // the block is there
  CHECK(h.access(Kind::Exec, kRam + 0x1000) == Resume::Guest);
  CHECK(h.leaf(kRam)->size == k2M);  // a permission fault keeps the size
  CHECK(h.rights(kRam) == "rwx");
  CHECK(d(&Stats::s2_break) == 0);
}

TEST_CASE("a slot whose addresses disagree inside a block, or that ends inside one, gets pages with the right bytes") {
  World w({.thp = ThpMode::Always, .vm = {}});
  const u64 hva = w.vm->space().mmap({.range = {0, 8 << 20}});
  REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 4 << 20, hva + 0x1000}));
  REQUIRE(w.vm->set_user_memory_region({1, 0, kPt, 0x10'0000, hva + 6 * 0x10'0000}));
  CHECK(w.access(Kind::Write, kRam + 0x3000) == Resume::Guest);
  CHECK(w.leaf(kRam + 0x3000)->size == 4096);
  CHECK(w.leaf(kRam + 0x3000)->pa == w.vm->space().lookup(hva)->pa + 0x4000);
  CHECK(w.vm->space().lookup(hva)->size == k2M);
  CHECK(w.access(Kind::Write, kPt) == Resume::Guest);
  CHECK(w.leaf(kPt)->size == 4096);
  CHECK(w.leaf(kPt)->pa == *w.vm->peek(kPt));
}

TEST_CASE("madvise decides in madvise mode") {
  Host h(ThpMode::Madvise);
  h.access(Kind::Write, kRam);
  CHECK(h.leaf(kRam)->size == 4096);
  h.space().madvise({h.hva + k2M, k2M}, host::Advice::HugePage);
  h.access(Kind::Write, kRam + k2M);
  CHECK(h.leaf(kRam + k2M)->size == k2M);
}

TEST_CASE("khugepaged: collapsed pages fault in again as one block") {
  Host h;
  for (u64 o = 0; o < k2M; o += 4096) REQUIRE(h.access(Kind::Write, kRam + o) == Resume::Guest);
  CHECK(h.vm->stats().mapped[3] == 512);
  REQUIRE(h.space().collapse(h.hva));
  CHECK(h.vm->stats().mapped[3] == 0);
  CHECK(h.access(Kind::Read, kRam + 0x5000) == Resume::Guest);
  CHECK(h.leaf(kRam)->size == k2M);
  CHECK(h.coherent(kRam + 0x5000));
}

TEST_CASE("hugetlb sizes: 1G, 2M, and contiguous sizes rounded down") {
  struct Row {
    u8 shift;
    u64 leaf;
  };
  for (const auto& [shift, size] : {Row{30, k1G}, Row{25, k2M}, Row{21, k2M}}) {
    World w({.thp = ThpMode::Never, .vm = {}, .ram = u64{4} << 30});
    const u64 hva = w.vm->space().mmap({.range = {0, k1G}, .kind = host::VmaKind::HugeTlb, .huge_shift = shift}, k1G);
    REQUIRE(w.vm->set_user_memory_region({0, 0, Ipa{k1G * 2}, k1G, hva}));
    CHECK(w.access(Kind::Write, Ipa{k1G * 2 + 0x1234'5000}) == Resume::Guest);
    CHECK(w.leaf(Ipa{k1G * 2 + 0x1234'5000})->size == size);
    CHECK(w.vm->stats().huge_faults == 1);
  }
}

TEST_CASE("hugetlb that does not fit the slot is mapped by pages, never adjusted") {
  World w;
  const u64 hva = w.vm->space().mmap({.range = {0, 4 << 20}, .kind = host::VmaKind::HugeTlb, .huge_shift = 21});
  REQUIRE(w.vm->set_user_memory_region({0, 0, kRam + 0x1000, k2M, hva}));
  CHECK(w.access(Kind::Write, kRam + 0x3000) == Resume::Guest);
  CHECK(w.leaf(kRam + 0x3000)->size == 4096);
  CHECK(w.leaf(kRam + 0x3000)->pa == w.vm->space().lookup(hva)->pa + 0x2000);
}

TEST_CASE("device memory of the host: Device, by pages, never executable, never cleaned, never logged") {
  for (const bool dic : {false, true}) {
    Options o;
    o.thp = ThpMode::Always;
    o.vm.cpu.dic = dic;
    World w(o);
    const u64 hva =
        w.vm->space().mmap({.range = {0, 4 << 20}, .kind = host::VmaKind::PfnMap, .device = Pa{0x9'0000'0000}});
    CHECK(w.vm->set_user_memory_region({0, kMemLogDirtyPages, kRam, 4 << 20, hva}).error() == Errno::Inval);
    REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 4 << 20, hva}));
    CHECK(w.access(Kind::Read, kRam + 0x1000) == Resume::Guest);
    const LeafInfo leaf = *w.leaf(kRam + 0x1000);
    CHECK(leaf.pa == Pa{0x9'0000'1000});
    CHECK(leaf.size == 4096);
    CHECK((leaf.descriptor >> 2 & 0xf) == 1);
    CHECK(w.rights(kRam + 0x1000) == "rw-");
    CHECK(w.vm->stats().dc_civac == 0);
    CHECK(w.abort(kExecTf, kRam + 0x2000) == Resume::Injected);
    CHECK(Esr::of(w.pe.regs[Reg::ESR_EL1])[Esr::EC] == Ec::IABT_CUR);
    CHECK(w.abort({.ec = Ec::IABT_LOW, .fsc = kPf | 3}, kRam + 0x1000) == Resume::Injected);
    CHECK_FALSE(World::executable(*w.leaf(kRam + 0x1000)));
  }
}

TEST_CASE("DIC maps Normal memory executable at once") {
  Options o;
  o.vm.cpu.dic = true;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  CHECK(w.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(w.rights(kRam) == "rwx");
  CHECK(w.vm->stats().ic_ivau == 0);
}

TEST_CASE("host device memory that the host maps read-only refuses a write") {
  World w;
  const u64 hva = w.vm->space().mmap(
      {.range = {0, 0x1000}, .kind = host::VmaKind::PfnMap, .writable = false, .device = Pa{0x9'0000'0000}});
  REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 0x1000, hva}));
  CHECK(w.abort(kReadTf, kRam) == Resume::Guest);
  CHECK(w.rights(kRam) == "r--");
  CHECK(w.abort({.fsc = kPf | 3, .write = true, .isv = true}, kRam) == Resume::Stop);
  CHECK(w.vm->stop_reason(0).error == Errno::Fault);
}

TEST_CASE("file pages: shared ones are written in place, private ones copied") {
  World w;
  host::Space& space = w.vm->space();
  const u32 file = space.create_file();
  const u8 text[] = {'f', 'i', 'l', 'e'};
  REQUIRE(space.file_write(file, 0x1000, text));
  const u64 shared = space.mmap({.range = {0, 0x2000}, .kind = host::VmaKind::SharedFile, .file = file});
  const u64 priv = space.mmap({.range = {0, 0x2000}, .kind = host::VmaKind::PrivateFile, .file = file});
  REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 0x2000, shared}));
  REQUIRE(w.vm->set_user_memory_region({1, 0, kPt, 0x2000, priv}));
  CHECK(w.access(Kind::Read, kPt + 0x1000) == Resume::Guest);
  CHECK(w.rights(kPt + 0x1000) == "r--");
  CHECK(w.access(Kind::Write, kRam + 0x1000) == Resume::Guest);
  CHECK(w.leaf(kRam + 0x1000)->pa == w.leaf(kPt + 0x1000)->pa);  // one page in the page cache
  CHECK(w.access(Kind::Write, kPt + 0x1000) == Resume::Guest);
  CHECK(w.leaf(kRam + 0x1000)->pa != w.leaf(kPt + 0x1000)->pa);
  u8 back[4];
  REQUIRE(w.vm->read_guest(kPt + 0x1000, back));
  CHECK(std::equal(back, back + 4, text));
}

TEST_CASE("a page that was swapped out comes back with its bytes") {
  Host h;
  const u8 text[] = {1, 2, 3};
  REQUIRE(h.vm->write_guest(kRam + 0x10, text));
  h.access(Kind::Write, kRam);
  h.machine.log.clear();
  REQUIRE(h.space().swap_out(h.hva));
  CHECK(h.rights(kRam) == "none");
  // The TLB is clean before the cache is (R22).
  const auto find = [&](const std::string& text) {
    return std::find(h.machine.log.begin(), h.machine.log.end(), text) - h.machine.log.begin();
  };
  CHECK(find("store 0") < find("vmalle1is"));
  CHECK(find("vmalle1is") < find("civac 1000"));
  CHECK(find("civac 1000") < static_cast<long>(h.machine.log.size()));
  CHECK(h.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(h.coherent(kRam));
  u8 back[3];
  REQUIRE(h.vm->read_guest(kRam + 0x10, back));
  CHECK(std::equal(back, back + 3, text));
}

TEST_CASE("KSM: two equal pages become one, read-only in the guest, and part again on a write") {
  Host h;
  populate(*h.vm, kRam, 0x2000);
  h.access(Kind::Write, kRam);
  h.access(Kind::Write, kRam + 0x1000);
  REQUIRE(h.space().merge(h.hva, h.hva + 0x1000));
  CHECK(*h.vm->peek(kRam) == *h.vm->peek(kRam + 0x1000));
  CHECK(h.access(Kind::Read, kRam + 0x1000) == Resume::Guest);
  CHECK_FALSE(World::writable(*h.leaf(kRam + 0x1000)));
  CHECK(h.coherent(kRam + 0x1000));
  CHECK(h.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(h.coherent(kRam));
  CHECK(*h.vm->peek(kRam) != *h.vm->peek(kRam + 0x1000));
  const u8 other[] = {9};
  REQUIRE(h.vm->write_guest(kRam, other));
  CHECK_FALSE(h.space().merge(h.hva, h.hva + 0x1000));  // they differ now
}

TEST_CASE("change_pte installs the new page read-only and execute-never, cleaned") {
  Host h;
  populate(*h.vm, kRam, 0x3000);
  for (u64 o = 0; o < 0x3000; o += 0x1000) h.access(Kind::Exec, kRam + o);
  h.machine.log.clear();
  REQUIRE(h.space().merge(h.hva, h.hva + 0x1000));
  // Unmapped at the start, and the tables still exist because of the third page: installed by change_pte.
  CHECK(h.rights(kRam) == "r--");
  CHECK(h.rights(kRam + 0x1000) == "r--");
  CHECK(h.leaf(kRam)->pa == h.leaf(kRam + 0x1000)->pa);
  CHECK(std::count(h.machine.log.begin(), h.machine.log.end(), "ivau 1000") == 0);
}

TEST_CASE("aging: clear without TLBI, clear with TLBI, test") {
  Host h;
  h.access(Kind::Write, kRam);
  const host::HvaRange page{h.hva, 0x1000};
  CHECK_FALSE(h.space().idle(page));
  h.machine.log.clear();
  CHECK(h.space().age(page, false));
  CHECK_FALSE(World::young(*h.leaf(kRam)));
  CHECK(h.machine.log.size() == 1);  // the store
  CHECK(h.space().idle(page));
  CHECK_FALSE(h.space().age(page, true));
  CHECK(h.machine.log.size() == 1);  // nothing was young: nothing to flush
  CHECK(h.access(Kind::Read, kRam) == Resume::Guest);
  CHECK_FALSE(h.space().idle(page));
  h.machine.log.clear();
  CHECK(h.space().age(page, true));
  CHECK(std::count(h.machine.log.begin(), h.machine.log.end(), "vmalls12e1is") == 1);
}

TEST_CASE("aging looks at the first leaf of a range only, as K6.1 does; later eras look at all") {
  for (const bool all : {false, true}) {
    Options o;
    o.vm.policy.aging_visits_range = all;
    World w(o);
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    w.access(Kind::Write, kRam);
    w.access(Kind::Write, kRam + 0x1000);
    w.vm->space().age({w.vm->slots()[0].hva, 0x2000}, false);
    CHECK_FALSE(World::young(*w.leaf(kRam)));
    CHECK(World::young(*w.leaf(kRam + 0x1000)) == !all);
  }
}

TEST_CASE("the VM gives back every byte") {
  Host h(ThpMode::Always);
  for (u64 o = 0; o < 4u << 20; o += 0x1'0000) h.access(Kind::Write, kRam + o);
  h.space().fork();
  h.access(Kind::Write, kRam + 0x3000);
  h.space().merge(h.hva, h.hva + 0x1000);
  h.space().swap_out(h.hva + 0x5000);
  CHECK(h.hyp->used_bytes() > 0);
  h.hyp->destroy_vm(h.vm);
  CHECK(h.hyp->used_bytes() == 0);
}

TEST_CASE("guest memory that does not fit the host ends KVM_RUN, and the host goes on") {
  World w({.thp = ThpMode::Never, .vm = {}, .ram = 16u << 20});
  REQUIRE(w.vm->add_ram(0, kRam, 64 << 20));
  Resume last = Resume::Guest;
  u64 offset = 0;
  for (; offset < 64u << 20 && last == Resume::Guest; offset += 4096) last = w.abort(kWriteTf, kRam + offset);
  CHECK(last == Resume::Stop);
  CHECK(w.vm->stop_reason(0).kind == StopKind::RunError);
  CHECK(offset > 8u << 20);
  w.vm->space().madvise({w.vm->slots()[0].hva, 64 << 20}, host::Advice::DontNeed);
  CHECK(w.abort(kWriteTf, kRam) == Resume::Guest);
  w.hyp->destroy_vm(w.vm);
  CHECK(w.hyp->used_bytes() == 0);
}

}  // namespace farside::hyp::test
