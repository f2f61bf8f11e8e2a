// tests/lockstep/host_code_test.cpp - how much host code the emitter makes of the most frequent forms, as host_code.txt
// says.
//
// The numbers are those of the fast path, in the middle of a block, for a host that has everything (whatever this host
// has). A change is meant to be seen in review: after looking at the differences, write the file again with
// FARSIDE_REWRITE_HOST_CODE=1 lockstep_host_code
#include "core/jit/emitters.h"
#include "core/jit/flag_use.h"
#include "tests/isa/flat_machine.h"
#include "tests/isa/harness.h"
#undef CHECK  // Catch2 has its own

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace farside::test {
namespace {

constexpr jit::HostFeatures kHost{
    .avx = true, .avx2 = true, .fma = true, .f16c = true, .aes = true, .pclmul = true, .sha = true};
/// What is checked once per block: access to SIMD&FP, the host's unit, the alignment of SP.
constexpr u32 kBefore[] = {0x1e7f2bff, 0xf94003ff};  // fadd d31, d31, d31; ldr xzr, [sp]

/// Host instructions in `code`, one to a line.
std::vector<std::string> listing(std::span<const u8> code) {
  csh handle;
  REQUIRE(cs_open(CS_ARCH_X86, CS_MODE_64, &handle) == CS_ERR_OK);
  cs_insn* insn = nullptr;
  const usize count = cs_disasm(handle, code.data(), code.size(), 0, 0, &insn);
  std::vector<std::string> out;
  usize length = 0;
  for (usize i = 0; i < count; ++i) {
    out.push_back(fmt::format("{} {}", insn[i].mnemonic, insn[i].op_str));
    length += insn[i].size;
  }
  if (count != 0) cs_free(insn, count);
  cs_close(&handle);
  CHECK(length == code.size());  // Capstone knows every instruction
  return out;
}

/// Emits sequences as the translator does, without the jumps that end a block.
class Probe {
 public:
  struct Code {
    bool emitted = true;
    std::vector<u8> bytes;
  };
  Code measure(std::span<const u32> words) {
    std::vector<u32> all(std::begin(kBefore), std::end(kBefore));
    all.insert(all.end(), words.begin(), words.end());
    std::vector<isa::A64> forms;
    for (u32 word : all) forms.push_back(isa::decode_a64(word, features_));
    jit::FlagUse flags;
    jit::find_flag_use(forms.data(), all.data(), static_cast<unsigned>(all.size()), flags);
    buffer_.reset();
    jit::AccessRuns runs;
    std::array<bool, jit::kMaxBlock> opaque{};
    std::fill_n(opaque.begin(), std::size(kBefore), true);
    jit::find_access_runs(all.data(), static_cast<unsigned>(all.size()), opaque, {}, {}, runs);
    jit::EmitExec x(buffer_.code(), features_, buffer_);
    x.begin_block(false, runs);
    Code out;
    const u8* from = nullptr;
    for (unsigned i = 0; i < all.size(); ++i) {
      if (i == std::size(kBefore)) from = x.code().here();
      x.begin_instruction(0x10000 + i * 4, all[i], i, flags, true);
      const jit::Emitter emitter = jit::emitters().find(forms[i]);
      if (emitter != nullptr) emitter(x, all[i]);
      if (emitter == nullptr || x.declined()) return {false, {}};
      x.end_instruction();
    }
    out.bytes.assign(x.code().writable(const_cast<u8*>(from)), x.code().writable(x.code().here()));
    return out;
  }
  std::string name(u32 word) const {
    return isa::a64_table().at(static_cast<usize>(isa::decode_a64(word, features_))).name;
  }

 private:
  Features features_ = all_features();
  jit::CodeBuffer buffer_{usize{1} << 20, kHost};
};

std::vector<u32> words_of(const std::string& line) {
  std::vector<u32> words;
  std::istringstream in(line);
  for (std::string token; in >> token && token.size() == 8;)
    words.push_back(static_cast<u32>(std::strtoul(token.c_str(), nullptr, 16)));
  return words;
}

/// The line of the file for `words`.
std::string line_of(Probe& probe, std::span<const u32> words) {
  std::string hex, forms, text;
  for (u32 word : words) {
    hex += fmt::format("{}{:08x}", hex.empty() ? "" : " ", word);
    forms += (forms.empty() ? "" : " ") + probe.name(word);
    const std::string one = disassemble(word);
    if (!one.empty()) text += (text.empty() ? "" : "; ") + one;
  }
  const Probe::Code code = probe.measure(words);
  const std::string cost = code.emitted ? fmt::format("{:>3} {:>4}", listing(code.bytes).size(), code.bytes.size())
                                        : std::string("interp. ");
  const std::string line = fmt::format("{:<26} {}  {:<20} {}", hex, cost, forms, text);
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::vector<std::string> golden_lines() {
  std::ifstream in(FARSIDE_HOST_CODE);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("each frequent form costs as many host instructions as the golden file says") {
  Probe probe;
  const bool rewrite = std::getenv("FARSIDE_REWRITE_HOST_CODE") != nullptr;
  std::vector<std::string> lines = golden_lines();
  std::string differences;
  unsigned rows = 0;
  for (std::string& line : lines) {
    const std::vector<u32> words = words_of(line);
    if (words.empty()) continue;
    ++rows;
    const std::string now = line_of(probe, words);
    if (now == line) continue;
    differences += fmt::format("\n-{}\n+{}\n", line, now);
    for (const std::string& insn : listing(probe.measure(words).bytes)) differences += "    " + insn + "\n";
    line = now;
  }
  CHECK(rows >= 200);
  if (rewrite) {
    std::ofstream out(FARSIDE_HOST_CODE);
    for (const std::string& line : lines) out << line << '\n';
  } else if (!differences.empty()) {
    FAIL_CHECK("host code has changed; FARSIDE_REWRITE_HOST_CODE=1 accepts it\n" << differences);
  }
}

TEST_CASE("what is measured depends on the instruction and on nothing else") {
  Probe probe;
  const u32 move[] = {0xaa0103e0}, load[] = {0xf9400020}, enter_el2[] = {0xd4000002};
  CHECK(listing(probe.measure(move).bytes) == std::vector<std::string>{"mov rbx, rsi"});
  CHECK(probe.measure(load).bytes.size() > probe.measure(move).bytes.size());
  CHECK(!probe.measure(enter_el2).emitted);
  CHECK(probe.measure(load).bytes == Probe().measure(load).bytes);
}

}  // namespace farside::test
