// core/jit/code_buffer.cpp - maps executable memory and emits entry, exit and the call of the interpreter.
#include "core/jit/code_buffer.h"

#include <sys/mman.h>

#include <cstring>

#include "core/jit/vector_kit.h"

namespace farside::jit {
namespace {

constexpr usize kMostGuesses = 4096, kGuessBytes = kMostGuesses * sizeof(DistanceGuess);
constexpr HostReg kSaved[] = {RBX, RBP, R12, R13, R14, R15};
constexpr i32 kFrameBytes = sizeof(Frame) + kRunSlots * 8;
static_assert(kFrameBytes % 16 == 8);  // with the saved registers, RSP is a multiple of 16 in translated code

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

/// RDX = copies of bit 55 of RAX, RCX = the mask for that range; `pushed` bytes lie between RSP and the frame.
void emit_pac_range(Asm& a, i32 pushed) {
  const i32 masks = pushed + static_cast<i32>(offsetof(Frame, pac_masks));
  a.mov(true, RDX, RAX);
  a.shift_imm(Shift::Shl, true, RDX, 8);
  a.shift_imm(Shift::Sar, true, RDX, 63);
  a.mov(true, RCX, HostMem{RSP, masks});
  a.cmov(Cc::S, true, RCX, HostMem{RSP, masks + 8});
}

void emit_sign(Asm& a) {
  a.push(RCX);
  a.push(RAX);
  emit_pac_range(a, 24);
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

void emit_authenticate(Asm& a) {
  a.push(RCX);
  a.push(RAX);
  emit_pac_range(a, 24);
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
CodeBuffer::CodeBuffer(usize bytes, const HostFeatures& host, bool lines) : size_(bytes), host_(host), lines_(lines) {
  const usize all = bytes + kGuessBytes;
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
  asm_.emplace(writable_, base_, bytes);
  emit_routines();
}

CodeBuffer::~CodeBuffer() {
  if (base_ != nullptr) munmap(base_, size_ + kGuessBytes);
  if (writable_ != nullptr) munmap(writable_, size_ + kGuessBytes);
}

DistanceGuess* CodeBuffer::add_guess() {
  if (guess_count_ == kMostGuesses) return nullptr;
  DistanceGuess* const guess = &guesses()[guess_count_++];
  *guess = {};
  return guess;
}

void CodeBuffer::emit_routines() {
  Asm& a = *asm_;
  // enter(frame in RDI, code in RSI)
  for (HostReg r : kSaved) a.push(r);
  a.alu_imm(Alu::Sub, true, RSP, kFrameBytes);
  for (i32 at = 0; at < static_cast<i32>(sizeof(Frame)); at += 8) {
    a.mov(true, RAX, HostMem{RDI, at});
    a.mov(true, HostMem{RSP, at}, RAX);
  }
  a.mov(true, RAX, RSI);
  a.mov(true, kState, HostMem{RDI, offsetof(Frame, pe)});
  a.alu_imm(Alu::Add, true, kState, kStateBias);
  load_guest(a, lines_);
  a.jmp(RAX);
  leave_ = a.here();
  store_guest(a);
  u8* const restore = a.here();
  a.alu_imm(Alu::Add, true, RSP, kFrameBytes);
  for (usize i = std::size(kSaved); i-- > 0;) a.pop(kSaved[i]);
  a.ret();
  fallback_ = a.here();
  store_guest(a);
  a.lea(true, RDI, {RSP, 8});  // the frame lies above the return address
  a.mov(true, RSI, RAX);
  a.alu_imm(Alu::Sub, true, RSP, 8);
  a.mov_imm(RAX, reinterpret_cast<u64>(&run_site));
  a.call(RAX);
  a.alu_imm(Alu::Add, true, RSP, 8);
  a.test(false, RAX, RAX);
  const Patch leaves = a.jcc(Cc::NE);
  load_guest(a, lines_);
  a.ret();
  a.bind(leaves);
  a.alu_imm(Alu::Add, true, RSP, 8);
  a.jmp(restore);
  sign_ = a.here();
  emit_sign(a);
  authenticate_ = a.here();
  emit_authenticate(a);
  note_distance_ = a.here();
  emit_note_distance(a);
  align();
  constants_ = a.here();
  const auto& values = vector_constants();
  std::memcpy(a.writable(a.here()), values.data(), sizeof values);
  a.move_to(constants_ + sizeof values);
  align();
  std::memcpy(&enter_, &base_, sizeof enter_);
  code_ = a.here();
}

}  // namespace farside::jit
