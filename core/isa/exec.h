// core/isa/exec.h - the Executor concept: what a semantic function may ask of the engine that runs it.
//
// Semantics are templates over an executor X. The interpreter's executor computes values; a translating executor emits
// code for them. Hence the rules: decode-time values (Imm, RegNo) may steer C++ `if` and loops; run-time values
// (X::Val, X::Cond, X::Vec) only flow through X's operations; memory is touched only through load and store; whatever
// has no operation of its own is a pure function handed to `call` (values only) or `call_fp` (values and FPCR/FPSR).
//
// Widths: `sf` is true for 64-bit operations. Every 32-bit operation takes and returns zero-extended values.
#pragma once
#include <concepts>

#include "core/arch/pac_key.h"
#include "core/arch/vec.h"
#include "core/isa/imm.h"

namespace farside::isa {

/// A value, or "an exception is pending": TRY(outcome) returns Flow::Raise to the engine.
template <class T>
struct Outcome {
  T v{};
  bool good = true;
  constexpr bool ok() const { return good; }
  constexpr T& value() { return v; }
  constexpr Flow error() const { return Flow::Raise; }
  static constexpr Outcome raised() { return {T{}, false}; }
};
struct Nothing {};

/// Two registers' worth of data from one access.
template <class T>
struct Pair {
  T first{}, second{};
};

/// Up to 64 bytes that one structure access moves, in memory order.
struct Block {
  alignas(16) u8 bytes[64] = {};
};

/// How an access is made, beyond address and size.
struct Mem {
  bool unprivileged = false;     ///< LDTR, STTR family
  bool acquire_release = false;  ///< LDAR, STLR and LSE ordering; also alignment rules without FEAT_LSE2
  u8 element = 0;                ///< bytes that alignment checks look at (LD1: one element); 0: the whole access
  // The rest is ESR's ISV group; only single-register forms without writeback set it.
  bool isv = false;
  bool sse = false;
  bool sf = false;
  u8 srt = 0;

  static constexpr Mem plain() { return {}; }
  /// A single-register load or store of Rt without writeback.
  static constexpr Mem reg(RegNo rt, bool sf, bool sign_extend = false) {
    return {.isv = true, .sse = sign_extend, .sf = sf, .srt = static_cast<u8>(rt.raw)};
  }
  constexpr Mem as_unprivileged() const {
    Mem copy = *this;
    copy.unprivileged = true;
    return copy;
  }
  constexpr Mem ordered() const {
    Mem copy = *this;
    copy.acquire_release = true;
    return copy;
  }
};

/// Read-modify-write operations of FEAT_LSE.
enum class AtomicOp : u8 { Add, Clr, Eor, Set, Smax, Smin, Umax, Umin, Swp };

/// What an executor with modelled caches may want to know of: `barrier(BarrierKind)` is optional.
enum class BarrierKind : u8 { Dmb, Dsb, Isb };

/// Condition codes of A64, encoded as in the instruction.
enum class CondCode : u8 { EQ, NE, CS, CC, MI, PL, VS, VC, HI, LS, GE, LT, GT, LE, AL, NV };

/// The operations by which an executor is recognised; the list below in full is documentation that compiles.
template <class X>
concept Executor = requires(X x, typename X::Val v, typename X::Cond c, typename X::Vec q, RegNo r, bool sf, u64 k,
                            unsigned n, Mem m) {
  // Registers. reg reads 31 as zero, reg_sp as SP; set_reg drops writes to 31. Values are zero-extended when !sf.
  { x.reg(r, sf) } -> std::same_as<typename X::Val>;
  { x.reg_sp(r, sf) } -> std::same_as<typename X::Val>;
  x.set_reg(r, sf, v);
  x.set_reg_sp(r, sf, v);
  { x.vec(r) } -> std::same_as<typename X::Vec>;
  x.set_vec(r, q);
  { x.pc() } -> std::same_as<typename X::Val>;
  { x.imm(k) } -> std::same_as<typename X::Val>;
  { x.fixed_pc() } -> std::same_as<u64>;  // decode-time
  { x.guarded_page() } -> std::same_as<bool>;
  // Arithmetic and logic; results are truncated to 32 bits when !sf.
  x.add(v, v, sf), x.sub(v, v, sf), x.mul(v, v, sf), x.umulh(v, v), x.smulh(v, v), x.udiv(v, v, sf), x.sdiv(v, v, sf);
  x.and_(v, v), x.orr(v, v), x.eor(v, v), x.not_(v, sf);
  x.lsl(v, v, sf), x.lsr(v, v, sf), x.asr(v, v, sf), x.ror(v, v, sf);  // amounts modulo the width
  x.clz(v, sf), x.cls(v, sf), x.rbit(v, sf);
  x.sext(v, n), x.zext(v, n);  // from n bits to 64
  // Flags. add_flags and sub_flags return the result and set NZCV; carry-in forms use PSTATE.C.
  x.add_flags(v, v, sf), x.sub_flags(v, v, sf), x.adc(v, v, sf), x.sbc(v, v, sf), x.adc_flags(v, v, sf),
      x.sbc_flags(v, v, sf);
  x.logic_flags(v, sf);  // N and Z from v, C = V = 0
  x.nzcv(), x.set_nzcv(v);
  { x.cond(CondCode::EQ) } -> std::same_as<typename X::Cond>;
  x.is_zero(v, sf), x.test_bit(v, n);
  x.select(c, v, v);
  // FEAT_PAuth: outcomes, because they may trap.
  x.add_pac(v, v, PacKey::IA), x.auth_pac(v, v, PacKey::IA), x.generic_pac(v, v), x.strip_pac(v, true);
  // Control flow.
  { x.jump(v) } -> std::same_as<Flow>;
  { x.branch_if(c, k) } -> std::same_as<Flow>;
  { x.undefined() } -> std::same_as<Flow>;
  // Memory. base checks SP alignment when the register is 31.
  x.base(r), x.load(v, n, m), x.store(v, n, v, m), x.load_vec(v, n, m), x.store_vec(v, n, q, m);
  // Structures: n bytes, all or nothing, checked for alignment by element.
  x.load_block(v, n, n), x.store_block(v, n, n, Block{});
};

}  // namespace farside::isa
