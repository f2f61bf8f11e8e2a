// core/isa/a64/simd_fp_shapes.h - the shapes of Advanced SIMD floating-point instructions; simd_fp.inl gives each its
// operation.
#pragma once
#include "core/isa/a64/fp_ops.h"
#include "core/isa/exec.h"

namespace farside::isa::a64::simd_fp {

/// One double in a 64-bit vector is reserved.
inline bool lanes_reserved(Imm<1> q, Imm<1> sz) { return sz && !q; }

// Scalar, one and two sources.
template <class Op, Bits T, class X>
Flow scalar1_of(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::scalar1<Op, T>, x.vec(n)));
  return Flow::Next;
}
template <class Op, class X>
Flow scalar1(X& x, Imm<1> sz, RegNo n, RegNo d) {
  return sz ? scalar1_of<Op, u64>(x, n, d) : scalar1_of<Op, u32>(x, n, d);
}
template <class Op, Bits T, class X>
Flow scalar2_of(X& x, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::scalar2<Op, T>, x.vec(n), x.vec(m)));
  return Flow::Next;
}
template <class Op, class X>
Flow scalar2(X& x, Imm<1> sz, RegNo m, RegNo n, RegNo d) {
  return sz ? scalar2_of<Op, u64>(x, m, n, d) : scalar2_of<Op, u32>(x, m, n, d);
}

// Vector, one to three sources and pairwise.
template <class Op, Bits T, class X>
Flow vector1_of(X& x, bool q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::vector1<Op, T>, x.vec(n), q));
  return Flow::Next;
}
template <class Op, class X>
Flow vector1(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? vector1_of<Op, u64>(x, q, n, d) : vector1_of<Op, u32>(x, q, n, d);
}
template <class Op, Bits T, class X>
Flow vector2_of(X& x, bool q, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::vector2<Op, T>, x.vec(n), x.vec(m), q));
  return Flow::Next;
}
template <class Op, class X>
Flow vector2(X& x, Imm<1> q, Imm<1> sz, RegNo m, RegNo n, RegNo d) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? vector2_of<Op, u64>(x, q, m, n, d) : vector2_of<Op, u32>(x, q, m, n, d);
}
template <class Op, Bits T, class X>
Flow vector3_of(X& x, bool q, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::vector3<Op, T>, x.vec(d), x.vec(n), x.vec(m), q));
  return Flow::Next;
}
template <class Op, class X>
Flow vector3(X& x, Imm<1> q, Imm<1> sz, RegNo m, RegNo n, RegNo d) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? vector3_of<Op, u64>(x, q, m, n, d) : vector3_of<Op, u32>(x, q, m, n, d);
}
template <class Op, Bits T, class X>
Flow pairwise_of(X& x, bool q, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::pairwise<Op, T>, x.vec(n), x.vec(m), q));
  return Flow::Next;
}
template <class Op, class X>
Flow pairwise(X& x, Imm<1> q, Imm<1> sz, RegNo m, RegNo n, RegNo d) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? pairwise_of<Op, u64>(x, q, m, n, d) : pairwise_of<Op, u32>(x, q, m, n, d);
}

// Horizontal.
template <class Op, Bits T, class X>
Flow scalar_pair_of(X& x, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::scalar_pair<Op, T>, x.vec(n)));
  return Flow::Next;
}
template <class Op, class X>
Flow scalar_pair(X& x, Imm<1> sz, RegNo n, RegNo d) {
  return sz ? scalar_pair_of<Op, u64>(x, n, d) : scalar_pair_of<Op, u32>(x, n, d);
}
template <class Op, Bits T, class X>
Flow across_of(X& x, bool q, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::across<Op, T>, x.vec(n), q));
  return Flow::Next;
}

