// core/jit/emit_simd_integer.cpp - integer vector functions: arithmetic, comparison, logic, multiplication, saturation.
#include "core/isa/simd/element.h"
#include "core/isa/simd/shift.h"
#include "core/jit/pure.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit {
namespace {

using namespace isa::simd;
using namespace lanes;

// Emitters; `r.size_log2` is the lane's, in long forms that of the narrow lane.

void two(PureCall& c, const PureRow& r) { c.out(c.kit.two(r.op, c.in(0), c.in(1))); }
void two_reversed(PureCall& c, const PureRow& r) { c.out(c.kit.two(r.op, c.in(1), c.in(0))); }

void halving_add(PureCall& c, const PureRow& r) {  // (a & b) + ((a ^ b) >> 1)
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1), difference = k.two(kXor, a, b);
  const u8 half = shift_right(k, r.size_log2, r.is_signed, difference, 1);
  k.release(difference);
  const u8 common = k.two(kAnd, a, b);
  k.on(kAdd[r.size_log2], common, half);
  c.out(common);
}

void rounding_halving_add(PureCall& c, const PureRow& r) {  // (a | b) - ((a ^ b) >> 1)
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1), difference = k.two(kXor, a, b);
  const u8 half = shift_right(k, r.size_log2, r.is_signed, difference, 1);
  k.release(difference);
  const u8 either = k.two(kOr, a, b);
  k.on(kSub[r.size_log2], either, half);
  c.out(either);
}

void halving_sub(PureCall& c, const PureRow& r) {  // ((a ^ b) >> 1) - (~a & b)
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1), difference = k.two(kXor, a, b);
  const u8 half = shift_right(k, r.size_log2, r.is_signed, difference, 1);
  k.release(difference);
  k.on(kSub[r.size_log2], half, k.two(kAndNot, a, b));
  c.out(half);
}

/// a > b for unsigned doublewords: as signed ones with the sign turned.
u8 greater_unsigned_64(VectorKit& k, u8 a, u8 b) {
  const u8 sign = k.splat(u64{1} << 63, 3), x = k.two(kXor, a, sign);
  k.on(kXor, sign, b);
  k.on(kGreater[3], x, sign);
  k.release(sign);
  return x;
}

u8 greater(VectorKit& k, const PureRow& r, u8 a, u8 b) {
  if (r.is_signed) return k.two(kGreater[r.size_log2], a, b);
  if (r.size_log2 == 3) return greater_unsigned_64(k, a, b);
  const u8 out = k.two(kMin[0][r.size_log2], a, b);  // a > b unless the lesser is a
  k.on(kEqual[r.size_log2], out, a);
  k.invert(out);
  return out;
}

void compare_gt(PureCall& c, const PureRow& r) { c.out(greater(c.kit, r, c.in(0), c.in(1))); }
void compare_ge(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1);
  if (!r.is_signed && r.size_log2 < 3) {
    const u8 out = k.two(kMax[0][r.size_log2], a, b);
    k.on(kEqual[r.size_log2], out, a);
    return c.out(out);
  }
  const u8 out = greater(k, r, b, a);
  k.invert(out);
  c.out(out);
}
void compare_test(PureCall& c, const PureRow& r) {
  const u8 out = c.kit.two(kAnd, c.in(0), c.in(1));
  c.kit.on(kEqual[r.size_log2], out, c.kit.zero());
  c.kit.invert(out);
  c.out(out);
}

enum class ZeroTest : u8 { Gt, Ge, Eq, Le, Lt };
void compare_zero(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), zero = k.zero();
  const auto test = static_cast<ZeroTest>(r.imm);
  u8 out = zero;
  if (test == ZeroTest::Gt || test == ZeroTest::Le) {
    out = k.two(kGreater[r.size_log2], a, zero);
  } else {
    k.on(test == ZeroTest::Eq ? kEqual[r.size_log2] : kGreater[r.size_log2], out, a);
  }
  if (test == ZeroTest::Ge || test == ZeroTest::Le) k.invert(out);
  c.out(out);
}

u8 absolute_difference(VectorKit& k, const PureRow& r, u8 a, u8 b) {
  const u8 out = k.two(kMax[r.is_signed][r.size_log2], a, b), least = k.two(kMin[r.is_signed][r.size_log2], a, b);
  k.on(kSub[r.size_log2], out, least);
  k.release(least);
  return out;
}
void abs_diff(PureCall& c, const PureRow& r) { c.out(absolute_difference(c.kit, r, c.in(0), c.in(1))); }
void abs_diff_add(PureCall& c, const PureRow& r) {
  const u8 out = absolute_difference(c.kit, r, c.in(1), c.in(2));
  c.kit.on(kAdd[r.size_log2], out, c.in(0));
  c.out(out);
}

