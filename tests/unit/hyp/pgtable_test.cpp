// tests/unit/hyp/pgtable_test.cpp - each page-table operation: entries, counts, and the exact order of maintenance.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

using Log = std::vector<std::string>;
constexpr u64 k4K = 4096, k2M = 2u << 20, k1G = 1u << 30;
constexpr Pa kFrame{0x9'0000'0000};

/// Tables alone, without a VM around them.
struct Tables {
  FakeMachine machine;
  host::Frames frames{Pa{0x8'0000'0000}, 16u << 20, 3};
  Policy policy;
  CpuCaps cpu;
  Stats stats;
  u16 vmid = 5;
  Cmo cmo{machine, policy, cpu, stats};
  TlbFlush tlb{machine, policy, vmid, stats};
  std::unique_ptr<Pgtable> table;
  TableCache cache;

  explicit Tables(unsigned ipa_bits = 40) {
    table = std::move(*Pgtable::create(ipa_bits, {machine, frames, machine, cmo, tlb, policy, cpu, stats}));
    REQUIRE(table->top_up(cache, 8));
    machine.log.clear();
  }
  MapStatus map(Ipa ipa, u64 size, Pa pa, Prot prot) { return table->map({ipa, size, pa, prot, true}, &cache); }
  Log take() { return std::exchange(machine.log, {}); }
  u64 descriptor(Ipa ipa) const { return table->find(ipa)->descriptor; }
  /// Table pages in use beyond what the cache holds.
  u64 used() const { return frames.used_bytes() - cache.pages.size() * k4K; }
};

Log by_ipa(Ipa ipa, unsigned level) {
  return {"dsb ishst", fmt::format("ipas2e1is {} l{}", ipa, level), "dsb ish", "vmalle1is", "dsb ish", "isb"};
}
Log whole_vmid() { return {"dsb ishst", "vmalls12e1is", "dsb ish", "isb"}; }
Log join(std::initializer_list<Log> parts) {
  Log out;
  for (const Log& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

constexpr Prot kR{.read = true}, kRw{.read = true, .write = true}, kRx{.read = true, .exec = true};

}  // namespace

TEST_CASE("map into a hole: tables, clean, store, then one barrier") {
  Tables t;
  CHECK(t.map(kRam, k4K, kFrame, kRw) == MapStatus::Mapped);
  CHECK(t.take() == Log{"store table", "store table", "civac 1000", "store leaf", "dsb ishst"});
  // valid page, Normal write-back, R, W, inner shareable, AF, XN
  CHECK(t.descriptor(kRam) == (kFrame.value | 3 | 0xf << 2 | 3 << 6 | 3 << 8 | 1 << 10 | u64{2} << 53));
  CHECK(t.table->find(kRam)->level == 3);
  CHECK(t.stats.mapped[3] == 1);
  CHECK_FALSE(t.table->find(kRam + k4K));
  // A neighbour finds its tables.
  CHECK(t.map(kRam + k4K, k4K, kFrame + k4K, kR) == MapStatus::Mapped);
  CHECK(t.take() == Log{"civac 1000", "store leaf", "dsb ishst"});
}

TEST_CASE("an executable page is in the instruction stream before its entry is") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRx);
  CHECK(t.take() == Log{"store table", "store table", "civac 1000", "ivau 1000", "store leaf", "dsb ishst"});
  Tables vipt;
  vipt.cpu.aliasing_icache = true;
  vipt.map(kRam, k4K, kFrame, kRx);
  CHECK(vipt.take() == Log{"store table", "store table", "civac 1000", "ialluis", "store leaf", "dsb ishst"});
}

TEST_CASE("device memory is neither cleaned nor Normal") {
  Tables t;
  t.map(kRam, k4K, kFrame, {.read = true, .write = true, .device = true});
  CHECK(t.take() == Log{"store table", "store table", "store leaf", "dsb ishst"});
  CHECK((t.descriptor(kRam) >> 2 & 0xf) == 1);  // Device-nGnRE
}

TEST_CASE("FWB needs no cleaning, DIC no instruction invalidation") {
  Tables t;
  t.cpu.fwb = true;
  t.map(kRam, k4K, kFrame, kRx);
  CHECK(t.take() == Log{"store table", "store table", "ivau 1000", "store leaf", "dsb ishst"});
  CHECK((t.descriptor(kRam) >> 2 & 0xf) == 6);
  t.cpu.dic = true;
  t.map(kRam + k4K, k4K, kFrame, kRx);
  CHECK(t.take() == Log{"store leaf", "dsb ishst"});
  t.table->flush(kRam, k2M);
  CHECK(t.take().empty());
}

