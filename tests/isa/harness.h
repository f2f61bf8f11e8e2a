// tests/isa/harness.h - rows of assembly, word, state before and state after; Capstone must agree with each listing.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "core/base/types.h"

namespace farside::test {

/// State by name, separated by spaces; all numbers are hexadecimal, `_` may separate digits:
///   xN wN sp pc vN dN sN hN bN (v as hi_lo), nzcv=0110, fpcr fpsr, mem[address]=bytes in memory order.
/// What `in` does not name holds a fixed pattern, what `out` does not name must not change (pc: + 4).
/// `out` may also say how the instruction ends: undef, abort, exception.
struct Row {
  const char* text;
  u32 word;
  const char* before;
  const char* after;
  bool capstone;  ///< false: Capstone has no listing, and `text` is GNU objdump's
};

#define ROW(text, word, before, after) \
  ::farside::test::Row { text, word, before, after, true }
#define NOCAP(text, word, before, after) \
  ::farside::test::Row { text, word, before, after, false }
/// For readability of rows.
constexpr const char* in(const char* state) { return state; }
constexpr const char* out(const char* state) { return state; }

/// The rows of each group, in tests/isa/a64_<group>.cpp.
std::span<const Row> alu_rows();
std::span<const Row> branch_rows();
std::span<const Row> system_rows();
std::span<const Row> load_store_rows();
std::span<const Row> atomic_rows();
std::span<const Row> fp_rows();
std::span<const Row> simd_load_store_rows();
std::span<const Row> simd_int_rows();
std::span<const Row> simd_fp_rows();
std::span<const Row> simd_permute_rows();
std::span<const Row> crypto_rows();

/// Empty when the row holds, else what is wrong.
std::string check_row(const Row& row);
/// What Capstone prints for `word` at the rows' address, with spaces normalised; empty when it knows no such word.
std::string disassemble(u32 word);

}  // namespace farside::test
