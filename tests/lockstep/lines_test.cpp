// tests/lockstep/lines_test.cpp - both engines on modelled caches: registers, memory and all that the caches hold.
#include "tests/isa/harness.h"
#include "tests/lockstep/twins.h"
#undef CHECK  // Catch2 has its own

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/diff/generate.h"

namespace farside::test {
namespace {

struct Configuration {
  const char* name;
  jit::JitOptions options;
};

std::vector<Configuration> configurations() {
  return {{"plain", {.threshold = 0, .lines = true}},
          {"tiered", {.threshold = 2, .lines = true}},
          {"single instructions", {.threshold = 0, .most_instructions = 1, .lines = true}},
          {"no chains", {.threshold = 0, .chain = false, .lines = true}},
          {"tiny buffer", {.threshold = 0, .code_bytes = 2 * (jit::Translator::kMostBytes + 4096), .lines = true}}};
}

/// Every choice of silicon falls often.
cache::Knobs knobs(std::string_view profile, bool whole = false) {
  cache::Knobs knobs = *cache::profile(profile);
  knobs.pages = whole ? cache::Pages::Whole : cache::Pages::Lines;
  knobs.spec_period = 20;
  knobs.evict_period = 10;
  if (knobs.icache_refetch != 0) knobs.icache_refetch = 20;
  return knobs;
}

struct Silicon {
  const char* profile;
  bool whole;  ///< pages=whole
};
constexpr Silicon kSilicon[] = {
    {"coherent", false}, {"model", false}, {"model", true}, {"adversarial", false}, {"adversarial", true}};

u32 pick(diff::Random& random, std::initializer_list<u32> words) { return words.begin()[random.below(words.size())]; }

/// X0 and X6 are Write-Back, X1 and X7 the same memory as Non-cacheable, the last rarely used.
u32 base_register(diff::Random& random) {
  switch (random.below(8)) {
    case 0:
    case 1: return 1;
    case 2:
    case 3:
    case 4: return 0;
    default: return random.one_in(16) ? 7 : 6;
  }
}

/// Loads, stores, exclusives and atomics of all widths on three lines and their borders, and on the border of two
/// pages.
u32 access(diff::Random& random) {
  const u32 base = base_register(random), exclusive = base == 6 ? 6 : 0, rt = 8 + static_cast<u32>(random.below(8));
  const u32 near = static_cast<u32>(random.below(140));
  switch (random.below(9)) {
    case 0: return 0xf9400000 | near / 8 << 10 | base << 5 | rt;                                 // ldr x
    case 1: return 0xf9000000 | near / 8 << 10 | base << 5 | rt;                                 // str x
    case 2: return 0xf8400000 | near << 12 | base << 5 | rt;                                     // ldur x
    case 3: return 0xf8000000 | near << 12 | base << 5 | rt;                                     // stur x
    case 4: return 0xa9400000 | near / 8 << 15 | (rt + 1) << 10 | base << 5 | rt;                // ldp x
    case 5: return 0xa9000000 | near / 8 << 15 | (rt + 1) << 10 | base << 5 | rt;                // stp x
    case 6: return pick(random, {0x3d800000u, 0x3dc00000u}) | near / 16 << 10 | base << 5 | rt;  // str, ldr q
    case 7:  // ldxr, stxr, ldadd, cas
      return pick(random, {0xc85f7c00u, 0xc8087c00u, 0xf8280000u, 0xc8a87c00u}) | exclusive << 5 | rt;
    default:
      return pick(random, {0x39000000u, 0x39400000u, 0xb9000000u, 0xb9400000u}) | near / 4 << 10 | base << 5 | rt;
  }
}

/// Stores to the code itself, by a writable alias, and all or some of the maintenance that they need.
u32 patching(diff::Random& random) {
  const u32 at = static_cast<u32>(random.below(64));
  return pick(random, {0xb9000040 | at << 10 | 3,                       // str w3, [x2, #at * 4]
                       0xb9000040 | at << 10 | 4,                       // str w4, ...
                       0x91040042, 0xd1040042,                          // add, sub x2, x2, #256: at most these lines
                       0xd50b7b22, 0xd50b7522, 0xd50b7e22, 0xd5087622,  // dc cvau, ic ivau, dc civac, dc ivac, x2
                       0xd508751f, 0xd5033b9f, 0xd5033fdf, 0xd50b7420,  // ic iallu, dsb ish, isb, dc zva x0
                       0xd50b7e26});                                    // dc civac, x6
}

u32 flow(diff::Random& random) {
  const u32 ahead = 2 + static_cast<u32>(random.below(20));
  return pick(random,
              {0x36000000 | ahead << 5 | 8,                                               // tbz x8, #0
               0xb4000000 | ahead << 5 | 9,                                               // cbz x9
               0x14000000 | ahead, 0x91000508, 0xd61f0000 | 5 << 5, 0xd63f0000 | 5 << 5,  // b, add x8, br, blr x5
               0xd4000001, 0xd5033b9f});                                                  // svc, dsb
}

constexpr usize kWords = 64;

/// Two cores of each machine run the same program in turns.
class Pair {
 public:
  Pair(const Configuration& c, const Silicon& silicon, u64 seed)
      : machine_options_{.aliases = true, .cores = 2, .knobs = knobs(silicon.profile, silicon.whole), .seed = seed},
        ours_(machine_options_),
        theirs_(machine_options_),
        interp_(all_features()),
        jit_(all_features(), options(c, silicon)) {
    for (unsigned core = 0; core < 2; ++core) jit_.attach(theirs_.pe(core));
  }
  void place(const std::vector<u32>& words) {
    for (FlatMachine* machine : {&ours_, &theirs_}) {
      std::memcpy(machine->ram_page(Pa{FlatMachine::kCode}), words.data(), words.size() * 4);
      machine->caches().adopt(Pa{FlatMachine::kCode}, 4096);
      for (unsigned core = 0; core < 2; ++core) start(machine->pe(core));
    }
  }
  /// Empty, or what differs after one core has run for `length` instructions.
  std::string turn(unsigned core, u64 length) {
    for (FlatMachine* machine : {&ours_, &theirs_}) {
      pe::Pe& pe = machine->pe(core);
      if (pe.s.pc - FlatMachine::kCode >= kWords * 4) start(pe);
      pe.begin_slice(length);
      machine == &ours_ ? interp_.run(pe) : jit_.run(pe);
      machine->caches().speculate(core, length);
      if (core == 1) pe.monitor.armed = false;
    }
    std::string report = pe::compare(ours_.pe(core), theirs_.pe(core));
    if (std::memcmp(ours_.data().data(), theirs_.data().data(), ours_.data().size()) != 0) report += "  memory\n";
    if (ours_.caches().state_hash() != theirs_.caches().state_hash()) report += "  caches\n";
    for (unsigned i = 0; i < 2; ++i)
      for (cache::Level level : {cache::Level::L1D, cache::Level::L1I})
        if (ours_.caches().counters(level, i).fills != theirs_.caches().counters(level, i).fills) report += "  fills\n";
    return report;
  }
  const jit::Jit& jit() const { return jit_; }
  u64 findings() {
    u64 sum = 0;
    for (unsigned i = 0; i < cache::kFindings; ++i)
      sum += ours_.caches().sanitizer().count(static_cast<cache::Finding>(i));
    return sum;
  }

