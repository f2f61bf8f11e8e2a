// tests/unit/hyp/slots_test.cpp - KVM_SET_USER_MEMORY_REGION and the dirty log ioctls: errors, changes, order.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

constexpr u64 kHva = 0x7f12'3400'0000;
constexpr u64 k1M = 1u << 20;

struct Slotted : World {
  Slotted() {
    vm->space().mmap_fixed({.range = {kHva, 16 * k1M}});
    REQUIRE(set({0, 0, kRam, k1M, kHva}) == 0);
  }
  /// 0 or the error number.
  int set(const MemoryRegion& region) {
    const auto done = vm->set_user_memory_region(region);
    return done ? 0 : static_cast<int>(done.error());
  }
};
constexpr int kEinval = 22, kEexist = 17, kEfault = 14;

struct Row {
  std::string what;
  MemoryRegion region;
  int error;
};

const Row kRows[] = {
    {"unknown flag", {1, 4, kPt, k1M, kHva}, kEinval},
    {"size not a multiple of the page size", {1, 0, kPt, k1M + 1, kHva}, kEinval},
    {"guest address not aligned", {1, 0, kPt + 8, k1M, kHva}, kEinval},
    {"hva not aligned", {1, 0, kPt, k1M, kHva + 8}, kEinval},
    {"guest address wraps", {1, 0, Ipa{~u64{0xfff}}, 2 * 4096, kHva}, kEinval},
    {"slot id too big", {32767, 0, kPt, k1M, kHva}, kEinval},
    {"another address space", {1 << 16, 0, kPt, k1M, kHva}, kEinval},
    {"too many pages", {1, 0, Ipa{0}, u64{4096} << 31, kHva}, kEinval},
    {"hva of the kernel", {1, 0, kPt, k1M, 0xffff'0000'0000'0000}, kEinval},
    {"hva runs out of user space", {1, 0, kPt, k1M, (u64{1} << 48) - 4096}, kEinval},
    {"size 0 of an absent slot", {1, 0, kPt, 0, kHva}, kEinval},
    {"change of size", {0, 0, kRam, 2 * k1M, kHva}, kEinval},
    {"change of hva", {0, 0, kRam, k1M, kHva + k1M}, kEinval},
    {"change of the read-only flag", {0, kMemReadOnly, kRam, k1M, kHva}, kEinval},
    {"overlap", {1, 0, kRam + k1M - 4096, k1M, kHva}, kEexist},
    {"overlap from below", {1, 0, kRam - 4096, 2 * 4096, kHva}, kEexist},
    {"beyond the VM's addresses", {1, 0, Ipa{(u64{1} << 40) - 4096}, 2 * 4096, kHva}, kEfault},
    {"identical", {0, 0, kRam, k1M, kHva}, 0},
    {"the neighbour above", {1, 0, kRam + k1M, k1M, kHva}, 0},
    {"the neighbour below", {1, 0, kRam - k1M, k1M, kHva}, 0},
    {"the last page", {1, 0, Ipa{(u64{1} << 40) - 4096}, 4096, kHva}, 0},
    {"an hva without a mapping: looked up when it faults", {1, 0, kPt, k1M, 0x1000}, 0},
    {"the highest id", {32766, 0, kPt, k1M, kHva}, 0},
    {"a move onto itself, partly", {0, 0, kRam + 4096, k1M, kHva}, 0},
};

}  // namespace

TEST_CASE("what KVM_SET_USER_MEMORY_REGION accepts and refuses") {
  for (const Row& row : kRows) {
    INFO(row.what);
    Slotted w;
    const auto before = w.vm->slots();
    CHECK(w.set(row.region) == row.error);
    if (row.error == 0) continue;
    REQUIRE(w.vm->slots().size() == before.size());
    CHECK(w.vm->slots()[0].guest == before[0].guest);
    CHECK_FALSE(w.vm->slots()[0].invalid);
  }
}

TEST_CASE("create, move, change flags, delete") {
  Slotted w;
  w.access(Kind::Write, kRam + 0x5000);
  const Pa frame = w.leaf(kRam + 0x5000)->pa;

  CHECK(w.set({0, kMemLogDirtyPages, kRam, k1M, kHva}) == 0);  // flags only: nothing is unmapped
  CHECK(w.rights(kRam + 0x5000) == "r--");
  CHECK(w.leaf(kRam + 0x5000)->pa == frame);

  CHECK(w.set({0, kMemLogDirtyPages, kPt, k1M, kHva}) == 0);  // move
  CHECK(w.rights(kRam + 0x5000) == "none");
  CHECK(w.access(Kind::Read, kPt + 0x5000) == Resume::Guest);
  CHECK(w.leaf(kPt + 0x5000)->pa == frame);
  CHECK(w.abort({.fsc = kTf | 3, .isv = true}, kRam) == Resume::Mmio);

  CHECK(w.set({0, 0, kPt, 0, 0}) == 0);  // delete
  CHECK(w.rights(kPt + 0x5000) == "none");
  CHECK(w.vm->slots().empty());
  CHECK(w.set({0, 0, kPt, 0, 0}) == kEinval);
  CHECK(w.vm->space().lookup(kHva + 0x5000));  // the process keeps its page
}

TEST_CASE("a move that fails brings the old slot back") {
  Slotted w;
  w.access(Kind::Write, kRam);
  CHECK(w.set({0, 0, Ipa{(u64{1} << 40) - 4096}, k1M, kHva}) == kEfault);
  CHECK(w.rights(kRam) == "none");  // unmapped by then
  CHECK(w.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(w.rights(kRam) == "rw-");
}

TEST_CASE("slots share memory of the process; each has its own entries") {
  Slotted w;
  CHECK(w.set({1, kMemReadOnly, kPt, k1M, kHva}) == 0);
  w.access(Kind::Write, kRam);
  CHECK(w.access(Kind::Read, kPt) == Resume::Guest);
  CHECK(w.leaf(kPt)->pa == w.leaf(kRam)->pa);
  CHECK(w.rights(kPt) == "r--");
  REQUIRE(w.vm->space().swap_out(kHva));
  CHECK(w.rights(kRam) == "none");
  CHECK(w.rights(kPt) == "none");
}

// ---- Dirty logs ----

TEST_CASE("enabling the log protects all leaves with one VMID flush; blocks stay until written") {
  World w({.thp = ThpMode::Always, .vm = {}});
  REQUIRE(w.vm->add_ram(0, kRam, 4 << 20));
  w.access(Kind::Write, kRam);
  w.access(Kind::Write, kRam + (2 << 20));
  const u64 hva = w.vm->slots()[0].hva;
  w.machine.log.clear();
  const Delta d(*w.vm);
  REQUIRE(w.vm->set_user_memory_region({0, kMemLogDirtyPages, kRam, 4 << 20, hva}));
  CHECK(w.machine.log ==
        std::vector<std::string>{"store leaf", "store leaf", "dsb ishst", "vmalls12e1is", "dsb ish", "isb"});
  CHECK(w.leaf(kRam)->size == u64{2} << 20);
  CHECK(w.rights(kRam) == "r--");
  // The first write splits its block lazily; reads of the rest fault in pages.
  CHECK(w.access(Kind::Write, kRam + 0x3000) == Resume::Guest);
  CHECK(d(&Stats::s2_split) == 1);
  CHECK(w.rights(kRam + 0x3000) == "rw-");
  CHECK(w.rights(kRam) == "none");
  CHECK(w.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(w.rights(kRam) == "r--");
  CHECK(w.leaf(kRam)->size == 4096);
  const auto log = *w.vm->get_dirty_log(0);
  CHECK(log[0] == 1 << 3);
  CHECK(log[1] == 0);
  // Logging off: later faults collapse the pages into a block again.
  REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 4 << 20, hva}));
  CHECK_FALSE(w.vm->get_dirty_log(0));
  CHECK(w.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(w.leaf(kRam)->size == u64{2} << 20);
  CHECK(d(&Stats::s2_collapse) == 1);
}

TEST_CASE("a fetch from a logged block by a vCPU that has not faulted before") {
  Options o;
  o.thp = ThpMode::Always;
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 2 << 20));
  w.access(Kind::Write, kRam);  // by vCPU 0: its page cache is filled, vCPU 1's is not
  const u64 hva = w.vm->slots()[0].hva;
  REQUIRE(w.vm->set_user_memory_region({0, kMemLogDirtyPages, kRam, 2 << 20, hva}));
  CHECK(w.access(Kind::Exec, kRam + 0x2000, 1) == Resume::Guest);
  CHECK(w.rights(kRam + 0x2000) == "r-x");
  CHECK(w.leaf(kRam + 0x2000)->size == 4096);
}