void mul(PureCall& c, const PureRow& r) { c.out(multiply(c.kit, r.size_log2, c.in(0), c.in(1))); }
/// `r.op` joins accumulator and product.
void mul_into(PureCall& c, const PureRow& r) {
  const u8 product = multiply(c.kit, r.size_log2, c.in(1), c.in(2));
  c.out(c.kit.two(r.op, c.in(0), product));
}

void or_not(PureCall& c, const PureRow&) {
  const u8 out = c.kit.ones();
  c.kit.on(kXor, out, c.in(1));
  c.kit.on(kOr, out, c.in(0));
  c.out(out);
}
/// x ^ ((x ^ y) & mask), or & ~mask: bit by bit y where the mask is set, x where not.
u8 choose(VectorKit& k, u8 x, u8 y, u8 mask, bool inverted) {
  const u8 change = k.two(kXor, x, y);
  u8 out = change;
  if (inverted) {
    out = k.two(kAndNot, mask, change);
    k.release(change);
  } else {
    k.on(kAnd, out, mask);
  }
  k.on(kXor, out, x);
  return out;
}
void bit_select(PureCall& c, const PureRow&) { c.out(choose(c.kit, c.in(2), c.in(1), c.in(0), false)); }
void bit_insert_true(PureCall& c, const PureRow&) { c.out(choose(c.kit, c.in(0), c.in(1), c.in(2), false)); }
void bit_insert_false(PureCall& c, const PureRow&) { c.out(choose(c.kit, c.in(0), c.in(1), c.in(2), true)); }

void abs_lanes(PureCall& c, const PureRow& r) { c.out(absolute(c.kit, r.size_log2, c.in(0))); }
void negate_lanes(PureCall& c, const PureRow& r) {
  const u8 out = c.kit.zero();
  c.kit.on(kSub[r.size_log2], out, c.in(0));
  c.out(out);
}
void not_lanes(PureCall& c, const PureRow&) {
  const u8 out = c.kit.ones();
  c.kit.on(kXor, out, c.in(0));
  c.out(out);
}
void count_bits(PureCall& c, const PureRow&) {
  c.out(by_nibbles(c.kit, c.in(0), Constant::Popcount, Constant::Popcount, kAdd[0]));
}
void reverse_byte_bits(PureCall& c, const PureRow&) { c.out(reverse_bits(c.kit, c.in(0))); }
void reverse(PureCall& c, const PureRow& r) { c.out(c.kit.two(kShuffleBytes, c.in(0), static_cast<Constant>(r.imm))); }
void reverse_words(PureCall& c, const PureRow&) { c.out(c.kit.one(kShuffleWords, c.in(0), 0xb1)); }

// Long forms.

u8 widen(VectorKit& k, const PureRow& r, u8 a) { return k.one(kWiden[r.is_signed][r.size_log2], a); }
/// `r.op` on the widened operands.
void long_two(PureCall& c, const PureRow& r) {
  const u8 a = widen(c.kit, r, c.in(0)), b = widen(c.kit, r, c.in(1));
  c.kit.on(r.op, a, b);
  c.out(a);
}
void wide_two(PureCall& c, const PureRow& r) { c.out(c.kit.two(r.op, c.in(0), widen(c.kit, r, c.in(1)))); }
u8 long_difference(VectorKit& k, const PureRow& r, u8 a, u8 b) {
  const u8 x = widen(k, r, a), y = widen(k, r, b);
  k.on(kSub[r.size_log2 + 1], x, y);
  k.release(y);
  return absolute(k, r.size_log2 + 1u, x);
}
void long_abs_diff(PureCall& c, const PureRow& r) { c.out(long_difference(c.kit, r, c.in(0), c.in(1))); }
void long_abs_diff_add(PureCall& c, const PureRow& r) {
  const u8 out = long_difference(c.kit, r, c.in(1), c.in(2));
  c.kit.on(kAdd[r.size_log2 + 1], out, c.in(0));
  c.out(out);
}
void long_mul(PureCall& c, const PureRow& r) {
  c.out(multiply_long(c.kit, r.size_log2, r.is_signed, c.in(0), c.in(1)));
}
void long_mul_into(PureCall& c, const PureRow& r) {
  const u8 product = multiply_long(c.kit, r.size_log2, r.is_signed, c.in(1), c.in(2));
  c.out(c.kit.two(r.op, c.in(0), product));
}

