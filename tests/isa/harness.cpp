// tests/isa/harness.cpp - parses state specifications, runs a row and compares everything.
#include "tests/isa/harness.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "core/base/check.h"
#include "tests/isa/flat_machine.h"

namespace farside::test {
namespace {

/// What rows can name, copied out of the PE.
struct Snapshot {
  u64 x[31] = {}, sp = 0, pc = 0, nzcv = 0, fpcr = 0, fpsr = 0;
  Vec v[32] = {};
  std::vector<u8> memory;
  Ending ending = Ending::Done;
};

Snapshot capture(FlatMachine& machine) {
  Snapshot out;
  const pe::State& s = machine.pe().s;
  std::copy(s.x, s.x + 31, out.x);
  std::copy(s.v, s.v + 32, out.v);
  out.sp = s.sp, out.pc = s.pc, out.nzcv = s.nzcv >> 28;
  out.fpcr = s.fp.fpcr.raw, out.fpsr = s.fp.fpsr.raw;
  out.memory.assign(machine.data().begin(), machine.data().end());
  return out;
}

void install(FlatMachine& machine, const Snapshot& from) {
  pe::State& s = machine.pe().s;
  std::copy(from.x, from.x + 31, s.x);
  std::copy(from.v, from.v + 32, s.v);
  s.sp = from.sp, s.pc = from.pc, s.nzcv = from.nzcv << 28;
  s.fp.fpcr.raw = static_cast<decltype(s.fp.fpcr.raw)>(from.fpcr);
  s.fp.fpsr.raw = static_cast<decltype(s.fp.fpsr.raw)>(from.fpsr);
  std::copy(from.memory.begin(), from.memory.end(), machine.data().begin());
}

/// The pattern that unnamed state holds: every byte differs from its neighbours and from other registers'.
Snapshot pattern() {
  Snapshot out;
  for (unsigned i = 0; i < 31; ++i) out.x[i] = u64{0x0101'0101'0101'0101} * i ^ 0xa1b2'c3d4'e5f6'0718;
  for (unsigned i = 0; i < 32; ++i)
    out.v[i] = {u64{0x0101'0101'0101'0101} * i ^ 0x3c5a'6978'8796'a5b4, ~(u64{i} << 32 | i)};
  out.sp = FlatMachine::kData + 0x8000;
  out.pc = FlatMachine::kCode;
  out.memory.resize(FlatMachine::kDataSize);
  for (usize i = 0; i < out.memory.size(); ++i) out.memory[i] = static_cast<u8>(i * 7 + (i >> 8));
  return out;
}

/// The digits of a number without separators; false on anything else.
bool parse_hex(std::string_view text, u128& value) {
  value = 0;
  bool any = false;
  for (char c : text) {
    if (c == '_') continue;
    const unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    if (digit == 16) return false;
    value = value << 4 | digit;
    any = true;
  }
  return any;
}

bool parse_number(std::string_view text, unsigned& number) {
  number = 0;
  if (text.empty()) return false;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number < 32;
}

bool set_memory(Snapshot& s, std::string_view address, std::string_view digits) {
  u128 at, byte;
  if (!parse_hex(address, at) || at < FlatMachine::kData || digits.size() % 2 != 0) return false;
  usize offset = static_cast<u64>(at) - FlatMachine::kData;
  for (; !digits.empty(); digits.remove_prefix(2), ++offset) {
    if (offset >= s.memory.size() || !parse_hex(digits.substr(0, 2), byte)) return false;
    s.memory[offset] = static_cast<u8>(byte);
  }
  return true;
}

bool set_register(Snapshot& s, std::string_view name, u128 value) {
  const u64 low = static_cast<u64>(value);
  u64* const named = name == "sp"     ? &s.sp
                     : name == "pc"   ? &s.pc
                     : name == "fpcr" ? &s.fpcr
                     : name == "fpsr" ? &s.fpsr
                                      : nullptr;
  if (named != nullptr) {
    *named = low;
    return true;
  }
  unsigned n;
  if (name.size() < 2 || !parse_number(name.substr(1), n)) return false;
  switch (name[0]) {
    case 'x': return n < 31 && (s.x[n] = low, true);
    case 'w': return n < 31 && (s.x[n] = static_cast<u32>(low), true);
    case 'v': s.v[n] = {low, static_cast<u64>(value >> 64)}; return true;
    case 'd': s.v[n] = {low, 0}; return true;
    case 's': s.v[n] = {static_cast<u32>(low), 0}; return true;
    case 'h': s.v[n] = {static_cast<u16>(low), 0}; return true;
    case 'b': s.v[n] = {static_cast<u8>(low), 0}; return true;
    default: return false;
  }
}

bool apply_item(Snapshot& s, std::string_view item) {
  if (item == "undef") return s.ending = Ending::Undefined, true;
  if (item == "abort") return s.ending = Ending::Abort, true;
  if (item == "exception") return s.ending = Ending::Other, true;
  const usize equals = item.find('=');
  if (equals == item.npos) return false;
  const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
  if (name == "nzcv") {
    s.nzcv = 0;
    for (char c : value) s.nzcv = s.nzcv << 1 | (c == '1');
    return value.size() == 4;
  }
  if (name.starts_with("mem[") && name.ends_with("]")) return set_memory(s, name.substr(4, name.size() - 5), value);
  u128 number;
  return parse_hex(value, number) && set_register(s, name, number);
}

/// Empty, or the item that cannot be understood.
std::string apply_spec(Snapshot& s, std::string_view spec) {
  while (!spec.empty()) {
    const usize end = std::min(spec.find(' '), spec.size());
    const std::string_view item = spec.substr(0, end);
    if (!item.empty() && !apply_item(s, item)) return std::string(item);
    spec.remove_prefix(std::min(end + 1, spec.size()));
  }
  return {};
}

void compare_numbers(std::string& report, const std::string& name, u64 expected, u64 actual) {
  if (expected != actual) report += fmt::format("  {}: expected {:x}, is {:x}\n", name, expected, actual);
}

std::string compare(const Snapshot& expected, const Snapshot& actual) {
  std::string report;
  if (expected.ending != actual.ending) {
    static constexpr const char* kNames[] = {"done", "undef", "abort", "exception"};
    report += fmt::format("  ending: expected {}, is {}\n", kNames[static_cast<int>(expected.ending)],
                          kNames[static_cast<int>(actual.ending)]);
  }
  for (unsigned i = 0; i < 31; ++i) compare_numbers(report, fmt::format("x{}", i), expected.x[i], actual.x[i]);
  for (unsigned i = 0; i < 32; ++i) {
    if (expected.v[i] == actual.v[i]) continue;
    report += fmt::format("  v{}: expected {:016x}_{:016x}, is {:016x}_{:016x}\n", i, expected.v[i].hi,
                          expected.v[i].lo, actual.v[i].hi, actual.v[i].lo);
  }
  compare_numbers(report, "sp", expected.sp, actual.sp);
  compare_numbers(report, "pc", expected.pc, actual.pc);
  if (expected.nzcv != actual.nzcv)
    report += fmt::format("  nzcv: expected {:04b}, is {:04b}\n", expected.nzcv, actual.nzcv);
  compare_numbers(report, "fpcr", expected.fpcr, actual.fpcr);
  compare_numbers(report, "fpsr", expected.fpsr, actual.fpsr);
  for (usize i = 0; i < expected.memory.size(); ++i)
    compare_numbers(report, fmt::format("mem[{:x}]", FlatMachine::kData + i), expected.memory[i], actual.memory[i]);
  return report;
}

/// Spaces collapsed to one, none after commas, lower case.
std::string normalise(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\t') c = ' ';
    if (c == ' ' && (out.empty() || out.back() == ' ' || out.back() == ',')) continue;
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string disassemble(u32 word) {
  csh handle;
  CHECK(cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) == CS_ERR_OK, "Capstone without Arm64");
  u8 bytes[4];
  std::memcpy(bytes, &word, 4);
  cs_insn* insn = nullptr;
  std::string text;
  const usize count = cs_disasm(handle, bytes, 4, FlatMachine::kCode, 1, &insn);
  if (count == 1) text = fmt::format("{} {}", insn->mnemonic, insn->op_str);
  if (count != 0) cs_free(insn, count);
  cs_close(&handle);
  return normalise(text);
}

std::string check_row(const Row& row) {
  std::string report;
  if (row.capstone) {
    const std::string text = disassemble(row.word);
    if (text != normalise(row.text)) report += fmt::format("  Capstone reads `{}`\n", text);
  }
  Snapshot before = pattern();
  std::string bad = apply_spec(before, row.before);
  if (!bad.empty()) return fmt::format("  cannot understand `{}`\n", bad);
  FlatMachine machine;
  install(machine, before);
  Snapshot expected = before;
  expected.pc += 4;
  bad = apply_spec(expected, row.after);
  if (!bad.empty()) return fmt::format("  cannot understand `{}`\n", bad);
  if (expected.ending != Ending::Done) expected.pc = before.pc;
  const Ending ending = machine.execute(row.word);
  Snapshot actual = capture(machine);
  actual.ending = ending;
  return report + compare(expected, actual);
}

}  // namespace farside::test
