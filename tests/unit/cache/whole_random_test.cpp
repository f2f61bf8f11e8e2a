// tests/unit/cache/whole_random_test.cpp - random programs on pages=whole: whatever silicon chooses, who sees something
// else than what was last written is told so, and nobody else is.
#include "tests/unit/cache/program_player.h"

using namespace farside;
using namespace farside::cache;

namespace {

/// A few lines of each page are used most of the time. Bytes are of words that may not be patched live, and often the
/// same.
Op random_op(Chance& chance) {
  static constexpr u16 kHot[] = {0, 1, 2, 31, 63};
  Op op;
  op.core = static_cast<u8>(chance.below(3));
  op.attr = chance.one_in(4) ? static_cast<u8>(chance.below(5)) : 0;
  op.size = static_cast<u8>(1 + chance.below(16));
  const u64 line = chance.one_in(8) ? chance.below(64) : kHot[chance.below(std::size(kHot))];
  op.at = static_cast<u16>(std::min(chance.below(kPages) * 4096 + line * 64 + chance.below(64), kBytes - 16));
  op.value =
      (chance.one_in(2) ? 0x4141'4141'4141'4141 * (1 + chance.below(2)) : chance.next()) & ~u64{0x0404'0404'0404'0404};
  op.value |= 0x4040'4040'4040'4040;
  return op;
}

Program random_program(u64 seed, unsigned steps) {
  // As often as they stand here.
  static constexpr Do kSteps[] = {
      Do::Load,           Do::Load,           Do::Load,           Do::Store,          Do::Store,   Do::Store,
      Do::ReadAndLend,    Do::WriteAndLend,   Do::WriteAndLend,   Do::Zero,           Do::Walk,    Do::DmaRead,
      Do::DmaWrite,       Do::Fetch,          Do::Fetch,          Do::Lend,           Do::Lend,    Do::LendCode,
      Do::LendCode,       Do::StoreByPointer, Do::StoreByPointer, Do::StoreByPointer, Do::Data,    Do::Data,
      Do::Data,           Do::Instruction,    Do::Instruction,    Do::Barrier,        Do::Barrier, Do::Time,
      Do::CompareExchange};
  static constexpr Do kRare[] = {Do::InstructionAll, Do::SetWay, Do::Sweep, Do::Evict, Do::Evict, Do::Fill,
                                 Do::Context,        Do::Adopt,  Do::Flush, Do::Look,  Do::Look,  Do::Look};
  Chance chance(seed, "program");
  Program program;
  for (unsigned i = 0; i < steps; ++i) {
    Op op = random_op(chance);
    op.code = chance.one_in(12) ? kRare[chance.below(std::size(kRare))] : kSteps[chance.below(std::size(kSteps))];
    const bool is_access = op.code <= Do::Fetch;
    if (!is_access && op.code != Do::StoreByPointer && op.code != Do::Adopt) op.value = chance.next() >> 16;
    if (op.code == Do::Time) op.value = 1 + op.value % 400;
    program.push_back(op);
  }
  return program;
}

/// Any mixture of choices.
Knobs random_knobs(u64 seed) {
  static constexpr std::string_view kChoices[][2] = {
      {"wb_granule", "bytes"},  {"completion", "dsb"}, {"completion", "immediate"},  {"evict", "oldest"},
      {"evict", "adversarial"}, {"spec_fill", "any"},  {"spec_fill", "adversarial"}, {"fetch_buffer", "random"},
      {"walker", "l2"},         {"walker", "nc"},      {"nc_hit", "lookup"},         {"nc_hit", "clean-first"},
      {"nc_hit", "hostile"},    {"c0_policy", "hits"}, {"ifetch", "snoop"},          {"ivac", "clean"},
      {"write_stream", "on"},   {"nsh", "private"},    {"nsh", "snooped"},           {"host_alias", "off"},
      {"dma", "snoop"},         {"fetch_ahead", "0"},  {"fetch_ahead", "3"},         {"icache_refetch", "30"},
      {"sw_scope", "l2"}};
  Chance chance(seed, "knobs");
  Knobs knobs = knobs_of(chance.one_in(2) ? "model" : "adversarial", {"spec_period=40", "evict_period=20"});
  for (const auto& [name, value] : kChoices)
    if (chance.one_in(8)) REQUIRE(set_knob(knobs, name, value).ok());
  return knobs;
}

Config random_config(u64 seed) {
  static const std::string kTiny = "l1i 512 2\nl1d 512 2\nl2 2K 4\nicache pipt\n",
                           kSmall = "l1i 4K 2\nl1d 8K 2\nl2 32K 4\nicache pipt\n";
  static const Config kConfigs[] = {*preset("cortex-a57"),
                                    *preset("max"),
                                    *preset("cortex-a53"),
                                    *parse_config(kTiny, "tiny"),
                                    *parse_config(kTiny + "l2 none\n", "tiny"),
                                    *parse_config(kSmall, "small"),
                                    *parse_config(kSmall + "idc yes\n", "small"),
                                    *parse_config(kSmall + "unification memory\n", "small"),
                                    *parse_config(kSmall + "unification memory\nidc yes\n", "small"),
                                    *parse_config(kSmall + "dic yes\nidc yes\n", "small"),
                                    *parse_config(kSmall + "l1i 16K 2\nicache vipt\n", "small"),
                                    *parse_config(kSmall + "icache vpipt\n", "small"),
                                    *parse_config(kSmall + "l1i 16K 2\nicache aivivt\n", "small")};
  return kConfigs[seed % std::size(kConfigs)];
}

/// Software that does its maintenance: lines of two pages are handed to and fro between use through the caches and
/// around them, one by one or all of a page, and the third page has code.
class CorrectSoftware {
 public:
  explicit CorrectSoftware(u64 seed) : chance_(seed, "correct") {}
  Program write(unsigned steps) {
    while (program_.size() < steps) {
      switch (chance_.below(16)) {
        case 0: hand_over(); break;
        case 1: hand_over_page(); break;
        case 2: patch(); break;
        case 3: unasked(); break;
        case 4: add(chance_.one_in(2) ? Do::Fetch : Do::LendCode, core(), 0, code()); break;
        case 5:
        case 6: add(Do::Time, any_core(), 0, 0, 1 + chance_.below(300)); break;
        default: access();
      }
    }
    return std::move(program_);
  }

