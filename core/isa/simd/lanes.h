// core/isa/simd/lanes.h - applying an element operation to every lane of a Vec: the loops behind the SIMD semantics.
//
// An element operation is a type with a static template member `of`: `of(a, b)` for one that only computes,
// `of(saturated, a, b)` for one that may set FPSR.QC. The loops have constant trip counts, so the host compiler turns
// them into its own vector instructions. All functions are pure; those that take FpEnv touch nothing but FPSR.QC.
#pragma once
#include <bit>

#include "core/arch/fp_env.h"
#include "core/arch/vec.h"
#include "core/base/bits.h"

namespace farside::isa::simd {

/// A Vec as an array of T.
template <class T>
struct Lanes {
  static constexpr unsigned count = 16 / sizeof(T);
  T at[count];
  constexpr T& operator[](unsigned i) { return at[i]; }
  constexpr const T& operator[](unsigned i) const { return at[i]; }
};

template <class T>
inline Lanes<T> split(const Vec& v) {
  return std::bit_cast<Lanes<T>>(v);
}
template <class T>
inline Vec join(const Lanes<T>& lanes) {
  return std::bit_cast<Vec>(lanes);
}

namespace detail {
template <unsigned Bytes, bool Signed>
struct Integer;
template <>
struct Integer<1, false> {
  using Type = u8;
};
template <>
struct Integer<1, true> {
  using Type = i8;
};
template <>
struct Integer<2, false> {
  using Type = u16;
};
template <>
struct Integer<2, true> {
  using Type = i16;
};
template <>
struct Integer<4, false> {
  using Type = u32;
};
template <>
struct Integer<4, true> {
  using Type = i32;
};
template <>
struct Integer<8, false> {
  using Type = u64;
};
template <>
struct Integer<8, true> {
  using Type = i64;
};
template <>
struct Integer<16, false> {
  using Type = u128;
};
template <>
struct Integer<16, true> {
  using Type = i128;
};
}  // namespace detail

template <class T>
constexpr bool kIsSigned = static_cast<T>(-1) < static_cast<T>(0);  // std::is_signed does not know __int128
/// The type of `Bytes` bytes.
template <unsigned Bytes, bool Signed>
using IntegerOf = typename detail::Integer<Bytes, Signed>::Type;
/// Twice as wide, same signedness.
template <class T>
using Wide = IntegerOf<sizeof(T) * 2, kIsSigned<T>>;
/// Twice as wide and signed: holds every sum, difference and doubled product of two T.
template <class T>
using WideSigned = IntegerOf<sizeof(T) * 2, true>;
template <class T>
using SignedOf = IntegerOf<sizeof(T), true>;
template <class T>
using UnsignedOf = IntegerOf<sizeof(T), false>;
/// Unsigned and at least as wide as int: arithmetic on it wraps and is never promoted.
template <class T>
using Wrapping = IntegerOf<(sizeof(T) < 4 ? 4 : sizeof(T)), false>;

template <class T>
constexpr T kMax = static_cast<T>(kIsSigned<T> ? ones(sizeof(T) * 8 - 1) : ones(sizeof(T) * 8));
template <class T>
constexpr T kMin = static_cast<T>(kIsSigned<T> ? ~ones(sizeof(T) * 8 - 1) : 0);
template <class T>
constexpr unsigned kBits = sizeof(T) * 8;

/// SatQ: `value` limited to T; `saturated` is set, never cleared.
template <class T, class W>
constexpr T saturate(bool& saturated, W value) {
  if (value > static_cast<W>(kMax<T>)) {
    saturated = true;
    return kMax<T>;
  }
  if (value < static_cast<W>(kMin<T>)) {
    saturated = true;
    return kMin<T>;
  }
  return static_cast<T>(value);
}

inline void note_saturation(FpEnv& env, bool saturated) {
  if (saturated) env.fpsr = env.fpsr.with(Fpsr::QC, true);
}

// Whole registers.

/// The low `bits` bits (8, 16, 32, 64 or 128) of `v`, the rest zero.
inline Vec keep_low(Vec v, u64 bits) { return bits == 128 ? v : Vec{v.lo & ones(static_cast<unsigned>(bits)), 0}; }
/// The high half moved down, zero above: the operand of the "2" forms.
inline Vec high_half(Vec v) { return {v.hi, 0}; }
/// `low` below, the low half of `high` above.
inline Vec join_halves(Vec low, Vec high) { return {low.lo, high.lo}; }
inline Vec from_halves(u64 lo, u64 hi) { return {lo, hi}; }

// Same-width loops.

template <class Op, class T>
inline Vec each1(Vec a) {
  auto in = split<T>(a);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(in[i]);
  return join(out);
}
template <class Op, class T>
inline Vec each2(Vec a, Vec b) {
  auto x = split<T>(a), y = split<T>(b);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(x[i], y[i]);
  return join(out);
}
template <class Op, class T>
inline Vec each3(Vec accumulator, Vec a, Vec b) {
  auto d = split<T>(accumulator), x = split<T>(a), y = split<T>(b);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(d[i], x[i], y[i]);
  return join(out);
}
template <class Op, class T>
inline Vec each1_sat(FpEnv& env, Vec a) {
  auto x = split<T>(a);
  Lanes<T> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(saturated, x[i]);
  note_saturation(env, saturated);
  return join(out);
}
template <class Op, class T>
inline Vec each2_sat(FpEnv& env, Vec a, Vec b) {
  auto x = split<T>(a), y = split<T>(b);
  Lanes<T> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(saturated, x[i], y[i]);
  note_saturation(env, saturated);
  return join(out);
}
template <class Op, class T>
inline Vec each3_sat(FpEnv& env, Vec accumulator, Vec a, Vec b) {
  auto d = split<T>(accumulator), x = split<T>(a), y = split<T>(b);
  Lanes<T> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(saturated, d[i], x[i], y[i]);
  note_saturation(env, saturated);
  return join(out);
}

// Immediate shifts; `shift` is what the Arm ARM calls shift, 0..bits of the lane.

template <class Op, class T>
inline Vec each_shift(Vec a, u64 shift) {
  auto x = split<T>(a);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(x[i], static_cast<unsigned>(shift));
  return join(out);
}
template <class Op, class T>
inline Vec each_shift_into(Vec accumulator, Vec a, u64 shift) {
  auto d = split<T>(accumulator), x = split<T>(a);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(d[i], x[i], static_cast<unsigned>(shift));
  return join(out);
}
template <class Op, class T>
inline Vec each_shift_sat(FpEnv& env, Vec a, u64 shift) {
  auto x = split<T>(a);
  Lanes<T> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(saturated, x[i], static_cast<unsigned>(shift));
  note_saturation(env, saturated);
  return join(out);
}

// Lengthening: the low halves of the operands as T, results in Wide<T>.

template <class T>
inline Lanes<Wide<T>> widened(const Vec& v) {
  auto in = split<T>(v);
  Lanes<Wide<T>> out;
  for (unsigned i = 0; i < Lanes<T>::count / 2; ++i) out[i] = in[i];
  return out;
}
template <class Op, class T>
inline Vec long2(Vec a, Vec b) {
  return each2<Op, Wide<T>>(join(widened<T>(a)), join(widened<T>(b)));
}
template <class Op, class T>
inline Vec long3(Vec accumulator, Vec a, Vec b) {
  return each3<Op, Wide<T>>(accumulator, join(widened<T>(a)), join(widened<T>(b)));
}
/// The first operand is already wide: SADDW.
template <class Op, class T>
inline Vec wide2(Vec a, Vec b) {
  return each2<Op, Wide<T>>(a, join(widened<T>(b)));
}
template <class T>
inline Vec shift_long(Vec a, u64 shift) {
  auto in = widened<T>(a);
  Lanes<Wide<T>> out;
  for (unsigned i = 0; i < Lanes<Wide<T>>::count; ++i) out[i] = static_cast<Wide<T>>(in[i] << shift);
  return join(out);
}
template <class Op, class T>
inline Vec long2_sat(FpEnv& env, Vec a, Vec b) {
  auto x = split<T>(a), y = split<T>(b);
  Lanes<Wide<T>> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<Wide<T>>::count; ++i) out[i] = Op::of(saturated, x[i], y[i]);
  note_saturation(env, saturated);
  return join(out);
}
template <class Op, class T>
inline Vec long3_sat(FpEnv& env, Vec accumulator, Vec a, Vec b) {
  auto d = split<Wide<T>>(accumulator);
  auto x = split<T>(a), y = split<T>(b);
  Lanes<Wide<T>> out;
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<Wide<T>>::count; ++i) out[i] = Op::of(saturated, d[i], x[i], y[i]);
  note_saturation(env, saturated);
  return join(out);
}

