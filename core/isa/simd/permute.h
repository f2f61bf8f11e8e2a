// core/isa/simd/permute.h - moving elements: duplicate, insert, extract, table lookup, zip, unzip and transpose.
#pragma once
#include "core/isa/simd/lanes.h"

namespace farside::isa::simd {

/// Every lane of T gets the low bits of `value`.
template <class T>
inline Vec dup(u64 value) {
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; ++i) out[i] = static_cast<T>(value);
  return join(out);
}
template <class T>
inline Vec dup_lane(Vec v, u64 index) {
  return dup<T>(v.lane<T>(static_cast<unsigned>(index)));
}
/// Lane `index`, zero-extended.
template <class T>
inline u64 get_lane(Vec v, u64 index) {
  return v.lane<T>(static_cast<unsigned>(index));
}
template <class T>
inline Vec with_lane(Vec v, u64 index, u64 value) {
  v.set_lane<T>(static_cast<unsigned>(index), static_cast<T>(value));
  return v;
}

/// EXT: `bits` (64 or 128) of the concatenation b:a from byte `first` on; first < bits / 8.
inline Vec extract(Vec a, Vec b, u64 first, u64 bits) {
  const unsigned shift = static_cast<unsigned>(first) * 8;
  if (bits == 64) return {shift == 0 ? a.lo : a.lo >> shift | b.lo << (64 - shift), 0};
  const u128 low = static_cast<u128>(a.hi) << 64 | a.lo, high = static_cast<u128>(b.hi) << 64 | b.lo;
  const u128 out = shift == 0 ? low : low >> shift | high << (128 - shift);
  return {static_cast<u64>(out), static_cast<u64>(out >> 64)};
}

/// One register of a TBL or TBX table: bytes of `indices` in [base, base + 16) select from `table`, others keep `v`.
inline Vec look_up(Vec v, Vec table, Vec indices, u64 base) {
  const auto from = split<u8>(table), at = split<u8>(indices);
  auto out = split<u8>(v);
  for (unsigned i = 0; i < 16; ++i) {
    const u8 index = static_cast<u8>(at[i] - base);
    out[i] = index < 16 ? from[index] : out[i];
  }
  return join(out);
}

// `bits` (64 or 128) of each operand take part; the rest of the result is zero. Part is 0 or 1, as in ZIP1 and ZIP2.
// All are made from loops over whole registers, whose constant trip counts the host compiler turns into shuffles.

template <class T, unsigned Part>
inline Vec zip_128(Vec a, Vec b) {
  const auto x = split<T>(a), y = split<T>(b);
  constexpr unsigned pairs = Lanes<T>::count / 2;
  Lanes<T> out;
  for (unsigned i = 0; i < pairs; ++i) {
    out[2 * i] = x[Part * pairs + i];
    out[2 * i + 1] = y[Part * pairs + i];
  }
  return join(out);
}
template <class T, unsigned Part>
inline Vec unzip_128(Vec a, Vec b) {
  const auto x = split<T>(a), y = split<T>(b);
  constexpr unsigned pairs = Lanes<T>::count / 2;
  Lanes<T> out;
  for (unsigned i = 0; i < pairs; ++i) out[i] = x[2 * i + Part];
  for (unsigned i = 0; i < pairs; ++i) out[pairs + i] = y[2 * i + Part];
  return join(out);
}
/// ZIP2 of 64 bits is the upper half of what ZIP1 of 128 bits gives.
template <class T, unsigned Part>
inline Vec zip(Vec a, Vec b, u64 bits) {
  if (bits == 128) return zip_128<T, Part>(a, b);
  const Vec both = zip_128<T, 0>(a, b);
  return {Part == 0 ? both.lo : both.hi, 0};
}
template <class T, unsigned Part>
inline Vec unzip(Vec a, Vec b, u64 bits) {
  if (bits == 128) return unzip_128<T, Part>(a, b);
  return {unzip_128<T, Part>(Vec{a.lo, b.lo}, Vec{}).lo, 0};
}
template <class T, unsigned Part>
inline Vec transpose(Vec a, Vec b, u64 bits) {
  const auto x = split<T>(a), y = split<T>(b);
  Lanes<T> out;
  for (unsigned i = 0; i < Lanes<T>::count; i += 2) {
    out[i] = x[i + Part];
    out[i + 1] = y[i + Part];
  }
  return keep_low(join(out), bits);
}

}  // namespace farside::isa::simd
