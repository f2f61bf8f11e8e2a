// core/jit/vector_lanes.h - lane arithmetic that x86 has for some widths only, for the emitters of vector functions.
#pragma once
#include "core/jit/vector_kit.h"

namespace farside::jit::lanes {

// One instruction per lane width, 2^size_log2 bytes.
inline constexpr VectorOp kAdd[4] = {FARSIDE_VOP(P, p, addb), FARSIDE_VOP(P, p, addw), FARSIDE_VOP(P, p, addd),
                                     FARSIDE_VOP(P, p, addq)};
inline constexpr VectorOp kSub[4] = {FARSIDE_VOP(P, p, subb), FARSIDE_VOP(P, p, subw), FARSIDE_VOP(P, p, subd),
                                     FARSIDE_VOP(P, p, subq)};
inline constexpr VectorOp kEqual[4] = {FARSIDE_VOP(P, p, cmpeqb), FARSIDE_VOP(P, p, cmpeqw), FARSIDE_VOP(P, p, cmpeqd),
                                       FARSIDE_VOP(P, p, cmpeqq)};
inline constexpr VectorOp kGreater[4] = {FARSIDE_VOP(P, p, cmpgtb), FARSIDE_VOP(P, p, cmpgtw),
                                         FARSIDE_VOP(P, p, cmpgtd), FARSIDE_VOP(P, p, cmpgtq)};
/// [signed][size]
inline constexpr VectorOp kMax[2][3] = {{FARSIDE_VOP(P, p, maxub), FARSIDE_VOP(P, p, maxuw), FARSIDE_VOP(P, p, maxud)},
                                        {FARSIDE_VOP(P, p, maxsb), FARSIDE_VOP(P, p, maxsw), FARSIDE_VOP(P, p, maxsd)}};
inline constexpr VectorOp kMin[2][3] = {{FARSIDE_VOP(P, p, minub), FARSIDE_VOP(P, p, minuw), FARSIDE_VOP(P, p, minud)},
                                        {FARSIDE_VOP(P, p, minsb), FARSIDE_VOP(P, p, minsw), FARSIDE_VOP(P, p, minsd)}};
inline constexpr VectorOp kWiden[2][3] = {
    {FARSIDE_VOP(P, p, movzxbw), FARSIDE_VOP(P, p, movzxwd), FARSIDE_VOP(P, p, movzxdq)},
    {FARSIDE_VOP(P, p, movsxbw), FARSIDE_VOP(P, p, movsxwd), FARSIDE_VOP(P, p, movsxdq)}};
inline constexpr VectorOp kZipLow[4] = {FARSIDE_VOP(P, p, unpcklbw), FARSIDE_VOP(P, p, unpcklwd),
                                        FARSIDE_VOP(P, p, unpckldq), FARSIDE_VOP(P, p, unpcklqdq)};
inline constexpr VectorOp kZipHigh[4] = {FARSIDE_VOP(P, p, unpckhbw), FARSIDE_VOP(P, p, unpckhwd),
                                         FARSIDE_VOP(P, p, unpckhdq), FARSIDE_VOP(P, p, unpckhqdq)};
inline constexpr VectorOp kAnd = FARSIDE_VOP(P, p, and), kAndNot = FARSIDE_VOP(P, p, andn), kOr = FARSIDE_VOP(P, p, or),
                          kXor = FARSIDE_VOP(P, p, xor), kShuffleBytes = FARSIDE_VOP(P, p, shufb),
                          kShuffleWords = FARSIDE_VOP(P, p, shufd), kBytesLeft = FARSIDE_VOP(P, p, slldq),
                          kBytesRight = FARSIDE_VOP(P, p, srldq);

constexpr unsigned width(unsigned size_log2) { return 8u << size_log2; }

/// All return a register of their own.
u8 shift_left(VectorKit& k, unsigned size_log2, u8 a, unsigned by);
/// `by` may be the whole width.
u8 shift_right(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, unsigned by);
/// Rounds to nearest, ties upwards; `by` is at least 1.
u8 shift_right_round(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, unsigned by);
/// The low half of the product: sizes 0 to 2.
u8 multiply(VectorKit& k, unsigned size_log2, u8 a, u8 b);
/// Products of the low halves' lanes, twice as wide.
u8 multiply_long(VectorKit& k, unsigned size_log2, bool is_signed, u8 a, u8 b);
u8 absolute(VectorKit& k, unsigned size_log2, u8 a);
/// Neighbours added, signed or not, into lanes of twice the width.
u8 add_pairs_long(VectorKit& k, unsigned size_log2, bool is_signed, u8 a);
/// Lanes whose number has parity `part`, first those of a, then those of b.
u8 unzip(VectorKit& k, unsigned size_log2, unsigned part, u8 a, u8 b);
/// The low half of each lane of 2^(size_log2 + 1) bytes, in the low 64 bits, zero above.
u8 narrow(VectorKit& k, unsigned size_log2, u8 a);
/// Lane 0 in every lane.
u8 spread_lowest(VectorKit& k, unsigned size_log2, u8 a);
/// Lane 0, zero above.
u8 lowest(VectorKit& k, unsigned size_log2, u8 a);
/// The same, in `a` itself where there is nothing above already.
inline u8 only_lowest(VectorKit& k, unsigned size_log2, u8 a) {
  return k.zero_from(a) <= 1u << size_log2 ? a : lowest(k, size_log2, a);
}
/// The bits of each byte in opposite order.
u8 reverse_bits(VectorKit& k, u8 a);
/// Two tables of 16 entries, for the lower and the upper half of each byte; `op` joins what they say.
u8 by_nibbles(VectorKit& k, u8 a, Constant lower, Constant upper, VectorOp op);
/// The upper 64 bits, zero above.
inline u8 high_half(VectorKit& k, u8 a) { return k.shift(kBytesRight, a, 8); }

}  // namespace farside::jit::lanes
