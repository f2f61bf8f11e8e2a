// tests/unit/cache/config_test.cpp - geometries, their text format, identification registers, knobs.
#include "cache/id.h"
#include "tests/unit/cache/fixture.h"
#include "tests/unit/every_knob.h"

using namespace farside;
using namespace farside::cache;

TEST_CASE("every preset is valid and survives its own text") {
  REQUIRE(presets().size() == 5);
  for (const Config& config : presets()) {
    INFO(config.name);
    CHECK(validate(config).ok());
    const auto again = parse_config(print_config(config), "x");
    REQUIRE(again.ok());
    CHECK(*again == config);
    CHECK(preset(config.name) == config);
  }
  CHECK_FALSE(preset("cortex-z80").has_value());
}

TEST_CASE("errors of the text format say file, line and what was expected") {
  const struct {
    std::string_view text, error;
  } rows[] = {
      {"l1d 32K 4\nl1x 32K 4\n",
       "c.txt:2: expected name, line, l1i, l1d, l2, system_cache, unification, icache, idc or dic, not 'l1x'"},
      {"# comment\n\nl1d 32K\n", "c.txt:3: expected `l1d SIZE WAYS`, for example `l1d 32K 4`"},
      {"l2 1X 4\n", "c.txt:1: expected `l2 SIZE WAYS`, for example `l2 32K 4`"},
      {"l1d 32K 0\n", "c.txt:1: l1d: ways must be 1 to 64, not 0"},
      {"l1d 32K 65\n", "c.txt:1: l1d: ways must be 1 to 64, not 65"},
      {"l1d 96K 4\n",
       "c.txt:1: l1d: 98304 bytes in 4 ways make 384 sets of 64-byte lines; sets must be a power of two"},
      {"l1d 0 4\n", "c.txt:1: l1d: 0 bytes in 4 ways make 0 sets of 64-byte lines; sets must be a power of two"},
      {"icache vivt\n", "c.txt:1: expected `icache pipt`, `vipt`, `vpipt` or `aivivt`"},
      {"dic maybe\n", "c.txt:1: expected `dic yes` or `dic no`"},
      {"l1d 32K 4\nl2 1M 8\n", "c.txt:2: l1i: missing; l1i and l1d are needed"},
      {"line 128\n", "c.txt:1: line: the model has lines of 64 bytes, not 128"},
      {"line long\n", "c.txt:1: expected `line BYTES`"},
      {"unification l3\n", "c.txt:1: expected `unification l2` or `unification memory`"},
      {"l1d 32K 4\nl1i 32K 4\nunification l2\n", "c.txt:3: unification l2: there is no l2"},
      {"l2 4294967296 4\n", "c.txt:1: expected `l2 SIZE WAYS`, for example `l2 32K 4`"},
      {"l2 2M 1", "c.txt:1: l1i: missing; l1i and l1d are needed"},
  };
  for (const auto& row : rows) {
    const auto config = parse_config(row.text, "c.txt");
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().message == row.error);
  }
}

TEST_CASE("identification registers follow from the geometry") {
  const Config a53 = *preset("cortex-a53");
  CHECK(ctr(a53) == 0x84448004);
  CHECK(ctr(*preset("cortex-a57")) == 0x8444c004);
  Config smart = *preset("neoverse-n1");
  smart.idc = smart.dic = true;
  CHECK(ctr(smart) == 0xb444c004);
  CHECK(clidr(a53) == 0x0a200023);
  for (const Config& config : presets()) {
    for (u64 select = 0; select < 16; ++select) {
      const Geometry* geometry = select == 0   ? &config.l1d
                                 : select == 1 ? &config.l1i
                                 : select == 2 ? &config.l2
                                               : nullptr;
      const u64 value = ccsidr(config, select);
      if (geometry == nullptr) {
        CHECK(value == 0);
        continue;
      }
      const u64 line = u64{16} << bits(value, 2, 0), ways = bits(value, 12, 3) + 1, sets = bits(value, 27, 13) + 1;
      CHECK(line == 64);
      CHECK(line * ways * sets == geometry->size);
    }
  }
}

TEST_CASE("without an L2, instruction fetches and data meet in memory") {
  const Config config = *parse_config("l1i 32K 2\nl1d 32K 4\nl2 none\n", "c");
  CHECK(config.unification == Unification::Memory);
  CHECK(clidr(config) == 0x09200003);  // LoUU, LoC, LoUIS 1; L1 split
  CHECK(ccsidr(config, 2) == 0);
  Machine m(quiet(), config);
  m.store(kWb, 7);
  CHECK(m.memory() == 0);
  m.cvau();
  CHECK(m.memory() == 7);
  m.store(kWb, 8);
  m.caches.evict_line(kX);
  CHECK(m.memory() == 8);
  CHECK(m.load(kOff) == 8);
  CHECK(m.errors() == Errors{});
}

TEST_CASE("with an L2 that fetches do not look in, DC CVAU goes to memory") {
  Config config = *preset("cortex-a57");
  config.unification = Unification::Memory;
  CHECK(clidr(config) == 0x12400023);  // LoUU, LoC, LoUIS 2
  Machine m(quiet(), config);
  m.store(kWb, 7);
  m.caches.evict_line(kX);
  m.store(kWb, 8);
  CHECK(m.fetch(kWb) == 7);
  CHECK(m.reports.back().remedy.data);
  m.cvau();
  CHECK(m.memory() == 8);
}

TEST_CASE("every knob can be set by the values that help lists, and prints back") {
  check_every_knob<Knobs>(knob_table(), set_knob, print_knobs);
}

TEST_CASE("mistakes in knobs and profiles are explained in one line") {
  Knobs knobs;
  const auto error = [&](std::string_view name, std::string_view value) {
    return set_knob(knobs, name, value).error().message;
  };
  CHECK(error("evict", "never") == "knob evict: 'never' is not one of lazy|random|oldest|adversarial");
  CHECK(error("spec_period", "1e9") == "knob spec_period: '1e9' is not one of 0..1000000000");
  CHECK(error("spec_period", "") == "knob spec_period: '' is not one of 0..1000000000");
  CHECK(error("spec_period", "4000000000") == "knob spec_period: '4000000000' is not one of 0..1000000000");
  CHECK(error("fetch_ahead", "9") == "knob fetch_ahead: '9' is not one of 0..8");
  CHECK_FALSE(*set_knob(knobs, "colour", "blue"));
  CHECK(profile("fast").error().message == "cache profile 'fast' is not one of off, coherent, model, adversarial");
  CHECK(knobs == Knobs{});
  CHECK(profile("off")->model == Switch::Off);
  for (std::string_view name : {"coherent", "model", "adversarial"}) CHECK(profile(name)->model == Switch::On);
}
