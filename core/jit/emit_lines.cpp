// core/jit/emit_lines.cpp - with modelled caches: loads and stores in lines that the hierarchy has lent, jumps to lines
// of instructions that it has lent.
#include "core/jit/code_lines.h"
#include "core/jit/translator.h"
#include "core/pe/lent_line.h"

namespace farside::jit {
namespace {

constexpr i32 kDataMask = (1 << pe::kDataLinesLog2) - 1, kFetchMask = (1 << pe::kFetchLinesLog2) - 1;
constexpr i32 kReadLines = offsetof(pe::LineContext, read), kWriteLines = offsetof(pe::LineContext, write),
              kFetchLines = offsetof(pe::LineContext, fetch), kCodeOfLine = offsetof(pe::FetchLine, code);
static_assert(sizeof(pe::DataLine) == 16 && sizeof(pe::FetchLine) == 32 && pe::kLineBytes == 64);
static_assert(offsetof(pe::DataLine, tag) == 0 && offsetof(pe::FetchLine, tag) == 0);

}  // namespace

/// As host_address, in lines. Unprivileged accesses and what needs an alignment of its own are the interpreter's.
void EmitExec::line_address(Val address, unsigned size, bool write, Mem how) {
  if (how.unprivileged || size > pe::kLineBytes) return decline();
  if (!begin_address(address, size, how)) return;
  const i32 table = write ? kWriteLines : kReadLines;
  a_.rorx(false, RCX, RDX, 2);
  a_.alu_imm(Alu::And, false, RCX, kDataMask << 4);
  a_.alu(Alu::Xor, true, RDX, HostMem{kLineContext, table, RCX});
  a_.alu_imm(Alu::Cmp, true, RDX, static_cast<i32>(pe::kLineBytes - size));
  slow_if(Cc::A);
  a_.mov(true, RCX, HostMem{kLineContext, table + static_cast<i32>(offsetof(pe::DataLine, host)), RCX});
}

/// Where an ISB only notes its moment, and other barriers do nothing (cache::Order), that is done here.
void EmitExec::order(isa::BarrierKind kind) {
  constexpr u8 kNeeded = 1u << RCX | 1u << RDX;
  if ((free_ & kNeeded) != kNeeded) return decline();
  a_.mov(true, RCX, kOrderSlot);
  clobber_flags();
  a_.cmp8(HostMem{RCX, offsetof(cache::Order, calls)}, 0);
  slow_if(Cc::NE);
  if (kind != isa::BarrierKind::Isb) return;
  a_.mov(true, RDX, HostMem{RCX, offsetof(cache::Order, events)});
  a_.mov(true, RDX, HostMem{RDX});
  a_.mov(true, HostMem{RCX, offsetof(cache::Order, last_isb)}, RDX);
}

/// RAX is the name of the location that line_address has found, for the exclusive monitor: its address in memory.
void EmitExec::name_of_line() {
  a_.mov(true, RAX, HostMem{RCX, static_cast<i32>(pe::kMemoryOfLent)});
  a_.alu(Alu::Add, true, RAX, RDX);
}

/// To the address in RDX: through the table of lent lines to the code of its bytes.
void Translator::emit_indirect_line(Asm& a, u8 btype) {
  a.rorx(false, RCX, RDX, 1);
  a.alu_imm(Alu::And, false, RCX, kFetchMask << 5);
  a.mov(true, RAX, RDX);
  a.alu(Alu::Xor, true, RAX, HostMem{kLineContext, kFetchLines, RCX});
  a.rorx(true, RAX, RAX, 2);
  a.alu_imm(Alu::Cmp, true, RAX, 15);  // another line, or a misaligned address
  const Patch other_line = a.jcc(Cc::A);
  Patch guarded{}, slice_end{};
  if (btype != 0) {  // as in emit_indirect
    a.alu_imm(Alu::Cmp, true,
              HostMem{kLineContext, kFetchLines + static_cast<i32>(offsetof(pe::FetchLine, guarded)), RCX}, 0);
    guarded = a.jcc(Cc::NE);
    a.alu_imm(Alu::Cmp, true, kBudgetSlot, 0);
    slice_end = a.jcc(Cc::E);
  }
  a.mov(true, RCX, HostMem{kLineContext, kFetchLines + kCodeOfLine, RCX});
  a.test(true, RCX, RCX);
  const Patch unknown = a.jcc(Cc::E);
  a.mov(true, RCX, HostMem{RCX, offsetof(CodeLine, code), RAX, 3});
  a.test(true, RCX, RCX);
  const Patch untranslated = a.jcc(Cc::E);
  a.jmp(RCX);
  emit_lookup(a, btype, {other_line, unknown, untranslated}, {guarded, slice_end});
}

/// Falls through if the line of `link`'s target is lent and holds the bytes that the connected block was made from.
Patch Translator::emit_line_check(Asm& a, Link& link) {
  const i32 slot =
      (static_cast<i32>(link.target / pe::kLineBytes) & kFetchMask) * static_cast<i32>(sizeof(pe::FetchLine));
  link.host_page = a.movabs(RAX, 0);  // the CodeLine, once connected
  a.alu(Alu::Cmp, true, RAX, HostMem{kLineContext, kFetchLines + slot + kCodeOfLine});
  return a.jcc(Cc::NE);
}

}  // namespace farside::jit
