// core/jit/emit_lines.cpp - with modelled caches: loads and stores in lines and whole pages that the hierarchy has
// lent, jumps to lines of instructions that it has lent.
#include "core/jit/code_lines.h"
#include "core/jit/translator.h"
#include "core/pe/lent_line.h"

namespace farside::jit {
namespace {

constexpr i32 kDataMask = (1 << pe::kDataLinesLog2) - 1, kStoreMask = (1 << pe::kStoreLinesLog2) - 1,
              kFetchMask = (1 << pe::kFetchLinesLog2) - 1;
/// DC ZVA: the System instruction, whatever its register.
constexpr bool is_zva(u32 word) { return (word & ~u32{31}) == 0xd50b7420; }

constexpr i32 kReadLines = offsetof(pe::LineContext, read), kWriteLines = offsetof(pe::LineContext, write),
              kStoreLines = offsetof(pe::LineContext, stores), kFetchLines = offsetof(pe::LineContext, fetch),
              kCodeOfLine = offsetof(pe::FetchLine, code);
static_assert(sizeof(pe::DataLine) == 16 && sizeof(pe::FetchLine) == 32 && pe::kLineBytes == 64);
static_assert(offsetof(pe::DataLine, host) == offsetof(pe::L0Entry, host));
static_assert(offsetof(pe::DataLine, tag) == 0 && offsetof(pe::FetchLine, tag) == 0);

}  // namespace

/// The access of the instruction in hand, if serve_line can make it: a load, DC ZVA, or a store of the registers that
/// STR, STUR and STP name, in all their forms.
LineSite EmitExec::line_site(unsigned size, bool write) const {
  using Data = LineSite::Data;
  const bool exclusive = (word_ & 0x3f800000) == 0x08000000;  // names its location, which serve_line does not
  LineSite site{.size = static_cast<u8>(exclusive ? 0 : size)};
  if (!write) return site;
  const bool pair = (word_ & 0x3a000000) == 0x28000000;
  const bool immediate = (word_ & 0x3b000000) == 0x39000000 || (word_ & 0x3b200000) == 0x38000000;
  const bool by_register = (word_ & 0x3b200c00) == 0x38200800;
  if (is_zva(word_)) {
    site.data = Data::Zero;
  } else if (pair || immediate || by_register) {
    site.data = bit(word_, 26) ? Data::Vector : Data::General;
    site.each = static_cast<u8>(pair ? size / 2 : size);
    site.rt = word_ & 31;
    site.rt2 = word_ >> 10 & 31;
  } else {
    site.size = 0;
  }
  return site;
}

/// As host_address, in lines that are lent, or in whole pages and in lines of them.
void EmitExec::line_address(Val address, unsigned size, bool write, Mem how) {
  if (size > pe::kLineBytes) return decline();
  if (!begin_address(address, size, how)) return;
  const bool whole = routines_.whole(), page = whole && !write;
  const i32 table = page ? kLoadPages : !write ? kReadLines : whole ? kStoreLines : kWriteLines;
  HostMem slot{kLineContext, table, RCX};
  a_.rorx(false, RCX, RDX, page ? 8 : 2);
  a_.alu_imm(Alu::And, false, RCX, page ? kL0IndexMask : (whole ? kStoreMask : kDataMask) << 4);
  if (how.unprivileged) {
    const HostMem context = routines_.frame_field(offsetof(Frame, unprivileged));
    a_.alu_imm(Alu::Cmp, true, context, 0);
    slow_if(Cc::E);
    a_.alu(Alu::Add, true, RCX, context);
    slot = {RCX, table};
  }
  compare_tag(slot, size, page ? pe::kL0PageSize : pe::kLineBytes);
  SlowPath& slow = slow_paths_.back();
  slot.disp += static_cast<i32>(offsetof(pe::DataLine, host));
  a_.mov(true, RCX, slot);
  if (how.unprivileged) return;
  slow.line = line_site(size, write);
  if (slow.line.size == 0) return;
  slow.served = a_.here();
  slow.line_table = table;
  slow.vectors_there = kit_.map();
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

/// RAX is the name of the location that line_address has found in a lent line, for the exclusive monitor: its address
/// in memory.
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
  a.mov(false, RCX, HostMem{RCX, offsetof(CodeLine, code), RAX, 2});
  a.test(false, RCX, RCX);
  const Patch untranslated = a.jcc(Cc::LE);
  a.mov_imm(RAX, reinterpret_cast<u64>(buffer_.at(0)));
  a.alu(Alu::Add, true, RCX, RAX);
  a.jmp(RCX);
  if (btype == 0) {
    for (Patch miss : {other_line, unknown, untranslated}) a.bind(miss);
    a.alu(Alu::Xor, false, RCX, RCX);
    return a.jmp(buffer_.serve_jump());
  }
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

/// The access of a slow path that C++ can make without the interpreter. Falls through where the interpreter must
/// execute the instruction.
void Translator::emit_serve_line(EmitExec& x, const EmitExec::SlowPath& path) {
  Asm& a = x.code();
  LineSite& site = line_sites_.emplace_back(path.line);
  site.block = block_;
  site.pc = block_->pc + path.instruction * 4;
  site.remaining = block_->count - path.instruction;
  a.alu(Alu::Xor, true, RDX, HostMem{kLineContext, path.line_table, RCX});
  a.mov_imm(RCX, reinterpret_cast<u64>(&site));
  a.call(buffer_.serve_line());
  const Patch interpreted = a.jcc(Cc::E);
  x.kit().reload(path.vectors_there);
  a.jmp(path.served);
  a.bind(interpreted);
}

}  // namespace farside::jit
