// tests/unit/jit/asm_test.cpp - Capstone reads back what the assembler writes.
#include "core/jit/asm.h"

#include <capstone/capstone.h>

#include <array>
#include <string>

#include "tests/unit/catch.h"

namespace farside::jit {
namespace {

using namespace std::string_literals;

/// The text of the instructions that `emit` writes, separated by "; ".
template <class F>
std::string read_back(F&& emit) {
  u8 bytes[256];
  Asm a(bytes, bytes, sizeof bytes);
  emit(a);
  csh handle;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) return "no x86 in Capstone";
  cs_insn* insn = nullptr;
  const usize count = cs_disasm(handle, bytes, static_cast<usize>(a.here() - bytes), 0, 0, &insn);
  std::string text;
  usize length = 0;
  for (usize i = 0; i < count; ++i) {
    text += (i == 0 ? "" : "; ") + std::string(insn[i].mnemonic) + (insn[i].op_str[0] != 0 ? " " : "") + insn[i].op_str;
    length += insn[i].size;
  }
  if (count != 0) cs_free(insn, count);
  cs_close(&handle);
  return length == static_cast<usize>(a.here() - bytes) ? text : text + " and rubbish";
}

}  // namespace

TEST_CASE("moves and addresses") {
  CHECK(read_back([](Asm& a) { a.mov(true, RBX, R12); }) == "mov rbx, r12");
  CHECK(read_back([](Asm& a) { a.mov(true, RBX, RBX); }).empty());
  CHECK(read_back([](Asm& a) { a.mov(false, RBX, RBX); }) == "mov ebx, ebx");
  CHECK(read_back([](Asm& a) { a.mov(true, RAX, HostMem{R13}); }) == "mov rax, qword ptr [r13]");
  CHECK(read_back([](Asm& a) { a.mov(true, RAX, HostMem{R12}); }) == "mov rax, qword ptr [r12]");
  CHECK(read_back([](Asm& a) { a.mov(true, HostMem{RSP, 8}, RAX); }) == "mov qword ptr [rsp + 8], rax");
  CHECK(read_back([](Asm& a) { a.mov(false, R9, HostMem{RBP, -128}); }) == "mov r9d, dword ptr [rbp - 0x80]");
  CHECK(read_back([](Asm& a) {
          a.mov(true, RCX, HostMem{R15, 16392, RCX});
        }) == "mov rcx, qword ptr [r15 + rcx + 0x4008]");
  CHECK(read_back([](Asm& a) { a.lea(true, RAX, {RBX, 0, R8, 3}); }) == "lea rax, [rbx + r8*8]");
  CHECK(read_back([](Asm& a) { a.mov_imm(RAX, 5); }) == "mov eax, 5");
  CHECK(read_back([](Asm& a) { a.mov_imm(R8, ~u64{0}); }) == "mov r8, -1");
  CHECK(read_back([](Asm& a) { a.mov_imm(RDX, u64{1} << 40); }) == "movabs rdx, 0x10000000000");
  CHECK(read_back([](Asm& a) { a.mov8(HostMem{RCX, 0, RDX}, RSI); }) == "mov byte ptr [rcx + rdx], sil");
  CHECK(read_back([](Asm& a) { a.mov16(HostMem{RCX, 0, RDX}, R9); }) == "mov word ptr [rcx + rdx], r9w");
}

TEST_CASE("extending loads") {
  const HostMem m{RCX, 0, RDX};
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, m, 1, false, true); }) == "movzx ebx, byte ptr [rcx + rdx]");
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, m, 1, true, true); }) == "movsx rbx, byte ptr [rcx + rdx]");
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, m, 2, true, false); }) == "movsx ebx, word ptr [rcx + rdx]");
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, m, 4, true, true); }) == "movsxd rbx, dword ptr [rcx + rdx]");
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, m, 8, false, true); }) == "mov rbx, qword ptr [rcx + rdx]");
  CHECK(read_back([&](Asm& a) { a.load_extended(RBX, RDI, 1, false, false); }) == "movzx ebx, dil");
}

