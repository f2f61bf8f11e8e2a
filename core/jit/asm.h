// core/jit/asm.h - a thin face of asmjit's assembler: operand widths as arguments, guest-state operands, late jumps.
#pragma once
#include <asmjit/x86.h>

#include <cstring>

#include "core/base/check.h"
#include "core/base/types.h"

namespace farside::jit {

/// Host general-purpose registers, numbered as x86 does.
enum HostReg : u8 { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/// Host vector registers.
enum Xmm : u8 { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7 };

/// x86 conditions; the low bit negates.
enum class Cc : u8 { O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G };
constexpr Cc negate(Cc cc) { return static_cast<Cc>(static_cast<u8>(cc) ^ 1); }

/// [base + index * scale + disp], no index when `index` is RSP; or [data].
struct HostMem {
  HostReg base;
  i32 disp = 0;
  HostReg index = RSP;
  u8 scale_log2 = 0;
  const void* data = nullptr;  ///< alone, addressed from RIP: within 2 GiB of the code
};

/// Two-operand arithmetic.
enum class Alu : u8 { Add, Or, Adc, Sbb, And, Sub, Xor, Cmp };
enum class Shift : u8 { Ror, Shl, Shr, Sar };

/// A place whose 32-bit displacement is written later.
struct Patch {
  u8* at = nullptr;  ///< the four bytes; the displacement counts from their end
};

// Operands of asmjit for emitters that use x86() directly.
inline asmjit::x86::Gp gp(bool w, HostReg r) {
  return w ? asmjit::x86::Gp(asmjit::x86::gpq(r)) : asmjit::x86::Gp(asmjit::x86::gpd(r));
}
inline asmjit::x86::Xmm xmm(u8 r) { return asmjit::x86::xmm(r); }
inline asmjit::x86::Mem mem(const HostMem& m, u32 bytes = 0) {
  using asmjit::x86::gpq, asmjit::x86::ptr;
  if (m.data != nullptr) return asmjit::x86::ptr_rel(reinterpret_cast<u64>(m.data), bytes);
  return m.index == RSP ? ptr(gpq(m.base), m.disp, bytes) : ptr(gpq(m.base), gpq(m.index), m.scale_log2, m.disp, bytes);
}

/// Writes code into memory that has two views: it is written through one and executed through the other. Addresses are
/// always those of the executable view. `w` selects 64-bit operands; 32-bit results are zero-extended.
class Asm : private asmjit::ErrorHandler {
 public:
  /// `writable` and `code` are the two views of `bytes` bytes; the cursor starts at `code`.
  Asm(u8* writable, u8* code, usize bytes) : code_(code), to_writable_(writable - code) {
    const asmjit::Error error = holder_.init(asmjit::Environment(asmjit::Arch::kX64), reinterpret_cast<u64>(code));
    CHECK(error == asmjit::kErrorOk, "asmjit: {}", asmjit::DebugUtils::errorAsString(error));
    holder_.setErrorHandler(this);
    asmjit::CodeBuffer& buffer = holder_.textSection()->buffer();
    buffer._data = writable;
    buffer._size = buffer._capacity = bytes;
    buffer._flags = asmjit::CodeBufferFlags::kIsExternal | asmjit::CodeBufferFlags::kIsFixed;
    holder_.attach(&x_);
    x_.setOffset(0);
  }
  Asm(const Asm&) = delete;
  Asm& operator=(const Asm&) = delete;

  /// Any other instruction.
  asmjit::x86::Assembler& x86() { return x_; }
  u8* here() const { return code_ + x_.offset(); }
  /// Goes on at `to`, forward or back.
  void move_to(const u8* to) { x_.setOffset(static_cast<usize>(to - code_)); }
  /// Where a byte of code can be written.
  u8* writable(u8* code) const { return code + to_writable_; }

  // Moves.
  void mov(bool w, HostReg to, HostReg from) {
    if (to != from || !w) x_.mov(gp(w, to), gp(w, from));
  }
  void mov(bool w, HostReg to, const HostMem& from) { x_.mov(gp(w, to), mem(from)); }
  void mov(bool w, const HostMem& to, HostReg from) { x_.mov(mem(to), gp(w, from)); }
  void mov_imm(HostReg to, u64 value) {
    value <= 0xffffffff ? x_.mov(gp(false, to), value) : x_.mov(gp(true, to), value);
  }
  /// The value is the last eight bytes of the instruction; returns where it is.
  u8* movabs(HostReg to, u64 value) {
    x_.movabs(gp(true, to), value);
    return here() - 8;
  }
  /// `value` is sign-extended when w.
  void mov(bool w, const HostMem& to, i32 value) { x_.mov(mem(to, w ? 8 : 4), value); }
  void mov8(const HostMem& to, HostReg from) { x_.mov(mem(to), asmjit::x86::gpb(from)); }
  void mov8(const HostMem& to, u8 value) { x_.mov(mem(to, 1), value); }
  void mov16(const HostMem& to, u16 value) { x_.mov(mem(to, 2), value); }
  void mov16(const HostMem& to, HostReg from) { x_.mov(mem(to), asmjit::x86::gpw(from)); }
  /// Loads of 1, 2, 4 or 8 bytes, zero- or sign-extended to 64 bits, or to 32 and then zero-extended when !w.
  template <class Source>
  void load_extended(HostReg to, Source from, unsigned bytes, bool sign, bool w) {
    const auto source = sized(from, bytes);
    if (bytes == 8) return void(x_.mov(gp(true, to), source));
    if (!sign) return void(bytes == 4 ? x_.mov(gp(false, to), source) : x_.movzx(gp(false, to), source));
    if (bytes < 4) return void(x_.movsx(gp(w, to), source));
    w ? x_.movsxd(gp(true, to), source) : x_.mov(gp(false, to), source);
  }
  void lea(bool w, HostReg to, const HostMem& from) { x_.lea(gp(w, to), mem(from)); }