TEST_CASE("map where only permissions differ changes nothing and asks for a replay") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  const u64 before = t.descriptor(kRam);
  t.take();
  for (const Prot prot : {kR, kRw, kRx}) {
    CHECK(t.map(kRam, k4K, kFrame, prot) == MapStatus::Again);
    CHECK(t.take() == Log{"dsb ishst"});
    CHECK(t.descriptor(kRam) == before);
  }
  CHECK(t.stats.s2_map == 1);
}

TEST_CASE("leaf to leaf: break, invalidate, clean, make") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.take();
  CHECK(t.map(kRam, k4K, kFrame + k4K, kRw) == MapStatus::Mapped);
  CHECK(t.take() == join({{"store 0"}, by_ipa(kRam, 3), {"civac 1000", "store leaf", "dsb ishst"}}));
  CHECK(t.stats.s2_break == 1);
  CHECK(t.stats.mapped[3] == 1);
}

TEST_CASE("leaf to leaf without break-before-make overwrites a live entry") {
  Tables t;
  t.policy.break_before_make = false;
  t.map(kRam, k4K, kFrame, kRw);
  t.take();
  t.map(kRam, k4K, kFrame + k4K, kRw);
  CHECK(t.take() == join({{"civac 1000", "store leaf"}, by_ipa(kRam, 3), {"dsb ishst"}}));
  CHECK(t.stats.mapped[3] == 1);
}

TEST_CASE("a block needs one table and is cleaned as a whole") {
  Tables t;
  CHECK(t.map(kRam, k2M, kFrame, kRw) == MapStatus::Mapped);
  CHECK(t.take() == Log{"store table", "civac 200000", "store leaf", "dsb ishst"});
  CHECK(t.table->find(kRam + 0x12345)->level == 2);
  CHECK(t.map(Ipa{k1G * 2}, k1G, Pa{k1G * 40}, kR) == MapStatus::Mapped);
  CHECK(t.take() == Log{"civac 40000000", "store leaf", "dsb ishst"});
  CHECK(t.stats.mapped == std::array<u64, 4>{0, 1, 1, 0});
}

TEST_CASE("block to table: break, then a zeroed table with one page; the rest faults again") {
  Tables t;
  t.map(kRam, k2M, kFrame, kRw);
  t.take();
  const Ipa page = kRam + 7 * k4K;
  CHECK(t.map(page, k4K, kFrame + 7 * k4K, kRw) == MapStatus::Mapped);
  CHECK(t.take() == join({{"store 0"}, by_ipa(kRam, 2), {"store table", "civac 1000", "store leaf", "dsb ishst"}}));
  CHECK(t.table->find(page)->level == 3);
  CHECK_FALSE(t.table->find(kRam));
  CHECK_FALSE(t.table->find(page + k4K));
  CHECK(t.stats.s2_split == 1);
  CHECK(t.stats.mapped == std::array<u64, 4>{0, 0, 0, 1});
}

TEST_CASE("table to block: the whole VMID is invalidated and the table freed") {
  Tables t;
  for (u64 i = 0; i < 3; ++i) t.map(kRam + i * k4K, k4K, kFrame + 5 * k2M + i * k4K, kRw);
  const u64 used = t.used();
  t.take();
  CHECK(t.map(kRam, k2M, kFrame, kRw) == MapStatus::Mapped);
  CHECK(t.take() == join({{"store 0"}, whole_vmid(), {"civac 200000", "store leaf", "dsb ishst"}}));
  CHECK(t.used() == used - k4K);
  CHECK(t.stats.s2_collapse == 1);
  CHECK(t.stats.mapped == std::array<u64, 4>{0, 0, 1, 0});
  // Museum 25: only one address was flushed.
  Tables old;
  old.policy.collapse_flushes_vmid = false;
  old.map(kRam, k4K, kFrame + k2M, kRw);
  old.take();
  old.map(kRam, k2M, kFrame, kRw);
  CHECK(old.take() == join({{"store 0"}, by_ipa(kRam, 0), {"civac 200000", "store leaf", "dsb ishst"}}));
}

TEST_CASE("two levels of tables collapse into one 1G block") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.map(kRam + k2M, k2M, kFrame + k2M, kRw);
  t.map(kRam + 2 * k2M, k4K, kFrame, kRw);
  const u64 used = t.used();
  CHECK(t.map(kRam, k1G, Pa{k1G * 40}, kRw) == MapStatus::Mapped);
  CHECK(t.used() == used - 3 * k4K);  // one level-2 and two level-3 tables
  CHECK(t.stats.mapped == std::array<u64, 4>{0, 1, 0, 0});
}

