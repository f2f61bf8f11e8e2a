// core/interp/handlers.h - from an instruction form to the function that executes it in the interpreter.
#pragma once
#include <array>

#include "core/interp/interp_exec.h"
#include "core/isa/decode.h"

namespace farside::interp {

/// Executes `word`, which must belong to the form that the handler was registered for.
using Handler = Flow (*)(InterpExec& x, u32 word);

/// Handlers by form. A group may register one per value of word<31:30> (sf, size, Q), so that widths are constants
/// in the compiled code; for the others the four are the same.
class HandlerTable {
 public:
  HandlerTable();
  /// The handler for `word` of `form`; A64::Undefined has one too.
  Handler find(isa::A64 form, u32 word) const { return rows_[static_cast<usize>(form)][word >> 30]; }
  void set(isa::A64 form, Handler handler) { rows_[static_cast<usize>(form)].fill(handler); }
  void set(isa::A64 form, unsigned top_bits, Handler handler) { rows_[static_cast<usize>(form)][top_bits] = handler; }

 private:
  std::array<std::array<Handler, 4>, isa::kA64Count + 1> rows_{};
};

/// The table of all groups.
const HandlerTable& handlers();

void register_alu(HandlerTable& table);
void register_branch(HandlerTable& table);
void register_system(HandlerTable& table);
void register_load_store(HandlerTable& table);
void register_atomic(HandlerTable& table);
void register_fp(HandlerTable& table);
void register_simd_load_store(HandlerTable& table);
void register_simd_int(HandlerTable& table);
void register_simd_fp(HandlerTable& table);
void register_simd_permute(HandlerTable& table);
void register_crypto(HandlerTable& table);

/// The handler of a form whose semantic function is `Semantic`, with word<31:30> known to be `Top`.
template <isa::FixedString Pattern, auto Semantic, u32 Top>
[[gnu::flatten]] Flow specialised(InterpExec& x, u32 word) {
  return isa::call_with_fields<Pattern>(Semantic, x, (word & 0x3fffffff) | Top << 30);
}

/// Registers up to four specialised handlers: one per value of word<31:30> that the pattern leaves open.
template <isa::FixedString Pattern, auto Semantic>
void set_specialised(HandlerTable& table, isa::A64 form) {
  constexpr isa::Pattern p = isa::parse_pattern(Pattern.view());
  constexpr u32 fixed = p.mask >> 30, value = p.value >> 30;
  table.set(form, 0, &specialised<Pattern, Semantic, (0 & ~fixed) | value>);
  table.set(form, 1, &specialised<Pattern, Semantic, (1 & ~fixed) | value>);
  table.set(form, 2, &specialised<Pattern, Semantic, (2 & ~fixed) | value>);
  table.set(form, 3, &specialised<Pattern, Semantic, (3 & ~fixed) | value>);
}

}  // namespace farside::interp

/// For the groups' files: `#define INST(name, title, pattern, feature) FARSIDE_HANDLER(name, pattern)`.
#define FARSIDE_HANDLER(name, pattern)                                           \
  table.set(isa::A64::name, [](InterpExec& x, u32 word) {                        \
    return isa::call_with_fields<pattern>(&isa::a64::name<InterpExec>, x, word); \
  });
/// The same with one handler per value of word<31:30>.
#define FARSIDE_SPECIALISED_HANDLERS(name, pattern) \
  set_specialised<pattern, &isa::a64::name<InterpExec>>(table, isa::A64::name);
