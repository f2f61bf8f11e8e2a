// core/jit/vector_kit.h - host vector registers while a block is emitted, and the instructions that work on them.
//
// Guest SIMD&FP registers live in memory and every result is stored there at once, so that memory is always true: code
// that leaves a block or calls the interpreter has nothing to save. Host registers only remember, until the block ends,
// what memory holds. Instructions come in two encodings, of which the host decides: with AVX three operands, else two.
#pragma once
#include <algorithm>
#include <array>

#include "core/jit/host_features.h"
#include "core/jit/layout.h"

namespace farside::jit {

/// One instruction in its two encodings, by asmjit's identifiers.
struct VectorOp {
  u32 sse = 0, avx = 0;
};
/// FARSIDE_VOP(P, p, addb) is PADDB and VPADDB.
#define FARSIDE_VOP(upper, lower, rest) \
  ::farside::jit::VectorOp { asmjit::x86::Inst::kId##upper##rest, asmjit::x86::Inst::kIdV##lower##rest }

/// 16-byte constants that lie near the code.
enum class Constant : u8 {
  Abs32,  ///< all but the sign of each single
  Abs64,
  Sign32,
  Sign64,
  Least32,  ///< the least normal number
  Least64,
  OnesHigh32,  ///< 1.0 in the upper half's lanes, zero below
  Limit32,     ///< 2^63
  Limit64,
  Bytes,        ///< 0x0f in each byte
  Popcount,     ///< bits set in 0..15
  ReverseLow,   ///< 0..15 with their four bits reversed
  ReverseHigh,  ///< the same, shifted left by four
  Swap16,       ///< byte orders for PSHUFB: within halfwords, words and doublewords
  Swap32,
  Swap64,
  SwapHalves32,  ///< halfwords within words
  SwapHalves64,
  EvenBytes,  ///< the even bytes, then the odd ones
  EvenHalves,
  Count
};
const std::array<Vec, static_cast<usize>(Constant::Count)>& vector_constants();

/// Allocates host registers and emits. Registers are numbers 0..15; those made by an operation belong to the
/// instruction in hand and are free again when it ends.
class VectorKit {
 public:
  /// What a host register remembers: a guest register, or kNothing.
  using Map = std::array<i8, 16>;
  static constexpr i8 kNothing = -1;

  VectorKit(Asm& a, const HostFeatures& host, const u8* constants) : a_(a), host_(host), constants_(constants) {
    forget();
  }
  const HostFeatures& host() const { return host_; }
  Asm& code() { return a_; }
  asmjit::x86::Assembler& x86() { return a_.x86(); }
  /// True once more registers were asked for than there are.
  bool exhausted() const { return exhausted_; }

  // Guest registers.
  void forget() { holds_.fill(kNothing); }
  void begin_instruction() {
    pinned_ = 0;
    exhausted_ = false;
    before_ = holds_;
    zero_from_before_ = zero_from_;
  }
  /// Back to what begin_instruction found: its code is dropped.
  void drop_instruction() {
    holds_ = before_;
    zero_from_ = zero_from_before_;
  }
  const Map& map() const { return holds_; }
  /// Loads what `map` says again: the interpreter has changed host registers and perhaps guest ones.
  void reload(const Map& map);
  bool cached(unsigned guest) const;
  /// A register with V<guest>, to be read only.
  u8 guest(unsigned guest);
  /// V<guest> becomes the value of `r`, which must not be changed any more.
  void set_guest(unsigned guest, u8 r);
  /// V<guest> has been stored to memory by other means.
  void forget_guest(unsigned guest);

  // Allocation.
  u8 fresh();
  /// Register `r` itself, for instructions that name it; false if the instruction in hand uses it already.
  bool take(u8 r) {
    if ((pinned_ >> r & 1) != 0) return false;
    holds_[r] = kNothing;
    zero_from_[r] = 16;
    pinned_ |= static_cast<u16>(1u << r);
    return true;
  }
  void release(u8 r) {
    if (holds_[r] == kNothing) pinned_ &= static_cast<u16>(~(1u << r));
  }

  /// The bytes of `r` from this one on are known to be zero.
  unsigned zero_from(u8 r) const { return zero_from_[r]; }
  /// The lowest `bytes` bytes of `r` have been changed by an instruction that was emitted by other means.
  void changed(u8 r, unsigned bytes = 16) { zero_from_[r] = std::max(zero_from_[r], static_cast<u8>(bytes)); }

  /// The caller knows that the bytes of `r` from `from` on are zero.
  u8 known_zero(u8 r, unsigned from) {
    zero_from_[r] = static_cast<u8>(from);
    return r;
  }

  // Operations into a register of their own.
  u8 two(VectorOp op, u8 a, u8 b);
  u8 two(VectorOp op, u8 a, Constant b);
  /// An instruction that works on the lowest 2^size_log2 bytes: what lies above them comes from `a`.
  u8 scalar(VectorOp op, unsigned size_log2, u8 a, u8 b);
  u8 scalar(VectorOp op, unsigned size_log2, u8 a, u8 b, unsigned imm);
  /// With a constant operand: shifts.
  u8 shift(VectorOp op, u8 a, unsigned amount);
  /// One source, no destination operand: PMOVSX, PABS; with a constant: PSHUFD, ROUNDPD.
  u8 one(VectorOp op, u8 a);
  u8 one(VectorOp op, u8 a, unsigned imm);
  /// Two sources and a constant: PALIGNR, SHUFPS, CMPPS, PBLENDW.
  u8 two(VectorOp op, u8 a, u8 b, unsigned imm);
  u8 copy(u8 a);
  u8 zero();
  u8 ones();
  u8 constant(Constant c);
  /// The low 64 bits, zero above.
  u8 low_64(u8 a);
  /// The low 32 bits, zero above.
  u8 low_32(u8 a);
  /// A general register in the lowest 64 or 32 bits, zero above.
  u8 from_general(HostReg r, bool wide);
  /// `value` in every lane of 2^size_log2 bytes.
  u8 splat(u64 value, unsigned size_log2);
  u8 from_halves(u64 lo, u64 hi);
  u8 load(const HostMem& m);
  /// 8 or 4 bytes, zero above.
  u8 load_64(const HostMem& m);
  u8 load_32(const HostMem& m);
  void store(const HostMem& m, u8 r);

  // Operations on a register that belongs to the caller.
  void on(VectorOp op, u8 to, u8 b);
  void on(VectorOp op, u8 to, Constant b);
  void shift_on(VectorOp op, u8 to, unsigned amount);
  void invert(u8 to) { on(FARSIDE_VOP(P, p, xor), to, ones()); }
  /// ZF is set if all bits of `r` are zero.
  void test_zero(u8 r);

  asmjit::x86::Mem address(Constant c, u32 bytes = 16) const {
    return asmjit::x86::ptr(reinterpret_cast<u64>(constants_) + static_cast<u64>(c) * 16, bytes);
  }

 private:
  Asm& a_;
  const HostFeatures& host_;
  const u8* constants_;
  Map holds_{}, before_{};
  std::array<u8, 16> zero_from_{}, zero_from_before_{};
  std::array<u32, 16> used_{};  ///< when, for the choice of a register to give up
  u32 clock_ = 0;
  u16 pinned_ = 0;  ///< in use by the instruction in hand
  bool exhausted_ = false;
};

}  // namespace farside::jit