TEST_CASE("unmap a leaf: clear, invalidate, and only then clean; an empty table goes without a level hint") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.map(kRam + k4K, k4K, kFrame + k4K, kRw);
  const u64 used = t.used();
  t.take();
  t.table->unmap(kRam, k4K);
  CHECK(t.take() == join({{"store 0"}, by_ipa(kRam, 3), {"civac 1000"}}));
  CHECK(t.used() == used);
  t.table->unmap(kRam + k4K, k4K);
  // the leaf, the level-3 table, the level-2 table
  CHECK(t.take() == join({{"store 0"},
                          by_ipa(kRam + k4K, 3),
                          {"civac 1000"},
                          {"store 0"},
                          by_ipa(kRam, 0),
                          {"store 0"},
                          by_ipa(kRam.align_down(k1G), 0)}));
  CHECK(t.used() == used - 2 * k4K);
  CHECK(t.stats.mapped[3] == 0);
  CHECK(t.stats.s2_unmap == 2);
}

TEST_CASE("the order of unmapping in other eras") {
  Tables t;
  t.policy.clean_after_tlbi = false;
  t.map(kRam, k2M, kFrame, kRw);
  t.take();
  t.table->unmap(kRam, k2M);
  const Log log = t.take();
  CHECK(Log(log.begin(), log.begin() + 3) == Log{"civac 200000", "store 0", "dsb ishst"});

  Tables none;
  none.policy.clean_at_unmap = false;
  none.map(kRam, k4K, kFrame, kRw);
  none.map(kRam + k4K, k4K, kFrame, kRw);
  none.take();
  none.table->unmap(kRam, k4K);
  CHECK(none.take() == join({{"store 0"}, by_ipa(kRam, 3)}));

  Tables hint;  // museum 33
  hint.policy.table_tlbi_has_no_hint = false;
  hint.map(kRam, k4K, kFrame, {.read = true, .device = true});
  hint.take();
  hint.table->unmap(kRam, k4K);
  CHECK(
      hint.take() ==
      join({{"store 0"}, by_ipa(kRam, 3), {"store 0"}, by_ipa(kRam, 2), {"store 0"}, by_ipa(kRam.align_down(k1G), 1)}));
}

TEST_CASE("unmapping a part of a block removes all of it") {
  Tables t;
  t.map(kRam, k2M, kFrame, kRw);
  t.map(kRam + k2M, k2M, kFrame + k2M, kRw);
  t.take();
  t.table->unmap(kRam + 0x1000, k4K);
  CHECK(t.take() == join({{"store 0"}, by_ipa(kRam, 2), {"civac 200000"}}));
  CHECK_FALSE(t.table->find(kRam));
  CHECK(t.table->find(kRam + k2M));
}

TEST_CASE("unmapping a hole does nothing") {
  Tables t;
  t.table->unmap(Ipa{0}, u64{1} << 40);
  CHECK(t.take().empty());
}

TEST_CASE("write protection is a plain store per writable leaf; the caller invalidates") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.map(kRam + k4K, k4K, kFrame + k4K, kR);
  t.map(kRam + k2M, k2M, kFrame + k2M, kRw);
  t.take();
  t.table->wrprotect(kRam, 2 * k2M);
  CHECK(t.take() == Log{"store leaf", "store leaf"});
  CHECK(t.stats.s2_wrprotect == 2);
  CHECK((t.descriptor(kRam) >> 6 & 3) == 1);
  CHECK((t.descriptor(kRam + k2M) >> 6 & 3) == 1);
  CHECK(t.table->find(kRam + k2M)->level == 2);  // blocks stay blocks
}

TEST_CASE("relaxing permissions invalidates by IPA, and the I-cache first when execution comes") {
  Tables t;
  t.map(kRam, k4K, kFrame, kR);
  t.take();
  t.table->relax(kRam, kRw, 0);
  CHECK(t.take() == join({{"store leaf"}, by_ipa(kRam, 3)}));
  t.table->relax(kRam, kRx, 0);
  CHECK(t.take() == join({{"ivau 1000", "store leaf"}, by_ipa(kRam, 3)}));
  // Rights are added, never taken.
  CHECK((t.descriptor(kRam) >> 6 & 3) == 3);
  CHECK((t.descriptor(kRam) >> 53 & 3) == 0);
  // Somebody else was faster: no store, but this PE's entry goes.
  t.table->relax(kRam, kRw, 0);
  CHECK(t.take() == by_ipa(kRam, 3));
}

