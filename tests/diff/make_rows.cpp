// tests/diff/make_rows.cpp - make_rows GROUP: prints a row of tests/isa for each form, with Unicorn as the oracle.
#include <fmt/format.h>

#include <cstring>
#include <set>

#include "tests/diff/generate.h"
#include "tests/diff/known.h"
#include "tests/diff/reference.h"
#include "tests/isa/harness.h"
#include "tests/isa/snapshot.h"

namespace farside::diff {
namespace {

using test::FlatMachine;
using test::Snapshot;

/// The window's middle: addresses in rows stay readable and in range.
constexpr u64 kTarget = FlatMachine::kData + 0x1000;

UserState user_state(const Snapshot& s) {
  UserState out;
  std::copy(s.x, s.x + 31, out.x);
  std::copy(s.v, s.v + 32, out.v);
  out.sp = s.sp, out.pc = s.pc, out.nzcv = static_cast<u32>(s.nzcv << 28);
  out.fpcr = static_cast<u32>(s.fpcr), out.fpsr = static_cast<u32>(s.fpsr);
  return out;
}

std::string vector_text(const Vec& v) {
  return v.hi == 0 ? fmt::format("{:x}", v.lo) : fmt::format("{:x}_{:016x}", v.hi, v.lo);
}

/// With a space after each comma; the form's name where Capstone has no listing, for the author to replace.
std::string spaced(const std::string& text, isa::A64 form) {
  if (text.empty()) return isa::a64_table()[static_cast<usize>(form)].name;
  std::string out;
  for (char c : text) {
    out += c;
    if (c == ',') out += ' ';
  }
  return out;
}

class RowMaker {
 public:
  explicit RowMaker(u64 seed)
      : random_(seed),
        pattern_(test::pattern()),
        theirs_(FlatMachine::kCode - 0x1000, code(), FlatMachine::kData, pattern_.memory, FlatMachine::kCode) {}
  void make(isa::A64 form, unsigned rows);

 private:
  std::vector<u8> code();
  u32 readable_word(isa::A64 form);
  std::string inputs(u32 word, isa::A64 form);
  std::string outputs(const Snapshot& before, const UserState& after);
  bool try_row(isa::A64 form, bool accept_unchanged);

  Random random_;
  FlatMachine machine_;
  Snapshot pattern_;
  Reference theirs_;
  std::set<u32> printed_;
};

std::vector<u8> RowMaker::code() {
  std::vector<u8> bytes(0x1000 + 0x8000);
  std::memcpy(bytes.data() + 0x1000, machine_.ram_page(Pa{FlatMachine::kCode}), 0x8000);
  return bytes;
}

/// Register fields get small numbers of their own; immediates are random, branch offsets short.
u32 RowMaker::readable_word(isa::A64 form) {
  static constexpr std::pair<std::string_view, u32> kNumbers[] = {{"Rd", 0}, {"Rn", 1}, {"Rm", 2},  {"Ra", 3},
                                                                  {"Rt", 0}, {"Rs", 6}, {"Rt2", 4}, {"Vd", 0}};
  const isa::InsnInfo& info = isa::a64_table()[static_cast<usize>(form)];
  u32 word = random_word(random_, form);
  const std::string_view pattern = info.pattern;
  const isa::Pattern parsed = isa::parse_pattern(pattern);
  unsigned field = 0;
  for (usize at = 0; at < pattern.size();) {
    const usize end = std::min(pattern.find(' ', at), pattern.size());
    const std::string_view token = pattern.substr(at, end - at);
    if (const usize colon = token.find(':'); colon != token.npos) {
      const auto [lo, width] = parsed.fields[field++];
      for (const auto& [name, number] : kNumbers)
        if (width == 5 && token.substr(0, colon) == name) word = static_cast<u32>(with_bits(word, lo + 4u, lo, number));
    }
    at = end + 1;
  }
  return word;
}

/// Every register that the listing names gets a telling value.
std::string RowMaker::inputs(u32 word, isa::A64 form) {
  const Window window{FlatMachine::kData, FlatMachine::kDataSize};
  UserState values = random_state(random_, window);
  std::string text = test::disassemble(word), out;
  if (text.empty()) text = "x0 x1 x2 x3 x4 x6 v0 v1 v2 v3 v4 v6";
  if (touches_memory(group_of(form))) {
    aim(random_, word, form, window, values);
    u64& base = values.x[1];
    base -= (values.x[1] & 0xfffff000) - kTarget;
    if ((word & 0x3b000000) == 0x39000000) {  // undo the distance of the unsigned offset
      const unsigned scale = (word >> 30) | ((word >> 26 & 1) && (word >> 23 & 1) ? 4 : 0);
      base = kTarget + (base & 0xff0) - (u64{word >> 10 & 0xfff} << (scale > 4 ? 0 : scale));
    }
  }
  std::set<std::string> named;
  for (usize i = 0; i + 1 < text.size(); ++i) {
    const bool starts = i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1]));
    if (!starts || !std::strchr("xwvqdshb", text[i]) || !std::isdigit(static_cast<unsigned char>(text[i + 1])))
      continue;
    const unsigned n = static_cast<unsigned>(std::atoi(text.c_str() + i + 1));
    const bool general = text[i] == 'x' || text[i] == 'w';
    if (n >= 31 || !named.insert(fmt::format("{}{}", general ? 'x' : 'v', n)).second) continue;
    out += general ? fmt::format("x{}={:x} ", n, values.x[n]) : fmt::format("v{}={} ", n, vector_text(values.v[n]));
  }
  const std::string_view name = isa::a64_table()[static_cast<usize>(form)].pattern;
  if (name.find("cond") != name.npos || (word & 0x1fe0fc00) == 0x1a000000)
    out += fmt::format("nzcv={:04b} ", values.nzcv >> 28);
  if (!out.empty()) out.pop_back();
  return out;
}

