// tests/isa/harness.cpp - runs a row and compares everything.
#include "tests/isa/harness.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "tests/isa/snapshot.h"

namespace farside::test {
namespace {

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
  for (unsigned i = 0; i < 31; ++i) compare_numbers(report, "x" + std::to_string(i), expected.x[i], actual.x[i]);
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
    if (expected.memory[i] != actual.memory[i])
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
  const std::string text = disassemble(row.word);
  if (text != (row.capstone ? normalise(row.text) : "")) report += fmt::format("  Capstone reads `{}`\n", text);
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