// Narrowing: T is the narrow type of the result; the source lanes have From's signedness. The upper half is zero.

template <class Op, class T>
inline Vec narrow2(Vec a, Vec b) {
  auto x = split<Wide<T>>(a), y = split<Wide<T>>(b);
  Lanes<T> out{};
  for (unsigned i = 0; i < Lanes<T>::count / 2; ++i) out[i] = static_cast<T>(Op::of(x[i], y[i]) >> kBits<T>);
  return join(out);
}
template <class Op, class T, class From>
inline Vec narrow_shift(Vec a, u64 shift) {
  auto x = split<From>(a);
  Lanes<T> out{};
  for (unsigned i = 0; i < Lanes<From>::count; ++i) out[i] = static_cast<T>(Op::of(x[i], static_cast<unsigned>(shift)));
  return join(out);
}
/// `shift` 0 gives SQXTN and its kind.
template <class Op, class T, class From>
inline Vec narrow_shift_sat(FpEnv& env, Vec a, u64 shift) {
  auto x = split<From>(a);
  Lanes<T> out{};
  bool saturated = false;
  for (unsigned i = 0; i < Lanes<From>::count; ++i)
    out[i] = saturate<T>(saturated, Op::of(x[i], static_cast<unsigned>(shift)));
  note_saturation(env, saturated);
  return join(out);
}