// Integers and fixed point: `count` lanes from the lowest, the rest of the register zero.
template <Bits T, class X>
Flow to_int_of(X& x, RegNo n, RegNo d, ops::ToInt how, unsigned count) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::vector_to_int<T>, x.vec(n), how, count));
  return Flow::Next;
}
template <class X>
Flow vector_to_int(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d, ops::ToInt how) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? to_int_of<u64>(x, n, d, how, 2) : to_int_of<u32>(x, n, d, how, ops::lanes<u32>(q));
}
template <class X>
Flow scalar_to_int(X& x, Imm<1> sz, RegNo n, RegNo d, ops::ToInt how) {
  return sz ? to_int_of<u64>(x, n, d, how, 1) : to_int_of<u32>(x, n, d, how, 1);
}
template <Bits T, class X>
Flow from_int_of(X& x, RegNo n, RegNo d, ops::FromInt how, unsigned count) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::vector_from_int<T>, x.vec(n), how, count));
  return Flow::Next;
}
template <class X>
Flow vector_from_int(X& x, Imm<1> q, Imm<1> sz, RegNo n, RegNo d, ops::FromInt how) {
  if (lanes_reserved(q, sz)) return x.undefined();
  return sz ? from_int_of<u64>(x, n, d, how, 2) : from_int_of<u32>(x, n, d, how, ops::lanes<u32>(q));
}
template <class X>
Flow scalar_from_int(X& x, Imm<1> sz, RegNo n, RegNo d, ops::FromInt how) {
  return sz ? from_int_of<u64>(x, n, d, how, 1) : from_int_of<u32>(x, n, d, how, 1);
}
/// Fraction bits of the shift-by-immediate encodings: the lane's width less the field below immh's highest set bit.
template <Bits T, unsigned N>
constexpr int fraction_bits(Imm<N> imm) {
  return fp::Format<T>::width - static_cast<int>(imm.raw);
}

// By element: source m is one lane of its register, in every lane. The bits H, L and M number it.
constexpr unsigned half_index(Imm<1> h, Imm<1> l, Imm<1> m) { return h.raw << 2 | l.raw << 1 | m.raw; }
constexpr unsigned single_index(Imm<1> h, Imm<1> l) { return h.raw << 1 | l.raw; }
/// Halves have only V0 to V15 to take elements from.
constexpr RegNo low_reg(Imm<4> m) { return RegNo{m.raw}; }

/// Where an instruction takes an element from and how many lanes it fills.
struct ElementOf {
  RegNo m;
  unsigned index;
  bool scalar;
  bool q;
};
template <class Op, Bits T, class X>
Flow element2_of(X& x, ElementOf e, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  const auto b = x.call(ops::broadcast<T>, x.vec(e.m), e.index);
  x.set_vec(d,
            e.scalar ? x.call_fp(ops::scalar2<Op, T>, x.vec(n), b) : x.call_fp(ops::vector2<Op, T>, x.vec(n), b, e.q));
  return Flow::Next;
}
template <class Op, Bits T, class X>
Flow element3_of(X& x, ElementOf e, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  const auto b = x.call(ops::broadcast<T>, x.vec(e.m), e.index);
  x.set_vec(d, e.scalar ? x.call_fp(ops::scalar3<Op, T>, x.vec(d), x.vec(n), b)
                        : x.call_fp(ops::vector3<Op, T>, x.vec(d), x.vec(n), b, e.q));
  return Flow::Next;
}

// Long multiply-accumulate and complex numbers.
template <class X>
Flow mul_add_long(X& x, bool q, RegNo m, RegNo n, RegNo d, ops::MulAddLong how) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::mul_add_long, x.vec(d), x.vec(n), x.vec(m), q, how));
  return Flow::Next;
}
template <Bits T, class X>
Flow complex_add_of(X& x, bool q, Imm<1> rot, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::complex_add<T>, x.vec(n), x.vec(m), q, rot.raw));
  return Flow::Next;
}
/// `pair` is the complex element of m for all lanes, or -1 for lane by lane.
template <Bits T, class X>
Flow complex_mul_add_of(X& x, bool q, Imm<2> rot, int pair, RegNo m, RegNo n, RegNo d) {
  TRY_VOID(x.fp_access());
  x.set_vec(d, x.call_fp(ops::complex_mul_add<T>, x.vec(d), x.vec(n), x.vec(m), q, rot.raw, pair));
  return Flow::Next;
}

}  // namespace farside::isa::a64::simd_fp
