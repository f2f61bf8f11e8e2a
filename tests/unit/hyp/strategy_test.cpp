// tests/unit/hyp/strategy_test.cpp - the cache strategies of thread 4 and their pieces: every trap and every operation.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

using Log = std::vector<std::string>;

World with(std::string_view policy, const std::function<void(Options&)>& bend = {}) {
  Options o;
  o.vm.policy = *find_policy(policy);
  o.vm.cpu.fwb = policy == "fwb";
  if (bend) bend(o);
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  return w;
}
/// The data operations and TLBIs among what `act` does to the machine.
template <class F>
Log maintenance(World& w, F act) {
  w.machine.log.clear();
  act();
  Log out;
  for (const std::string& entry : w.machine.log)
    if (!entry.starts_with("store") && !entry.starts_with("dsb") && entry != "isb") out.push_back(entry);
  return out;
}
Hcr hcr(const World& w) { return Hcr::of(w.pe.read(Reg::HCR_EL2)); }

}  // namespace

// ---- The life of a guest under each strategy ----

/// One row: what a strategy does at each step of a boot.
struct Life {
  std::string_view policy;
  bool tvm, tsw, dc, fwb;  ///< HCR_EL2 at the first entry
  Log map_off;             ///< first store to a page, MMU off
  Log mmu_on;              ///< SCTLR_EL1.M alone
  Log caches_on;           ///< and C
  Log map_on;              ///< first store to another page
  Log set_way;             ///< DC CISW, where it is trapped
  Log caches_off;          ///< SCTLR_EL1.C = 0, where it is trapped
  Log unmap;               ///< the host takes a page away
};

TEST_CASE("each cache strategy maintains and traps exactly what it is about") {
  const std::string civac = "civac 1000", by_ipa = fmt::format("ipas2e1is {} l3", kRam);
  const Log none, one{civac}, two{civac, civac}, tlbi{by_ipa, "vmalle1is"}, tlbi_clean{by_ipa, "vmalle1is", civac};
  const Life lives[] = {
      //            TVM    TSW    DC     FWB    off   M on         on    on    s/w   off   unmap
      {"none", false, false, false, false, none, none, none, none, none, none, tlbi},
      {"dc", true, false, true, false, none, Log{"vmalle1"}, none, none, none, none, tlbi},
      {"par", false, false, false, false, one, none, none, none, none, none, tlbi},
      {"tvm-2014", true, false, false, false, one, none, one, none, none, none, tlbi},
      {"setway", true, true, false, false, one, none, one, none, two, two, tlbi_clean},
      {"tvm", true, true, false, false, one, none, one, one, two, two, tlbi_clean},
      {"fwb", false, true, false, true, none, none, none, none, none, none, tlbi},
  };
  for (const Life& life : lives) {
    INFO(life.policy);
    World w = with(life.policy);
    CHECK(hcr(w)[Hcr::TVM] == life.tvm);
    CHECK(hcr(w)[Hcr::TSW] == life.tsw);
    CHECK(hcr(w)[Hcr::DC] == life.dc);
    CHECK(hcr(w)[Hcr::FWB] == life.fwb);
    CHECK(maintenance(w, [&] { w.access(Kind::Write, kRam); }) == life.map_off);
    // Hardware performs the write itself where the hypervisor does not trap it.
    const auto set_sctlr = [&w](u64 value) {
      tvm(w) ? void(write_sctlr(w, value)) : w.pe.write(Reg::SCTLR_EL1, value);
    };
    CHECK(maintenance(w, [&] { set_sctlr(1); }) == life.mmu_on);
    CHECK_FALSE(hcr(w)[Hcr::DC]);
    CHECK(maintenance(w, [&] { set_sctlr(kCachesOn); }) == life.caches_on);
    CHECK_FALSE(tvm(w));
    w.pe.s1_attr = 0xff;
    CHECK(maintenance(w, [&] { w.access(Kind::Write, kRam + 0x1000); }) == life.map_on);
    if (life.tsw) CHECK(maintenance(w, [&] { dc_cisw(w); }) == life.set_way);
    CHECK(maintenance(w, [&] { set_sctlr(1); }) == life.caches_off);
    const u64 hva = w.vm->slots()[0].hva;
    CHECK(maintenance(w, [&] { w.vm->space().munmap({hva, 0x1000}); }) == life.unmap);
  }
}

