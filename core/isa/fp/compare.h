// core/isa/fp/compare.h - FPCompare and its yes-or-no forms, FPMax, FPMin, FPMaxNum, FPMinNum.
#pragma once
#include "core/isa/fp/real.h"

namespace farside::fp {

/// The operand as a signed integer that orders as the numbers do; -0 lies just below +0.
template <Bits T>
constexpr i64 order_key(T v) {
  const i64 mag = static_cast<i64>(magnitude(v));
  return sign_of(v) ? -1 - mag : mag;
}

enum class Relation : u8 { Less, Equal, Greater, Unordered };

/// The relation of two operands. IOC is raised for a signalling NaN, and for any NaN when `signal_all` is set.
template <Bits T>
inline Relation relation(FpEnv& env, T a, T b, bool signal_all) {
  a = flush_input(env, a);
  b = flush_input(env, b);
  if (is_nan(a) || is_nan(b)) {
    if (signal_all || is_snan(a) || is_snan(b)) raise(env, Fpsr::IOC);
    return Relation::Unordered;
  }
  if (a == b || (is_zero(a) && is_zero(b))) return Relation::Equal;
  return order_key(a) < order_key(b) ? Relation::Less : Relation::Greater;
}

/// FPCompare: NZCV in bits 31:28.
template <Bits T>
inline u64 compare(FpEnv& env, T a, T b, bool signal_all) {
  switch (relation(env, a, b, signal_all)) {
    case Relation::Less: return u64{0b1000} << 28;
    case Relation::Equal: return u64{0b0110} << 28;
    case Relation::Greater: return u64{0b0010} << 28;
    case Relation::Unordered: break;
  }
  return u64{0b0011} << 28;
}

/// All ones when true, as FCMEQ and its relatives write it.
template <Bits T>
constexpr T truth(bool yes) {
  return yes ? static_cast<T>(~T{0}) : T{0};
}
/// FPCompareEQ: quiet.
template <Bits T>
inline T compare_eq(FpEnv& env, T a, T b) {
  return truth<T>(relation(env, a, b, false) == Relation::Equal);
}
/// FPCompareGE and FPCompareGT: any NaN is invalid.
template <Bits T>
inline T compare_ge(FpEnv& env, T a, T b) {
  const Relation r = relation(env, a, b, true);
  return truth<T>(r == Relation::Equal || r == Relation::Greater);
}
template <Bits T>
inline T compare_gt(FpEnv& env, T a, T b) {
  return truth<T>(relation(env, a, b, true) == Relation::Greater);
}
/// FACGE and FACGT.
template <Bits T>
inline T compare_abs_ge(FpEnv& env, T a, T b) {
  return compare_ge(env, abs(a), abs(b));
}
template <Bits T>
inline T compare_abs_gt(FpEnv& env, T a, T b) {
  return compare_gt(env, abs(a), abs(b));
}

/// FPMax and FPMin: -0 is less than +0.
template <Bits T>
inline T max(FpEnv& env, T a, T b) {
  a = flush_input(env, a);
  b = flush_input(env, b);
  if (is_nan(a) || is_nan(b)) return process_nans(env, a, b);
  return order_key(a) > order_key(b) ? a : b;
}
template <Bits T>
inline T min(FpEnv& env, T a, T b) {
  a = flush_input(env, a);
  b = flush_input(env, b);
  if (is_nan(a) || is_nan(b)) return process_nans(env, a, b);
  return order_key(a) < order_key(b) ? a : b;
}
template <Bits T>
constexpr bool is_qnan(T v) {
  return is_nan(v) && !is_snan(v);
}
/// FPMaxNum and FPMinNum: one quiet NaN gives way to the other operand.
template <Bits T>
inline T max_num(FpEnv& env, T a, T b) {
  if (is_qnan(a) && !is_qnan(b))
    a = infinity<T>(true);
  else if (is_qnan(b) && !is_qnan(a))
    b = infinity<T>(true);
  return max(env, a, b);
}
template <Bits T>
inline T min_num(FpEnv& env, T a, T b) {
  if (is_qnan(a) && !is_qnan(b))
    a = infinity<T>(false);
  else if (is_qnan(b) && !is_qnan(a))
    b = infinity<T>(false);
  return min(env, a, b);
}

}  // namespace farside::fp
