// core/interp/interp.cpp - fetch, look up, execute; a fast loop, and a slow one for debug, BTI and traces.
#include "core/interp/interp.h"

#include <cstring>

namespace farside::interp {

using isa::Flow;

namespace {

/// Instructions that a guarded page accepts as targets of an indirect branch of kind `btype` (Arm ARM,
/// BranchTargetCheck): BTI by its operand, PACIxSP by SCTLR.BT, BRK and HLT always.
bool accepts_branch(u32 word, u8 btype, bool pacixsp_refuses_jumps) {
  if ((word & 0xffffff3f) == 0xd503241f) {  // BTI {c, j, jc}
    const bool c = bit(word, 6), j = bit(word, 7);
    return btype == 1 ? (c || j) : btype == 2 ? c : j;
  }
  if ((word & 0xffffffbf) == 0xd503233f) return btype != 3 || !pacixsp_refuses_jumps;  // PACIASP, PACIBSP
  return (word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000;       // BRK, HLT
}

/// SCTLR_ELx.BT0 (at EL0) or BT1: PACIxSP does not accept BTYPE 3.
bool pacixsp_refuses_j(const pe::Pe& pe) {
  const u64 sctlr = pe.s.sys[pe.el() == El::EL2 ? SysReg::SCTLR_EL2 : SysReg::SCTLR_EL1];
  return bit(sctlr, pe.el() == El::EL0 ? 35 : 36);
}

/// The instruction has done its work even if it ends in an exception: SVC, HVC, SMC.
bool completed(const pe::Pe& pe, Flow flow) {
  return flow != Flow::Raise || (pe.pending.kind == pe::Pending::Kind::Sync && pe.pending.return_pc != pe.s.pc);
}

/// B.cond, CBZ, CBNZ, TBZ, TBNZ.
bool is_conditional_branch(u32 word) { return (word & 0xff000000) == 0x54000000 || (word & 0x7c000000) == 0x34000000; }

}  // namespace

DecodeCache::DecodeCache(const Features& features)
    : features_(features), entries_(std::make_unique<Entry[]>(kEntries)) {
  // Word 0 is UDF, so the entries of a fresh cache are right as they are.
  const Handler udf = decode(0);
  for (usize i = 0; i < kEntries; ++i) entries_[i] = {0, udf};
}

Handler DecodeCache::decode(u32 word) {
  ++misses_;
  const isa::A64 id = isa::decode_a64(word, features_);
  return handlers().find(id, word);
}

template <u64 kWindow>
bool Interp::fetch(pe::Pe& pe, u32& word) {
  const u64 pc = pe.s.pc;
  if ((pc & ~kWindow) != pe.fetch_page.page && !pe.fetch_slow(pc)) return false;
  std::memcpy(&word, pe.fetch_page.host + (pc & kWindow), sizeof word);
  return true;
}

/// An exception in place of an instruction. It takes time as one, or vectors that cannot be fetched would never let a
/// slice end.
static void take_instead(pe::Pe& pe) {
  pe.spend(1);
  pe.take_pending();
}

/// What the engine does with anything but Flow::Next and Flow::Jump.
void Interp::finish(pe::Pe& pe, Flow flow) {
  switch (flow) {
    case Flow::Next:
    case Flow::Sync: pe.s.pc += 4; break;
    case Flow::Wait: pe.s.pc += 4; break;
    case Flow::Jump:
    case Flow::SyncJump: break;
    case Flow::Raise: pe.take_pending(); break;
  }
}

template <u64 kWindow>
void Interp::run_fast(pe::Pe& pe) {
  InterpExec x(pe);
  do {
    u32 word;
    if (!fetch<kWindow>(pe, word)) [[unlikely]] {
      take_instead(pe);
      return;
    }
    const u64 pc = pe.s.pc;
    const Flow flow = cache_.find(pc, word)(x, word);
    --pe.budget;
    if (flow == Flow::Next) [[likely]] {
      pe.s.pc = pc + 4;
    } else if (flow != Flow::Jump) {
      finish(pe, flow);
      return;
    } else if (pe.s.btype != 0) {
      return;
    }
  } while (pe.budget > 0);
}

template <u64 kWindow>
bool Interp::run_fetched_block(pe::Pe& pe) {
  InterpExec x(pe);
  u32 word;
  std::memcpy(&word, pe.fetch_page.host + (pe.s.pc & kWindow), sizeof word);
  for (;;) {
    const u64 pc = pe.s.pc;
    const Flow flow = cache_.find(pc, word)(x, word);
    --pe.budget;
    if (flow == Flow::Jump) return pe.s.btype == 0 && pe.budget > 0;
    if (flow != Flow::Next) {
      finish(pe, flow);
      return false;
    }
    pe.s.pc = pc + 4;
    if (is_conditional_branch(word) || (kWindow == kLineWindow && (pe.s.pc & kWindow) == 0)) return pe.budget > 0;
    if (pe.budget <= 0) return false;
    if (!fetch<kWindow>(pe, word)) [[unlikely]] {
      take_instead(pe);
      return false;
    }
  }
}

bool Interp::run_block(pe::Pe& pe) {
  return pe.ports.caches == nullptr ? run_fetched_block<kPageWindow>(pe) : run_fetched_block<kLineWindow>(pe);
}

void Interp::step(pe::Pe& pe) {
  if (pe.take_interrupt()) return;
  u32 word = 0;
  if ((pe.debug_active && pe.check_before_instruction()) ||
      !(pe.ports.caches == nullptr ? fetch<kPageWindow>(pe, word) : fetch<kLineWindow>(pe, word))) {
    take_instead(pe);
    return;
  }
  const u8 btype = pe.s.btype;
  if (btype != 0 && pe.fetch_page.guarded && !accepts_branch(word, btype, pacixsp_refuses_j(pe))) {
    pe.raise(Ec::BTI, btype);
    take_instead(pe);
    return;
  }
  if (pe.s.pstate[Pstate::IL]) {
    pe.raise(Ec::ILLEGAL_STATE, 0);
    take_instead(pe);
    return;
  }
  if (pe.ports.trace->on(TraceGroup::Exec)) trace(pe, word);
  pe.s.btype = 0;
  InterpExec x(pe);
  const bool stepping = pe.debug_active && pe.s.pstate[Pstate::SS];
  const Flow flow = cache_.find(pe.s.pc, word)(x, word);
  --pe.budget;
  if (flow == Flow::Raise && btype != 0 && pe.s.btype == 0)
    pe.s.btype = btype;  // SPSR.BTYPE of the faulting instruction
  // Software step: active-not-pending becomes active-pending once the instruction has been executed.
  if (stepping && completed(pe, flow)) pe.s.pstate = pe.s.pstate.with(Pstate::SS, false);
  finish(pe, flow);
}

void Interp::run(pe::Pe& pe) {
  while (pe.budget > 0 && !pe.waiting) {
    if (pe.debug_active || pe.s.btype != 0 || pe.s.pstate[Pstate::IL] || pe.ports.trace->on(TraceGroup::Exec)) {
      step(pe);
      continue;
    }
    if (pe.take_interrupt()) continue;
    pe.ports.caches == nullptr ? run_fast<kPageWindow>(pe) : run_fast<kLineWindow>(pe);
  }
}

void Interp::trace(pe::Pe& pe, u32 word) {
  pe.ports.trace->emit(TraceGroup::Exec, pe.index(), "exec",
                       {{"pc", pe.s.pc}, {"word", word}, {"el", number(pe.el())}});
}

}  // namespace farside::interp
