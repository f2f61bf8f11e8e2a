// core/isa/simd/element.h - what the integer SIMD instructions do to one element; the loops are in lanes.h.
#pragma once
#include "core/isa/simd/lanes.h"

namespace farside::isa::simd {

// Arithmetic that wraps. Operands go through Wrapping<T>, because u16 * u16 would overflow int.

template <class T>
constexpr Wrapping<T> wrapping(T v) {
  return static_cast<Wrapping<T>>(v);
}

struct Add {
  template <class T>
  static T of(T a, T b) {
    return static_cast<T>(wrapping(a) + wrapping(b));
  }
};
struct Sub {
  template <class T>
  static T of(T a, T b) {
    return static_cast<T>(wrapping(a) - wrapping(b));
  }
};
struct Mul {
  template <class T>
  static T of(T a, T b) {
    return static_cast<T>(wrapping(a) * wrapping(b));
  }
};
struct MulAdd {
  template <class T>
  static T of(T d, T a, T b) {
    return static_cast<T>(wrapping(d) + wrapping(a) * wrapping(b));
  }
};
struct MulSub {
  template <class T>
  static T of(T d, T a, T b) {
    return static_cast<T>(wrapping(d) - wrapping(a) * wrapping(b));
  }
};
struct Max {
  template <class T>
  static T of(T a, T b) {
    return a > b ? a : b;
  }
};
struct Min {
  template <class T>
  static T of(T a, T b) {
    return a < b ? a : b;
  }
};
struct AbsDiff {
  template <class T>
  static T of(T a, T b) {
    return a > b ? Sub::of(a, b) : Sub::of(b, a);
  }
};
struct AbsDiffAdd {
  template <class T>
  static T of(T d, T a, T b) {
    return Add::of(d, AbsDiff::of(a, b));
  }
};
/// ADDHN rounds its sums by half of the discarded part; T is the wide type.
template <class Op>
struct RoundHighHalf {
  template <class T>
  static T of(T a, T b) {
    return Add::of(Op::of(a, b), static_cast<T>(T{1} << (kBits<T> / 2 - 1)));
  }
};
/// The carry-save forms keep 64-bit lanes out of wider arithmetic: a + b = 2(a & b) + (a ^ b).
struct HalvingAdd {
  template <class T>
  static T of(T a, T b) {
    return static_cast<T>((a & b) + ((a ^ b) >> 1));
  }
};
struct RoundingHalvingAdd {
  template <class T>
  static T of(T a, T b) {
    return static_cast<T>((a | b) - ((a ^ b) >> 1));
  }
};
/// a - b = (a ^ b) - 2(~a & b).
struct HalvingSub {
  template <class T>
  static T of(T a, T b) {
    return Sub::of(static_cast<T>((a ^ b) >> 1), static_cast<T>(~a & b));
  }
};
struct PolyMul {
  static u8 of(u8 a, u8 b) {
    unsigned product = 0;
    for (unsigned i = 0; i < 8; ++i) product ^= (b >> i & 1) ? unsigned{a} << i : 0;
    return static_cast<u8>(product);
  }
  static u16 of(u16 a, u16 b) {  // of two bytes, zero-extended
    unsigned product = 0;
    for (unsigned i = 0; i < 8; ++i) product ^= (b >> i & 1) ? unsigned{a} << i : 0;
    return static_cast<u16>(product);
  }
};

// Comparisons: all ones for true.

template <class T>
constexpr T mask_if(bool condition) {
  return static_cast<T>(condition ? -1 : 0);
}

struct CompareGt {
  template <class T>
  static T of(T a, T b) {
    return mask_if<T>(a > b);
  }
};
struct CompareGe {
  template <class T>
  static T of(T a, T b) {
    return mask_if<T>(a >= b);
  }
};
struct CompareEq {
  template <class T>
  static T of(T a, T b) {
    return mask_if<T>(a == b);
  }
};
struct CompareTest {
  template <class T>
  static T of(T a, T b) {
    return mask_if<T>((a & b) != 0);
  }
};
struct GtZero {
  template <class T>
  static T of(T a) {
    return mask_if<T>(a > 0);
  }
};
struct GeZero {
  template <class T>
  static T of(T a) {
    return mask_if<T>(a >= 0);
  }
};
struct EqZero {
  template <class T>
  static T of(T a) {
    return mask_if<T>(a == 0);
  }
};
struct LeZero {
  template <class T>
  static T of(T a) {
    return mask_if<T>(a <= 0);
  }
};
struct LtZero {
  template <class T>
  static T of(T a) {
    return mask_if<T>(a < 0);
  }
};

// Logic, on 64-bit lanes.

struct And {
  static u64 of(u64 a, u64 b) { return a & b; }
};
struct Bic {
  static u64 of(u64 a, u64 b) { return a & ~b; }
};
struct Orr {
  static u64 of(u64 a, u64 b) { return a | b; }
};
struct Orn {
  static u64 of(u64 a, u64 b) { return a | ~b; }
};
struct Eor {
  static u64 of(u64 a, u64 b) { return a ^ b; }
};
struct BitSelect {
  static u64 of(u64 d, u64 a, u64 b) { return b ^ ((b ^ a) & d); }
};
struct BitInsertIfTrue {
  static u64 of(u64 d, u64 a, u64 b) { return d ^ ((d ^ a) & b); }
};
struct BitInsertIfFalse {
  static u64 of(u64 d, u64 a, u64 b) { return d ^ ((d ^ a) & ~b); }
};

// One operand.

struct Abs {
  template <class T>
  static T of(T a) {
    return a < 0 ? Sub::of(T{0}, a) : a;
  }
};
struct Neg {
  template <class T>
  static T of(T a) {
    return Sub::of(T{0}, a);
  }
};
struct Not {
  static u64 of(u64 a) { return ~a; }
};
struct LeadingZeros {
  template <class T>
  static T of(T a) {
    return static_cast<T>(std::countl_zero(a));
  }
};
struct LeadingSigns {
  template <class T>
  static T of(T a) {
    return static_cast<T>(std::countl_zero(static_cast<T>((a ^ (a << 1)) | 1)));
  }
};
/// CNT, eight bytes at a time.
struct CountBits {
  static u64 of(u64 a) {
    a = a - ((a >> 1) & 0x5555555555555555);
    a = (a & 0x3333333333333333) + ((a >> 2) & 0x3333333333333333);
    return (a + (a >> 4)) & 0x0f0f0f0f0f0f0f0f;
  }
};
/// RBIT of each of eight bytes.
struct ReverseBits {
  static u64 of(u64 a) {
    a = ((a >> 1) & 0x5555555555555555) | ((a & 0x5555555555555555) << 1);
    a = ((a >> 2) & 0x3333333333333333) | ((a & 0x3333333333333333) << 2);
    return ((a >> 4) & 0x0f0f0f0f0f0f0f0f) | ((a & 0x0f0f0f0f0f0f0f0f) << 4);
  }
};
/// REV16, REV32, REV64: the elements E within each container, by exchanging ever wider neighbours.
template <unsigned Container, class E>
struct Reverse {
  static u64 of(u64 a) { return exchange<kBits<E>>(a); }

