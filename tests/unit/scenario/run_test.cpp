// tests/unit/scenario/run_test.cpp - scenarios that are as expected, and the ways in which they are not.
#include "frontends/scenario/run.h"

#include "frontends/scenario/museum.h"
#include "frontends/scenario/parse.h"
#include "frontends/scenario/world.h"
#include "tests/unit/catch.h"

namespace farside::scenario {
namespace {

const std::string kHead =
    "# t.scn - a test.\nmachine cache=model knob=spec_fill=none knob=evict=lazy\n"
    "let x = 4100_0000\ncode main 4000_0000\n  f9400020 ldr x0, [x1]\ndone:\n  14000000 b done\n";

std::vector<VariantResult> run(const std::string& body, const Overrides& overrides = {}) {
  auto scenario = parse_scenario(kHead + body, "t.scn");
  INFO((scenario.ok() ? std::string() : scenario.error().message));
  REQUIRE(scenario.ok());
  auto results = run_scenario(*scenario, overrides);
  INFO((results.ok() ? std::string() : results.error().message));
  REQUIRE(results.ok());
  return std::move(*results);
}

/// The failures of the only variant as one text.
std::string failures(const std::string& body, const Overrides& overrides = {}) {
  const auto results = run(body, overrides);
  std::string text;
  for (const Failure& failure : results.at(0).failures) text += fmt::format("{}\n", failure.text);
  return text;
}

}  // namespace

TEST_CASE("a load of what the VMM wrote gets it under the default policy, and not where the clean is left out") {
  const std::string body = "ram x = 1\nhost write x 2\nregs cpu0 x1=x\nrun cpu0 until done\n";
  CHECK(failures(body + "expect x0 = 2\nexpect no report\n").empty());
  CHECK(failures("machine without=P1\n" + body + "expect x0 = 1\nexpect report STALE_RAM at x\n").empty());
  CHECK(failures("machine without=clean_at_unmap\n" + body + "expect x0 = 2\n").empty());
  CHECK(failures("machine policy=none\n" + body + "expect x0 = 2\n") == "'expect x0 = 2': is 1\n");
}

TEST_CASE("--policy replaces what no variant names") {
  const std::string body = "ram x = 1\nhost write x 2\nregs cpu0 x1=x\nrun cpu0 until done\nexpect x0 = 2\n";
  CHECK(failures(body).empty());
  CHECK(failures(body, {.policy = "none"}) == "'expect x0 = 2': is 1\n");
  CHECK(failures("variant a policy=tvm\n" + body, {.policy = "none"}).empty());
}

TEST_CASE("every kind of expectation can fail, and says what is there") {
  CHECK(failures("host write x 2\nexpect host x = 3 dirty\n") == "'expect host x = 3 dirty': is 2 dirty\n");
  CHECK(failures("host write x 2\nexpect host x clean\n") == "'expect host x clean': is 2 dirty\n");
  CHECK(failures("line host x = 2 clean\nexpect host x absent\n") == "'expect host x absent': is 2 clean\n");
  CHECK(failures("ram x = 2\nexpect l1d0 x = 2\n") == "'expect l1d0 x = 2': no copy there\n");
  CHECK(failures("ram x = 2\nexpect ram x = 3 or 4\n") == "'expect ram x = 3 or 4': is 2\n");
  CHECK(failures("regs cpu0 x1=x\nrun cpu0 until done\nexpect exits dabt_low = 2\n") ==
        "'expect exits dabt_low = 2': is 1\n");
  CHECK(failures("regs cpu0 x1=x\nrun cpu0 until done\nexpect no exit iabt_low\n") ==
        "'expect no exit iabt_low': is 1\n");
  CHECK(failures("regs cpu0 x1=x\nexpect exit dabt_low\n") == "'expect exit dabt_low': there was none\n");
  CHECK(failures("regs cpu0 x1=x\nrun cpu0 until done\nexpect count s2_map >= 3\n") ==
        "'expect count s2_map >= 3': is 2\n");
  CHECK(failures("regs cpu0 x1=x\nrun cpu0 until done\nexpect s2 x unmapped\n").find("is pa:") != std::string::npos);
  CHECK(failures("evict x\nexpect s2 x rwx\n") == "'expect s2 x rwx': unmapped\n");
  CHECK(failures("evict x\nexpect report STALE_RAM\n") == "'expect report STALE_RAM': no such report\n");
  CHECK(failures("evict x\nexpect got = 1\n") == "'expect got = 1': nothing has been read as got\n");
  CHECK(failures("evict x\nexpect cpu3 x0 = 1\n") == "'expect cpu3 x0 = 1': there is no such cpu\n");
  CHECK(failures("evict x\nexpect x1 != 0\n") == "'expect x1 != 0': is 0\n");
}

TEST_CASE("a step that cannot be done is a failure too") {
  CHECK(failures("ram 1000 = 1\n") == "'ram 1000 = 1': there is no memory\n");
  CHECK(failures("regs cpu0 x1=x\nrun cpu0 until 4000_0100\n").find("not reached after") != std::string::npos);
  CHECK(failures("host swap x\n") == "'host swap x': the host refuses\n");
  CHECK(failures("memslot delete 3\n") == "'memslot delete 3': there is no such slot\n");
  CHECK(failures("migrate cpu0 pcpu3\n") == "'migrate cpu0 pcpu3': there is no such core: see pcpus\n");
}

TEST_CASE("what is expected for some seed needs one of them, and is not judged with one seed alone") {
  const std::string body = "seeds 0..3\nram x = 1\nexpect some seed ram x = 2\n";
  const auto results = run(body);
  CHECK(results.at(0).runs == 4);
  REQUIRE(results.at(0).failures.size() == 1);
  CHECK_FALSE(results.at(0).failures[0].seed.has_value());
  CHECK(failures(body, {.seed = 2}).empty());
}

TEST_CASE("the jit runs variants with modelled caches and without") {
  const auto results = run("variant a cache=model\nvariant b cache=off\nevict x\n", {.engine = machine::Engine::Jit});
  REQUIRE(results.size() == 2);
  for (const VariantResult& result : results) CHECK((result.runs == 1 && result.ok()));
}

TEST_CASE("the jit runs translated code even where a step runs one instruction at a time") {
  const auto scenario = parse_scenario(kHead + "variant a cache=model\nvariant b cache=off\nevict x\n", "t.scn");
  REQUIRE(scenario.ok());
  for (const Variant& variant : scenario->variants) {
    auto world = World::create(*scenario, variant, 0, {.engine = machine::Engine::Jit});
    REQUIRE(world.ok());
    machine::Machine& machine = (*world)->machine();
    (*world)->ensure_started(0);
    pe::Pe& core = *machine.cores()[0];
    core.s.x[1] = 0x4100'0000;
    core.write_register(SysReg::SCTLR_EL1, core.read_register(SysReg::SCTLR_EL1) | 1 << 12);  // I: lines are fetched
    for (int i = 0; i < 50; ++i) CHECK_FALSE(machine.run_core(0, 1).has_value());
    const std::string report = machine.jit_report(), row = "\n  entries ";
    CHECK(std::stoul(report.substr(report.find(row) + row.size())) > 30);
  }
}

TEST_CASE("the machine's mistakes name file and variant") {
  const auto scenario = parse_scenario(kHead + "variant a cpu=cortex-a9000 cache=off\nevict x\n", "t.scn");
  REQUIRE(scenario.ok());
  const auto results = run_scenario(*scenario, {});
  REQUIRE_FALSE(results.ok());
  CHECK(results.error().message.starts_with("t.scn: variant a: unknown CPU"));
}

TEST_CASE("with el2=bare stage 2 is what the lines say, and an exit ends the run step") {
  const std::string body =
      "machine el2=bare\ns2 ipa:4000_0000 -> pa:1_0000_0000 2M r-x wb\ns2 ipa:4100_0000 -> pa:1_0100_0000 4K r-- wb\n"
      "ram x = 77\nregs cpu0 x1=x\nrun cpu0 until done\nexpect x0 = 77\nexpect ram pa:1_0100_0000 = 77\n"
      "regs cpu0 pc=main x1=4180_0000\nrun cpu0 until exit\nexpect exit dabt_low fsc=translation/2 ipa=4180_0000\n";
  CHECK(failures(body).empty());
}

TEST_CASE("exhibits have a story, a source, and a run with the fix and one without") {
  REQUIRE_FALSE(exhibits().empty());
  for (const Exhibit& exhibit : exhibits()) {
    INFO(exhibit.name);
    const auto scenario = load_exhibit(exhibit.name);
    REQUIRE(scenario.ok());
    CHECK_FALSE(scenario->story.empty());
    CHECK_FALSE(scenario->source.empty());
    bool on = false, off = false;
    for (const Variant& variant : scenario->variants) (variant.fixed.value_or(false) ? on : off) = true;
    CHECK(on);
    CHECK(off);
  }
  const auto unknown = load_exhibit("nothing");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message == "unknown exhibit nothing: 'farside museum list' lists them");
}

}  // namespace farside::scenario
