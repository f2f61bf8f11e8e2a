// core/jit/translator_paths.cpp - hot blocks go on behind branches: one path, and a way out of it at each branch.
//
// What a block knows of registers, addresses and flags survives its inner branches, and the slice is looked at once.
// Memory has all guest registers at all times but the mapped ones, which keep their places: a way out stores flags that
// only the host has, gives back the instructions behind it, and jumps like any other end of a block.
#include "core/jit/translator.h"

namespace farside::jit {
namespace {

using isa::A64;

/// Where the branch leads, if a path may go on behind it. What is always or never taken is left to the emitter.
std::optional<u64> target_of(A64 form, u32 word, u64 pc) {
  const auto offset = [word](unsigned lo, unsigned bits) {
    return static_cast<u64>(sign_extend(word >> lo & ones(bits), bits)) * 4;
  };
  const bool of_zero = (word & 31) == 31;
  switch (form) {
    case A64::B: return pc + offset(0, 26);
    case A64::B_cond: return (word & 15) < 14 ? std::optional(pc + offset(5, 19)) : std::nullopt;
    case A64::CBZ:
    case A64::CBNZ: return of_zero ? std::nullopt : std::optional(pc + offset(5, 19));
    case A64::TBZ:
    case A64::TBNZ: return of_zero ? std::nullopt : std::optional(pc + offset(5, 14));
    default: return std::nullopt;
  }
}

/// Where the path goes on behind a branch at `pc` that ends the run of instructions from `run` on.
std::optional<u64> way_on(A64 form, u64 pc, u64 target, u64 run, const PathProfile* profile) {
  const u64 next = pc + 4;
  if (form == A64::B) return target;
  if (target == next) return std::nullopt;
  if (profile == nullptr) return target < pc ? target : next;
  const auto usual = profile->usual(run);
  return usual == target || usual == next ? usual : std::nullopt;
}

bool other_page(u64 a, u64 b) { return (a ^ b) >= pe::kL0PageSize; }

}  // namespace

void Translator::decode_path(Block& block, unsigned most, const PathProfile* profile) {
  const unsigned limit = std::min(most, kMaxBlock);
  const u8* const page = block.bytes() - block.pc % pe::kL0PageSize;
  u64 pc = block.pc, run = pc;
  block.count = 0;
  for (;;) {
    const unsigned i = block.count++;
    std::memcpy(&words_[i], page + pc % pe::kL0PageSize, 4);
    forms_[i] = decode(words_[i]);
    pcs_[i] = pc;
    u64 next = pc + 4;
    if (ends_block(forms_[i], words_[i])) {
      const auto target = target_of(forms_[i], words_[i], pc);
      const auto way = target ? way_on(forms_[i], pc, *target, run, profile) : std::nullopt;
      if (!way || block.count == limit || other_page(*way, block.pc) || *way == block.pc) return;
      flags_.inner[i] = block.path = true;
      ++counters.followed;
      next = run = *way;
    }
    if (block.count == limit || other_page(next, block.pc)) return;
    pc = next;
  }
}

/// Behind an inner branch; false if the flags are not where its way out expects them.
bool Translator::emit_way_out(EmitExec& x, unsigned number) {
  const EmitExec::End end = x.end();
  if (end.kind != EmitExec::End::Kind::Branch) return true;
  const bool follows = pcs_[number + 1] == end.target;
  const auto flags = flags_.saved_outside[number] ? x.live_flags() : EmitExec::Live::None;
  if (flags_.saved_outside[number] && flags == EmitExec::Live::None) {
    flags_.opaque[number - 1] = true;
    return false;
  }
  const Patch from = x.code().jcc(follows ? negate(end.taken) : end.taken);
  ways_out_.push_back({from, number, follows ? pcs_[number] + 4 : end.target, flags});
  return true;
}

void Translator::emit_ways_out(EmitExec& x) {
  Asm& a = x.code();
  for (const WayOut& way : ways_out_) {
    a.bind(way.from);
    if (way.flags != EmitExec::Live::None) x.store_host_flags(way.flags);
    a.alu_imm(Alu::Add, true, kBudgetSlot, static_cast<i32>(block_->count - way.number - 1));
    go_to(a, way.target);
  }
}

}  // namespace farside::jit
