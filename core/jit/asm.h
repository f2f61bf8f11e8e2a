// core/jit/asm.h - writes x86-64 instructions into memory: the forms that the translator uses, and no others.
#pragma once
#include <cstring>

#include "core/base/check.h"
#include "core/base/types.h"

namespace farside::jit {

/// Host general-purpose registers, numbered as x86 encodes them.
enum HostReg : u8 { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/// Host vector registers.
enum Xmm : u8 { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, XMM6, XMM7 };

/// x86 conditions; the low bit negates.
enum class Cc : u8 { O, NO, B, AE, E, NE, BE, A, S, NS, P, NP, L, GE, LE, G };
constexpr Cc negate(Cc cc) { return static_cast<Cc>(static_cast<u8>(cc) ^ 1); }

/// [base + index * scale + disp]; no index when `index` is RSP, as in the encoding.
struct HostMem {
  HostReg base;
  i32 disp = 0;
  HostReg index = RSP;
  u8 scale_log2 = 0;
};

/// Two-operand arithmetic, numbered as in opcodes 00+8n and /n of 81.
enum class Alu : u8 { Add, Or, Adc, Sbb, And, Sub, Xor, Cmp };
/// Shifts, numbered as in /n of C1 and D3.
enum class Shift : u8 { Rol = 0, Ror = 1, Shl = 4, Shr = 5, Sar = 7 };

/// A place whose 32-bit displacement is written later.
struct Patch {
  u8* at = nullptr;  ///< the four bytes; the displacement counts from their end
};

/// Emits at a cursor. The caller guarantees room; `w` selects 64-bit operands, otherwise results are zero-extended.
class Asm {
 public:
  explicit Asm(u8* at) : p_(at) {}
  u8* here() const { return p_; }
  void rewind(u8* to) { p_ = to; }

  // Moves.
  void mov(bool w, HostReg to, HostReg from) {
    if (to == from && w) return;
    op(w, 0x8b, to, from);
  }
  void mov(bool w, HostReg to, HostMem from) { op(w, 0x8b, to, from); }
  void mov(bool w, HostMem to, HostReg from) { op(w, 0x89, from, to); }
  void mov_imm(HostReg to, u64 value) {
    if (value <= 0xffffffff) {
      rex(false, 0, 0, to);
      byte(static_cast<u8>(0xb8 | (to & 7)));
      word32(static_cast<u32>(value));
    } else if (fits32(value)) {
      op(true, 0xc7, 0, to);
      word32(static_cast<u32>(value));
    } else {
      movabs(to, value);
    }
  }
  /// Always ten bytes, the value being the last eight; returns where it is.
  u8* movabs(HostReg to, u64 value) {
    rex(true, 0, 0, to);
    byte(static_cast<u8>(0xb8 | (to & 7)));
    std::memcpy(p_, &value, 8);
    p_ += 8;
    return p_ - 8;
  }
  /// `value` is sign-extended when w.
  void mov(bool w, HostMem to, i32 value) {
    op(w, 0xc7, 0, to);
    word32(static_cast<u32>(value));
  }
  void mov8(HostMem to, HostReg from) { op8(0x88, from, to); }
  void mov8(HostMem to, u8 value) {
    op(false, 0xc6, 0, to);
    byte(value);
  }
  void mov16(HostMem to, HostReg from) {
    byte(0x66);
    op(false, 0x89, from, to);
  }
  /// Loads of 1, 2 or 4 bytes, zero- or sign-extended to 64 bits, or to 32 and then zero-extended when !w.
  template <class Source>
  void load_extended(HostReg to, Source from, unsigned bytes, bool sign, bool w) {
    switch (bytes) {
      case 1: op8(sign ? 0x0fbe : 0x0fb6, to, from, sign && w); break;
      case 2: op(sign && w, sign ? 0x0fbf : 0x0fb7, to, from); break;
      case 4: sign&& w ? op(true, 0x63, to, from) : op(false, 0x8b, to, from); break;
      default: op(true, 0x8b, to, from); break;
    }
  }
  void lea(bool w, HostReg to, HostMem from) { op(w, 0x8d, to, from); }

