// core/jit/code_buffer.cpp - maps executable memory and emits entry, exit and the call of the interpreter.
#include "core/jit/code_buffer.h"

#include <sys/mman.h>

#include <cstring>

#include "core/jit/vector_kit.h"

namespace farside::jit {
namespace {

constexpr usize kMostGuesses = 4096, kGuessBytes = kMostGuesses * sizeof(DistanceGuess);
constexpr HostReg kSaved[] = {RBX, RBP, R12, R13, R14, R15};
constexpr i32 kAlignment = 8;  // with the saved registers and the return address, RSP is a multiple of 16
constexpr usize kRingBytes = CodeBuffer::kRingMask + 1;
/// For signal handlers below a full ring, and for its alignment.
constexpr usize kAroundRing = 3 * kRingBytes;

void load_guest(Asm& a, bool lines) {
  for (unsigned guest : kMapped) a.mov(true, host_of(guest), guest_slot(guest));
  if (lines) return a.mov(true, kLineContext, kLineContextSlot);
  a.mov(true, kL0, kL0Slot);
  a.alu_imm(Alu::Add, true, kL0, kReadTable);
}

void store_guest(Asm& a) {
  for (unsigned guest : kMapped) a.mov(true, guest_slot(guest), host_of(guest));
}

/// Pe::compute_pac of RAX with modifier RCX.
void emit_compute_pac(Asm& a) {
  const HostMem lo = sysreg_slot(SysReg::APIAKeyLo_EL1), hi = sysreg_slot(sysreg_at(SysReg::APIAKeyLo_EL1, 1));
  const auto fold_product = [&a] {
    a.mulx(RCX, RAX, RAX);
    a.alu(Alu::Xor, true, RAX, RCX);
  };
  a.alu(Alu::Xor, true, RAX, lo);
  a.mov_imm(RDX, 0xd6e8feb86659fd93);
  a.alu(Alu::Xor, true, RAX, RDX);
  a.alu(Alu::Xor, true, RCX, hi);
  a.mov_imm(RDX, 0xca9b0c7ebcd1a4f5);
  a.alu(Alu::Xor, true, RDX, RCX);
  fold_product();
  a.alu(Alu::Xor, true, RAX, lo);
  a.mov_imm(RDX, 0x9e3779b97f4a7c15);
  fold_product();
  a.alu(Alu::Xor, true, RAX, hi);
}

/// Frame::pac_masks of the lower and of the upper range.
struct PacMasks {
  HostMem lower, upper;
};

/// RDX = copies of bit 55 of RAX, RCX = the mask for that range.
void emit_pac_range(Asm& a, const PacMasks& masks) {
  a.mov(true, RDX, RAX);
  a.shift_imm(Shift::Shl, true, RDX, 8);
  a.shift_imm(Shift::Sar, true, RDX, 63);
  a.mov(true, RCX, masks.lower);
  a.cmov(Cc::S, true, RCX, masks.upper);
}

void emit_sign(Asm& a, const PacMasks& masks) {
  a.push(RCX);
  a.push(RAX);
  emit_pac_range(a, masks);
  a.push(RCX);
  a.alu(Alu::Xor, true, RDX, RAX);
  a.test(true, RDX, RCX);
  const Patch not_canonical = a.jcc(Cc::NE);
  a.mov(true, RCX, HostMem{RSP, 16});
  emit_compute_pac(a);
  a.pop(RCX);
  a.pop(RDX);
  a.alu(Alu::And, true, RAX, RCX);
  a.not_(true, RCX);
  a.alu(Alu::And, true, RDX, RCX);
  a.pop(RCX);
  a.alu(Alu::Or, true, RAX, RDX);  // no carry
  a.ret();
  a.bind(not_canonical);
  a.alu_imm(Alu::Add, true, RSP, 24);
  a.stc();
  a.ret();
}

void emit_authenticate(Asm& a, const PacMasks& masks) {
  a.push(RCX);
  a.push(RAX);
  emit_pac_range(a, masks);
  a.push(RCX);
  a.alu(Alu::Xor, true, RDX, RAX);
  a.alu(Alu::And, true, RDX, RCX);
  a.alu(Alu::Xor, true, RAX, RDX);
  a.push(RAX);
  a.mov(true, RCX, HostMem{RSP, 24});
  emit_compute_pac(a);
  a.alu(Alu::Xor, true, RAX, HostMem{RSP, 16});
  a.alu(Alu::And, true, RAX, HostMem{RSP, 8});
  const Patch wrong = a.jcc(Cc::NE);
  a.pop(RAX);
  a.alu_imm(Alu::Add, true, RSP, 24);
  a.test(true, RAX, RAX);  // no carry
  a.ret();
  a.bind(wrong);
  a.alu_imm(Alu::Add, true, RSP, 32);
  a.stc();
  a.ret();
}

/// The newest first.
void emit_note_distance(Asm& a) {
  a.push(RAX);
  for (i32 at = DistanceGuess::kWays * 8 - 8; at > 0; at -= 8) {
    a.mov(true, RAX, HostMem{RCX, at - 8});
    a.mov(true, HostMem{RCX, at}, RAX);
  }
  a.mov(true, HostMem{RCX}, RDX);
  a.alu_imm(Alu::Add, true, HostMem{RCX, kGuessMisses}, 1);
  a.pop(RAX);
  a.ret();
}

}  // namespace

/// Two views of the same memory: nothing is writable and executable at one address. mremap(2) of no bytes makes the
/// second view of an anonymous mapping. perf looks at its map files for anonymous code only, so no memfd.
CodeBuffer::CodeBuffer(usize bytes, const HostFeatures& host, bool lines, bool whole)
    : size_(bytes), host_(host), lines_(lines), whole_(whole) {
  const usize all = all_bytes();
  void* const writable = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (writable == MAP_FAILED) return;
  writable_ = static_cast<u8*>(writable);
  void* const executable = mremap(writable, 0, all, MREMAP_MAYMOVE);
  if (executable == MAP_FAILED) return;
  if (mprotect(executable, bytes, PROT_READ | PROT_EXEC) == 0) {
    base_ = static_cast<u8*>(executable);
  } else {
    munmap(executable, all);
  }
  if (!ok()) return;
  const u8* const ring = base_ + size_ + kDataBytes + kGuessBytes + kRingBytes;
  ring_end_ = align_up(reinterpret_cast<u64>(ring), kRingBytes) + kRingBytes;
  asm_.emplace(writable_, base_, bytes);
  rare_ = first_rare();
  emit_routines();
}

usize CodeBuffer::all_bytes() const { return size_ + kDataBytes + kGuessBytes + kAroundRing; }

CodeBuffer::~CodeBuffer() {
  if (base_ != nullptr) munmap(base_, all_bytes());
  if (writable_ != nullptr) munmap(writable_, all_bytes());
}

DistanceGuess* CodeBuffer::add_guess() {
  if (guess_count_ == kMostGuesses) return nullptr;
  DistanceGuess* const guess = &guesses()[guess_count_++];
  *guess = {};
  return guess;
}

Patch CodeBuffer::probe_page(Asm& a) {
  a.rorx(false, RCX, RDX, 8);
  a.alu_imm(Alu::And, false, RCX, kL0IndexMask);
  a.mov(true, RAX, RDX);
  a.alu(Alu::Xor, true, RAX, HostMem{kL0, kFetchTable - kReadTable, RCX});
  a.alu_imm(Alu::Cmp, true, RAX, pe::kL0PageSize - 1);
  const Patch miss = a.jcc(Cc::A);
  a.alu(Alu::Add, true, RAX, HostMem{kL0, kFetchTable - kReadTable + 8, RCX});
  return miss;
}

std::array<Patch, 2> CodeBuffer::probe_jump_cache(Asm& a) const {
  a.mov(false, RCX, RDX);
  a.shift_imm(Shift::Shl, false, RCX, 3);
  a.alu_imm(Alu::And, false, RCX, static_cast<i32>(kJumpCacheMask));
  a.alu(Alu::Add, true, RCX, frame_field(offsetof(Frame, jump_cache)));
  a.alu(Alu::Cmp, true, RAX, HostMem{RCX, offsetof(JumpCacheEntry, host)});
  const Patch miss = a.jcc(Cc::NE);
  a.alu(Alu::Cmp, true, RDX, HostMem{RCX, offsetof(JumpCacheEntry, pc)});
  return {miss, a.jcc(Cc::NE)};
}

/// The host's stack becomes the ring: calls of translated code push where they return to, which the host predicts. A
/// return that finds no call of the guest arrives behind the call made here.
void CodeBuffer::emit_entry(Asm& a) {
  for (HostReg r : kSaved) a.push(r);
  a.alu_imm(Alu::Sub, true, RSP, kAlignment);
  a.mov(true, frame_field(offsetof(Frame, host_stack)), RSP);
  a.mov(true, RAX, RDI);
  a.mov(true, kState, frame_field(offsetof(Frame, pe)));
  a.alu_imm(Alu::Add, true, kState, kStateBias);
  a.mov_imm(RSP, ring_end_);
  load_guest(a, lines_);
  a.call(RAX);
  if (lines_) return;
  const u8* const unknown = a.here();
  emit_return(a, offsetof(EngineData::Returns, unknown));
  a.call(HostMem{RCX, offsetof(JumpCacheEntry, code)});
  a.jmp(unknown);
}

/// RCX = the jump cache's entry for the address in RDX, or leaves.
void CodeBuffer::emit_return(Asm& a, usize counter) const {
  a.alu_imm(Alu::Add, true, returns_field(counter), 1);
  const Patch miss = probe_page(a);
  const auto misses = probe_jump_cache(a);
  const Patch found = a.jmp();
  for (Patch patch : {miss, misses[0], misses[1]}) a.bind(patch);
  a.mov(true, kPcSlot, RDX);
  a.mov_imm(RAX, kLookup);
  a.jmp(leave_);
  a.bind(found);
}

void CodeBuffer::emit_leave(Asm& a) {
  leave_ = a.here();
  store_guest(a);
  restore_ = a.here();
  a.mov(true, RSP, frame_field(offsetof(Frame, host_stack)));
  a.alu_imm(Alu::Add, true, RSP, kAlignment);
  for (usize i = std::size(kSaved); i-- > 0;) a.pop(kSaved[i]);
  a.ret();
  fallback_ = a.here();
  store_guest(a);
  a.pop(RBX);
  a.mov(true, frame_field(offsetof(Frame, ring)), RSP);
  a.mov(true, RSP, frame_field(offsetof(Frame, host_stack)));
  a.mov(true, RSI, RAX);
  a.mov_imm(RDI, reinterpret_cast<u64>(&frame()));
  a.mov_imm(RAX, reinterpret_cast<u64>(&run_site));
  a.call(RAX);
  a.test(false, RAX, RAX);
  a.jcc(Cc::NE, restore_);
  a.mov(true, RSP, frame_field(offsetof(Frame, ring)));
  a.mov(true, RCX, RBX);
  load_guest(a, lines_);
  a.push(RCX);
  a.ret();
}

/// As emit_leave's call of run_site, but all registers that are not said to be lost stay.
void CodeBuffer::emit_serve_line(Asm& a) {
  serve_line_ = a.here();
  store_guest(a);
  a.pop(RBX);
  a.mov(true, R12, RAX);
  a.mov(true, frame_field(offsetof(Frame, ring)), RSP);
  a.mov(true, RSP, frame_field(offsetof(Frame, host_stack)));
  a.mov(true, RSI, RCX);
  a.mov_imm(RDI, reinterpret_cast<u64>(&frame()));
  a.mov_imm(RAX, reinterpret_cast<u64>(&farside::jit::serve_line));
  a.call(RAX);
  a.mov(true, RSP, frame_field(offsetof(Frame, ring)));
  a.mov(true, RCX, RAX);
  a.mov(true, RAX, R12);
  a.push(RBX);
  load_guest(a, lines_);
  a.alu(Alu::Xor, false, RDX, RDX);
  a.test(true, RCX, RCX);
  a.ret();
}

/// The guest's registers are in memory for the exception that a fetch may end in.
void CodeBuffer::emit_serve_jump(Asm& a) {
  serve_jump_ = a.here();
  store_guest(a);
  a.mov(true, frame_field(offsetof(Frame, ring)), RSP);
  a.mov(true, RSP, frame_field(offsetof(Frame, host_stack)));
  a.mov(true, RSI, RDX);
  a.mov(true, RDX, RCX);
  a.mov(true, RCX, RAX);
  a.mov_imm(RDI, reinterpret_cast<u64>(&frame()));
  a.mov_imm(RAX, reinterpret_cast<u64>(&farside::jit::serve_jump));
  a.call(RAX);
  a.alu_imm(Alu::Cmp, true, RAX, kLastExit);
  a.jcc(Cc::BE, restore_);
  a.mov(true, RSP, frame_field(offsetof(Frame, ring)));
  load_guest(a, lines_);
  a.jmp(RAX);
}

void CodeBuffer::emit_routines() {
  Asm& a = *asm_;
  emit_leave(a);
  emit_serve_line(a);
  emit_serve_jump(a);
  if (!lines_) {
    other_return_ = a.here();
    emit_return(a, offsetof(EngineData::Returns, misses));
    a.jmp(HostMem{RCX, offsetof(JumpCacheEntry, code)});
  }
  const PacMasks masks{frame_field(offsetof(Frame, pac_masks)), frame_field(offsetof(Frame, pac_masks) + 8)};
  sign_ = a.here();
  emit_sign(a, masks);
  authenticate_ = a.here();
  emit_authenticate(a, masks);
  note_distance_ = a.here();
  emit_note_distance(a);
  align();
  constants_ = a.here();
  const auto& values = vector_constants();
  std::memcpy(a.writable(a.here()), values.data(), sizeof values);
  a.move_to(constants_ + sizeof values);
  align();
  const u8* const enter = a.here();
  emit_entry(a);
  align();
  std::memcpy(&enter_, &enter, sizeof enter_);
  code_ = a.here();
}

}  // namespace farside::jit
