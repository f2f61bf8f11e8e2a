// tests/lockstep/blocks_test.cpp - every row of tests/isa and random blocks run alike on interpreter and jit.
#include "tests/isa/harness.h"
#include "tests/lockstep/twins.h"
#undef CHECK  // Catch2 has its own

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/diff/generate.h"

namespace farside::test {
namespace {

/// The engine as it is used, and with every rare path made common. Tests write the same page of code again and again:
/// but for "verified" its blocks are those of a page that was written once.
std::vector<std::pair<const char*, jit::JitOptions>> configurations() {
  constexpr unsigned kNever = ~0u;
  return {
      {"plain", {.threshold = 0, .volatile_writes = kNever}},
      {"tiered", {.threshold = 2, .volatile_writes = kNever}},
      {"single instructions", {.threshold = 0, .most_instructions = 1, .volatile_writes = kNever}},
      {"no chains", {.threshold = 0, .most_instructions = 3, .volatile_writes = kNever, .chain = false}},
      {"hot", {.threshold = 0, .hot_samples = 0, .volatile_writes = kNever}},
      {"verified", {.threshold = 0, .always_verify = true}},
      {"forgetful", {.threshold = 0, .hot_samples = 0, .volatile_writes = kNever, .forget_seed = Twins::forget_seed()}},
      {"tiny buffer", {.threshold = 0, .code_bytes = 2 * (jit::Translator::kMostBytes + 4096)}}};
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

/// A load or store of one or two registers at `base`, or something that moves or keeps the base.
u32 random_access(diff::Random& random, u32 base) {
  const u32 rt = static_cast<u32>(random.below(31)), rt2 = static_cast<u32>(random.below(31)), rn = base << 5;
  const u32 load = static_cast<u32>(random.below(2)), vector = random.one_in(4);
  const u32 near = static_cast<u32>(random.below(8));
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: {  // LDP and STP: post-index, offset, pre-index
      const u32 opc = vector != 0 ? static_cast<u32>(random.below(3)) : static_cast<u32>(random.below(2)) * 2;
      const u32 mode = 1 + static_cast<u32>(random.below(3)), second = random.one_in(2) ? (rt + 1) % 31 : rt2;
      return opc << 30 | 0x28000000 | vector << 26 | mode << 23 | load << 22 | near << 15 | second << 10 | rn | rt;
    }
    case 3:
    case 4:
      return static_cast<u32>(random.below(4)) << 30 | 0x39000000 | vector << 26 | load << 22 | near << 10 | rn | rt;
    case 5: {  // with a signed offset of bytes: unscaled, post-index, pre-index
      static constexpr u32 kModes[] = {0, 1, 3};
      const u32 imm9 = static_cast<u32>(random.below(64) - 32) & 0x1ff;
      return static_cast<u32>(random.below(4)) << 30 | 0x38000000 | load << 22 | imm9 << 12 |
             kModes[random.below(3)] << 10 | rn | rt;
    }
    case 6: return 0x91000000 | static_cast<u32>(random.below(2)) << 30 | near * 16 << 10 | rn | base;  // ADD, SUB
    default: return 0xcb000000 | rt2 << 16 | rt << 5 | rt;  // SUB Xt, Xt, Xm
  }
}

/// A load or store of one register at the sum of `base` and X10 or W10, which it may overwrite.
u32 random_indexed_access(diff::Random& random, u32 base) {
  static constexpr u32 kOptions[] = {3, 3, 2, 6};  // LSL, UXTW, SXTW
  const u32 rt = random.one_in(16) ? (random.one_in(2) ? base % 31 : 10) : static_cast<u32>(random.below(31));
  const u32 size = 1 + static_cast<u32>(random.below(3)), opc = static_cast<u32>(random.below(size < 2 ? 4 : 2));
  return size << 30 | 0x38200800 | opc << 22 | 10 << 16 | kOptions[random.below(4)] << 13 |
         static_cast<u32>(random.below(2)) << 12 | base << 5 | rt;
}

/// Random blocks of `next_word` with X1, X9 and SP near ends of pages and a small X10. At least one access for
/// `cases_per_join` cases must have been joined to a run, where there are runs.
template <class NextWord>
void accesses_run_alike(u64 first_seed, u64 cases_per_join, NextWord next_word) {
  constexpr u64 kCases = 4'000;
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    for (u64 i = 0; i < kCases; ++i) {
      diff::Random random(i + first_seed);
      Snapshot state = pattern();
      std::vector<u32> words;
      for (u64 left = 3 + random.below(12); left > 0; --left) words.push_back(next_word(random));
      for (u64* base : {&state.x[1], &state.x[9], &state.sp}) {
        const u64 pages = FlatMachine::kDataSize / 4096;
        *base = FlatMachine::kData + (1 + random.below(pages)) * 4096 - 16 * random.below(24);
      }
      state.x[10] = random.below(40);
      const std::string report = twins.run(words, state, 1 + random.below(words.size() + 6));
      if (report.empty()) continue;
      std::string listing;
      for (u32 word : words) listing += fmt::format("{:08x} {}\n", word, disassemble(word));
      FAIL_CHECK(fmt::format("{}, case {}\n{}{}", name, i, listing, report));
      break;
    }
    const bool joins = !options.always_verify && options.most_instructions > 1;
    CHECK((twins.jit().translation().joined > kCases / cases_per_join) == joins);
  }
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
      FAIL_CHECK(fmt::format("{}, case {}, {} instructions, forgetting with seed {}\n{}{}", name, i, slice,
                             Twins::forget_seed(), listing, report));
      break;
    }
    CHECK(twins.jit().counters().entries > kCases / 8);  // slices that are shorter than a block are interpreted
    CHECK((twins.jit().counters().random_losses > kCases / 4) == options.forget_seed.has_value());
  }
}

