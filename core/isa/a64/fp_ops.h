// core/isa/a64/fp_ops.h - floating-point operations on the lanes of a register, for fp.inl and simd_fp.inl.
#pragma once
#include "core/arch/vec.h"
#include "core/base/result.h"
#include "core/isa/exec.h"
#include "core/isa/fp/arith.h"
#include "core/isa/fp/compare.h"
#include "core/isa/fp/convert.h"
#include "core/isa/fp/estimate.h"
#include "core/isa/fp/host_lanes.h"

namespace farside::isa::a64 {
using fp::Bits;
namespace ops {

// An operation is a type with `apply<T>(env, lanes...)`, so that one word in a semantic function names it for all
// formats.
#define FARSIDE_OP1(Name, call)       \
  struct Name {                       \
    template <Bits T>                 \
    static T apply(FpEnv& env, T a) { \
      return static_cast<T>(call);    \
    }                                 \
  };
#define FARSIDE_OP2(Name, call)            \
  struct Name {                            \
    template <Bits T>                      \
    static T apply(FpEnv& env, T a, T b) { \
      return static_cast<T>(call);         \
    }                                      \
  };
#define FARSIDE_OP3(Name, call)                 \
  struct Name {                                 \
    template <Bits T>                           \
    static T apply(FpEnv& env, T c, T a, T b) { \
      return static_cast<T>(call);              \
    }                                           \
  };

FARSIDE_OP2(Add, fp::add(env, a, b))
FARSIDE_OP2(Sub, fp::sub(env, a, b))
FARSIDE_OP2(Mul, fp::mul(env, a, b))
FARSIDE_OP2(MulX, fp::mul_extended(env, a, b))
FARSIDE_OP2(NegMul, fp::neg_mul(env, a, b))
FARSIDE_OP2(Div, fp::div(env, a, b))
FARSIDE_OP2(Max, fp::max(env, a, b))
FARSIDE_OP2(Min, fp::min(env, a, b))
FARSIDE_OP2(MaxNum, fp::max_num(env, a, b))
FARSIDE_OP2(MinNum, fp::min_num(env, a, b))
FARSIDE_OP2(AbsDiff, fp::abs_diff(env, a, b))
FARSIDE_OP2(RecipStep, fp::recip_step(env, a, b))
FARSIDE_OP2(RsqrtStep, fp::rsqrt_step(env, a, b))
FARSIDE_OP2(CmpEq, fp::compare_eq(env, a, b))
FARSIDE_OP2(CmpGe, fp::compare_ge(env, a, b))
FARSIDE_OP2(CmpGt, fp::compare_gt(env, a, b))
FARSIDE_OP2(AbsGe, fp::compare_abs_ge(env, a, b))
FARSIDE_OP2(AbsGt, fp::compare_abs_gt(env, a, b))

FARSIDE_OP1(CmpEq0, fp::compare_eq(env, a, T{0}))
FARSIDE_OP1(CmpGe0, fp::compare_ge(env, a, T{0}))
FARSIDE_OP1(CmpGt0, fp::compare_gt(env, a, T{0}))
FARSIDE_OP1(CmpLe0, fp::compare_ge(env, T{0}, a))
FARSIDE_OP1(CmpLt0, fp::compare_gt(env, T{0}, a))
FARSIDE_OP1(Abs, (void(env), fp::abs(a)))
FARSIDE_OP1(Neg, (void(env), fp::neg(a)))
FARSIDE_OP1(Sqrt, fp::sqrt(env, a))
FARSIDE_OP1(RecipEstimate, fp::recip_estimate(env, a))
FARSIDE_OP1(RsqrtEstimate, fp::rsqrt_estimate(env, a))
FARSIDE_OP1(RecipExponent, fp::recip_exponent(env, a))
FARSIDE_OP1(RoundX, fp::round_int(env, a, fp::rounding(env), true))
FARSIDE_OP1(RoundI, fp::round_int(env, a, fp::rounding(env), false))

FARSIDE_OP3(MulAdd, fp::mul_add(env, c, a, b))
FARSIDE_OP3(MulSub, fp::mul_sub(env, c, a, b))
FARSIDE_OP3(NegMulAdd, fp::neg_mul_add(env, c, a, b))
FARSIDE_OP3(NegMulSub, fp::neg_mul_sub(env, c, a, b))
#undef FARSIDE_OP1
#undef FARSIDE_OP2
#undef FARSIDE_OP3

/// FRINTN, P, M, Z, A.
template <Rounding Mode>
struct Round {
  template <Bits T>
  static T apply(FpEnv& env, T a) {
    return fp::round_int(env, a, Mode, false);
  }
};
/// FRINT32Z, FRINT64Z and, with FPCR's mode, FRINT32X, FRINT64X.
template <int IntBits, bool TowardsZero>
struct RoundN {
  template <Bits T>
  static T apply(FpEnv& env, T a) {
    return fp::round_int_n(env, a, TowardsZero ? Rounding::Zero : fp::rounding(env), IntBits);
  }
};

/// A register that holds one lane and zeros.
template <class T>
inline Vec only(T v) {
  return {v, 0};
}
template <class T>
inline T low(const Vec& v) {
  return static_cast<T>(v.lo);
}
template <class T>
inline u64 low_value(const Vec& v) {
  return static_cast<T>(v.lo);
}
template <class T>
inline Vec from_value(u64 v) {
  return {static_cast<T>(v), 0};
}

template <class Op, Bits T>
Vec scalar1(FpEnv& env, const Vec& a) {
  return only(Op::template apply<T>(env, low<T>(a)));
}
template <class Op, Bits T>
Vec scalar2(FpEnv& env, const Vec& a, const Vec& b) {
  return only(Op::template apply<T>(env, low<T>(a), low<T>(b)));
}
template <class Op, Bits T>
Vec scalar3(FpEnv& env, const Vec& c, const Vec& a, const Vec& b) {
  return only(Op::template apply<T>(env, low<T>(c), low<T>(a), low<T>(b)));
}

/// Lanes of T in a 64-bit (q = 0) or 128-bit register.
template <class T>
constexpr unsigned lanes(bool q) {
  return (q ? 16 : 8) / sizeof(T);
}

/// All lanes at once through the host where it can: whether `out` is the result.
template <class Op, Bits T>
inline bool quick2([[maybe_unused]] FpEnv& env, const Vec& a, const Vec& b, bool q, Vec& out) {
  if constexpr (!fp::host::Native<T>)
    return false;
  else if constexpr (std::same_as<Op, Add>)
    return fp::host::add_lanes<T>(env, a, b, q, false, out);
  else if constexpr (std::same_as<Op, Sub>)
    return fp::host::add_lanes<T>(env, a, b, q, true, out);
  else if constexpr (std::same_as<Op, Mul>)
    return fp::host::mul_lanes<T>(env, a, b, q, out);
  else
    return false;
}
template <class Op, Bits T>
inline bool quick3([[maybe_unused]] FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q, Vec& out) {
  if constexpr (!fp::host::Native<T>)
    return false;
  else if constexpr (std::same_as<Op, MulAdd>)
    return fp::host::mul_add_lanes<T>(env, c, a, b, q, false, out);
  else if constexpr (std::same_as<Op, MulSub>)
    return fp::host::mul_add_lanes<T>(env, c, a, b, q, true, out);
  else
    return false;
}

template <class Op, Bits T>
Vec vector1(FpEnv& env, const Vec& a, bool q) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(q); ++i) out.set_lane<T>(i, Op::template apply<T>(env, a.lane<T>(i)));
  return out;
}
template <class Op, Bits T>
[[gnu::noinline]] Vec each2(FpEnv& env, const Vec& a, const Vec& b, bool q) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(q); ++i) out.set_lane<T>(i, Op::template apply<T>(env, a.lane<T>(i), b.lane<T>(i)));
  return out;
}
template <class Op, Bits T>
inline Vec vector2(FpEnv& env, const Vec& a, const Vec& b, bool q) {
  Vec out;
  if (quick2<Op, T>(env, a, b, q, out)) [[likely]]
    return out;
  return each2<Op, T>(env, a, b, q);
}
template <class Op, Bits T>
[[gnu::noinline]] Vec each3(FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(q); ++i)
    out.set_lane<T>(i, Op::template apply<T>(env, c.lane<T>(i), a.lane<T>(i), b.lane<T>(i)));
  return out;
}
template <class Op, Bits T>
inline Vec vector3(FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q) {
  Vec out;
  if (quick3<Op, T>(env, c, a, b, q, out)) [[likely]]
    return out;
  return each3<Op, T>(env, c, a, b, q);
}
/// One lane of `v` in every lane.
template <Bits T>
Vec broadcast(const Vec& v, unsigned index) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(true); ++i) out.set_lane<T>(i, v.lane<T>(index));
  return out;
}
/// Neighbours of the concatenation b:a, lowest first (FADDP and relatives).
template <class Op, Bits T>
Vec pairwise(FpEnv& env, const Vec& a, const Vec& b, bool q) {
  Vec out;
  const unsigned half = lanes<T>(q) / 2;
  for (unsigned i = 0; i < half; ++i) {
    out.set_lane<T>(i, Op::template apply<T>(env, a.lane<T>(2 * i), a.lane<T>(2 * i + 1)));
    out.set_lane<T>(half + i, Op::template apply<T>(env, b.lane<T>(2 * i), b.lane<T>(2 * i + 1)));
  }
  return out;
}
template <class Op, Bits T>
Vec scalar_pair(FpEnv& env, const Vec& a) {
  return only(Op::template apply<T>(env, a.lane<T>(0), a.lane<T>(1)));
}
/// Reduce: a tree of neighbouring halves, which NaN propagation can see.
template <class Op, Bits T>
T reduce(FpEnv& env, const Vec& a, unsigned first, unsigned count) {
  if (count == 1) return a.lane<T>(first);
  const T left = reduce<Op, T>(env, a, first, count / 2);
  const T right = reduce<Op, T>(env, a, first + count / 2, count / 2);
  return Op::template apply<T>(env, left, right);
}
template <class Op, Bits T>
Vec across(FpEnv& env, const Vec& a, bool q) {
  return only(reduce<Op, T>(env, a, 0, lanes<T>(q)));
}