TEST_CASE("later eras relax on one PE only") {
  Tables t;
  t.policy.relax_is_local = true;
  t.map(kRam, k4K, kFrame, kR);
  t.take();
  t.table->relax(kRam, kRw, 1);
  CHECK(t.take() ==
        Log{"store leaf", "dsb ishst", fmt::format("ipas2e1 {} l3", kRam), "dsb nsh", "vmalle1", "dsb nsh", "isb"});
}

TEST_CASE("aging: old without maintenance, young with one barrier") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.take();
  CHECK(t.table->is_young(kRam));
  CHECK(t.table->mkold(kRam));
  CHECK(t.machine.log.size() == 1);
  CHECK_FALSE(t.table->is_young(kRam));
  CHECK_FALSE(t.table->mkold(kRam));
  CHECK(t.machine.log.size() == 1);
  t.take();
  CHECK(t.table->mkyoung(kRam));
  CHECK(t.take() == Log{"store leaf", "dsb ishst"});
  CHECK_FALSE(t.table->mkyoung(kRam + k4K));
}

TEST_CASE("flush cleans mapped Normal leaves and nothing else") {
  Tables t;
  t.map(kRam, k4K, kFrame, kRw);
  t.map(kRam + k2M, k2M, kFrame + k2M, kRw);
  t.map(kRam + 2 * k2M, k4K, kFrame, {.read = true, .device = true});
  t.take();
  t.table->flush(kRam, 4 * k2M);
  CHECK(t.take() == Log{"civac 1000", "civac 200000"});
}

TEST_CASE("destroying the tables gives all memory back and needs no TLB operation") {
  Tables t;
  const u64 cached = t.cache.pages.size();
  t.map(kRam, k4K, kFrame, kRw);
  t.map(kPt, k2M, kFrame, kRw);
  t.take();
  t.table.reset();
  CHECK(t.take().empty());
  CHECK(t.stats.mapped == std::array<u64, 4>{});
  CHECK(t.stats.table_pages == 0);
  CHECK(t.used() == 0);
  CHECK(t.cache.pages.size() < cached);
}

TEST_CASE("the first table has as many concatenated pages as the address size needs") {
  const std::pair<unsigned, std::pair<int, u64>> rows[] = {{32, {2, 4}}, {34, {2, 16}}, {35, {1, 1}}, {39, {1, 1}},
                                                           {40, {1, 2}}, {43, {1, 16}}, {44, {0, 1}}, {48, {0, 1}}};
  for (const auto& [bits, shape] : rows) {
    INFO("bits " << bits);
    Tables t(bits);
    CHECK(t.table->start_level() == shape.first);
    CHECK(t.stats.table_pages == shape.second);
    CHECK(t.table->root().is_aligned(shape.second * k4K));
    const Ipa last{(u64{1} << bits) - k4K};
    CHECK(t.map(last, k4K, kFrame, kR) == MapStatus::Mapped);
    CHECK(t.table->find(last)->level == 3);
    CHECK_FALSE(t.table->find(Ipa{u64{1} << bits}));
  }
}

TEST_CASE("a map without cache uses the tables that are there") {
  Tables t;
  const MapRequest request{kRam, k4K, kFrame, kR, true};
  CHECK(t.table->map(request, nullptr) == MapStatus::NoMemory);
  CHECK_FALSE(t.table->find(kRam));
  t.map(kRam + k4K, k4K, kFrame, kRw);
  CHECK(t.table->map(request, nullptr) == MapStatus::Mapped);
}

TEST_CASE("an empty cache is filled on the spot; without host memory the map fails without harm") {
  Tables t;
  t.table->release(t.cache);
  CHECK(t.map(kRam, k4K, kFrame, kRw) == MapStatus::Mapped);
  std::vector<Pa> taken;
  while (const auto page = t.frames.allocate()) taken.push_back(*page);
  const Ipa far = kRam + k1G;
  CHECK(t.map(far, k4K, kFrame, kRw) == MapStatus::NoMemory);
  CHECK_FALSE(t.table->find(far));
  CHECK(t.stats.s2_map == 1);
  for (int i = 0; i < 2; ++i) {
    t.frames.put(taken.back());
    taken.pop_back();
  }
  CHECK(t.map(far, k4K, kFrame, kRw) == MapStatus::Mapped);
}

}  // namespace farside::hyp::test
