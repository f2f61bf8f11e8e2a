// tests/unit/cli/compare_options_test.cpp - the words of a comparison: its own, and those that it passes on.
#include "frontends/cli/compare_options.h"

#include "tests/unit/catch.h"

using namespace farside;
using namespace farside::cli;

namespace {

using List = std::vector<std::string>;

CompareOptions options_of(const List& arguments) {
  auto parsed = parse_compare(arguments);
  if (!parsed) FAIL(parsed.error().message);
  return std::get<CompareOptions>(*parsed);
}
std::string error_of(const List& arguments) {
  auto parsed = parse_compare(arguments);
  return parsed ? "no error" : parsed.error().message;
}

}  // namespace

TEST_CASE("a comparison of nothing in particular is one of the strategies of 2014") {
  const CompareOptions plain = options_of({});
  CHECK(plain.policies == List{"none", "dc", "par", "tvm", "fwb"});
  CHECK(plain.icaches == List{""});
  CHECK(plain.max_instructions > 0);
  CHECK(plain.max_seconds > 0);
  CHECK(plain.run.guest == "debian");
  CHECK(plain.run.append == "farside.run=\"true\"");  // nobody is there to type
}

TEST_CASE("its own words stay, the rest goes to each run") {
  const CompareOptions chosen =
      options_of({"--policy=setway,tvm", "--icache", "eager,lazy", "--json", "J", "--svg", "S", "--max-insns", "7",
                  "--timeout", "9", "--kernel", "K", "--cache", "model", "--seed", "3", "--without", "P2"});
  CHECK(chosen.policies == List{"setway", "tvm"});
  CHECK(chosen.icaches == List{"eager", "lazy"});
  CHECK(chosen.json == "J");
  CHECK(chosen.svg == "S");
  CHECK(chosen.max_instructions == 7);
  CHECK(chosen.max_seconds == 9);
  CHECK(chosen.run.machine.kernel == "K");
  CHECK(chosen.run.machine.cache == "model");
  CHECK(chosen.run.machine.seed == 3);
  CHECK(chosen.run.machine.without == List{"P2"});
  CHECK_FALSE(chosen.run.append.has_value());
}

TEST_CASE("what a named guest is to do is the user's to say") {
  CHECK(options_of({"debian", "--append", "farside.run=\"ls\""}).run.append == "farside.run=\"ls\"");
  CHECK(options_of({"debian", "--append", "quiet"}).run.append == "farside.run=\"true\" quiet");
}

TEST_CASE("mistakes in a comparison are one line that helps") {
  const std::pair<List, std::string> rows[] = {
      {{"--policy", "none,k9"}, "--policy k9: must be one of none"},
      {{"--policy", "tvm,"}, "needs a value"},
      {{"--policy"}, "--policy needs a value"},
      {{"--policy", "tvm", "--policy", "dc"}, "more than once"},
      {{"--policy", "fwb", "--cpu", "cortex-a72"}, "use --cpu max"},
      {{"--icache", "eager,early"}, "eager or lazy"},
      {{"--trace", "kvm"}, "for 'farside run'"},
      {{"--el2=none"}, "for 'farside run'"},
      {{"--max-insns", "0"}, "at least 1"},
      {{"--timeout", "soon"}, "must be a number"},
      {{"--frob"}, "unknown option"},
      {{"--cpu", "help"}, "farside run"},
  };
  for (const auto& [words, part] : rows) {
    const std::string message = error_of(words);
    INFO(message);
    CHECK(message.find(part) != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("help on comparisons") {
  auto parsed = parse_compare({"--help"});
  REQUIRE(parsed);
  CHECK(std::get<TextRequest>(*parsed).text.find("--svg") != std::string::npos);
}
