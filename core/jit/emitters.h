// core/jit/emitters.h - from an instruction form to the function that emits it.
#pragma once
#include <array>

#include "core/isa/decode.h"
#include "core/jit/pure.h"

namespace farside::jit {

/// Emits `word`, or declines it.
using Emitter = void (*)(EmitExec& x, u32 word);

/// Emitters by form; null: nothing of this form is ever emitted.
class EmitterTable {
 public:
  EmitterTable();
  Emitter find(isa::A64 form) const { return rows_[static_cast<usize>(form)]; }
  void set(isa::A64 form, Emitter emitter) { rows_[static_cast<usize>(form)] = emitter; }

 private:
  std::array<Emitter, isa::kA64Count + 1> rows_{};
};

const EmitterTable& emitters();

void register_alu(EmitterTable& table);
void register_branch(EmitterTable& table);
void register_system(EmitterTable& table);
void register_load_store(EmitterTable& table);
void register_simd(EmitterTable& table);
void register_simd_load_store(EmitterTable& table);
void register_fp(EmitterTable& table);
void register_fp_rules(EmitterTable& table);
void register_atomic(EmitterTable& table);

}  // namespace farside::jit

/// For the groups' files: `#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)`.
#define FARSIDE_EMITTER(name, pattern) \
  table.set(isa::A64::name,            \
            [](EmitExec& x, u32 word) { isa::call_with_fields<pattern>(&isa::a64::name<EmitExec>, x, word); });
/// A hand-written rule in place of the generic one: `rule` takes the pattern's fields.
#define FARSIDE_RULE(name, pattern, rule) \
  table.set(isa::A64::name, [](EmitExec& x, u32 word) { isa::call_with_fields<pattern>(rule, x, word); });
