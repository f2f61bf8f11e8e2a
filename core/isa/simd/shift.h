// core/isa/simd/shift.h - shifts of one element, by immediate and by register.
#pragma once
#include "core/isa/simd/element.h"

namespace farside::isa::simd {

/// Arithmetic or logical by T; `shift` up to the width and beyond.
struct ShiftRight {
  template <class T>
  static T of(T a, unsigned shift) {
    if (shift >= kBits<T>) return static_cast<T>(kIsSigned<T> && a < 0 ? -1 : 0);
    return static_cast<T>(a >> shift);
  }
};
/// Rounds to nearest, ties upwards: the last bit shifted out is added. `shift` is at least 1.
struct ShiftRightRound {
  template <class T>
  static T of(T a, unsigned shift) {
    return Add::of(ShiftRight::of(a, shift), static_cast<T>(ShiftRight::of(a, shift - 1) & 1));
  }
};
struct ShiftLeft {
  template <class T>
  static T of(T a, unsigned shift) {
    return shift >= kBits<T> ? T{0} : static_cast<T>(wrapping(a) << shift);
  }
};
template <class Op>
struct ShiftAccumulate {
  template <class T>
  static T of(T d, T a, unsigned shift) {
    return Add::of(d, Op::of(a, shift));
  }
};
/// SRI: the top `shift` bits of d stay. T is unsigned.
struct ShiftRightInsert {
  template <class T>
  static T of(T d, T a, unsigned shift) {
    const T mask = ShiftRight::of(kMax<T>, shift);
    return static_cast<T>((d & ~mask) | ShiftRight::of(a, shift));
  }
};
/// SLI: the low `shift` bits of d stay. T is unsigned, `shift` less than its width.
struct ShiftLeftInsert {
  template <class T>
  static T of(T d, T a, unsigned shift) {
    const T mask = static_cast<T>(wrapping(kMax<T>) << shift);
    return static_cast<T>((d & ~mask) | (wrapping(a) << shift));
  }
};

/// Left by less than the width, into Result's range. Result may be unsigned for signed a: SQSHLU.
template <class Result, class T>
constexpr Result shift_left_saturate(bool& saturated, T a, unsigned shift) {
  return saturate<Result>(saturated, static_cast<WideSigned<T>>(a) << shift);
}
struct ShiftLeftSat {
  template <class T>
  static T of(bool& saturated, T a, unsigned shift) {
    return shift_left_saturate<T>(saturated, a, shift);
  }
};
struct ShiftLeftSatUnsigned {
  template <class T>
  static T of(bool& saturated, T a, unsigned shift) {
    return static_cast<T>(shift_left_saturate<UnsignedOf<T>>(saturated, a, shift));
  }
};

/// The low byte of an element, signed: positive shifts left.
template <class T>
constexpr int register_shift(T by) {
  return static_cast<i8>(by);
}

/// SSHL, USHL and with Round SRSHL, URSHL.
template <bool Round>
struct ShiftBy {
  template <class T>
  static T of(T a, T by) {
    const int shift = register_shift(by);
    if (shift >= 0) return ShiftLeft::of(a, static_cast<unsigned>(shift));
    const unsigned right = static_cast<unsigned>(-shift);
    return Round ? ShiftRightRound::of(a, right) : ShiftRight::of(a, right);
  }
};
/// SQSHL, UQSHL, SQRSHL, UQRSHL by register.
template <bool Round>
struct ShiftBySat {
  template <class T>
  static T of(bool& saturated, T a, T by) {
    const int shift = register_shift(by);
    if (shift < 0) return ShiftBy<Round>::of(a, by);
    if (shift < static_cast<int>(kBits<T>)) return shift_left_saturate<T>(saturated, a, static_cast<unsigned>(shift));
    if (a == 0) return 0;
    saturated = true;
    return a < 0 ? kMin<T> : kMax<T>;
  }
};

}  // namespace farside::isa::simd
