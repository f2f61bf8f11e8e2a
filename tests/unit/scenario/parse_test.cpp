// tests/unit/scenario/parse_test.cpp - scenario files: what they mean, and one line for each way to get them wrong.
#include "frontends/scenario/parse.h"

#include "frontends/scenario/names.h"
#include "tests/unit/catch.h"

namespace farside::scenario {
namespace {

const std::string kTitle = "# t.scn - a test.\n";

Scenario parse(const std::string& body) {
  auto scenario = parse_scenario(kTitle + body, "t.scn");
  INFO((scenario.ok() ? std::string() : scenario.error().message));
  REQUIRE(scenario.ok());
  return std::move(scenario.value());
}

std::string error(const std::string& body) {
  const auto scenario = parse_scenario(kTitle + body, "t.scn");
  REQUIRE_FALSE(scenario.ok());
  CHECK(scenario.error().message.find('\n') == std::string::npos);
  return scenario.error().message;
}

template <class T>
const T& act(const Scenario& scenario, usize step) {
  REQUIRE(scenario.steps.size() > step);
  const T* found = std::get_if<T>(&scenario.steps[step].act);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("numbers are hexadecimal where they are addresses and values, decimal where they count") {
  CHECK(hex_of("4100_0000") == 0x4100'0000);
  CHECK(hex_of("0xfeed") == 0xfeed);
  CHECK_FALSE(hex_of("_"));
  CHECK_FALSE(hex_of("xyz"));
  CHECK(size_of("64K") == 65536);
  CHECK(size_of("64") == 64);
  CHECK_FALSE(size_of("K"));
  CHECK_FALSE(size_of("64X"));
}

TEST_CASE("an immediate's # is no comment, a # with a space is one") {
  const Scenario s =
      parse("code main 4000_0000  # a block\n  d2800540 movz x0, #0x2a # forty-two\nrun cpu0 until hvc\n");
  CHECK(s.code.at(0).words.at(0) == 0xd2800540);
}

TEST_CASE("registers and fields have the Arm ARM's names") {
  CHECK(find_register("x30")->number == 30);
  CHECK_FALSE(find_register("x31"));
  CHECK(find_register("sctlr.c")->lo == 2);
  CHECK(find_register("SCTLR_EL1")->number == find_register("sctlr")->number);
  CHECK(find_register("hcr.dc")->lo == 12);
  CHECK_FALSE(find_register("sctlr.zz"));
  CHECK_FALSE(find_register("nothing"));
  CHECK(find_fsc("permission/3") == 0xf);
  CHECK(find_fsc("translation/1") == 5);
  CHECK_FALSE(find_fsc("permission/9"));
  CHECK(find_ec("dabt_low") == 0x24);
}

TEST_CASE("labels and names stand for numbers") {
  const Scenario s = parse(
      "let x = 4100_0000\ncode main 4000_0000\n  f9400020 ldr x0, [x1]\ndone:\n  14000000 b done\n"
      "regs cpu0 x1=x+8 sctlr.m=1\nrun cpu0 until done or insns 20\nhost write4 x 1 2\n");
  const auto& regs = act<SetRegisters>(s, 0);
  CHECK(regs.values.at(0).second == 0x4100'0008);
  const auto& run = act<RunCpu>(s, 1);
  CHECK(run.until.at(0).number == 0x4000'0004);
  CHECK(run.until.at(1).number == 20);
  const auto& write = act<WriteMemory>(s, 2);
  CHECK(write.size == 4);
  CHECK(write.values == std::vector<u64>{1, 2});
}

TEST_CASE("steps and expectations may be confined to variants, expectations to some seed") {
  const Scenario s = parse(
      "seeds 0..3 9\nvariant a cache=off : one\nvariant b\n[a] evict 0\n"
      "[a,b] expect some seed ram 4000_0000 = 1 or 2\n");
  CHECK(s.seeds == std::vector<u64>{0, 1, 2, 3, 9});
  CHECK(s.variants.at(0).title == "one");
  CHECK(s.steps.at(0).variants == std::vector<std::string>{"a"});
  const auto& expect = act<Expect>(s, 1);
  CHECK(expect.some_seed);
  CHECK(expect.compare == Compare::OneOf);
}

TEST_CASE("a mistake is one line with file, line, what was expected and what is there") {
  CHECK(error("frobnicate\n") ==
        "t.scn:2: expected a step: regs, run, host, ram, line, device, speculate, evict, memslot, init, migrate or "
        "expect, found 'frobnicate'");
  CHECK(error("run cpu0 until nowhere\n").starts_with("t.scn:2: expected an address"));
  CHECK(error("run cpu9 until hvc\n") == "t.scn:2: expected cpu0 to cpu7, found 'cpu9'");
  CHECK(error("run cpu0 until hvc now\n") == "t.scn:2: expected the end of the line, found 'now'");
  CHECK(error("let feed = 1\nevict 0\n") == "t.scn:2: expected a name that is no hexadecimal number, found 'feed'");
  CHECK(error("let x = 1\nlet x = 2\nevict 0\n") == "t.scn:3: expected a new name, 'x' is taken");
  CHECK(error("variant a\n[c] evict 0\n") == "t.scn:3: expected the name of a variant above, found 'c'");
  CHECK(error("expect report STALE\n").find("STALE_RAM") != std::string::npos);
  CHECK(error("expect count s2_maps = 1\n").find("counter") != std::string::npos);
  CHECK(error("regs cpu0 sctlr.zz=1\n").find("register") != std::string::npos);
  CHECK(error("slot 0 4800_0000 4K rw\nevict 0\n").find("slot 0 is the machine's RAM") != std::string::npos);
  CHECK(error("machine cpus\n") == "t.scn:2: expected key=value, found 'cpus'");
  CHECK(error("machine cpus=1\n") == "t.scn:2: expected at least one step");
}

TEST_CASE("a word that is another instruction is refused with both") {
  CHECK(error("code main 4000_0000\n  f9400020 ldr x1, [x0]\nrun cpu0 until hvc\n") ==
        "t.scn:3: expected 'ldr x0, [x1]', which is what f9400020 means here, found 'ldr x1, [x0]'");
  CHECK(error("code main 4000_0000\n  14000001 b done\ndone:\n  d503201f nop\n  14000000 b done\nevict 0\n")
            .starts_with("t.scn:6: expected 'b #0x40000008'"));
}

TEST_CASE("the first line is the title") {
  const auto scenario = parse_scenario("machine cpus=1\n", "t.scn");
  REQUIRE_FALSE(scenario.ok());
  CHECK(scenario.error().message == "t.scn:1: expected '# FILE - one sentence', the title");
}

}  // namespace farside::scenario