/// How a conversion to an integer is done; the mode never comes from FPCR.
struct ToInt {
  Rounding mode;
  bool is_unsigned;
  int fraction_bits;
};
/// How an integer is read; the result rounds as FPCR says.
struct FromInt {
  bool is_unsigned;
  int fraction_bits;
};
/// FCVT*{S,U} to a general register of `width` bits.
template <Bits T>
u64 to_general(FpEnv& env, const Vec& a, ToInt how, int width) {
  return fp::to_fixed(env, low<T>(a), how.fraction_bits, how.is_unsigned, how.mode, width);
}
template <Bits T>
Vec vector_to_int(FpEnv& env, const Vec& a, ToInt how, unsigned count) {
  Vec out;
  for (unsigned i = 0; i < count; ++i)
    out.set_lane<T>(i, static_cast<T>(fp::to_fixed(env, a.lane<T>(i), how.fraction_bits, how.is_unsigned, how.mode,
                                                   fp::Format<T>::width)));
  return out;
}
/// SCVTF, UCVTF from the low `width` bits of a general register.
template <Bits T>
Vec from_general(FpEnv& env, u64 v, FromInt how, int width) {
  const u64 integer = how.is_unsigned ? v & ones(width) : static_cast<u64>(sign_extend(v, width));
  return only(fp::from_fixed<T>(env, integer, how.fraction_bits, how.is_unsigned, fp::rounding(env)));
}
template <Bits T>
Vec vector_from_int(FpEnv& env, const Vec& a, FromInt how, unsigned count) {
  Vec out;
  for (unsigned i = 0; i < count; ++i) {
    const u64 v = a.lane<T>(i);
    const u64 integer = how.is_unsigned ? v : static_cast<u64>(sign_extend(v, fp::Format<T>::width));
    out.set_lane<T>(i, fp::from_fixed<T>(env, integer, how.fraction_bits, how.is_unsigned, fp::rounding(env)));
  }
  return out;
}

