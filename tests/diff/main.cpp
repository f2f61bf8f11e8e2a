// tests/diff/main.cpp - farside_diff: random instructions on farside's interpreter and on Unicorn, all state compared.
#include <capstone/capstone.h>
#include <fmt/format.h>

#include <cstring>
#include <cxxopts.hpp>
#include <map>
#include <memory>
#include <string>

#include "tests/diff/generate.h"
#include "tests/diff/known.h"
#include "tests/diff/reference.h"
#include "tests/isa/flat_machine.h"

namespace farside::diff {
namespace {

using test::FlatMachine;

constexpr Window kWindow{FlatMachine::kData, FlatMachine::kDataSize};
/// The part of the window that accesses nearly always hit; the rest is compared now and then.
constexpr usize kHotBegin = kWindow.size / 2 - 0x4000, kHotSize = kWindow.size / 8 + 0x8000;

constexpr u64 kCasesPerReference = 200'000;

struct Options {
  u64 seed = 1, count = 100'000, first = 0;
  unsigned reports = 20;
  bool skip_list = false;
  std::string forms;
};

/// One case: words and the state that they start from.
struct Case {
  std::vector<u32> words;
  std::vector<isa::A64> forms;
  UserState state;
  bool branch = false;
};

/// An outcome of either engine.
struct Outcome {
  UserState state;
  Ending ending = Ending::Done;
  bool misaligned = false;  ///< farside only: ended by an Alignment fault of an ordered access
};

std::string disassemble(u32 word) {
  csh handle;
  if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) != CS_ERR_OK) return {};
  cs_insn* insn = nullptr;
  const usize count = cs_disasm(handle, reinterpret_cast<const u8*>(&word), 4, FlatMachine::kCode + 4, 1, &insn);
  std::string text = count == 1 ? fmt::format("{} {}", insn->mnemonic, insn->op_str) : "?";
  if (count != 0) cs_free(insn, count);
  cs_close(&handle);
  return text;
}

class Differ {
 public:
  explicit Differ(Options options)
      : options_(std::move(options)),
        ours_({.check_sp_alignment = false}),
        initial_code_(FlatMachine::kCodeSize),
        theirs_(make_reference(fill_code())) {
    choose_forms();
  }
  /// The number of differences.
  u64 run();

 private:
  std::span<const u8> fill_code();
  std::unique_ptr<Reference> make_reference(std::span<const u8> code) {
    return std::make_unique<Reference>(FlatMachine::kCode, code, FlatMachine::kData, ours_.data(),
                                       FlatMachine::kCode + 4);
  }
  void choose_forms();
  Case make_case(u64 index);
  bool add_form(Random& random, Case& c, isa::A64 form);
  bool add_word(Random& random, Case& c, u32 word);
  Outcome run_ours(const Case& c, usize length);
  Outcome run_theirs(const Case& c, usize length);
  std::string compare(const Outcome& a, const Outcome& b, bool whole_window);
  void restore_memory(const std::vector<u8>& memory);
  void report(u64 index, const Case& c, const std::vector<u8>& memory);

  Options options_;
  FlatMachine ours_;
  std::vector<u8> initial_code_;
  std::unique_ptr<Reference> theirs_;
  std::vector<isa::A64> forms_;
  std::map<std::string, u64> differences_, skipped_;
  std::vector<u64> done_ = std::vector<u64>(isa::kA64Count);
};

/// Literal loads read the code region: both engines see the same bytes there.
std::span<const u8> Differ::fill_code() {
  Random random(options_.seed);
  // Behind the translation table of the flat machine, which lies in the second half.
  u8* code = ours_.ram_page(Pa{FlatMachine::kCode});
  // Taken branches may land here and Unicorn aborts on some unallocated words: the filling is MOVN and MOVZ.
  for (usize i = 0; i < 0x8000; i += 4) {
    const u32 word = (random.one_in(2) ? 0x92800000 : 0x52800000) | static_cast<u32>(random.below(1 << 21));
    std::memcpy(code + i, &word, sizeof word);
  }
  const u32 clrex = 0xd5033f5f;  // what the reference puts there
  std::memcpy(code, &clrex, sizeof clrex);
  std::copy(code, code + initial_code_.size(), initial_code_.begin());
  for (u8& byte : ours_.data()) byte = static_cast<u8>(random.next());
  return initial_code_;
}

void Differ::choose_forms() {
  for (usize i = 0; i < isa::kA64Count; ++i) {
    const auto form = static_cast<isa::A64>(i);
    const isa::InsnInfo& info = isa::a64_table()[i];
    const Group group = group_of(form);
    if (group == Group::System || info.feature == &Features::PAuth) continue;
    // Exceptions and ERET are no user-level forms.
    if (group == Group::Branch && (info.value >> 24) == 0xd4) continue;
    if (std::string_view(info.name) == "ERET" || std::string_view(info.name) == "DRPS") continue;
    if (!options_.forms.empty() && std::string_view(info.name).find(options_.forms) == std::string_view::npos &&
        group_name(group) != options_.forms)
      continue;
    forms_.push_back(form);
  }
}