TEST_CASE("GET returns, clears and protects the span between the first and last set bit of each word") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, k1M, kMemLogDirtyPages));
  for (const u64 page : {2, 3, 5, 64, 255}) w.access(Kind::Write, kRam + page * 4096);
  w.access(Kind::Write, kRam + 7 * 4096);
  w.machine.log.clear();
  const auto log = *w.vm->get_dirty_log(0);
  CHECK(log == std::vector<u64>{0xac, 1, 0, u64{1} << 63});
  const std::vector<std::string> stores(6, "store leaf");
  auto expected = stores;
  for (const char* s : {"dsb ishst", "vmalls12e1is", "dsb ish", "isb"}) expected.push_back(s);
  CHECK(w.machine.log == expected);
  CHECK(w.rights(kRam + 2 * 4096) == "r--");
  CHECK(*w.vm->get_dirty_log(0) == std::vector<u64>(4, 0));
  w.machine.log.clear();
  REQUIRE(w.vm->get_dirty_log(0));
  CHECK(w.machine.log.empty());  // nothing dirty, nothing to flush
  w.access(Kind::Write, kRam + 3 * 4096);
  CHECK((*w.vm->get_dirty_log(0))[0] == 8);
}

TEST_CASE("the log counts what the hypervisor's own and the VMM's writes through KVM touch") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, k1M, kMemLogDirtyPages));
  const std::vector<u8> bytes(4096, 1);
  REQUIRE(w.vm->write_guest(kRam + 0x1800, bytes));  // two pages
  CHECK((*w.vm->get_dirty_log(0))[0] == 6);
  CHECK_FALSE(w.vm->write_guest(kRam + k1M - 1, bytes));
}