  // Arithmetic.
  void alu(Alu what, bool w, HostReg to, HostReg from) { op(w, static_cast<u32>(what) * 8 + 3, to, from); }
  void alu(Alu what, bool w, HostReg to, HostMem from) { op(w, static_cast<u32>(what) * 8 + 3, to, from); }
  void alu(Alu what, bool w, HostMem to, HostReg from) { op(w, static_cast<u32>(what) * 8 + 1, from, to); }
  template <class Target>
  void alu_imm(Alu what, bool w, Target to, i32 value) {
    const bool small = value >= -128 && value < 128;
    op(w, small ? 0x83 : 0x81, static_cast<u8>(what), to);
    small ? byte(static_cast<u8>(value)) : word32(static_cast<u32>(value));
  }
  void cmp8(HostMem to, u8 value) {
    op(false, 0x80, 7, to);
    byte(value);
  }
  /// Byte operations on the low byte of a register.
  void alu8(Alu what, HostReg to, HostMem from) { op8(static_cast<u32>(what) * 8 + 2, to, from); }
  void test(bool w, HostReg a, HostReg b) { op(w, 0x85, b, a); }
  void test_imm(bool w, HostReg a, i32 value) {
    op(w, 0xf7, 0, a);
    word32(static_cast<u32>(value));
  }
  void test_imm(bool w, HostMem a, i32 value) {
    op(w, 0xf7, 0, a);
    word32(static_cast<u32>(value));
  }
  void not_(bool w, HostReg r) { op(w, 0xf7, 2, r); }
  void neg(bool w, HostReg r) { op(w, 0xf7, 3, r); }
  void imul(bool w, HostReg to, HostReg from) { op(w, 0x0faf, to, from); }
  void imul(bool w, HostReg to, HostMem from) { op(w, 0x0faf, to, from); }
  /// BMI2: `high` gets the upper half of RDX * from, without flags; `low` the lower.
  template <class Source>
  void mulx(HostReg high, HostReg low, Source from) {
    vex(0xf6, 3, 2, true, high, low, from);
  }
  void imul_wide(HostReg by) { op(true, 0xf7, 5, by); }  ///< RDX:RAX = RAX * by, signed
  void div(bool w, HostReg by) { op(w, 0xf7, 6, by); }
  void idiv(bool w, HostReg by) { op(w, 0xf7, 7, by); }
  void cqo(bool w) {
    if (w) byte(0x48);
    byte(0x99);
  }
  void shift_imm(Shift what, bool w, HostReg r, u8 amount) {
    op(w, 0xc1, static_cast<u8>(what), r);
    byte(amount);
  }
  void shift_cl(Shift what, bool w, HostReg r) { op(w, 0xd3, static_cast<u8>(what), r); }
  /// BMI2: shifts by a register without touching flags.
  template <class Source>
  void shlx(bool w, HostReg to, Source from, HostReg by) {
    vex(0xf7, 1, 2, w, to, by, from);
  }
  template <class Source>
  void shrx(bool w, HostReg to, Source from, HostReg by) {
    vex(0xf7, 3, 2, w, to, by, from);
  }
  template <class Source>
  void sarx(bool w, HostReg to, Source from, HostReg by) {
    vex(0xf7, 2, 2, w, to, by, from);
  }
  /// BMI2: rotates right by a constant without touching flags.
  template <class Source>
  void rorx(bool w, HostReg to, Source from, u8 amount) {
    vex(0xf0, 3, 3, w, to, RAX, from);
    byte(amount);
  }
  void lzcnt(bool w, HostReg to, HostReg from) {
    byte(0xf3);
    op(w, 0x0fbd, to, from);
  }
  void bswap(bool w, HostReg r) {
    rex(w, 0, 0, r);
    byte(0x0f);
    byte(static_cast<u8>(0xc8 | (r & 7)));
  }
  void bt_imm(bool w, HostReg r, u8 n) {
    op(w, 0x0fba, 4, r);
    byte(n);
  }
  void bt_imm(bool w, HostMem m, u8 n) {
    op(w, 0x0fba, 4, m);
    byte(n);
  }
  void stc() { byte(0xf9); }
  void cmc() { byte(0xf5); }
  void setcc(Cc cc, HostMem to) { op(false, 0x0f90u | static_cast<u32>(cc), 0, to); }
  void setcc(Cc cc, HostReg to) { op8(0x0f90u | static_cast<u32>(cc), 0, to, false); }
  void cmov(Cc cc, bool w, HostReg to, HostReg from) { op(w, 0x0f40u | static_cast<u32>(cc), to, from); }
  void cmov(Cc cc, bool w, HostReg to, HostMem from) { op(w, 0x0f40u | static_cast<u32>(cc), to, from); }