bool Differ::add_form(Random& random, Case& c, isa::A64 form) {
  const u32 word = random_word(random, form);
  if (!add_word(random, c, word)) return false;
  // A load-exclusive is worth nothing without its store.
  if ((word & 0x3fc00000) == 0x08400000) add_word(random, c, matching_store_exclusive(random, word));
  return true;
}

bool Differ::add_word(Random& random, Case& c, u32 word) {
  const isa::A64 actual = isa::decode_a64(word, test::all_features());
  if (actual == isa::A64::Undefined || group_of(actual) == Group::System) return false;
  const std::string_view reason = known_difference(actual, word, c.state, c.words);
  if (!reason.empty()) {
    ++skipped_[std::string(reason)];
    return false;
  }
  c.words.push_back(word);
  c.forms.push_back(actual);
  if (touches_memory(group_of(actual))) aim(random, word, actual, kWindow, c.state);
  ++done_[static_cast<usize>(actual)];
  return true;
}

Case Differ::make_case(u64 index) {
  Random random(options_.seed * 0x2545f4914f6cdd1d + index);
  Case c;
  c.state = random_state(random, kWindow);
  c.state.pc = theirs_->entry();
  const usize wanted = random.one_in(4) ? 2 + random.below(7) : 1;
  for (unsigned attempts = 0; c.words.size() < wanted && attempts < 64; ++attempts) {
    const isa::A64 form = forms_[random.below(forms_.size())];
    const bool branch = group_of(form) == Group::Branch;
    if (branch && !c.words.empty()) continue;
    if (add_form(random, c, form) && branch) {
      c.branch = true;
      break;
    }
  }
  return c;
}

Outcome Differ::run_ours(const Case& c, usize length) {
  pe::State& s = ours_.pe().s;
  std::copy(c.state.x, c.state.x + 31, s.x);
  std::copy(c.state.v, c.state.v + 32, s.v);
  s.sp = c.state.sp, s.pc = c.state.pc, s.nzcv = c.state.nzcv, s.btype = 0;
  s.fp.fpcr.raw = c.state.fpcr, s.fp.fpsr.raw = c.state.fpsr;
  ours_.pe().clear_exclusive();
  std::memcpy(ours_.ram_page(Pa{FlatMachine::kCode}) + 4, c.words.data(), length * 4);
  Outcome out;
  for (usize i = 0; i < length && out.ending == Ending::Done; ++i) {
    out.ending = static_cast<Ending>(ours_.execute(c.words[i]));
    out.misaligned = out.ending == Ending::Abort && ours_.pe().pending.fault.kind == FaultKind::Alignment &&
                     is_ordered(c.words[i], c.forms[i]);
  }
  std::copy(s.x, s.x + 31, out.state.x);
  std::copy(s.v, s.v + 32, out.state.v);
  out.state.sp = s.sp, out.state.pc = s.pc, out.state.nzcv = static_cast<u32>(s.nzcv);
  out.state.fpcr = static_cast<u32>(s.fp.fpcr.raw), out.state.fpsr = static_cast<u32>(s.fp.fpsr.raw);
  return out;
}

Outcome Differ::run_theirs(const Case& c, usize length) {
  theirs_->set_code({c.words.data(), length});
  Outcome out{.state = c.state};
  out.ending = theirs_->run(out.state, static_cast<unsigned>(length), c.branch);
  return out;
}

std::string Differ::compare(const Outcome& a, const Outcome& b, bool whole_window) {
  static constexpr const char* kEndings[] = {"done", "undefined", "abort", "other"};
  if (a.misaligned) return {};  // Unicorn checks the alignment of few ordered accesses
  if (a.ending != b.ending)
    return fmt::format("  ending: farside {}, unicorn {}\n", kEndings[static_cast<int>(a.ending)],
                       kEndings[static_cast<int>(b.ending)]);
  if (a.ending == Ending::Abort) return {};  // how far a faulting access got is not architectural
  std::string text;
  const auto number = [&text](const std::string& name, u64 x, u64 y) {
    if (x != y) text += fmt::format("  {}: farside {:x}, unicorn {:x}\n", name, x, y);
  };
  const UserState &s = a.state, &t = b.state;
  if (std::memcmp(s.x, t.x, sizeof s.x) != 0)
    for (int i = 0; i < 31; ++i) number(fmt::format("x{}", i), s.x[i], t.x[i]);
  if (std::memcmp(s.v, t.v, sizeof s.v) != 0)
    for (int i = 0; i < 32; ++i)
      if (s.v[i] != t.v[i])
        text += fmt::format("  v{}: farside {:016x}_{:016x}, unicorn {:016x}_{:016x}\n", i, s.v[i].hi, s.v[i].lo,
                            t.v[i].hi, t.v[i].lo);
  if (s.sp != t.sp) number("sp", s.sp, t.sp);
  if (s.nzcv != t.nzcv) number("nzcv", s.nzcv >> 28, t.nzcv >> 28);
  if ((s.fpsr & kFpsrMask) != (t.fpsr & kFpsrMask)) number("fpsr", s.fpsr & kFpsrMask, t.fpsr & kFpsrMask);
  if (a.ending == Ending::Done && s.pc != t.pc) number("pc", s.pc, t.pc);
  const usize begin = whole_window ? 0 : kHotBegin, size = whole_window ? kWindow.size : kHotSize;
  const u8 *ours = ours_.data().data(), *theirs = theirs_->data().data();
  if (std::memcmp(ours + begin, theirs + begin, size) != 0)
    for (usize i = begin; i < begin + size; ++i)
      if (ours[i] != theirs[i]) number(fmt::format("mem[{:x}]", kWindow.base + i), ours[i], theirs[i]);
  return text;
}