  // Arithmetic.
  void alu(Alu what, bool w, HostReg to, HostReg from) { x_.emit(id(what), gp(w, to), gp(w, from)); }
  void alu(Alu what, bool w, HostReg to, const HostMem& from) { x_.emit(id(what), gp(w, to), mem(from)); }
  void alu(Alu what, bool w, const HostMem& to, HostReg from) { x_.emit(id(what), mem(to), gp(w, from)); }
  void alu_imm(Alu what, bool w, HostReg to, i32 value) { x_.emit(id(what), gp(w, to), value); }
  void alu_imm(Alu what, bool w, const HostMem& to, i32 value) { x_.emit(id(what), mem(to, w ? 8 : 4), value); }
  void cmp8(const HostMem& to, u8 value) { x_.cmp(mem(to, 1), value); }
  void test(bool w, HostReg a, HostReg b) { x_.test(gp(w, a), gp(w, b)); }
  void test(bool w, const HostMem& a, HostReg b) { x_.test(mem(a), gp(w, b)); }
  void test_imm(bool w, HostReg a, i32 value) { x_.test(gp(w, a), value); }
  void test_imm(bool w, const HostMem& a, i32 value) { x_.test(mem(a, w ? 8 : 4), value); }
  void not_(bool w, HostReg r) { x_.not_(gp(w, r)); }
  void neg(bool w, HostReg r) { x_.neg(gp(w, r)); }
  void imul(bool w, HostReg to, HostReg from) { x_.imul(gp(w, to), gp(w, from)); }
  void imul(bool w, HostReg to, const HostMem& from) { x_.imul(gp(w, to), mem(from)); }
  /// BMI2: `high` gets the upper half of RDX * from, without flags; `low` the lower.
  void mulx(HostReg high, HostReg low, HostReg from) { x_.mulx(gp(true, high), gp(true, low), gp(true, from)); }
  void mulx(HostReg high, HostReg low, const HostMem& from) { x_.mulx(gp(true, high), gp(true, low), mem(from)); }
  void imul_wide(HostReg by) { x_.imul(gp(true, by)); }  ///< RDX:RAX = RAX * by, signed
  void div(bool w, HostReg by) { x_.div(gp(w, by)); }
  void idiv(bool w, HostReg by) { x_.idiv(gp(w, by)); }
  void cqo(bool w) { w ? x_.cqo() : x_.cdq(); }
  void shift_imm(Shift what, bool w, HostReg r, u8 amount) { x_.emit(id(what), gp(w, r), amount); }
  void shift_cl(Shift what, bool w, HostReg r) { x_.emit(id(what), gp(w, r), asmjit::x86::cl); }
  /// BMI2: shifts by a register without touching flags.
  void shlx(bool w, HostReg to, HostReg from, HostReg by) { x_.shlx(gp(w, to), gp(w, from), gp(w, by)); }
  void shrx(bool w, HostReg to, HostReg from, HostReg by) { x_.shrx(gp(w, to), gp(w, from), gp(w, by)); }
  void sarx(bool w, HostReg to, HostReg from, HostReg by) { x_.sarx(gp(w, to), gp(w, from), gp(w, by)); }
  /// BMI2: rotates right by a constant without touching flags.
  void rorx(bool w, HostReg to, HostReg from, u8 amount) { x_.rorx(gp(w, to), gp(w, from), amount); }
  void rorx(bool w, HostReg to, const HostMem& from, u8 amount) { x_.rorx(gp(w, to), mem(from), amount); }
  void lzcnt(bool w, HostReg to, HostReg from) { x_.lzcnt(gp(w, to), gp(w, from)); }
  void bswap(bool w, HostReg r) { x_.bswap(gp(w, r)); }
  void bt_imm(bool w, HostReg r, u8 n) { x_.bt(gp(w, r), n); }
  void bt_imm(const HostMem& m, u8 n) { x_.bt(mem(m, 4), n); }
  void lahf() { x_.lahf(); }
  void sahf() { x_.sahf(); }
  void mov_ah(const HostMem& to) { x_.mov(mem(to, 1), asmjit::x86::ah); }
  void test8(const HostMem& a, u8 value) { x_.test(mem(a, 1), value); }
  void add_al(u8 value) { x_.add(asmjit::x86::al, value); }
  void stc() { x_.stc(); }
  void cmc() { x_.cmc(); }
  void setcc(Cc cc, const HostMem& to) { x_.emit(asmjit::x86::Inst::setccFromCond(cond(cc)), mem(to, 1)); }
  void setcc(Cc cc, HostReg to) { x_.emit(asmjit::x86::Inst::setccFromCond(cond(cc)), asmjit::x86::gpb(to)); }
  void cmov(Cc cc, bool w, HostReg to, HostReg from) {
    x_.emit(asmjit::x86::Inst::cmovccFromCond(cond(cc)), gp(w, to), gp(w, from));
  }
  void cmov(Cc cc, bool w, HostReg to, const HostMem& from) {
    x_.emit(asmjit::x86::Inst::cmovccFromCond(cond(cc)), gp(w, to), mem(from));
  }