TEST_CASE("accesses off one base run alike on both engines, wherever pages end") {
  accesses_run_alike(1'000'000, 4, [](diff::Random& random) {
    const u32 bases[] = {1, 9, 31};
    return random_access(random, bases[random.below(3)]);
  });
}

TEST_CASE("loads and stores at the sum of two registers run alike on both engines") {
  accesses_run_alike(3'000'000, 16, [](diff::Random& random) {
    const u32 base = random.one_in(2) ? 1 : 9;
    return random.one_in(4) ? random_access(random, base) : random_indexed_access(random, base);
  });
}

TEST_CASE("integer computations on a few registers run alike on both engines, whatever is known of upper halves") {
  constexpr u64 kCases = 3'000;
  constexpr auto kFirst = static_cast<u64>(isa::A64::ADR), kForms = static_cast<u64>(isa::A64::UMULH) - kFirst + 1;
  constexpr u32 kRegisters[] = {0, 1, 9, 10};
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    for (u64 i = 0; i < kCases; ++i) {
      diff::Random random(i + 2'000'000);
      std::vector<u32> words;
      for (u64 left = 4 + random.below(24); left > 0; --left) {
        const u32 word = diff::random_word(random, static_cast<isa::A64>(kFirst + random.below(kForms)));
        words.push_back((word & ~u32{0x3ff}) | kRegisters[random.below(4)] << 5 | kRegisters[random.below(4)]);
        if (random.one_in(2)) words.back() = (words.back() & ~u32{0x1f0000}) | kRegisters[random.below(4)] << 16;
      }
      const std::string report = twins.run(words, pattern(), words.size());
      if (report.empty()) continue;
      std::string listing;
      for (u32 word : words) listing += fmt::format("{:08x} {}\n", word, disassemble(word));
      FAIL_CHECK(fmt::format("{}, case {}\n{}{}", name, i, listing, report));
      break;
    }
  }
}

TEST_CASE("a list is followed alike on both engines, wherever its nodes lie") {
  constexpr u64 kCases = 300, kNodes = 60;
  // ldr x1, [x1, #8]; ldr x2, [x1]; add x3, x3, x2; mov x5, x1; ldr x6, [x5, #8]; sub x4, x4, #1; cbnz x4, the first
  const u32 words[] = {0xf9400421, 0xf9400022, 0x8b020063, 0xaa0103e5, 0xf94004a6, 0xd1000484, 0xb5ffff44};
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    for (u64 i = 0; i < kCases; ++i) {
      diff::Random random(i);
      Snapshot state = pattern();
      u64 node = FlatMachine::kData;
      state.x[1] = node;
      state.x[4] = kNodes;
      for (u64 n = 0; n <= kNodes; ++n) {
        // Here and there a node lies in two pages.
        const u64 page = FlatMachine::kData + random.below(FlatMachine::kDataSize / 4096 - 1) * 4096;
        const u64 next = page + (random.one_in(4) ? 4096 - 12 : random.below(256) * 16);
        twins.store(node, random.below(1000));
        twins.store(node + 8, next);
        node = next;
      }
      INFO(name << ", case " << i);
      REQUIRE(twins.run(words, state, 1 + random.below(kNodes * 8)) == "");
    }
    CHECK((twins.jit().translation().guesses > 0) == (options.hot_samples == 0));
    CHECK((twins.jit().wrong_guesses() > 0) == (options.hot_samples == 0));
  }
}