  // Control flow.
  void push(HostReg r) {
    rex(false, 0, 0, r);
    byte(static_cast<u8>(0x50 | (r & 7)));
  }
  void pop(HostReg r) {
    rex(false, 0, 0, r);
    byte(static_cast<u8>(0x58 | (r & 7)));
  }
  void ret() { byte(0xc3); }
  Patch jmp() {
    byte(0xe9);
    return displacement();
  }
  Patch jcc(Cc cc) {
    byte(0x0f);
    byte(static_cast<u8>(0x80 | static_cast<u8>(cc)));
    return displacement();
  }
  void jmp(const u8* to) { bind(jmp(), to); }
  void jcc(Cc cc, const u8* to) { bind(jcc(cc), to); }
  void call(const u8* to) {
    byte(0xe8);
    bind(displacement(), to);
  }
  void jmp(HostReg to) { op(false, 0xff, 4, to); }
  void jmp(HostMem to) { op(false, 0xff, 4, to); }
  void call(HostReg to) { op(false, 0xff, 2, to); }
  /// A jump of one byte's reach, bound by bind_short.
  u8* jcc_short(Cc cc) {
    byte(static_cast<u8>(0x70 | static_cast<u8>(cc)));
    byte(0);
    return p_ - 1;
  }
  u8* jmp_short() {
    byte(0xeb);
    byte(0);
    return p_ - 1;
  }
  void bind_short(u8* at) {
    const i64 distance = p_ - (at + 1);
    CHECK(distance >= 0 && distance < 128, "a short jump over {} bytes", distance);
    *at = static_cast<u8>(distance);
  }
  void bind(Patch patch) const { bind(patch, p_); }
  static void bind(Patch patch, const u8* to) {
    const i32 distance = static_cast<i32>(to - (patch.at + 4));
    std::memcpy(patch.at, &distance, 4);
  }

  // Vectors: SSE2 without VEX, so that upper halves of ymm registers stay clean.
  void movdqu(Xmm to, HostMem from) { sse(0xf3, 0x0f6f, to, from); }
  void movdqu(HostMem to, Xmm from) { sse(0xf3, 0x0f7f, from, to); }
  void movq(Xmm to, HostMem from) { sse(0xf3, 0x0f7e, to, from); }
  void movq(HostMem to, Xmm from) { sse(0x66, 0x0fd6, from, to); }
  void movd(Xmm to, HostMem from) { sse(0x66, 0x0f6e, to, from); }
  void movd(HostMem to, Xmm from) { sse(0x66, 0x0f7e, from, to); }
  /// The other two-operand forms: mandatory prefix (0: none), then 0F, 0F38 or 0F3A opcode.
  template <class Source>
  void sse(u8 prefix, u32 opcode, u8 reg, Source rm, bool w = false) {
    if (prefix != 0) byte(prefix);
    op(w, opcode, reg, rm);
  }
  void byte(u8 value) { *p_++ = value; }