 private:
  static jit::JitOptions options(const Configuration& c, const Silicon& silicon) {
    jit::JitOptions options = c.options;
    options.whole = silicon.whole;
    return options;
  }
  static void start(pe::Pe& pe) {
    pe.set_pstate(Pstate{}.with(Pstate::DAIF, u64{15}).with(Pstate::EL, El::EL1).with(Pstate::SP, true));
    pe.pending = {};
    pe.s.pc = FlatMachine::kCode;
    pe.s.x[0] = FlatMachine::kData + 0x100;
    pe.s.x[1] = FlatMachine::kUncached + 0x100;
    pe.s.x[2] = FlatMachine::kPatching;
    pe.s.x[3] = 0x91000508 + (pe.index() << 10);  // add x8, x8, #1 or #2
    pe.s.x[4] = 0xd503201f;                       // nop
    pe.s.x[6] = FlatMachine::kData + 0x2000 - 0x48;
    pe.s.x[7] = FlatMachine::kUncached + 0x2000 - 0x48;
    pe.s.x[5] = FlatMachine::kCode + 64 * (pe.index() + 1);
  }
  FlatMachine::Options machine_options_;
  FlatMachine ours_, theirs_;
  interp::Interp interp_;
  jit::Jit jit_;
};

std::vector<u32> random_program(diff::Random& random) {
  std::vector<u32> words;
  while (words.size() < kWords - 1) {
    const u64 kind = random.below(8);
    words.push_back(kind < 4 ? access(random) : kind < 6 ? patching(random) : flow(random));
  }
  words.push_back(0x14000000 | (-static_cast<u32>(words.size()) & 0x3ffffff));  // b start
  return words;
}

/// A machine whose core is told by hand where whole pages are; `withdraws`: it loses those for loads with the next
/// lines that its L1D loses.
class WholePages : public FlatMachine {
 public:
  using FlatMachine::FlatMachine;
  void line_withdrawn(unsigned core, cache::Side side, Pa pa, u32 place, cache::Withdrawn what) override {
    FlatMachine::line_withdrawn(core, side, pa, place, what);
    if (!withdraws || side != cache::Side::Data) return;
    for (usize i = 0; i < pe().line_context->loads.size(); ++i) pe().line_context->loads[i] = pe::L0Context::empty(i);
    ++pe().pages_withdrawn;
  }
  void lend(u64 va, u8* page) {
    pe().line_context->loads[pe::L0Context::index(va)] = {align_down(va, pe::kL0PageSize), page};
  }
  void lend_line(u64 va, u8* line) {
    pe::LineContext::StoreTable& stores = pe().line_context->stores;
    stores[pe::LineContext::index_in(stores, va)] = {align_down(va, pe::kLineBytes), line};
  }
  /// The words, of one line, and a branch that ends their block.
  void run(jit::Jit& jit, std::vector<u32> words) {
    words.push_back(0x14000000);
    std::memcpy(ram_page(Pa{kCode}), words.data(), words.size() * 4);
    caches().adopt(Pa{kCode}, 4096);
    pe().s.pc = kCode;
    pe().begin_slice(words.size());
    jit.run(pe());
  }
  bool withdraws = false;
};

/// Bytes that no cache has, for the core to be told that they are a page.
struct alignas(4096) Page {
  std::array<u64, 512> words{};
  u8* bytes() { return reinterpret_cast<u8*>(words.data()); }
};

}  // namespace

TEST_CASE("every row of assembly runs alike on modelled caches") {
  const std::span<const Row> groups[] = {alu_rows(),     branch_rows(),       system_rows(),          load_store_rows(),
                                         atomic_rows(),  fp_rows(),           simd_load_store_rows(), simd_int_rows(),
                                         simd_fp_rows(), simd_permute_rows(), crypto_rows()};
  for (const bool whole : {false, true}) {
    for (const auto& rows : groups) {
      Twins twins({.threshold = 0, .lines = true, .whole = whole}, {.knobs = knobs("model", whole)});
      for (const Row& row : rows) {
        Snapshot state = pattern();
        REQUIRE(apply_spec(state, row.before).empty());
        // Twice, so that lines are lent the second time.
        const u32 words[] = {row.word, 0xd503201f, row.word};
        INFO(row.text << (whole ? ", whole pages" : ""));
        CHECK(twins.run(words, state, 5) == "");
      }
    }
  }
}

TEST_CASE("two cores that patch their code, share lines and go around the caches run alike on both engines") {
  constexpr u64 kPrograms = 12, kTurns = 60;
  for (const Configuration& c : configurations()) {
    u64 entries = 0, findings = 0, jumps = 0, redirected = 0;
    for (const Silicon& silicon : kSilicon) {
      for (u64 seed = 0; seed < kPrograms; ++seed) {
        Pair pair(c, silicon, seed);
        diff::Random random(seed * 77 + 1);
        std::string report;
        for (u64 program = 0; program < 4 && report.empty(); ++program) {
          pair.place(random_program(random));
          for (u64 turn = 0; turn < kTurns && report.empty(); ++turn)
            report = pair.turn(turn & 1, 1 + random.below(random.one_in(4) ? 400 : 40));
        }
        INFO(c.name << ", " << silicon.profile << (silicon.whole ? ", whole pages" : "") << ", seed " << seed);
        CHECK(report == "");
        const jit::JitCounters& counters = pair.jit().counters();
        entries += counters.entries;
        jumps += counters.jumps_served;
        redirected += counters.redirected;
        findings += pair.findings();
      }
    }
    CHECK(entries > 1000);
    INFO(c.name);
    CHECK((jumps > 0) == c.options.chain);
    CHECK((redirected > 0) == c.options.chain);
    CHECK(findings > 100);
  }
}

TEST_CASE("accesses to whole pages neither leave translated code nor reach the caches") {
  constexpr u64 kAt = FlatMachine::kData + 0x2000;
  WholePages machine({.knobs = knobs("coherent")});
  jit::Jit jit(all_features(), {.threshold = 0, .lines = true, .whole = true});
  jit.attach(machine.pe());
  Page page;
  page.words[7] = 70, page.words[8] = 80, page.words[9] = 90;
  machine.lend(kAt, page.bytes());
  machine.lend_line(kAt + 64, page.bytes() + 64);
  machine.pe().s.x[0] = kAt;
  machine.pe().s.x[1] = 5;
  machine.run(jit, {0xd503201f});  // nop: the fetch has walked the tables
  const u64 fills = machine.caches().counters(cache::Level::L1D, 0).fills;
  // ldr x8, [x0, #56]; ldp x9, x10, [x0, #56]; str x1, [x0, #64]; ldr x11, [x0, #64]; ldp x12, x13, [x0, #64]
  machine.run(jit, {0xf9401c08, 0xa943a809, 0xf9002001, 0xf940200b, 0xa944340c});
  const auto& x = machine.pe().s.x;
  CHECK(std::array{x[8], x[9], x[10], x[11], x[12], x[13]} == std::array<u64, 6>{70, 70, 80, 5, 5, 90});
  // add x2, x0, #64; ldxr x8, [x2]; stxr w9, x0, [x2]; ldadd x1, x10, [x2]; dc zva, x2
  machine.run(jit, {0x91010002, 0xc85f7c48, 0xc8097c40, 0xf821004a, 0xd50b7422});
  CHECK(std::array{x[8], x[9], x[10]} == std::array<u64, 3>{5, 0, kAt});
  CHECK((page.words[7] == 70 && page.words[8] == 0 && page.words[9] == 0));
  CHECK(machine.caches().counters(cache::Level::L1D, 0).fills == fills);
  CHECK(jit.counters().served + jit.counters().fallbacks == 0);
  CHECK(jit.translation().runs == 1);
  CHECK(jit.translation().joined == 3);
}

TEST_CASE("a run of loads does not outlive its page") {
  constexpr u64 kAt = FlatMachine::kData + 0x2000;
  for (const bool withdraws : {false, true}) {
    WholePages machine({.knobs = knobs("coherent")});
    jit::Jit jit(all_features(), {.threshold = 0, .lines = true, .whole = true});
    jit.attach(machine.pe());
    Page page;
    page.words.fill(1);
    machine.pe().s.x[1] = FlatMachine::kData;
    // Stores to 64 lines: the L1D has lost the first of them, the TLB has their page.
    machine.pe().s.x[0] = kAt;
    for (unsigned i = 0; i < 64; ++i) machine.run(jit, {0xf8040421, 0xf9400002});  // str x1, [x1], #64; ldr x2, [x0]
    machine.pe().s.x[1] = FlatMachine::kData;
    const u64 fallbacks = jit.counters().fallbacks;
    machine.lend(kAt, page.bytes());
    machine.withdraws = withdraws;
    // ldr x8, [x0]; str x0, [x1, #128]; ldr x9, [x0, #8]; ldr x10, [x0, #16]
    machine.run(jit, {0xf9400008, 0xf9004020, 0xf9400409, 0xf940080a});
    INFO("the page is withdrawn: " << withdraws);
    CHECK(machine.pe().pages_withdrawn == withdraws);
    const auto& x = machine.pe().s.x;
    CHECK(std::array{x[8], x[9], x[10]} == std::array<u64, 3>{1, !withdraws, !withdraws});
    CHECK(jit.counters().fallbacks - fallbacks == withdraws);  // behind the store that has been made
  }
}

}  // namespace farside::test