 private:
  template <unsigned Width>
  static u64 exchange(u64 a) {
    if constexpr (Width == Container) {
      return a;
    } else {
      constexpr u64 lower = ~u64{0} / ((u64{1} << Width) + 1);  // the lower of each pair of neighbours
      return exchange<Width * 2>((a >> Width & lower) | (a & lower) << Width);
    }
  }
};

// Saturating arithmetic.

struct AddSat {
  template <class T>
  static T of(bool& saturated, T a, T b) {
    T sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    saturated = true;
    return a < 0 ? kMin<T> : kMax<T>;  // operands that overflow have equal signs
  }
};
struct SubSat {
  template <class T>
  static T of(bool& saturated, T a, T b) {
    T difference;
    if (!__builtin_sub_overflow(a, b, &difference)) return difference;
    saturated = true;
    if (!kIsSigned<T>) return 0;
    return a < 0 ? kMin<T> : kMax<T>;
  }
};
/// SUQADD: signed d plus unsigned a; USQADD: unsigned d plus signed a. T is d's type.
struct AddMixedSat {
  template <class T>
  static T of(bool& saturated, T d, T a) {
    using Other = IntegerOf<sizeof(T), !kIsSigned<T>>;
    return saturate<T>(saturated, static_cast<WideSigned<T>>(d) + static_cast<WideSigned<T>>(static_cast<Other>(a)));
  }
};
struct AbsSat {
  template <class T>
  static T of(bool& saturated, T a) {
    return a < 0 ? SubSat::of(saturated, T{0}, a) : a;
  }
};
struct NegSat {
  template <class T>
  static T of(bool& saturated, T a) {
    return SubSat::of(saturated, T{0}, a);
  }
};
/// SQDMULH and SQRDMULH; T is i16 or i32.
template <bool Round>
struct DoubleMulHigh {
  template <class T>
  static T of(bool& saturated, T a, T b) {
    const i64 product = static_cast<i64>(a) * b;  // doubled and shifted by the width: shifted by one less
    const i64 rounding = Round ? i64{1} << (kBits<T> - 2) : 0;
    return saturate<T>(saturated, (product + rounding) >> (kBits<T> - 1));
  }
};
/// SQRDMLAH and SQRDMLSH: one saturation, after the accumulator has joined at full precision.
template <bool Subtract>
struct DoubleMulHighAccumulate {
  template <class T>
  static T of(bool& saturated, T d, T a, T b) {
    const i64 product = static_cast<i64>(a) * b;
    const i64 scaled = static_cast<i64>(d) * (i64{1} << (kBits<T> - 1));
    const i64 sum = Subtract ? scaled - product : scaled + product;
    return saturate<T>(saturated, (sum + (i64{1} << (kBits<T> - 2))) >> (kBits<T> - 1));
  }
};
/// SQDMULL; the result has twice the width.
struct DoubleMulLong {
  template <class T>
  static Wide<T> of(bool& saturated, T a, T b) {
    const Wide<T> product = static_cast<Wide<T>>(static_cast<Wide<T>>(a) * b);
    return AddSat::of(saturated, product, product);
  }
};
/// SQDMLAL and SQDMLSL: both steps saturate.
template <class Op>
struct DoubleMulLongAccumulate {
  template <class T>
  static Wide<T> of(bool& saturated, Wide<T> d, T a, T b) {
    return Op::of(saturated, d, DoubleMulLong::of(saturated, a, b));
  }
};

}  // namespace farside::isa::simd