// Between lanes.

void pairs(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const bool all = c.number(0) == 128;
  u8 a = c.in(0), b = c.in(1);
  if (!all) a = b = k.two(kZipLow[3], a, b);
  const u8 even = unzip(k, r.size_log2, 0, a, b), odd = unzip(k, r.size_log2, 1, a, b);
  k.on(r.op, even, odd);
  c.out(all ? even : k.low_64(even));
}
void pairs_long(PureCall& c, const PureRow& r) {
  const u8 out = add_pairs_long(c.kit, r.size_log2, r.is_signed, c.in(0 + 1));
  c.kit.on(kAdd[r.size_log2 + 1], out, c.in(0));
  c.out(out);
}
/// The lanes of the low `bits` bits combined into lane 0.
u8 fold_lanes(VectorKit& k, VectorOp op, unsigned size_log2, u8 a, u64 bits) {
  u8 out = k.copy(a);
  for (unsigned bytes = static_cast<unsigned>(bits) / 16; bytes >= 1u << size_log2; bytes /= 2) {
    const u8 upper = k.shift(kBytesRight, out, bytes);
    k.on(op, out, upper);
    k.release(upper);
  }
  const u8 lane = lowest(k, size_log2, out);
  k.release(out);
  return lane;
}
void across_lanes(PureCall& c, const PureRow& r) { c.out(fold_lanes(c.kit, r.op, r.size_log2, c.in(0), c.number(0))); }
void across_long(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 sums = add_pairs_long(k, r.size_log2, r.is_signed, c.in(0));
  // With one pair of 64 bits nothing is left to add.
  c.out(fold_lanes(k, kAdd[r.size_log2 + 1], r.size_log2 + 1u, sums, c.number(0)));
}
void dot_product(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const VectorOp extend = kWiden[r.is_signed][0];
  const u8 a = c.in(1), b = c.in(2);
  const u8 low = k.one(extend, a), low_b = k.one(extend, b);
  k.on(FARSIDE_VOP(P, p, maddwd), low, low_b);
  k.release(low_b);
  const u8 a_high = high_half(k, a), b_high = high_half(k, b);
  const u8 high = k.one(extend, a_high), high_b = k.one(extend, b_high);
  k.on(FARSIDE_VOP(P, p, maddwd), high, high_b);
  k.on(FARSIDE_VOP(P, p, haddd), low, high);
  k.on(kAdd[2], low, c.in(0));
  c.out(low);
}

// Saturation.

/// `r.op` saturates and `r.other` wraps.
void saturating_two(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1), out = k.two(r.op, a, b), wrapped = k.fresh();
  note_saturation(c, [&] {
    if (k.host().avx) {
      k.x86().emit(r.other.avx, xmm(wrapped), xmm(a), xmm(b));
    } else {
      k.x86().movaps(xmm(wrapped), xmm(a));
      k.x86().emit(r.other.sse, xmm(wrapped), xmm(b));
    }
    k.on(kXor, wrapped, out);
    return wrapped;
  });
  c.out(out);
}

/// SQDMULH and SQRDMULH of halfwords: only -1 times -1 overflows, and gives the most negative number.
void double_mul_high_16(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const u8 a = c.in(0), b = c.in(1);
  u8 out;
  if (r.imm != 0) {
    out = k.two(FARSIDE_VOP(P, p, mulhrsw), a, b);
  } else {
    out = k.two(FARSIDE_VOP(P, p, mulhw), a, b);
    k.on(kAdd[1], out, out);
    const u8 low = k.two(FARSIDE_VOP(P, p, mullw), a, b), top = shift_right(k, 1, false, low, 15);
    k.on(kOr, out, top);
    k.release(low);
    k.release(top);
  }
  const u8 overflowed = k.splat(0x8000, 1);
  k.on(kEqual[1], overflowed, out);
  k.on(kXor, out, overflowed);
  note_saturation(c, [&] { return overflowed; });
  c.out(out);
}

// The table.

template <class Op, class T>
constexpr PureRow row(void (*emit)(PureCall&, const PureRow&), VectorOp op = {}, VectorOp other = {}) {
  return {emit, op, other, static_cast<u8>(log2_floor(sizeof(T))), kIsSigned<T>, 0};
}
template <class T>
constexpr unsigned kSize = static_cast<unsigned>(log2_floor(sizeof(T)));