std::string RowMaker::outputs(const Snapshot& before, const UserState& after) {
  std::string out;
  for (int i = 0; i < 31; ++i)
    if (before.x[i] != after.x[i]) out += fmt::format("x{}={:x} ", i, after.x[i]);
  for (int i = 0; i < 32; ++i)
    if (before.v[i] != after.v[i]) out += fmt::format("v{}={} ", i, vector_text(after.v[i]));
  if (before.sp != after.sp) out += fmt::format("sp={:x} ", after.sp);
  if (before.nzcv != after.nzcv >> 28) out += fmt::format("nzcv={:04b} ", after.nzcv >> 28);
  if (before.fpsr != (after.fpsr & kFpsrMask)) out += fmt::format("fpsr={:x} ", after.fpsr & kFpsrMask);
  if (after.pc != before.pc + 4) out += fmt::format("pc={:x} ", after.pc);
  const std::span<u8> memory = theirs_.data();
  for (usize i = 0; i < memory.size(); ++i) {
    if (memory[i] == before.memory[i]) continue;
    out += fmt::format("mem[{:x}]=", FlatMachine::kData + i);
    for (; i < memory.size() && memory[i] != before.memory[i]; ++i) out += fmt::format("{:02x}", memory[i]);
    out += ' ';
  }
  if (!out.empty()) out.pop_back();
  return out;
}

bool RowMaker::try_row(isa::A64 form, bool accept_unchanged) {
  const u32 word = readable_word(form);
  if (isa::decode_a64(word, test::all_features()) != form || printed_.contains(word)) return false;
  const std::string given = inputs(word, form);
  Snapshot before = pattern_;
  if (!test::apply_spec(before, given).empty()) return false;
  UserState after = user_state(before);
  if (!known_difference(form, word, after, {}).empty()) return false;
  std::copy(before.memory.begin(), before.memory.end(), theirs_.data().begin());
  const u32 words[] = {word};
  theirs_.set_code(words);
  const bool branch = group_of(form) == Group::Branch;
  if (theirs_.run(after, 1, branch) != Ending::Done) return false;
  const std::string changed = outputs(before, after);
  if (changed.empty() && !accept_unchanged) return false;
  const std::string text = test::disassemble(word);
  printed_.insert(word);
  fmt::print("{}(\"{}\", 0x{:08x}, in(\"{}\"), out(\"{}\"))\n", text.empty() ? "NOCAP" : "ROW", spaced(text, form),
             word, given, changed);
  return true;
}

void RowMaker::make(isa::A64 form, unsigned rows) {
  for (unsigned attempt = 0; rows > 0 && attempt < 400; ++attempt)
    if (try_row(form, attempt > 300)) --rows;
  if (rows > 0) fmt::print(stderr, "no row for {}\n", isa::a64_table()[static_cast<usize>(form)].name);
}

}  // namespace
}  // namespace farside::diff

int main(int argc, char** argv) {
  using namespace farside;
  if (argc < 2) {
    fmt::print(stderr, "usage: make_rows GROUP [ROWS-PER-FORM]\n");
    return 2;
  }
  diff::RowMaker maker(1);
  for (usize i = 0; i < isa::kA64Count; ++i) {
    const auto form = static_cast<isa::A64>(i);
    if (diff::group_name(diff::group_of(form)) != argv[1]) continue;
    maker.make(form, argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1);
  }
  return 0;
}