 private:
  static bool fits32(u64 value) { return static_cast<u64>(static_cast<i64>(static_cast<i32>(value))) == value; }
  void word32(u32 value) {
    std::memcpy(p_, &value, 4);
    p_ += 4;
  }
  Patch displacement() {
    p_ += 4;
    return {p_ - 4};
  }
  void rex(bool w, u8 reg, u8 index, u8 base, bool force = false) {
    const u8 bits = static_cast<u8>(w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);
    if (bits != 0 || force) byte(static_cast<u8>(0x40 | bits));
  }
  void opcode_bytes(u32 opcode) {
    if (opcode > 0xffff) byte(static_cast<u8>(opcode >> 16));
    if (opcode > 0xff) byte(static_cast<u8>(opcode >> 8));
    byte(static_cast<u8>(opcode));
  }
  void op(bool w, u32 opcode, u8 reg, HostReg rm, bool byte_register = false) {
    rex(w, reg, 0, rm, byte_register);
    opcode_bytes(opcode);
    byte(static_cast<u8>(0xc0 | (reg & 7) << 3 | (rm & 7)));
  }
  void op(bool w, u32 opcode, u8 reg, Xmm rm) { op(w, opcode, reg, static_cast<HostReg>(rm)); }
  void op(bool w, u32 opcode, u8 reg, const HostMem& m, bool byte_register = false) {
    rex(w, reg, m.index, m.base, byte_register);
    opcode_bytes(opcode);
    modrm(reg, m);
  }
  /// Byte operations need REX to name SPL..DIL.
  void op8(u32 opcode, u8 reg, HostReg rm, bool w = false) { op(w, opcode, reg, rm, true); }
  void op8(u32 opcode, u8 reg, const HostMem& m, bool w = false) { op(w, opcode, reg, m, true); }
  void modrm(u8 reg, const HostMem& m) {
    const u8 field = static_cast<u8>((reg & 7) << 3);
    const bool sib = m.index != RSP || (m.base & 7) == RSP;
    const bool none = m.disp == 0 && (m.base & 7) != RBP, small = m.disp >= -128 && m.disp < 128;
    byte(static_cast<u8>((none ? 0 : small ? 0x40 : 0x80) | field | (sib ? 4 : (m.base & 7))));
    if (sib) byte(static_cast<u8>(m.scale_log2 << 6 | (m.index & 7) << 3 | (m.base & 7)));
    if (none) return;
    small ? byte(static_cast<u8>(m.disp)) : word32(static_cast<u32>(m.disp));
  }
  /// Three-byte VEX. `pp`: 0 none, 1 66, 2 F3, 3 F2; `map`: 1 0F, 2 0F38, 3 0F3A. RAX as vvvv encodes "unused".
  void vex_prefix(u8 pp, u8 map, bool w, u8 reg, u8 index, u8 base, u8 vvvv) {
    byte(0xc4);
    byte(static_cast<u8>((~reg >> 3 & 1) << 7 | (~index >> 3 & 1) << 6 | (~base >> 3 & 1) << 5 | map));
    byte(static_cast<u8>(w << 7 | (~vvvv & 15) << 3 | pp));
  }
  void vex(u8 opcode, u8 pp, u8 map, bool w, u8 reg, u8 vvvv, HostReg rm) {
    vex_prefix(pp, map, w, reg, 0, rm, vvvv);
    byte(opcode);
    byte(static_cast<u8>(0xc0 | (reg & 7) << 3 | (rm & 7)));
  }
  void vex(u8 opcode, u8 pp, u8 map, bool w, u8 reg, u8 vvvv, const HostMem& m) {
    vex_prefix(pp, map, w, reg, m.index, m.base, vvvv);
    byte(opcode);
    modrm(reg, m);
  }

  u8* p_;
};

}  // namespace farside::jit