TEST_CASE("calls and returns run alike on both engines, also where returns go elsewhere and calls never return") {
  // A chain of 9000 calls without a return; then, three times, a call and an indirect call that return, and one whose
  // return goes further on; at last a return to an address that no call has left.
  const u32 words[] = {0xd2846514, 0xd1000694, 0xb4000074, 0x97fffffe, 0x91000421, 0xd2800075, 0x9400000c, 0x10000169,
                       0xd63f0120, 0x9400000b, 0x91000442, 0xf10006b5, 0x54ffff41, 0x1000007e, 0xd65f03c0, 0xd503201f,
                       0x91001463, 0x14000005, 0x91000484, 0xd65f03c0, 0x10fffefe, 0xd65f03c0};
  for (const auto& [name, options] : configurations()) {
    Twins twins(options);
    for (u64 slice : {100, 26'900, 27'000, 27'011, 27'020, 27'100, 30'000}) {
      INFO(name << ", " << slice << " instructions");
      REQUIRE(twins.run(words, pattern(), slice) == "");
    }
    const bool stays = options.chain && !options.forget_seed && !options.always_verify;
    CHECK((twins.jit().returns().misses > 0 || !stays));
  }
}

TEST_CASE("a loop whose paths have been recorded runs alike on both engines, for slices that end anywhere") {
  // Branches that are taken always, never, in seven of eight rounds and in every second four; flags that are read
  // behind them.
  const u32 words[] = {0x91000421, 0xf240083f, 0x54000041, 0x91000442, 0xab030029, 0x9a9f37ea,
                       0x54000068, 0xf940000b, 0xf900040b, 0xb4000044, 0x910004a5, 0xd10004c6,
                       0x36100046, 0xca0100e7, 0xeb0700df, 0x54fffe20, 0x9a060108, 0x17ffffef};
  for (const auto& seed : {std::optional<u64>(), std::optional<u64>(Twins::forget_seed())}) {
    Twins twins({.threshold = 0, .hot_samples = 1, .volatile_writes = ~0u, .forget_seed = seed});
    for (u64 i = 0; i < 2'000; ++i) {
      diff::Random random(i);
      Snapshot state = pattern();
      state.x[0] = FlatMachine::kData + random.below(600) * 8;
      state.x[3] = 0 - random.below(40);
      state.x[4] = random.below(2);
      INFO("case " << i << ", forgetting: " << seed.has_value());
      REQUIRE(twins.run(words, state, 1 + random.below(600)) == "");
    }
    CHECK(twins.jit().translation().paths > 10);
    CHECK(twins.jit().translation().followed > 50);
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

TEST_CASE("no address is taken for one in a page that the fetch unit has forgotten") {
  constexpr u32 kEret = 0xd69f03e0;
  for (const u64 target : {u64{1}, u64{4}, u64{5}}) {
    FlatMachine machine;
    pe::Pe& pe = machine.pe();
    std::memcpy(machine.ram_page(Pa{FlatMachine::kCode}), &kEret, sizeof kEret);
    pe.s.pc = FlatMachine::kCode;
    pe.s.sys[SysReg::ELR_EL1] = target;
    pe.s.sys[SysReg::SPSR_EL1] = 0x3c5;  // EL1h, everything masked
    pe.begin_slice(2);
    interp::Interp(all_features()).run(pe);
    CHECK(pe.s.sys[SysReg::ELR_EL1] == target);
    CHECK(Esr::of(pe.s.sys[SysReg::ESR_EL1])[Esr::EC] == (target % 4 != 0 ? Ec::PC_ALIGN : Ec::IABT_CUR));
  }
}

TEST_CASE("the comparison can fail") {
  FlatMachine a, b;
  b.pe().s.x[3] = 1;
  CHECK(pe::compare(a.pe(), b.pe()).find("x3") != std::string::npos);
}

}  // namespace farside::test