/// FCVT between precisions.
template <Bits To, Bits From>
Vec scalar_convert(FpEnv& env, const Vec& a) {
  return only(fp::convert<To>(env, low<From>(a)));
}
/// FCVTXN, scalar.
inline Vec scalar_convert_to_odd(FpEnv& env, const Vec& a) { return only(fp::convert<u32>(env, a.lo, Rounding::Odd)); }
/// FCVTL, FCVTL2: the lower or upper 64 bits, widened.
template <Bits To, Bits From>
Vec lengthen(FpEnv& env, const Vec& a, bool upper) {
  Vec out;
  constexpr unsigned count = 16 / sizeof(To);
  for (unsigned i = 0; i < count; ++i) out.set_lane<To>(i, fp::convert<To>(env, a.lane<From>((upper ? count : 0) + i)));
  return out;
}
/// FCVTN, FCVTXN (to odd) and their upper-half forms, which keep the lower half of `old`.
template <Bits To, Bits From, bool ToOdd>
Vec shorten(FpEnv& env, const Vec& old, const Vec& a, bool upper) {
  Vec out = upper ? Vec{old.lo, 0} : Vec{};
  constexpr unsigned count = 16 / sizeof(From);
  const Rounding mode = ToOdd ? Rounding::Odd : fp::rounding(env);
  for (unsigned i = 0; i < count; ++i)
    out.set_lane<To>((upper ? count : 0) + i, fp::convert<To>(env, a.lane<From>(i), mode));
  return out;
}

