// tests/lockstep/vectors_test.cpp - SIMD, floating point and cryptography on both engines: special values, all modes.
//
// Every block begins with a floating-point instruction, after which the host's unit is in use (core/jit/host_fp.h): so
// it is the translated code of the others that runs.
#include "tests/isa/harness.h"
#include "tests/lockstep/twins.h"
#undef CHECK  // Catch2 has its own

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/diff/generate.h"

namespace farside::test {
namespace {

constexpr u32 kFirst = 0x1e7f2bff;  // fadd d31, d31, d31

std::vector<std::pair<const char*, jit::JitOptions>> hosts() {
  const jit::HostFeatures all = jit::HostFeatures::detect();
  jit::HostFeatures avx = jit::HostFeatures::least();
  avx.avx = all.avx;
  return {{"this host", {.threshold = 0}},
          {"this host, forgetful", {.threshold = 0, .forget_seed = Twins::forget_seed()}},
          {"a host without AVX", {.threshold = 0, .host = jit::HostFeatures::least()}},
          {"a host with AVX alone", {.threshold = 0, .host = avx}}};
}

bool is_vector(diff::Group group) {
  using diff::Group;
  return group == Group::Fp || group == Group::SimdInt || group == Group::SimdFp || group == Group::SimdPermute ||
         group == Group::Crypto || group == Group::SimdLoadStore;
}

/// Forms of the vector groups, and of the rest only what moves flags and registers about.
std::vector<isa::A64> forms() {
  std::vector<isa::A64> out;
  for (usize i = 0; i < isa::kA64Count; ++i)
    if (is_vector(diff::group_of(static_cast<isa::A64>(i)))) out.push_back(static_cast<isa::A64>(i));
  return out;
}

struct Case {
  Snapshot state;
  std::vector<u32> words;
  u64 slice;
};

Case make_case(u64 seed, const std::vector<isa::A64>& forms) {
  constexpr diff::Window window{FlatMachine::kData, FlatMachine::kDataSize};
  diff::Random random(seed * 0x10001 + 5);
  diff::UserState user = diff::random_state(random, window);
  Case out{pattern(), {kFirst}, 0};
  for (u64 left = 1 + random.below(8); left > 0; --left) {
    const isa::A64 form = forms[random.below(forms.size())];
    u32 word = diff::random_word(random, form);
    // Registers 0 to 7 only: results become operands, and host registers run out less often than they should.
    if (random.one_in(2)) word &= ~(u32{0x18} << 5 | u32{0x18});
    if (diff::touches_memory(diff::group_of(form))) diff::aim(random, word, form, window, user);
    out.words.push_back(word);
  }
  std::copy_n(user.x, 31, out.state.x);
  std::copy_n(user.v, 32, out.state.v);
  out.state.sp = user.sp;
  out.state.nzcv = user.nzcv >> 28;
  out.state.fpcr = user.fpcr;
  out.slice = random.one_in(8) ? 1 + random.below(out.words.size()) : out.words.size() + 2;
  return out;
}

/// FARSIDE_VECTOR_CASES asks for a longer run.
u64 case_count() {
  const char* const text = std::getenv("FARSIDE_VECTOR_CASES");
  return text == nullptr ? 20'000 : std::strtoull(text, nullptr, 0);
}

}  // namespace

TEST_CASE("vector instructions run alike on both engines, whatever the host has") {
  const std::vector<isa::A64> vector_forms = forms();
  for (const auto& [name, options] : hosts()) {
    Twins twins(options);
    unsigned failures = 0;
    for (u64 seed = 0; seed < case_count() && failures < 4; ++seed) {
      const Case c = make_case(seed, vector_forms);
      const std::string report = twins.run(c.words, c.state, c.slice);
      if (report.empty()) continue;
      ++failures;
      std::string listing;
      for (u32 word : c.words) listing += fmt::format("{:08x} {}\n", word, disassemble(word));
      FAIL_CHECK(fmt::format("{}, case {}, fpcr {:x}, {} instructions\n{}{}", name, seed, c.state.fpcr, c.slice,
                             listing, report));
    }
  }
}

TEST_CASE("every vector row of assembly runs alike when the host's unit is in use") {
  const std::span<const Row> groups[] = {fp_rows(),      simd_load_store_rows(), simd_int_rows(),
                                         simd_fp_rows(), simd_permute_rows(),    crypto_rows()};
  for (const auto& [name, options] : hosts()) {
    for (const auto& rows : groups) {
      Twins twins(options);
      for (const Row& row : rows) {
        Snapshot state = pattern();
        REQUIRE(apply_spec(state, row.before).empty());
        const u32 words[] = {kFirst, row.word};
        INFO(name << ": " << row.text);
        CHECK(twins.run(words, state, 3) == "");
      }
    }
  }
}

}  // namespace farside::test