  // Control flow. Jumps whose target is not known yet take their long form, aimed at themselves.
  void push(HostReg r) { x_.push(gp(true, r)); }
  void pop(HostReg r) { x_.pop(gp(true, r)); }
  void ret() { x_.ret(); }
  Patch jmp() {
    x_.long_().jmp(at(here()));
    return {here() - 4};
  }
  Patch jcc(Cc cc) {
    x_.long_().emit(asmjit::x86::Inst::jccFromCond(cond(cc)), at(here()));
    return {here() - 4};
  }
  void jmp(const u8* to) { x_.jmp(at(to)); }
  void jcc(Cc cc, const u8* to) { x_.emit(asmjit::x86::Inst::jccFromCond(cond(cc)), at(to)); }
  void call(const u8* to) { x_.call(at(to)); }
  /// A call whose target is not known yet, aimed at itself.
  Patch call() {
    x_.call(at(here()));
    return {here() - 4};
  }
  void jmp(HostReg to) { x_.jmp(gp(true, to)); }
  void jmp(const HostMem& to) { x_.jmp(mem(to, 8)); }
  void call(HostReg to) { x_.call(gp(true, to)); }
  void call(const HostMem& to) { x_.call(mem(to, 8)); }
  /// A jump of one byte's reach, bound by bind_short.
  u8* jcc_short(Cc cc) {
    jcc(cc, here());
    return here() - 1;
  }
  u8* jmp_short() {
    jmp(here());
    return here() - 1;
  }
  void bind_short(u8* at) {
    const i64 distance = here() - (at + 1);
    CHECK(distance >= 0 && distance < 128, "a short jump over {} bytes", distance);
    *writable(at) = static_cast<u8>(distance);
  }
  void bind(Patch patch) const { bind(patch, here()); }
  void bind(Patch patch, const u8* to) const {
    const i32 distance = static_cast<i32>(to - (patch.at + 4));
    std::memcpy(writable(patch.at), &distance, 4);
  }

  // Vectors: SSE2 without VEX, so that upper halves of ymm registers stay clean.
  void movdqu(Xmm to, const HostMem& from) { x_.movdqu(xmm(to), mem(from)); }
  void movdqu(const HostMem& to, Xmm from) { x_.movdqu(mem(to), xmm(from)); }
  void movq(Xmm to, const HostMem& from) { x_.movq(xmm(to), mem(from)); }
  void movd(Xmm to, const HostMem& from) { x_.movd(xmm(to), mem(from)); }
  void movd(Xmm to, HostReg from) { x_.movd(xmm(to), gp(false, from)); }
  void pxor(Xmm to, Xmm from) { x_.pxor(xmm(to), xmm(from)); }

 private:
  void handleError(asmjit::Error error, const char* message, asmjit::BaseEmitter*) override {
    CHECK(false, "asmjit: {} ({})", message, error);
  }
  static asmjit::Imm at(const u8* address) { return asmjit::imm(reinterpret_cast<u64>(address)); }
  static asmjit::x86::CondCode cond(Cc cc) { return static_cast<asmjit::x86::CondCode>(cc); }
  static asmjit::x86::Mem sized(const HostMem& m, unsigned bytes) { return mem(m, bytes); }
  static asmjit::x86::Gp sized(HostReg r, unsigned bytes) {
    return bytes == 1   ? asmjit::x86::Gp(asmjit::x86::gpb(r))
           : bytes == 2 ? asmjit::x86::Gp(asmjit::x86::gpw(r))
                        : gp(bytes == 8, r);
  }
  static asmjit::InstId id(Alu what) {
    namespace I = asmjit::x86::Inst;
    static constexpr u32 kIds[] = {I::kIdAdd, I::kIdOr,  I::kIdAdc, I::kIdSbb,
                                   I::kIdAnd, I::kIdSub, I::kIdXor, I::kIdCmp};
    return kIds[static_cast<usize>(what)];
  }
  static asmjit::InstId id(Shift what) {
    namespace I = asmjit::x86::Inst;
    static constexpr u32 kIds[] = {I::kIdRor, I::kIdShl, I::kIdShr, I::kIdSar};
    return kIds[static_cast<usize>(what)];
  }

  asmjit::CodeHolder holder_;
  asmjit::x86::Assembler x_;
  u8* code_;
  std::ptrdiff_t to_writable_;
};

}  // namespace farside::jit