 private:
  static constexpr u64 kClean = 0, kInvalidate = 1, kCleanInvalidate = 2, kCleanToPou = 0x102, kDsb = 1, kIsb = 2;
  u8 core() { return static_cast<u8>(chance_.below(2)); }
  u8 any_core() { return static_cast<u8>(chance_.below(3)); }
  u16 line() {
    return static_cast<u16>(chance_.below(2) * 64 + (chance_.one_in(4) ? chance_.below(64) : 59 + chance_.below(5)));
  }
  u16 code() { return static_cast<u16>(2 * 4096 + chance_.below(4) * 64); }
  u64 value() { return (chance_.next() & ~u64{0x0404'0404'0404'0404}) | 0x4040'4040'4040'4040; }
  void add(Do what, u8 core, u8 attr, u64 at, u64 value = 0, u8 size = 8) {
    program_.push_back({what, core, attr, size, static_cast<u16>(at), value});
  }
  void maintain(u64 what, u64 at, u8 core) {
    add(Do::Data, core, 0, at, what);
    add(Do::Barrier, core, 0, 0, kDsb);
  }
  void hand_over() {
    const u16 i = line();
    maintain(uncached_[i] && chance_.one_in(2) ? kInvalidate : kCleanInvalidate, i * 64u, any_core());
    uncached_[i] = !uncached_[i];
  }
  void hand_over_page() {
    const u64 page = chance_.below(2);
    add(Do::Data, kHost, 0, page * 4096, kCleanInvalidate, 16);
    std::fill_n(uncached_.begin() + static_cast<std::ptrdiff_t>(page * 64), 64, chance_.one_in(4));
  }
  void patch() {
    const u16 at = code();
    const u8 writer = any_core();
    add(chance_.one_in(2) ? Do::Store : Do::WriteAndLend, writer, 0, at, value());
    add(Do::StoreByPointer, writer, 0, at + 8u, value());
    add(Do::Time, writer, 0, 0, 1 + chance_.below(300));
    maintain(kCleanToPou, at, writer);
    add(Do::Instruction, writer, 0, at, chance_.below(2));
    add(Do::Barrier, writer, 0, 0, kDsb);
    for (u8 runner = 0; runner < 2; ++runner) add(Do::Barrier, runner, 0, 0, kIsb);
    for (u8 runner = 0; runner < 2; ++runner) add(Do::Fetch, runner, 0, at);
  }
  void unasked() {
    static constexpr Do kWhat[] = {Do::Evict, Do::Fill, Do::Look, Do::Context, Do::InstructionAll, Do::Sweep};
    const Do what = kWhat[chance_.below(std::size(kWhat))];
    add(what, any_core(), 0, line() * 64u, chance_.one_in(2) ? kClean : kCleanInvalidate);
  }
  void access() {
    static constexpr Do kCached[] = {
        Do::Load,    Do::Store,    Do::ReadAndLend, Do::WriteAndLend,   Do::CompareExchange, Do::Zero,
        Do::DmaRead, Do::DmaWrite, Do::Lend,        Do::StoreByPointer, Do::StoreByPointer,  Do::Walk};
    static constexpr Do kAround[] = {Do::Load,     Do::Store, Do::CompareExchange, Do::Zero, Do::DmaRead,
                                     Do::DmaWrite, Do::Walk};
    const u16 i = line();
    const u64 at = i * 64u + chance_.below(8) * 8;
    if (uncached_[i]) {
      const Do what = kAround[chance_.below(std::size(kAround))];
      const auto attr = static_cast<u8>(what == Do::DmaRead || what == Do::DmaWrite ? 1 : 1 + chance_.below(3));
      return add(what, core(), attr, at, value());
    }
    const Do what = kCached[chance_.below(std::size(kCached))];
    if (what == Do::Walk) maintain(kClean, at, 0);
    add(what, any_core(), 0, at, value() | chance_.below(2));
  }

  Chance chance_;
  std::array<bool, 128> uncached_{};
  Program program_;
};

/// Correct software relies on accesses around the caches, and on devices, not finding there what has been speculated.
Knobs knobs_for(u64 seed, bool correct) {
  Knobs knobs = random_knobs(seed);
  if (correct && knobs.nc_hit != NcHit::CleanFirst) knobs.nc_hit = NcHit::Bypass;
  if (correct) knobs.dma = DmaPath::PerDevice;
  return knobs;
}

std::optional<std::string> play(const Program& program, u64 seed, bool correct) {
  return Player(knobs_for(seed, correct), random_config(seed), seed, correct).play(program);
}

/// Without the steps that it fails without. Software stays correct that does less between its maintenance.
Program shrunk(Program program, u64 seed, bool correct) {
  for (usize chunk = program.size() / 2; chunk != 0; chunk /= 2) {
    for (usize from = 0; from < program.size();) {
      Program less(program.begin(), program.begin() + static_cast<std::ptrdiff_t>(from));
      for (usize i = from; i < program.size(); ++i) {
        const bool stays = correct && program[i].code >= Do::Data && program[i].code <= Do::Barrier;
        if (i >= from + chunk || stays) less.push_back(program[i]);
      }
      if (less.size() < program.size() && play(less, seed, correct)) {
        program = less;
      } else {
        from += chunk;
      }
    }
  }
  return program;
}

void check(const Program& program, u64 seed, bool correct) {
  if (!play(program, seed, correct)) return;
  const Program least = shrunk(program, seed, correct);
  std::string text = fmt::format("seed {}, {}: {}\n", seed, random_config(seed).name, *play(least, seed, correct));
  for (const std::string& knob : print_knobs(knobs_for(seed, correct))) text += knob + " ";
  for (const Op& op : least) text += "\n  " + text_of(op);
  FAIL_CHECK(text);
}

}  // namespace

TEST_CASE("random programs: all that is old is reported, nothing else is, and no pointer shows it") {
  for (u64 seed = 0; seed < 260; ++seed) check(random_program(seed, 250), seed, false);
}

TEST_CASE("random software with all its maintenance is never reported") {
  for (u64 seed = 0; seed < 260; ++seed) check(CorrectSoftware(seed).write(400), seed, true);
}