TEST_CASE("dc: DC follows SCTLR_EL1.M while TVM is set, with the TLB flushed after the control bit changed") {
  World w = with("dc");
  w.machine.log.clear();
  write_sctlr(w, 1);
  CHECK(w.machine.log == Log{"isb", "vmalle1", "dsb nsh", "isb"});
  CHECK_FALSE(hcr(w)[Hcr::DC]);
  CHECK(tvm(w));
  write_sctlr(w, 0);  // off again: its accesses are cacheable again
  CHECK(hcr(w)[Hcr::DC]);
  write_sctlr(w, kCachesOn);
  CHECK_FALSE(hcr(w)[Hcr::DC]);
  CHECK_FALSE(tvm(w));
  w.vm->init_vcpu(0);
  CHECK(Hcr::of(w.vm->hcr(0))[Hcr::DC]);
}

TEST_CASE("par: the attributes of the access decide, and the guest's PAR_EL1 survives") {
  struct Row {
    u64 attr;
    bool cleans;
  };
  const Row rows[] = {
      {0x00, true},   // Device-nGnRnE
      {0x0c, true},   // Device-GRE
      {0x44, true},   // Non-cacheable
      {0xbb, true},   // Write-Through
      {0x4f, true},   // outer Non-cacheable
      {0xf4, true},   // inner Non-cacheable
      {0xff, false},  // Write-Back, read and write allocate
      {0xcc, false},  // Write-Back, no allocation
      {0x77, false},  // Write-Back Transient
  };
  for (const Row& row : rows) {
    INFO("ATTR " << row.attr);
    World w = with("par");
    w.pe.s1_attr = row.attr;
    w.pe.regs[Reg::PAR_EL1] = 0xabc000;
    w.access(Kind::Write, kRam);
    CHECK(w.vm->stats().dc_civac == row.cleans);
    CHECK(w.vm->stats().at == 1);
    CHECK(w.pe.ats == 1);
    CHECK(w.pe.regs[Reg::PAR_EL1] == 0xabc000);
  }
}

TEST_CASE("par: unknown attributes count as uncached, and nobody waits for them") {
  World w = with("par");
  w.pe.s1_attr = 0xff;
  w.pe.stage1 = [](Va) { return std::nullopt; };
  CHECK(w.access(Kind::Write, kRam) == Resume::Guest);
  CHECK(w.vm->stats().dc_civac == 1);
  CHECK(w.abort({.fsc = kTf | 3, .s1ptw = true}, kRam + 0x1000) == Resume::Guest);  // a walk: AT cannot tell
  CHECK(w.vm->stats().dc_civac == 2);
  CHECK(w.pe.ats == 1);
}

TEST_CASE("par: without the saved PAR_EL1 each fault shows") {
  World w = with("par", [](Options& o) { o.vm.policy.preserve_par = false; });
  w.pe.regs[Reg::PAR_EL1] = 0xabc000;
  w.access(Kind::Write, kRam);
  CHECK(w.pe.regs[Reg::PAR_EL1] == kRam.value);
}

TEST_CASE("fwb is the CPU's feature and the policy's choice") {
  Options o;
  o.vm.policy = *find_policy("fwb");
  World present([] {
    Options with_fwb;
    with_fwb.vm.cpu.fwb = true;
    return with_fwb;
  }());
  CHECK(hcr(present)[Hcr::FWB]);  // k6.1 takes what is there
  o.vm.cpu.pa_bits = 40;
  const auto refused = present.hyp->create_vm(o.vm);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("FEAT_S2FWB") != std::string::npos);
  World unused = with("tvm", [](Options& t) { t.vm.cpu.fwb = true; });
  CHECK_FALSE(hcr(unused)[Hcr::FWB]);
  CHECK(maintenance(unused, [&] { unused.access(Kind::Write, kRam); }) == Log{"civac 1000"});
}

// ---- Pieces ----

TEST_CASE("eight pieces, each with its name, and each changes the policy") {
  REQUIRE(policy_pieces().size() == 8);
  for (const PieceInfo& info : policy_pieces()) {
    CHECK(find_piece(info.name) == info.piece);
    CHECK_FALSE(info.text.empty());
  }
  CHECK(find_piece("p4") == Piece::P4);
  for (const char* name : {"", "P", "P0", "P9", "P10", "X1"}) CHECK_FALSE(find_piece(name));
}