TEST_CASE("manual protection: GET leaves bits and entries alone, CLEAR does what it is told") {
  World w;
  w.vm->set_manual_dirty_protect(true, false);
  REQUIRE(w.vm->add_ram(0, kRam, k1M, kMemLogDirtyPages));
  w.access(Kind::Write, kRam + 0x1000);
  w.access(Kind::Write, kRam + 0x2000);
  CHECK((*w.vm->get_dirty_log(0))[0] == 6);
  CHECK((*w.vm->get_dirty_log(0))[0] == 6);
  CHECK(w.rights(kRam + 0x1000) == "rw-");
  const u64 words[] = {2 | 1 << 9, 0, 0, 0};  // page 9 is not dirty
  w.machine.log.clear();
  REQUIRE(w.vm->clear_dirty_log(0, 0, 256, words));
  CHECK(w.machine.log == std::vector<std::string>{"store leaf", "dsb ishst", "vmalls12e1is", "dsb ish", "isb"});
  CHECK(w.rights(kRam + 0x1000) == "r--");
  CHECK(w.rights(kRam + 0x2000) == "rw-");
  CHECK((*w.vm->get_dirty_log(0))[0] == 4);
}

TEST_CASE("initially set: all ones at first, protected when cleared") {
  World w;
  w.vm->set_manual_dirty_protect(true, true);
  REQUIRE(w.vm->add_ram(0, kRam, 70 * 4096));
  w.access(Kind::Write, kRam);
  const u64 hva = w.vm->slots()[0].hva;
  REQUIRE(w.vm->set_user_memory_region({0, kMemLogDirtyPages, kRam, 70 * 4096, hva}));
  CHECK(w.rights(kRam) == "rw-");  // not protected yet
  CHECK(*w.vm->get_dirty_log(0) == std::vector<u64>{~u64{0}, 0x3f});
  const u64 words[] = {~u64{0}, ~u64{0}};
  REQUIRE(w.vm->clear_dirty_log(0, 0, 70, words));
  CHECK(w.rights(kRam) == "r--");
  CHECK(*w.vm->get_dirty_log(0) == std::vector<u64>{0, 0});
}

TEST_CASE("errors of the dirty log calls") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, 70 * 4096, kMemLogDirtyPages));
  REQUIRE(w.vm->add_ram(1, kPt, k1M));
  const std::vector<u64> words(8, ~u64{0});
  CHECK(w.vm->get_dirty_log(2).error() == Errno::NoEnt);
  CHECK(w.vm->get_dirty_log(1).error() == Errno::NoEnt);
  CHECK(w.vm->clear_dirty_log(1, 0, 64, words).error() == Errno::NoEnt);
  CHECK(w.vm->clear_dirty_log(0, 1, 64, words).error() == Errno::Inval);
  CHECK(w.vm->clear_dirty_log(0, 0, 63, words).error() == Errno::Inval);
  CHECK(w.vm->clear_dirty_log(0, 64, 64, words).error() == Errno::Inval);
  CHECK(w.vm->clear_dirty_log(0, 128, 0, words).error() == Errno::Inval);
  CHECK(w.vm->clear_dirty_log(0, 0, ~u64{63}, words).error() == Errno::Inval);
  CHECK(w.vm->clear_dirty_log(0, 64, 6, words));
}

TEST_CASE("a read-only slot with the log flag is never dirty through the guest") {
  World w;
  REQUIRE(w.vm->add_ram(0, kRam, k1M, kMemReadOnly | kMemLogDirtyPages));
  CHECK(w.access(Kind::Write, kRam) == Resume::Mmio);
  CHECK(w.access(Kind::Read, kRam) == Resume::Guest);
  CHECK(*w.vm->get_dirty_log(0) == std::vector<u64>(4, 0));
}

}  // namespace farside::hyp::test