/// What every width has, for one signedness.
template <class T>
void set_common(PureTable& t) {
  t.set(&each2<CompareGt, T>, row<CompareGt, T>(&compare_gt));
  t.set(&each2<CompareGe, T>, row<CompareGe, T>(&compare_ge));
}
template <class T>
void set_unsigned(PureTable& t) {
  constexpr unsigned size = kSize<T>;
  set_common<T>(t);
  t.set(&each2<Add, T>, row<Add, T>(&two, kAdd[size]));
  t.set(&each2<Sub, T>, row<Sub, T>(&two, kSub[size]));
  t.set(&each2<CompareEq, T>, row<CompareEq, T>(&two, kEqual[size]));
  t.set(&each2<CompareTest, T>, row<CompareTest, T>(&compare_test));
  t.set(&pairwise<Add, T>, row<Add, T>(&pairs, kAdd[size]));
}
template <class T>
void set_signed(PureTable& t) {
  set_common<T>(t);
  const auto zero_test = [](ZeroTest test) {
    PureRow r = row<GtZero, T>(&compare_zero);
    r.imm = static_cast<u8>(test);
    return r;
  };
  t.set(&each1<GtZero, T>, zero_test(ZeroTest::Gt));
  t.set(&each1<GeZero, T>, zero_test(ZeroTest::Ge));
  t.set(&each1<EqZero, T>, zero_test(ZeroTest::Eq));
  t.set(&each1<LeZero, T>, zero_test(ZeroTest::Le));
  t.set(&each1<LtZero, T>, zero_test(ZeroTest::Lt));
  t.set(&each1<isa::simd::Abs, T>, row<isa::simd::Abs, T>(&abs_lanes));
  t.set(&each1<Neg, T>, row<Neg, T>(&negate_lanes));
}
/// Bytes, halfwords and words of either signedness.
template <class T>
void set_narrow(PureTable& t) {
  constexpr unsigned size = kSize<T>;
  constexpr bool is_signed = kIsSigned<T>;
  t.set(&each2<Max, T>, row<Max, T>(&two, kMax[is_signed][size]));
  t.set(&each2<Min, T>, row<Min, T>(&two, kMin[is_signed][size]));
  t.set(&pairwise<Max, T>, row<Max, T>(&pairs, kMax[is_signed][size]));
  t.set(&pairwise<Min, T>, row<Min, T>(&pairs, kMin[is_signed][size]));
  t.set(&across<Max, T>, row<Max, T>(&across_lanes, kMax[is_signed][size]));
  t.set(&across<Min, T>, row<Min, T>(&across_lanes, kMin[is_signed][size]));
  t.set(&each2<AbsDiff, T>, row<AbsDiff, T>(&abs_diff));
  t.set(&each3<AbsDiffAdd, T>, row<AbsDiffAdd, T>(&abs_diff_add));
  t.set(&each2<HalvingAdd, T>, row<HalvingAdd, T>(&halving_add));
  t.set(&each2<RoundingHalvingAdd, T>, row<RoundingHalvingAdd, T>(&rounding_halving_add));
  t.set(&each2<HalvingSub, T>, row<HalvingSub, T>(&halving_sub));
  t.set(&long2<Add, T>, row<Add, T>(&long_two, kAdd[size + 1]));
  t.set(&long2<Sub, T>, row<Sub, T>(&long_two, kSub[size + 1]));
  t.set(&wide2<Add, T>, row<Add, T>(&wide_two, kAdd[size + 1]));
  t.set(&wide2<Sub, T>, row<Sub, T>(&wide_two, kSub[size + 1]));
  t.set(&long2<AbsDiff, T>, row<AbsDiff, T>(&long_abs_diff));
  t.set(&long3<AbsDiffAdd, T>, row<AbsDiffAdd, T>(&long_abs_diff_add));
  t.set(&long2<Mul, T>, row<Mul, T>(&long_mul));
  t.set(&long3<MulAdd, T>, row<MulAdd, T>(&long_mul_into, kAdd[size + 1]));
  t.set(&long3<MulSub, T>, row<MulSub, T>(&long_mul_into, kSub[size + 1]));
  t.set(&add_long_pairs<T>, row<Add, T>(&pairs_long));
  t.set(&add_across_long<T>, row<Add, T>(&across_long));
}
template <class T>
void set_multiply(PureTable& t) {
  constexpr unsigned size = kSize<T>;
  t.set(&each2<Mul, T>, row<Mul, T>(&mul));
  t.set(&each3<MulAdd, T>, row<MulAdd, T>(&mul_into, kAdd[size]));
  t.set(&each3<MulSub, T>, row<MulSub, T>(&mul_into, kSub[size]));
  t.set(&across<Add, T>, row<Add, T>(&across_lanes, kAdd[size]));
}