/// What one scene logs with all pieces and with one left out.
void check_piece(Piece piece, const std::function<Log(World&)>& scene, const Log& whole, const Log& left) {
  INFO("P" << int(piece));
  World complete = with("tvm");
  CHECK(scene(complete) == whole);
  World lacking = with("tvm", [piece](Options& o) { o.vm.policy = without(o.vm.policy, piece); });
  CHECK(scene(lacking) == left);
}

TEST_CASE("a policy without one piece does everything else") {
  const std::string by_ipa = fmt::format("ipas2e1is {} l3", kRam);
  const auto map = [](World& w) { return maintenance(w, [&] { w.access(Kind::Write, kRam); }); };
  check_piece(Piece::P1, map, {"civac 1000"}, {});
  const auto unmap = [](World& w) {
    w.access(Kind::Write, kRam);
    w.access(Kind::Write, kRam + 0x1000);  // keeps the tables
    return maintenance(w, [&] { w.vm->space().munmap({w.vm->slots()[0].hva, 0x1000}); });
  };
  check_piece(Piece::P2, unmap, {by_ipa, "vmalle1is", "civac 1000"}, {by_ipa, "vmalle1is"});
  const auto enable = [](World& w) {
    w.access(Kind::Write, kRam);
    return maintenance(w, [&] { write_sctlr(w, kCachesOn); });
  };
  check_piece(Piece::P3, enable, {"civac 1000"}, {});
  const auto set_way = [](World& w) {
    w.access(Kind::Write, kRam);
    write_sctlr(w, kCachesOn);
    return maintenance(w, [&] { dc_cisw(w); });
  };
  check_piece(Piece::P4, set_way, {"civac 1000"}, {});
  const auto fetch = [](World& w) {
    w.access(Kind::Write, kRam);
    return maintenance(w, [&] { w.access(Kind::Exec, kRam); });
  };
  check_piece(Piece::P5, fetch, {"ivau 1000", by_ipa, "vmalle1is"}, {by_ipa, "vmalle1is"});
  const auto reset = [](World& w) {
    w.access(Kind::Write, kRam);
    return maintenance(w, [&] { w.vm->init_vcpu(0); });
  };
  const std::string table = fmt::format("ipas2e1is {} l0", kRam);
  check_piece(Piece::P6, reset, {by_ipa, "vmalle1is", "civac 1000", table, "vmalle1is", table, "vmalle1is"}, {});
  const auto change = [](World& w) {
    w.pe1.cpu = 0;  // both on one core
    return maintenance(w, [&] { w.vm->prepare_entry(1, w.pe1); });
  };
  check_piece(Piece::P7, change, {"vmalle1", "iallu"}, {});
}

TEST_CASE("P3, P4 and P8 are bits of HCR_EL2") {
  const auto hcr_without = [](Piece piece) {
    World w = with("tvm", [piece](Options& o) { o.vm.policy = without(o.vm.policy, piece); });
    return hcr(w);
  };
  World w = with("tvm");
  const Hcr whole = hcr(w);
  CHECK((whole.raw ^ hcr_without(Piece::P3).raw) == Hcr::TVM.mask);
  CHECK((whole.raw ^ hcr_without(Piece::P4).raw) == Hcr::TSW.mask);
  CHECK((whole.raw ^ hcr_without(Piece::P8).raw) == (Hcr::FB.mask | Hcr::SWIO.mask | u64{1} << 10));
  for (const Piece piece : {Piece::P1, Piece::P2, Piece::P5, Piece::P6, Piece::P7})
    CHECK(hcr_without(piece).raw == whole.raw);
}

// ---- The I-cache: eager and lazy ----

TEST_CASE("eager invalidates at every map, lazy at the first fetch, and it is one more fault") {
  const std::string by_ipa = fmt::format("ipas2e1is {} l3", kRam);
  for (const bool lazy : {true, false}) {
    World w = with("tvm", [lazy](Options& o) {
      o.vm.policy = *compose_policy({.name = "tvm", .icache = lazy ? "lazy" : "eager"});
    });
    CHECK(maintenance(w, [&] { w.access(Kind::Write, kRam); }) ==
          (lazy ? Log{"civac 1000"} : Log{"civac 1000", "ivau 1000"}));
    CHECK(maintenance(w, [&] { w.access(Kind::Exec, kRam); }) ==
          (lazy ? Log{"ivau 1000", by_ipa, "vmalle1is"} : Log{}));
    CHECK(w.vm->stats().fault_count() == (lazy ? 2u : 1u));
  }
}

