// tests/unit/hyp/policy_test.cpp - presets, and single switches whose effect no other test here shows.
#include "tests/unit/hyp/fake.h"

namespace farside::hyp::test {
namespace {

World bent(const std::function<void(Options&)>& bend) {
  Options o;
  bend(o);
  return World(o);
}
u64 count(const World& w, const std::string& text) {
  return static_cast<u64>(std::count(w.machine.log.begin(), w.machine.log.end(), text));
}
/// Maps a page read-only (zero page), then relaxes nothing but lets a fetch clear XN: one TLBI by IPA.
std::vector<std::string> relax_log(const std::function<void(Policy&)>& bend) {
  Options o;
  bend(o.vm.policy);
  World w(o);
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Read, kRam);
  w.machine.log.clear();
  w.access(Kind::Exec, kRam);
  return w.machine.log;
}

}  // namespace

TEST_CASE("policies have names and switches a line of text") {
  for (const PolicyInfo& info : policies()) {
    CHECK(find_policy(info.policy.name)->name == info.policy.name);
    CHECK_FALSE(info.text.empty());
  }
  CHECK(find_policy(Policy{}.name));
  CHECK_FALSE(find_policy("k7"));
  CHECK(find_policy("v8-2014")->write_fault == WriteFaultRule::Wnr);
  CHECK(find_policy("k6.2")->relax_is_local);
  for (const SwitchInfo& info : policy_switches()) CHECK_FALSE(info.text.empty());
}

TEST_CASE("barriers around a TLBI by IPA can be left out one by one") {
  const std::string by_ipa = fmt::format("ipas2e1is {} l3", kRam);
  using Log = std::vector<std::string>;
  CHECK(relax_log([](Policy&) {}) ==
        Log{"ivau 1000", "store leaf", "dsb ishst", by_ipa, "dsb ish", "vmalle1is", "dsb ish", "isb"});
  CHECK(relax_log([](Policy& p) { p.dsb_before_tlbi = false; }) ==
        Log{"ivau 1000", "store leaf", by_ipa, "dsb ish", "vmalle1is", "dsb ish", "isb"});  // R6
  CHECK(relax_log([](Policy& p) { p.dsb_between_tlbi = false; }) ==
        Log{"ivau 1000", "store leaf", "dsb ishst", by_ipa, "vmalle1is", "dsb ish", "isb"});  // R5
  CHECK(relax_log([](Policy& p) { p.tlbi_stage1_too = false; }) ==
        Log{"ivau 1000", "store leaf", "dsb ishst", by_ipa, "dsb ish", "isb"});
}

TEST_CASE("before TVM nobody sees the caches come on") {
  World w = bent([](Options& o) { o.vm.policy.trap_vm_registers = false; });
  CHECK_FALSE(Hcr::of(w.vm->hcr(0))[Hcr::TVM]);
}

TEST_CASE("before execute-never by default every page is executable, and invalidated when mapped") {
  World w = bent([](Options& o) { o.vm.policy.execute_never_by_default = false; });
  REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
  w.access(Kind::Write, kRam);
  CHECK(w.rights(kRam) == "rwx");
  CHECK(count(w, "ivau 1000") == 1);
}

TEST_CASE("museum 20: executable device memory") {
  for (const bool fixed : {true, false}) {
    Options o;
    o.vm.cpu.dic = true;
    o.vm.policy.device_execute_never = fixed;
    World w(o);
    const u64 hva = w.vm->space().mmap({.range = {0, 1 << 20}, .kind = host::VmaKind::PfnMap, .device = Pa{1 << 30}});
    REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 1 << 20, hva}));
    w.access(Kind::Read, kRam);
    CHECK(World::executable(*w.leaf(kRam)) == !fixed);
  }
}

TEST_CASE("museum 13: a page that KSM installs must be cleaned") {
  for (const bool fixed : {true, false}) {
    World w = bent([fixed](Options& o) { o.vm.policy.clean_at_change_pte = fixed; });
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    populate(*w.vm, kRam, 0x3000);
    for (u64 o = 0; o < 0x3000; o += 0x1000) w.access(Kind::Read, kRam + o);
    w.machine.log.clear();
    REQUIRE(w.vm->space().merge(w.vm->slots()[0].hva, w.vm->slots()[0].hva + 0x1000));
    CHECK(w.rights(kRam) == "r--");
    CHECK(count(w, "civac 1000") == (fixed ? 4u : 2u));  // two unmapped, two installed
  }
}

TEST_CASE("museum 23: mapping what is there already breaks it for nothing") {
  for (const bool fixed : {true, false}) {
    World w = bent([fixed](Options& o) {
      o.vm.policy.skip_permission_only_map = false;
      o.vm.policy.skip_unchanged_map = fixed;
    });
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    w.access(Kind::Write, kRam);
    CHECK(w.abort({.fsc = kTf | 3, .write = true, .isv = true}, Va{kRam.value}, kRam, 1) == Resume::Guest);
    CHECK(w.vm->stats().s2_break == (fixed ? 0u : 1u));
  }
}

TEST_CASE("without the INVALID copy a fault in the window maps what is about to go away") {
  for (const bool fixed : {true, false}) {
    World w = bent([fixed](Options& o) { o.vm.policy.invalidate_then_remap = fixed; });
    REQUIRE(w.vm->add_ram(0, kRam, 1 << 20));
    Resume seen = Resume::Stop;
    w.machine.actions[YieldPoint::SlotInvalidPublished] = [&] {
      seen = w.abort({.fsc = kTf | 3, .write = true, .isv = true}, Va{kRam.value}, kRam, 1);
    };
    REQUIRE(w.vm->set_user_memory_region({0, 0, kRam, 0, 0}));
    CHECK(seen == (fixed ? Resume::Mmio : Resume::Guest));
  }
}

TEST_CASE("museum 52: a sign-extended W register") {
  for (const bool fixed : {true, false}) {
    World w = bent([fixed](Options& o) { o.vm.policy.mmio_extends_to_register_width = fixed; });
    w.machine.device_value = 0x80;
    w.abort({.fsc = kTf | 3, .isv = true, .sas = 0, .sse = true}, kHole);
    CHECK(w.pe.xs[1] == (fixed ? 0xffff'ff80 : 0xffff'ffff'ffff'ff80));
  }
}

}  // namespace farside::hyp::test
