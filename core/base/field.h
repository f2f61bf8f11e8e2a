// core/base/field.h - registers whose bit fields are typed constants: reg[Reg::FIELD], reg.with(Reg::FIELD, value).
#pragma once
#include "core/base/bits.h"

namespace farside {

/// Names bits Hi:Lo of a register and the type that they hold.
template <unsigned Hi, unsigned Lo, class T = u64>
struct Field {
  static_assert(Hi >= Lo && Hi < 64);
  using Type = T;
  static constexpr unsigned hi = Hi, lo = Lo;
  static constexpr u64 mask = ones(Hi - Lo + 1) << Lo;
  static constexpr T get(u64 raw) { return static_cast<T>((raw & mask) >> Lo); }
  static constexpr u64 set(u64 raw, T value) { return (raw & ~mask) | ((static_cast<u64>(value) << Lo) & mask); }
};

/// Names one bit of a register.
template <unsigned N>
using Bit = Field<N, N, bool>;

/// A 64-bit register type: derive as `struct Esr : Reg<Esr> { static constexpr Field<31, 26, Ec> EC{}; };`.
template <class Self>
struct Reg {
  u64 raw = 0;
  template <unsigned Hi, unsigned Lo, class T>
  constexpr T operator[](Field<Hi, Lo, T>) const {
    return Field<Hi, Lo, T>::get(raw);
  }
  template <unsigned Hi, unsigned Lo, class T>
  constexpr Self with(Field<Hi, Lo, T>, T value) const {
    Self copy = static_cast<const Self&>(*this);
    copy.raw = Field<Hi, Lo, T>::set(raw, value);
    return copy;
  }
  static constexpr Self of(u64 raw) {
    Self self{};
    self.raw = raw;
    return self;
  }
  friend constexpr bool operator==(const Reg& a, const Reg& b) { return a.raw == b.raw; }
};

}  // namespace farside
