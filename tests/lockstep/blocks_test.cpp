// tests/lockstep/blocks_test.cpp - every row of tests/isa and random blocks run alike on interpreter and jit.
#include "tests/isa/harness.h"
#include "tests/lockstep/twins.h"
#undef CHECK  // Catch2 has its own

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/diff/generate.h"

namespace farside::test {
namespace {

/// The engine as it is used, and with every rare path made common.
std::vector<std::pair<const char*, jit::JitOptions>> configurations() {
  return {{"plain", {.threshold = 0}},
          {"tiered", {.threshold = 2}},
          {"single instructions", {.threshold = 0, .most_instructions = 1}},
          {"no chains", {.threshold = 0, .most_instructions = 3, .chain = false}},
          {"verified", {.threshold = 0, .always_verify = true}},
          {"tiny buffer", {.threshold = 0, .code_bytes = jit::Translator::kMostBytes + 4096}}};
}

Snapshot snapshot_of(const diff::UserState& user) {
  Snapshot s = pattern();
  std::copy_n(user.x, 31, s.x);
  std::copy_n(user.v, 32, s.v);
  s.sp = user.sp;
  s.nzcv = user.nzcv >> 28;
  s.fpcr = user.fpcr;
  return s;
}

/// A few instructions of any form but those that wait or leave EL1 for good.
std::vector<u32> random_words(diff::Random& random, diff::UserState& state) {
  constexpr diff::Window window{FlatMachine::kData, FlatMachine::kDataSize};
  std::vector<u32> words;
  for (u64 left = 1 + random.below(12); left > 0; --left) {
    const auto form = static_cast<isa::A64>(random.below(isa::kA64Count));
    const diff::Group group = diff::group_of(form);
    // System instructions with random operands would change the machine under the next case.
    if (group == diff::Group::System && random.below(8) != 0) continue;
    const u32 word = diff::random_word(random, form);
    if (group == diff::Group::System && (word & 0xffc00000) == 0xd5000000 && (word & 0xfffff000) != 0xd5032000)
      continue;
    if (diff::touches_memory(group)) diff::aim(random, word, form, window, state);
    words.push_back(word);
  }
  return words;
}

}  // namespace

TEST_CASE("every row of assembly runs alike on both engines") {
  const std::span<const Row> groups[] = {alu_rows(),     branch_rows(),       system_rows(),          load_store_rows(),
                                         atomic_rows(),  fp_rows(),           simd_load_store_rows(), simd_int_rows(),
                                         simd_fp_rows(), simd_permute_rows(), crypto_rows()};
  for (const auto& [name, options] : configurations()) {
    for (const auto& rows : groups) {
      Twins twins(options);
      for (const Row& row : rows) {
        Snapshot state = pattern();
        REQUIRE(apply_spec(state, row.before).empty());
        const u32 words[] = {row.word};
        INFO(name << ": " << row.text);
        CHECK(twins.run(words, state, 3) == "");
      }
    }
  }
}

TEST_CASE("random blocks run alike on both engines, for slices that end anywhere") {
  constexpr u64 kCases = 12'000;
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    for (u64 i = 0; i < kCases; ++i) {
      diff::Random random(i);
      diff::UserState user = diff::random_state(random, {FlatMachine::kData, FlatMachine::kDataSize});
      const std::vector<u32> words = random_words(random, user);
      const u64 slice = 1 + random.below(words.size() + 6);
      const std::string report = twins.run(words, snapshot_of(user), slice);
      if (report.empty()) continue;
      std::string listing;
      for (u32 word : words) listing += fmt::format("{:08x} {}\n", word, disassemble(word));
      FAIL_CHECK(fmt::format("{}, case {}, {} instructions\n{}{}", name, i, slice, listing, report));
      break;
    }
    CHECK(twins.jit().counters().entries > kCases / 4);
  }
}

TEST_CASE("a store to code takes effect at the next instruction") {
  // str w1, [x0]: writes the word at `target`, which has been executed before.
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    Snapshot state = pattern();
    const u32 words[] = {0xb9000001, 0xd2800022};  // str w1, [x0]; mov x2, #1
    state.x[0] = state.pc + 4;
    for (u32 word : {0xd2800022u, 0xd2800042u, 0xd2800062u}) {  // mov x2, #1, #2, #3
      state.x[1] = word;
      INFO(name);
      CHECK(twins.run(words, state, 2) == "");
      CHECK(twins.run(words, state, 9) == "");
    }
  }
}

TEST_CASE("the comparison can fail") {
  FlatMachine a, b;
  b.pe().s.x[3] = 1;
  CHECK(pe::compare(a.pe(), b.pe()).find("x3") != std::string::npos);
}

}  // namespace farside::test
