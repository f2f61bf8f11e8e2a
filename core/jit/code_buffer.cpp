// core/jit/code_buffer.cpp - maps executable memory and emits entry, exit and the call of the interpreter.
#include "core/jit/code_buffer.h"

#include <sys/mman.h>

namespace farside::jit {
namespace {

constexpr HostReg kSaved[] = {RBX, RBP, R12, R13, R14, R15};
constexpr i32 kFrameBytes = 40;  // a Frame, and 8 so that RSP is a multiple of 16 in translated code
static_assert(sizeof(Frame) == 32);

void load_guest(Asm& a) {
  for (unsigned guest : kMapped) a.mov(true, host_of(guest), guest_slot(guest));
  a.mov(true, kL0, kL0Slot);
  a.alu_imm(Alu::Add, true, kL0, kReadTable);
}

void store_guest(Asm& a) {
  for (unsigned guest : kMapped) a.mov(true, guest_slot(guest), host_of(guest));
}

}  // namespace

CodeBuffer::CodeBuffer(usize bytes) : size_(bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return;
  base_ = static_cast<u8*>(mapped);
  madvise(mapped, bytes, MADV_HUGEPAGE);  // advice: fewer misses of the host's instruction TLB
  emit_routines();
}

CodeBuffer::~CodeBuffer() {
  if (base_ != nullptr) munmap(base_, size_);
}

void CodeBuffer::emit_routines() {
  Asm a(base_);
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
  load_guest(a);
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
  load_guest(a);
  a.ret();
  a.bind(leaves);
  a.alu_imm(Alu::Add, true, RSP, 8);
  a.jmp(restore);
  const auto aligned = reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(a.here()), 64));
  std::memcpy(&enter_, &base_, sizeof enter_);
  cursor_ = code_ = aligned;
}

}  // namespace farside::jit