void Differ::restore_memory(const std::vector<u8>& memory) {
  std::copy(memory.begin(), memory.end(), ours_.data().begin());
  std::copy(memory.begin(), memory.end(), theirs_->data().begin());
}

/// Shortens the case to the first instruction after which the engines differ, and prints it.
void Differ::report(u64 index, const Case& c, const std::vector<u8>& memory) {
  for (usize length = 1; length <= c.words.size(); ++length) {
    restore_memory(memory);
    const Outcome ours = run_ours(c, length), theirs = run_theirs(c, length);
    const std::string text = compare(ours, theirs, true);
    if (text.empty()) continue;
    const isa::InsnInfo& info = isa::a64_table()[static_cast<usize>(c.forms[length - 1])];
    u64& seen = differences_[info.name];
    if (++seen > 2 || differences_.size() > options_.reports) return;
    fmt::print("case {} (--seed {} --first {} --count 1): {} {}\n", index, options_.seed, index,
               group_name(group_of(c.forms[length - 1])), info.name);
    for (usize i = 0; i < length; ++i) fmt::print("  {:08x}  {}\n", c.words[i], disassemble(c.words[i]));
    const u32 word = c.words[length - 1];
    restore_memory(memory);
    const UserState before = length == 1 ? c.state : run_ours(c, length - 1).state;
    fmt::print("  before: nzcv={:x} fpcr={:x}", before.nzcv >> 28, before.fpcr);
    for (unsigned lo : {0u, 5u, 10u, 16u}) {
      const unsigned r = word >> lo & 31;
      fmt::print(" r{}={:x}|{:016x}_{:016x}", r, r == 31 ? before.sp : before.x[r], before.v[r].hi, before.v[r].lo);
    }
    fmt::print("\n{}", text);
    return;
  }
  differences_["(not reproduced)"]++;
}

u64 Differ::run() {
  u64 total = 0, instructions = 0;
  std::vector<u8> memory(ours_.data().begin(), ours_.data().end());
  for (u64 i = options_.first; i < options_.first + options_.count; ++i) {
    // Unicorn never gives translations back, and crashes when its buffer has been full: a new one in time.
    if ((i - options_.first) % kCasesPerReference == kCasesPerReference - 1) {
      theirs_ = make_reference({ours_.ram_page(Pa{FlatMachine::kCode}), FlatMachine::kCodeSize});
      restore_memory(memory);
    }
    const Case c = make_case(i);
    if (c.words.empty()) continue;
    instructions += c.words.size();
    const Outcome ours = run_ours(c, c.words.size()), theirs = run_theirs(c, c.words.size());
    const bool whole = i % 1024 == 0;
    if (!compare(ours, theirs, whole).empty()) {
      ++total;
      report(i, c, memory);
      restore_memory(memory);
    } else if (ours.ending == Ending::Abort || whole) {
      restore_memory(memory);
    } else {
      std::memcpy(memory.data() + kHotBegin, ours_.data().data() + kHotBegin, kHotSize);
    }
  }
  for (const auto& [name, count] : differences_) fmt::print("differs: {:24} {}\n", name, count);
  if (options_.skip_list)
    for (const auto& [reason, count] : skipped_) fmt::print("skipped {}: {}\n", count, reason);
  u64 untried = 0;
  for (isa::A64 form : forms_) untried += done_[static_cast<usize>(form)] == 0;
  fmt::print("seed {}: {} cases, {} instructions of {} forms ({} not tried), {} differences\n", options_.seed,
             options_.count, instructions, forms_.size(), untried, total);
  return total;
}

}  // namespace
}  // namespace farside::diff

int main(int argc, char** argv) {
  farside::diff::Options o;
  cxxopts::Options parser("farside_diff", "Compares farside's interpreter with Unicorn on random instructions.");
  parser.add_options()("seed", "seed of all randomness", cxxopts::value(o.seed))(
      "count", "number of cases", cxxopts::value(o.count))("first", "index of the first case", cxxopts::value(o.first))(
      "forms", "only forms of this group, or whose name contains this", cxxopts::value(o.forms))(
      "reports", "how many differing forms to print in full", cxxopts::value(o.reports))(
      "skips", "list what was skipped and why", cxxopts::value(o.skip_list))("help", "this text");
  try {
    const auto parsed = parser.parse(argc, argv);
    if (parsed.count("help")) {
      fmt::print("{}", parser.help());
      return 0;
    }
  } catch (const std::exception& e) {
    fmt::print(stderr, "farside_diff: {}\n", e.what());
    return 2;
  }
  return farside::diff::Differ(o).run() == 0 ? 0 : 1;
}
