// tests/unit/cache/patching_test.cpp - which stale instructions are findings: the rules of concurrent modification.
#include "tests/unit/cache/fixture.h"

namespace farside::cache {
namespace {

constexpr u32 kNop = 0xd503201f, kBranch = 0x14000004, kCall = 0x94000004, kBrk = 0xd4200000, kSvc = 0xd4000001,
              kHvc = 0xd4000002, kSmc = 0xd4000003, kIsb = 0xd5033fdf;
constexpr u32 kMovX9X30 = 0xaa1e03e9, kRet = 0xd65f03c0, kBeq = 0x54000080, kHlt = 0xd4400000, kDsb = 0xd5033f9f;

/// A core that has executed `before` at kX, so that its instruction cache holds it, and has then stored `after` there.
struct Patched : Machine {
  Patched(u32 before, u32 after) : Machine(quiet()) {
    set_memory(before);
    REQUIRE(fetch(kWb) == before);
    u8 bytes[4];
    std::memcpy(bytes, &after, sizeof after);
    REQUIRE(caches.write(by(kWb, 0x200), kX, bytes));
  }
  Finding found(u32 core = 0) {
    fetch(kWb, kX, core);
    REQUIRE(reports.size() == 1);
    return reports.front().finding;
  }
};

}  // namespace

TEST_CASE("an old instruction is a finding at once where either of the two may not be patched live") {
  const u32 before = GENERATE(kNop, kMovX9X30, kRet, kBeq);
  const u32 after = GENERATE(kMovX9X30, kRet, kHlt, kDsb);
  if (before == after) return;
  CAPTURE(before, after);
  CHECK(Patched(before, after).found() == Finding::STALE_ICACHE);
}

TEST_CASE(
    "of two instructions that may be patched live either may run: advice, however often the writer synchronises") {
  const u32 before = GENERATE(kNop, kBranch, kCall, kBrk);
  const u32 after = GENERATE(kSvc, kHvc, kSmc, kIsb, kCall);
  if (before == after) return;
  CAPTURE(before, after);
  Patched m(before, after);
  m.dsb();
  m.isb();  // of something else, as the unmapping of the patched page in Linux' fixmap
  CHECK(m.found() == Finding::AMBIGUOUS);
  CHECK(m.reports.front().remedy.instruction);
}

TEST_CASE("the whole sequence makes the new instruction visible, and nothing is said") {
  Patched m(kNop, kBranch);
  m.cvau();
  m.dsb();
  m.ivau();
  m.dsb();
  m.isb();
  CHECK(m.fetch(kWb) == kBranch);
  CHECK(m.reports.empty());
}

TEST_CASE("an instruction invalidation without the clean before it is a finding, live or not, after the ISB") {
  const bool isb = GENERATE(true, false);
  Patched m(kNop, kBranch);
  m.ivau();
  m.dsb();
  if (isb) m.isb();
  CHECK(m.found() == (isb ? Finding::STALE_ICACHE : Finding::AMBIGUOUS));
  CHECK(m.reports.front().remedy.text.starts_with("DC CVAU, DSB, IC IVAU, DSB, ISB"));
}

TEST_CASE("the ISB of one core says nothing about another") {
  Patched m(kNop, kBranch);
  m.ivau();
  m.dsb();
  m.isb(0);
  CHECK(m.found(1) == Finding::AMBIGUOUS);
}

TEST_CASE("a store after the invalidation needs one of its own") {
  Patched m(kNop, kBrk);
  m.ivau();
  m.dsb();
  m.store(kWb, kBranch);
  m.isb();
  CHECK(m.found() == Finding::AMBIGUOUS);
}

TEST_CASE("invalidating all instructions counts as invalidating this one, on the cores that it reaches") {
  const Scope scope = GENERATE(Scope::InnerShareable, Scope::ThisPe);
  Patched m(kNop, kBranch);
  m.fetch(kWb, kX, 1, 0x304);
  m.reports.clear();
  m.caches.apply(ICacheInvalidateAll{scope}, 0);
  m.dsb();
  m.isb(0);
  m.isb(1);
  const u32 core = GENERATE(0u, 1u);
  const bool reached = core == 0 || scope == Scope::InnerShareable;
  CHECK(m.found(core) == (reached ? Finding::STALE_ICACHE : Finding::AMBIGUOUS));
}

TEST_CASE("a report shows whole instructions, by name where names are given") {
  Patched m(kNop, kMovX9X30);
  m.found();
  const Report& report = m.reports.front();
  CHECK(report.pa == kX);
  CHECK(report.size == 4);
  const Names names{.place = [](u64 pc, El) { return pc == 0x200 ? "writer+0x40" : "reader"; },
                    .instruction = [](u64, u32 word) { return word == kNop ? "nop" : "mov x9, x30"; }};
  const std::string text = print(report, names);
  CHECK(text.find("pc 0x300 <reader>") != std::string::npos);
  CHECK(text.find("1f 20 03 d5  nop\n") != std::string::npos);
  CHECK(text.find("e9 03 1e aa  mov x9, x30\n") != std::string::npos);
  CHECK(text.find("last written by core 0 EL1 pc 0x200 <writer+0x40>") != std::string::npos);
  CHECK(instructions_of(report.remedy) == std::vector<std::string_view>{"DC CVAU", "DSB", "IC IVAU", "DSB", "ISB"});
}

TEST_CASE("a report tells what happened to the range that its line lies in, in order") {
  Machine m;
  m.caches.note_range({.base = kRam, .size = u64{2} << 20, .ipa = 0x8000'0000, .kind = RangeKind::Stage2Map});
  m.host_store(1);
  m.caches.note_range({.base = kRam, .size = 4096, .kind = RangeKind::CleanInvalidate});  // not this line's page
  m.load(kNc);
  REQUIRE(m.errors() == Errors{Finding::STALE_RAM});
  REQUIRE(m.reports.back().ranges.size() == 1);
  const std::string text = print(m.reports.back());
  const usize map = text.find("stage-2 map of ipa 0x80000000 to pa 0x40000000, 2048 KiB, by the hypervisor");
  REQUIRE(map != std::string::npos);
  CHECK(text.find("write at L1D by the host") < map);  // the newest first
}

}  // namespace farside::cache