TEST_CASE("arithmetic") {
  CHECK(read_back([](Asm& a) { a.alu(Alu::Sub, true, RBX, R8); }) == "sub rbx, r8");
  CHECK(read_back([](Asm& a) { a.alu_imm(Alu::Cmp, true, RDX, 4088); }) == "cmp rdx, 0xff8");
  CHECK(read_back([](Asm& a) { a.alu_imm(Alu::Sub, true, HostMem{RBP, 64}, 9); }) == "sub qword ptr [rbp + 0x40], 9");
  CHECK(read_back([](Asm& a) { a.cmp8(HostMem{RSP, 24}, 0); }) == "cmp byte ptr [rsp + 0x18], 0");
  CHECK(read_back([](Asm& a) { a.mulx(RBX, RDX, R8); }) == "mulx rbx, rdx, r8");
  CHECK(read_back([](Asm& a) { a.shlx(true, R9, RAX, RCX); }) == "shlx r9, rax, rcx");
  CHECK(read_back([](Asm& a) { a.shrx(false, RBX, R8, R10); }) == "shrx ebx, r8d, r10d");
  CHECK(read_back([](Asm& a) { a.sarx(true, RBX, R9, RAX); }) == "sarx rbx, r9, rax");
  CHECK(read_back([](Asm& a) { a.rorx(false, RCX, RDX, 8); }) == "rorx ecx, edx, 8");
  CHECK(read_back([](Asm& a) { a.lzcnt(true, R9, RAX); }) == "lzcnt r9, rax");
  CHECK(read_back([](Asm& a) { a.bswap(true, R9); }) == "bswap r9");
  CHECK(read_back([](Asm& a) { a.setcc(Cc::NO, HostMem{RBP, 84}); }) == "setno byte ptr [rbp + 0x54]");
  CHECK(read_back([](Asm& a) { a.setcc(Cc::E, RSI); }) == "sete sil");
  CHECK(read_back([](Asm& a) { a.cmov(Cc::G, true, RBX, HostMem{RBP, 8}); }) == "cmovg rbx, qword ptr [rbp + 8]");
  CHECK(read_back([](Asm& a) { a.movd(XMM0, RDX); }) == "movd xmm0, edx");
  CHECK(read_back([](Asm& a) {
          a.movdqu(HostMem{RCX, 16, RDX}, XMM0);
        }) == "movdqu xmmword ptr [rcx + rdx + 0x10], xmm0");
}

TEST_CASE("jumps reach where they are bound") {
  CHECK(read_back([](Asm& a) {
          const Patch p = a.jcc(Cc::A);
          a.cmc();
          a.bind(p);
          a.ret();
        }).ends_with("cmc; ret"));
  CHECK(read_back([](Asm& a) {
          u8* const skip = a.jcc_short(Cc::E);
          a.cmc();
          a.bind_short(skip);
        }).ends_with("; cmc"));
}

TEST_CASE("what is patched later has its full size") {
  std::array<u8, 64> bytes{};
  Asm a(bytes.data(), bytes.data(), bytes.size());
  u8* const value = a.movabs(RAX, 0);
  CHECK(value == bytes.data() + 2);
  CHECK(a.here() == bytes.data() + 10);
  CHECK(a.jcc(Cc::A).at + 4 == bytes.data() + 16);
  CHECK(a.jmp().at + 4 == bytes.data() + 21);
}

TEST_CASE("code is written through one view and addressed by the other") {
  std::array<u8, 64> writable{}, code{};
  Asm a(writable.data(), code.data(), writable.size());
  const Patch p = a.jmp();
  a.cmc();
  a.bind(p);
  a.ret();
  CHECK(code == std::array<u8, 64>{});
  CHECK(std::string(writable.begin(), writable.begin() + 7) == "\xe9\x01\x00\x00\x00\xf5\xc3"s);
  CHECK(a.here() == code.data() + 7);
  a.move_to(code.data() + 5);
  a.ret();
  CHECK(writable[5] == 0xc3);
}

}  // namespace farside::jit