/// Which half of the sources FMLAL and its relatives read; `index` >= 0 names one lane of b for all.
struct MulAddLong {
  bool upper, subtract;
  int index;
};
inline Vec mul_add_long(FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q, MulAddLong how) {
  Vec out;
  const unsigned count = lanes<u32>(q), from = how.upper ? count : 0;
  for (unsigned i = 0; i < count; ++i) {
    const u16 x = a.lane<u16>(from + i);
    const u16 y = b.lane<u16>(how.index >= 0 ? static_cast<unsigned>(how.index) : from + i);
    out.set_lane<u32>(i, fp::mul_add_half(env, c.lane<u32>(i), how.subtract ? fp::neg(x) : x, y));
  }
  return out;
}

/// FCADD: a + b turned by 90 (rot 0) or 270 (rot 1) degrees; even lanes are real parts.
template <Bits T>
Vec complex_add(FpEnv& env, const Vec& a, const Vec& b, bool q, unsigned rot) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(q); i += 2) {
    const T re = b.lane<T>(i), im = b.lane<T>(i + 1);
    out.set_lane<T>(i, fp::add(env, a.lane<T>(i), rot == 0 ? fp::neg(im) : im));
    out.set_lane<T>(i + 1, fp::add(env, a.lane<T>(i + 1), rot == 0 ? re : fp::neg(re)));
  }
  return out;
}
/// FCMLA: half of a complex multiply-accumulate, turned by rot * 90 degrees. `pair` >= 0 names one complex lane of b.
template <Bits T>
Vec complex_mul_add(FpEnv& env, const Vec& c, const Vec& a, const Vec& b, bool q, unsigned rot, int pair) {
  Vec out;
  for (unsigned i = 0; i < lanes<T>(q); i += 2) {
    const unsigned j = pair >= 0 ? 2 * static_cast<unsigned>(pair) : i;
    const T re = b.lane<T>(j), im = b.lane<T>(j + 1);
    const T factor = a.lane<T>(i + (rot & 1));
    const T first = rot & 1 ? im : re, second = rot & 1 ? re : im;
    const bool negate_first = rot == 1 || rot == 2, negate_second = rot >= 2;
    out.set_lane<T>(i, fp::mul_add(env, c.lane<T>(i), factor, negate_first ? fp::neg(first) : first));
    out.set_lane<T>(i + 1, fp::mul_add(env, c.lane<T>(i + 1), factor, negate_second ? fp::neg(second) : second));
  }
  return out;
}

inline Vec vector_recip_estimate(const Vec& a, bool q) {
  Vec out;
  for (unsigned i = 0; i < lanes<u32>(q); ++i) out.set_lane<u32>(i, fp::unsigned_recip_estimate(a.lane<u32>(i)));
  return out;
}
inline Vec vector_rsqrt_estimate(const Vec& a, bool q) {
  Vec out;
  for (unsigned i = 0; i < lanes<u32>(q); ++i) out.set_lane<u32>(i, fp::unsigned_rsqrt_estimate(a.lane<u32>(i)));
  return out;
}

/// FCMP, FCMPE: NZCV in bits 31:28.
template <Bits T>
u64 compare(FpEnv& env, const Vec& a, const Vec& b, bool signal_all) {
  return fp::compare(env, low<T>(a), low<T>(b), signal_all);
}
/// FCCMP, FCCMPE: compares (and raises exceptions) only if `condition` is 1.
template <Bits T>
u64 compare_if(FpEnv& env, u64 condition, const Vec& a, const Vec& b, bool signal_all, u64 otherwise) {
  return condition ? fp::compare(env, low<T>(a), low<T>(b), signal_all) : otherwise;
}
template <Bits T>
Vec select(u64 condition, const Vec& a, const Vec& b) {
  return only(low<T>(condition ? a : b));
}
inline u64 upper_value(const Vec& v) { return v.hi; }
inline Vec with_upper(const Vec& old, u64 v) { return {old.lo, v}; }
inline u64 to_int_js(FpEnv& env, const Vec& v) { return fp::to_int_js(env, v.lo); }

/// VFPExpandImm.
template <Bits T>
constexpr T expand_imm(u32 imm8) {
  using F = fp::Format<T>;
  const bool b6 = bit(imm8, 6);
  const u64 exponent = (u64{!b6} << (F::exp_bits - 1)) | ((b6 ? ones(F::exp_bits - 3) : 0) << 2) | bits(imm8, 5, 4);
  return fp::with_sign<T>(bit(imm8, 7),
                          static_cast<T>((exponent << F::frac_bits) | (bits(imm8, 3, 0) << (F::frac_bits - 4))));
}

}  // namespace ops
}  // namespace farside::isa::a64
