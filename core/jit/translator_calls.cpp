// core/jit/translator_calls.cpp - the return-address ring: calls of the guest are calls of the host, and returns
// returns.
//
// RSP points into the ring while translated code runs. A call pushes the place behind itself, where the guest's return
// address is compared and the block there entered; RET is a return of the host, which its predictor knows. A return to
// elsewhere - a coroutine, longjmp, another task - takes one address all the same and goes on through the jump cache.
//
// An address in the ring vouches for the mapping of its page, as a jump within the page does: wherever L0 may forget a
// page of instructions, another context is chosen, or a block is dropped, the ring is emptied or translated code left,
// which begins with an empty ring. What the ring holds only decides how a block is found.
#include "core/jit/translator.h"

namespace farside::jit {

using isa::A64;

/// Lines can be lost at any access to memory, so with modelled caches a return had to compare its line again.
bool Translator::calls(A64 last) const {
  if (buffer_.lines()) return false;
  return last == A64::BL || last == A64::BLR || last == A64::BLRAA || last == A64::BLRAAZ;
}

bool Translator::returns(A64 last) const { return !buffer_.lines() && (last == A64::RET || last == A64::RETAA); }

/// Before a call: a full ring forgets everything, for recursion may have no end.
void Translator::emit_push_room(Asm& a) {
  a.test_imm(false, RSP, CodeBuffer::kRingMask);
  full_ring_ = FullRing{a.jcc(Cc::E), a.here()};
  if (count_runs_) a.alu_imm(Alu::Add, true, buffer_.returns_field(offsetof(EngineData::Returns, pushed)), 1);
}

void Translator::emit_full_ring(Asm& a) {
  if (!full_ring_) return;
  a.bind(full_ring_->from);
  a.mov_imm(RSP, buffer_.empty_ring());
  a.jmp(full_ring_->back);
}

/// Behind a call: RDX is where the guest returns to, which should be `next`.
void Translator::emit_landing(Asm& a, u64 next) {
  a.mov_imm(RAX, next);
  a.alu(Alu::Cmp, true, RAX, RDX);
  a.jcc(Cc::NE, buffer_.other_return());
  if (count_runs_) a.alu_imm(Alu::Add, true, buffer_.returns_field(offsetof(EngineData::Returns, hits)), 1);
  go_to(a, next);
}

}  // namespace farside::jit