// Between lanes.

/// ADDP and its kind: lane i combines lanes 2i and 2i+1 of the concatenation b:a. `bits` (64 or 128) of each count.
template <class Op, class T>
inline Vec pairwise(Vec a, Vec b, u64 bits) {
  struct Both {
    Vec low, high;
  };
  struct All {
    T at[2 * Lanes<T>::count];
  };
  const All in = std::bit_cast<All>(bits == 64 ? Both{Vec{a.lo, b.lo}, Vec{}} : Both{a, b});
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = Op::of(in.at[2 * i], in.at[2 * i + 1]);
  return join(out);
}
/// SADDLP: sums of neighbours, in Wide<T>, on top of `accumulator`.
template <class T>
inline Vec add_long_pairs(Vec accumulator, Vec a) {
  using W = Wide<T>;
  auto in = split<T>(a);
  auto out = split<W>(accumulator);
  for (unsigned i = 0; i < Lanes<W>::count; ++i)
    out[i] = static_cast<W>(static_cast<Wrapping<W>>(out[i]) + static_cast<Wrapping<W>>(static_cast<W>(in[2 * i])) +
                            static_cast<Wrapping<W>>(static_cast<W>(in[2 * i + 1])));
  return join(out);
}
/// The first 2 * Half lanes combined by halving their number again and again. Op must not care about order.
template <class Op, unsigned Half, class T>
inline T fold(Lanes<T>& lanes) {
  for (unsigned i = 0; i < Half; ++i) lanes[i] = Op::of(lanes[i], lanes[i + Half]);
  if constexpr (Half > 1)
    return fold<Op, Half / 2>(lanes);
  else
    return lanes[0];
}
/// All lanes of the low `bits` bits combined into lane 0, the rest zero. At least two lanes.
template <class Op, class T>
inline Vec across(Vec a, u64 bits) {
  auto in = split<T>(a);
  Lanes<T> out{};
  if constexpr (Lanes<T>::count > 2)
    if (bits == 64) return out[0] = fold<Op, Lanes<T>::count / 4>(in), join(out);
  out[0] = fold<Op, Lanes<T>::count / 2>(in);
  return join(out);
}
template <class T>
inline Vec add_across_long(Vec a, u64 bits) {
  auto in = split<T>(a);
  Lanes<Wide<T>> out{};
  Wide<T> sum = 0;
  for (unsigned i = 0; i < bits / kBits<T>; ++i) sum = static_cast<Wide<T>>(sum + in[i]);
  out[0] = sum;
  return join(out);
}
/// SDOT, UDOT: each 32-bit lane gains the products of its four bytes; T is i8 or u8.
template <class T>
inline Vec dot(Vec accumulator, Vec a, Vec b) {
  auto d = split<u32>(accumulator);
  auto x = split<T>(a), y = split<T>(b);
  for (unsigned i = 0; i < 4; ++i)
    for (unsigned k = 0; k < 4; ++k) d[i] += static_cast<u32>(int{x[4 * i + k]} * int{y[4 * i + k]});
  return join(d);
}

}  // namespace farside::isa::simd