void set_logic(PureTable& t) {
  t.set(&each2<And, u64>, row<And, u64>(&two, kAnd));
  t.set(&each2<Bic, u64>, row<Bic, u64>(&two_reversed, kAndNot));
  t.set(&each2<Orr, u64>, row<Orr, u64>(&two, kOr));
  t.set(&each2<Orn, u64>, row<Orn, u64>(&or_not));
  t.set(&each2<Eor, u64>, row<Eor, u64>(&two, kXor));
  t.set(&each3<BitSelect, u64>, row<BitSelect, u64>(&bit_select));
  t.set(&each3<BitInsertIfTrue, u64>, row<BitInsertIfTrue, u64>(&bit_insert_true));
  t.set(&each3<BitInsertIfFalse, u64>, row<BitInsertIfFalse, u64>(&bit_insert_false));
  t.set(&each1<isa::simd::Not, u64>, row<Neg, u64>(&not_lanes));
  t.set(&each1<CountBits, u64>, row<Neg, u64>(&count_bits));
  t.set(&each1<ReverseBits, u64>, row<Neg, u64>(&reverse_byte_bits));
  const auto order = [](Constant c) { return PureRow{.emit = &reverse, .imm = static_cast<u8>(c)}; };
  t.set(&each1<Reverse<16, u8>, u64>, order(Constant::Swap16));
  t.set(&each1<Reverse<32, u8>, u64>, order(Constant::Swap32));
  t.set(&each1<Reverse<64, u8>, u64>, order(Constant::Swap64));
  t.set(&each1<Reverse<32, u16>, u64>, order(Constant::SwapHalves32));
  t.set(&each1<Reverse<64, u16>, u64>, order(Constant::SwapHalves64));
  t.set(&each1<Reverse<64, u32>, u64>, {.emit = &reverse_words});
}

void set_saturating(PureTable& t) {
  t.set(&each2_sat<AddSat, u8>, row<Add, u8>(&saturating_two, FARSIDE_VOP(P, p, addusb), kAdd[0]));
  t.set(&each2_sat<AddSat, i8>, row<Add, i8>(&saturating_two, FARSIDE_VOP(P, p, addsb), kAdd[0]));
  t.set(&each2_sat<AddSat, u16>, row<Add, u16>(&saturating_two, FARSIDE_VOP(P, p, addusw), kAdd[1]));
  t.set(&each2_sat<AddSat, i16>, row<Add, i16>(&saturating_two, FARSIDE_VOP(P, p, addsw), kAdd[1]));
  t.set(&each2_sat<SubSat, u8>, row<Sub, u8>(&saturating_two, FARSIDE_VOP(P, p, subusb), kSub[0]));
  t.set(&each2_sat<SubSat, i8>, row<Sub, i8>(&saturating_two, FARSIDE_VOP(P, p, subsb), kSub[0]));
  t.set(&each2_sat<SubSat, u16>, row<Sub, u16>(&saturating_two, FARSIDE_VOP(P, p, subusw), kSub[1]));
  t.set(&each2_sat<SubSat, i16>, row<Sub, i16>(&saturating_two, FARSIDE_VOP(P, p, subsw), kSub[1]));
  t.set(&each2_sat<DoubleMulHigh<false>, i16>, {.emit = &double_mul_high_16, .size_log2 = 1});
  t.set(&each2_sat<DoubleMulHigh<true>, i16>, {.emit = &double_mul_high_16, .size_log2 = 1, .imm = 1});
}

}  // namespace

void register_simd_integer(PureTable& t) {
  [&]<class... T>(isa::simd::Lanes<T>...) { (set_narrow<T>(t), ...); }(
      isa::simd::Lanes<u8>{}, isa::simd::Lanes<u16>{}, isa::simd::Lanes<u32>{}, isa::simd::Lanes<i8>{},
      isa::simd::Lanes<i16>{}, isa::simd::Lanes<i32>{});
  set_unsigned<u8>(t), set_unsigned<u16>(t), set_unsigned<u32>(t), set_unsigned<u64>(t);
  set_signed<i8>(t), set_signed<i16>(t), set_signed<i32>(t), set_signed<i64>(t);
  set_multiply<u8>(t), set_multiply<u16>(t), set_multiply<u32>(t);
  t.set(&across<Add, u64>, row<Add, u64>(&across_lanes, kAdd[3]));  // ADDP (scalar)
  set_logic(t);
  set_saturating(t);
  t.set(&dot<u8>, row<Mul, u8>(&dot_product));
  t.set(&dot<i8>, row<Mul, i8>(&dot_product));
}

}  // namespace farside::jit