// ---- Cache operations on read-only slots ----

TEST_CASE("four answers to a cache operation on a read-only slot") {
  struct Row {
    const char* rule;
    Kind kind;
    bool mapped_first;
    Resume outcome;
    const char* rights;
    u64 faults, civac;
  };
  const Row rows[] = {
      {"skip", Kind::Civac, false, Resume::SkipInsn, "none", 1, 0},
      {"skip", Kind::Civac, true, Resume::Guest, "r--", 0, 0},
      {"skip", Kind::Ivac, true, Resume::SkipInsn, "r--", 1, 0},
      {"exit", Kind::Civac, false, Resume::Stop, "none", 1, 0},
      {"exit", Kind::Ivac, true, Resume::Stop, "r--", 1, 0},
      {"inject", Kind::Civac, false, Resume::Guest, "r--", 1, 1},
      {"inject", Kind::Ivac, false, Resume::Injected, "r--", 2, 1},  // the double fault of the patch
      {"inject", Kind::Ivac, true, Resume::Injected, "r--", 1, 0},
      {"perform", Kind::Civac, false, Resume::Guest, "r--", 1, 1},
      {"perform", Kind::Ivac, false, Resume::SkipInsn, "r--", 2, 2},
  };
  for (const Row& row : rows) {
    INFO(row.rule << " " << int(row.kind) << " mapped " << row.mapped_first);
    Options o;
    o.vm.policy = *compose_policy({.name = "tvm", .cmo_ro = row.rule});
    World w(o);
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
    populate(*w.vm, kRam, 0x1000);
    if (row.mapped_first) w.access(Kind::Read, kRam);
    const Delta d(*w.vm);
    CHECK(w.access(row.kind, kRam) == row.outcome);
    CHECK(w.rights(kRam) == row.rights);
    CHECK(d.faults() == row.faults);
    CHECK(d(&Stats::dc_civac) == row.civac);
    CHECK(w.access(row.kind, kHole) == Resume::SkipInsn);
  }
}

TEST_CASE("the rules for read-only slots leave others alone, but for the double fault of DC IVAC") {
  for (const char* rule : {"skip", "exit", "inject", "perform"}) {
    INFO(rule);
    const bool as_read = rule == std::string("inject") || rule == std::string("perform");
    World w = with("tvm", [rule](Options& o) { o.vm.policy = *compose_policy({.name = "tvm", .cmo_ro = rule}); });
    // As a read it maps the zero page read-only; DC IVAC comes back with a permission fault, and that one once more
    // because breaking the share invalidates the page.
    CHECK(w.access(Kind::Ivac, kRam) == Resume::Guest);
    CHECK(w.rights(kRam) == "rw-");
    CHECK(w.vm->stats().fault_count() == (as_read ? 3u : 1u));
  }
}

TEST_CASE("perform cleans the one line that the guest named") {
  Options o;
  o.vm.policy = *compose_policy({.name = "tvm", .cmo_ro = "perform"});
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20, kMemReadOnly));
  w.access(Kind::Read, kRam);
  CHECK(maintenance(w, [&] { w.access(Kind::Ivac, kRam); }) == Log{"civac 40"});
}

// ---- Words ----

TEST_CASE("a policy in words") {
  const auto policy = compose_policy({"setway", {"P2", "p4"}, "eager", "skip"});
  REQUIRE(policy);
  CHECK(policy->name == "setway");
  CHECK_FALSE(policy->clean_at_unmap);
  CHECK_FALSE(policy->set_way_tracks_caches);
  CHECK(policy->flush_at_cache_enable);
  CHECK_FALSE(policy->execute_never_by_default);
  CHECK(policy->cmo == CmoRule::Skip);
  for (const PolicyChoice& wrong :
       {PolicyChoice{"k7", {}, "", ""}, {"tvm", {"P0"}, "", ""}, {"tvm", {}, "late", ""}, {"tvm", {}, "", "2020"}}) {
    const auto refused = compose_policy(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find('\n') == std::string::npos);
  }
}

}  // namespace farside::hyp::test
