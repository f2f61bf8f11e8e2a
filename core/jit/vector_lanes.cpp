// core/jit/vector_lanes.cpp - lane arithmetic out of the widths that x86 has.
#include "core/jit/vector_lanes.h"

#include "core/base/bits.h"

namespace farside::jit::lanes {
namespace {

constexpr VectorOp kLeft[4] = {{}, FARSIDE_VOP(P, p, sllw), FARSIDE_VOP(P, p, slld), FARSIDE_VOP(P, p, sllq)};
constexpr VectorOp kRight[4] = {{}, FARSIDE_VOP(P, p, srlw), FARSIDE_VOP(P, p, srld), FARSIDE_VOP(P, p, srlq)};
constexpr VectorOp kRightSigned[3] = {{}, FARSIDE_VOP(P, p, sraw), FARSIDE_VOP(P, p, srad)};

/// The lanes of `a`, whose bits from `sign_bit` up are zero, get that bit's copies in them: (a ^ m) - m.
u8 extend_sign(VectorKit& k, unsigned size_log2, u8 a, unsigned sign_bit) {
  const u8 m = k.splat(u64{1} << sign_bit, size_log2);
  k.on(kXor, a, m);
  k.on(kSub[size_log2], a, m);
  k.release(m);
  return a;
}

}  // namespace

u8 shift_left(VectorKit& k, unsigned size_log2, u8 a, unsigned by) {
  if (by >= width(size_log2)) return k.zero();
  if (by == 0) return k.copy(a);
  if (size_log2 != 0) return k.shift(kLeft[size_log2], a, by);
  const u8 out = k.shift(kLeft[1], a, by), mask = k.splat(u64{0xff} << by & 0xff, 0);
  k.on(kAnd, out, mask);
  k.release(mask);
  return out;
}

u8 shift_right(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, unsigned by) {
  const unsigned bits = width(size_log2);
  if (by == 0) return k.copy(a);
  if (by >= bits && !is_signed) return k.zero();
  if (by >= bits) by = bits - 1;
  if (is_signed && (size_log2 == 1 || size_log2 == 2)) return k.shift(kRightSigned[size_log2], a, by);
  u8 out = k.shift(kRight[size_log2 == 0 ? 1 : size_log2], a, by);
  if (size_log2 == 0) {
    const u8 mask = k.splat(0xff >> by, 0);
    k.on(kAnd, out, mask);
    k.release(mask);
  }
  return is_signed ? extend_sign(k, size_log2, out, bits - 1 - by) : out;
}

u8 shift_right_round(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, unsigned by) {
  const u8 last = shift_right(k, size_log2, is_signed, a, by - 1), one = k.splat(1, size_log2);
  k.on(kAnd, last, one);
  k.release(one);
  const u8 out = shift_right(k, size_log2, is_signed, a, by);
  k.on(kAdd[size_log2], out, last);
  k.release(last);
  return out;
}

u8 multiply(VectorKit& k, unsigned size_log2, u8 a, u8 b) {
  if (size_log2 == 1) return k.two(FARSIDE_VOP(P, p, mullw), a, b);
  if (size_log2 == 2) return k.two(FARSIDE_VOP(P, p, mulld), a, b);
  // Bytes: the odd ones from products of halfwords' upper bytes.
  const u8 odd = k.shift(kRight[1], a, 8), b_odd = k.shift(kRight[1], b, 8);
  k.on(FARSIDE_VOP(P, p, mullw), odd, b_odd);
  k.release(b_odd);
  k.shift_on(kLeft[1], odd, 8);
  const u8 even = k.two(FARSIDE_VOP(P, p, mullw), a, b);
  k.shift_on(kLeft[1], even, 8);
  k.shift_on(kRight[1], even, 8);
  k.on(kOr, even, odd);
  k.release(odd);
  return even;
}

u8 multiply_long(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, u8 b) {
  if (size_log2 == 0) {
    const u8 x = k.one(kWiden[is_signed][0], a), y = k.one(kWiden[is_signed][0], b);
    k.on(FARSIDE_VOP(P, p, mullw), x, y);
    k.release(y);
    return x;
  }
  if (size_log2 == 1) {
    const u8 low = k.two(FARSIDE_VOP(P, p, mullw), a, b);
    const u8 high = k.two(is_signed ? FARSIDE_VOP(P, p, mulhw) : FARSIDE_VOP(P, p, mulhuw), a, b);
    k.on(kZipLow[1], low, high);
    k.release(high);
    return low;
  }
  const u8 x = k.one(kShuffleWords, a, 0x50), y = k.one(kShuffleWords, b, 0x50);
  k.on(is_signed ? FARSIDE_VOP(P, p, muldq) : FARSIDE_VOP(P, p, muludq), x, y);
  k.release(y);
  return x;
}

u8 absolute(VectorKit& k, unsigned size_log2, u8 a) {
  static constexpr VectorOp kAbs[3] = {FARSIDE_VOP(P, p, absb), FARSIDE_VOP(P, p, absw), FARSIDE_VOP(P, p, absd)};
  if (size_log2 < 3) return k.one(kAbs[size_log2], a);
  const u8 negative = k.zero();
  k.on(kGreater[3], negative, a);
  const u8 out = k.two(kXor, a, negative);
  k.on(kSub[3], out, negative);
  k.release(negative);
  return out;
}

u8 add_pairs_long(VectorKit& k, unsigned size_log2, bool is_signed, u8 a) {
  if (size_log2 == 0) {
    const u8 one = k.splat(1, 0);  // PMADDUBSW takes its first operand as unsigned
    const u8 out = is_signed ? k.two(FARSIDE_VOP(P, p, maddubsw), one, a) : k.two(FARSIDE_VOP(P, p, maddubsw), a, one);
    k.release(one);
    return out;
  }
  if (size_log2 == 1 && is_signed) {
    const u8 one = k.splat(1, 1), out = k.two(FARSIDE_VOP(P, p, maddwd), a, one);
    k.release(one);
    return out;
  }
  const unsigned bits = width(size_log2), wide = size_log2 + 1;
  const u8 even = shift_left(k, wide, a, bits);
  const u8 low = shift_right(k, wide, is_signed, even, bits), high = shift_right(k, wide, is_signed, a, bits);
  k.release(even);
  k.on(kAdd[wide], low, high);
  k.release(high);
  return low;
}

u8 unzip(VectorKit& k, unsigned size_log2, unsigned part, u8 a, u8 b) {
  if (size_log2 == 3) return k.two(part == 0 ? kZipLow[3] : kZipHigh[3], a, b);
  if (size_log2 == 2) return k.two(FARSIDE_VOP(S, s, hufps), a, b, part == 0 ? 0x88 : 0xdd);
  const Constant order = size_log2 == 0 ? Constant::EvenBytes : Constant::EvenHalves;
  const u8 x = k.two(kShuffleBytes, a, order), y = k.two(kShuffleBytes, b, order);
  k.on(part == 0 ? kZipLow[3] : kZipHigh[3], x, y);
  k.release(y);
  return x;
}

u8 narrow(VectorKit& k, unsigned size_log2, u8 a) {
  const u8 x = size_log2 == 2   ? k.one(kShuffleWords, a, 0x08)
               : size_log2 == 1 ? k.two(kShuffleBytes, a, Constant::EvenHalves)
                                : k.two(kShuffleBytes, a, Constant::EvenBytes);
  const u8 out = k.low_64(x);
  k.release(x);
  return out;
}

u8 spread_lowest(VectorKit& k, unsigned size_log2, u8 a) {
  static constexpr u32 kBroadcast[4] = {asmjit::x86::Inst::kIdVpbroadcastb, asmjit::x86::Inst::kIdVpbroadcastw,
                                        asmjit::x86::Inst::kIdVpbroadcastd, asmjit::x86::Inst::kIdVpbroadcastq};
  if (k.host().avx2) {
    const u8 to = k.fresh();
    k.x86().emit(kBroadcast[size_log2], xmm(to), xmm(a));
    return to;
  }
  if (size_log2 == 3) return k.two(kZipLow[3], a, a);
  if (size_log2 == 2) return k.one(kShuffleWords, a, 0);
  if (size_log2 == 0) return k.two(kShuffleBytes, a, k.zero());
  const u8 to = k.one(FARSIDE_VOP(P, p, shuflw), a, 0);
  k.on(kZipLow[3], to, to);
  return to;
}

u8 by_nibbles(VectorKit& k, u8 a, Constant lower, Constant upper, VectorOp op) {
  const u8 low = k.two(kAnd, a, Constant::Bytes), high = shift_right(k, 1, false, a, 4);
  k.on(kAnd, high, Constant::Bytes);
  const u8 out = k.constant(lower), other = k.constant(upper);
  k.on(kShuffleBytes, out, low);
  k.on(kShuffleBytes, other, high);
  k.on(op, out, other);
  return out;
}

u8 reverse_bits(VectorKit& k, u8 a) { return by_nibbles(k, a, Constant::ReverseHigh, Constant::ReverseLow, kOr); }

u8 lowest(VectorKit& k, unsigned size_log2, u8 a) {
  if (size_log2 == 3) return k.low_64(a);
  if (size_log2 == 2) return k.low_32(a);
  const unsigned unused = 16 - (1u << size_log2);
  const u8 out = k.shift(kBytesLeft, a, unused);
  k.shift_on(kBytesRight, out, unused);
  return out;
}

}  // namespace farside::jit::lanes
