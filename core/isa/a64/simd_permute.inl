// core/isa/a64/simd_permute.inl - DUP, INS, SMOV, UMOV, EXT, TBL, TBX, ZIP, UZP and TRN.
#pragma once
#include "core/isa/a64/simd_form.inl"
#include "core/isa/simd/permute.h"

namespace farside::isa::a64 {
namespace form {

/// imm5: the lowest 1 gives log2 of the element's bytes, the bits above it the index.
struct CopyIndex {
  u32 size, index;
};
constexpr CopyIndex copy_index(Imm<5> imm5) {
  const u32 size = static_cast<u32>(std::countr_zero(imm5.raw | 16u));  // 4 is reserved
  return {size, imm5.raw >> (size + 1)};
}
constexpr bool reserved_copy(Imm<5> imm5) { return (imm5.raw & 15) == 0; }

template <class X>
inline typename X::Val element(X& x, CopyIndex at, RegNo n) {
  return with_lane<Sign::Unsigned>(
      at.size, [&]<class T>(Lane<T>) { return x.call(simd::get_lane<T>, x.vec(n), x.imm(at.index)); });
}
template <class X>
inline Flow duplicate(X& x, u32 size, u64 bits, RegNo d, typename X::Val value) {
  return put(x, d, bits,
             with_lane<Sign::Unsigned>(size, [&]<class T>(Lane<T>) { return x.call(simd::dup<T>, value); }));
}
template <class X>
inline Flow insert(X& x, CopyIndex at, RegNo d, typename X::Val value) {
  x.set_vec(d, with_lane<Sign::Unsigned>(at.size, [&]<class T>(Lane<T>) {
              return x.call(simd::with_lane<T>, x.vec(d), x.imm(at.index), value);
            }));
  return Flow::Next;
}

/// TBL and TBX: registers n, n+1, ... (modulo 32) are one table; `out` is what out-of-range indices give.
template <class X>
inline Flow table(X& x, bool q, RegNo m, u32 len, RegNo n, RegNo d, typename X::Vec out) {
  const auto indices = x.vec(m);
  for (u32 i = 0; i <= len; ++i)
    out = x.call(simd::look_up, out, x.vec(RegNo{(n.raw + i) % 32}), indices, x.imm(16 * i));
  return put(x, d, vector_bits(q), out);
}

}  // namespace form

template <class X>
Flow DUP_elem(X& x, Imm<1> Q, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5) || (at.size == 3 && !Q)) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::duplicate(x, at.size, form::vector_bits(Q), Rd, form::element(x, at, Rn));
}
template <class X>
Flow DUP_gen(X& x, Imm<1> Q, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5) || (at.size == 3 && !Q)) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::duplicate(x, at.size, form::vector_bits(Q), Rd, x.reg(Rn, at.size == 3));
}
template <class X>
Flow DUP_scalar(X& x, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5)) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::put(x, Rd, form::lane_bits(at.size), x.call(simd::dup<u64>, form::element(x, at, Rn)));
}
template <class X>
Flow SMOV(X& x, Imm<1> Q, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5) || at.size >= (Q ? 3u : 2u)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_reg(Rd, Q, x.sext(form::element(x, at, Rn), 8u << at.size));
  return Flow::Next;
}
template <class X>
Flow UMOV(X& x, Imm<1> Q, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5) || (at.size == 3) != bool(Q)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_reg(Rd, Q, form::element(x, at, Rn));
  return Flow::Next;
}
template <class X>
Flow INS_gen(X& x, Imm<5> imm5, RegNo Rn, RegNo Rd) {
  const auto at = form::copy_index(imm5);
  if (form::reserved_copy(imm5)) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::insert(x, at, Rd, x.reg(Rn, at.size == 3));
}
template <class X>
Flow INS_elem(X& x, Imm<5> imm5, Imm<4> imm4, RegNo Rn, RegNo Rd) {
  const auto to = form::copy_index(imm5);
  if (form::reserved_copy(imm5)) return x.undefined();
  TRY_VOID(x.fp_access());
  return form::insert(x, to, Rd, form::element(x, {to.size, imm4.raw >> to.size}, Rn));
}

template <class X>
Flow EXT(X& x, Imm<1> Q, RegNo Rm, Imm<4> imm4, RegNo Rn, RegNo Rd) {
  if (!Q && imm4.bit(3)) return x.undefined();
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::extract, x.vec(Rn), x.vec(Rm), x.imm(imm4), x.imm(form::vector_bits(Q))));
  return Flow::Next;
}
template <class X>
Flow TBL(X& x, Imm<1> Q, RegNo Rm, Imm<2> len, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  return form::table(x, Q, Rm, len, Rn, Rd, x.call(simd::from_halves, x.imm(0), x.imm(0)));
}
template <class X>
Flow TBX(X& x, Imm<1> Q, RegNo Rm, Imm<2> len, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  return form::table(x, Q, Rm, len, Rn, Rd, x.vec(Rd));
}

#define FARSIDE_PERMUTE(name, function, part)                                               \
  template <class X>                                                                        \
  Flow name(X& x, Imm<1> Q, Imm<2> size, RegNo Rm, RegNo Rn, RegNo Rd) {                    \
    if (size == 3 && !Q) return x.undefined();                                              \
    TRY_VOID(x.fp_access());                                                                \
    x.set_vec(Rd, form::with_lane<form::Sign::Unsigned>(size, [&]<class T>(form::Lane<T>) { \
                auto fn = simd::function<T, part>;                                          \
                return x.call(fn, x.vec(Rn), x.vec(Rm), x.imm(form::vector_bits(Q)));       \
              }));                                                                          \
    return Flow::Next;                                                                      \
  }
FARSIDE_PERMUTE(UZP1, unzip, 0)
FARSIDE_PERMUTE(TRN1, transpose, 0)
FARSIDE_PERMUTE(ZIP1, zip, 0)
FARSIDE_PERMUTE(UZP2, unzip, 1)
FARSIDE_PERMUTE(TRN2, transpose, 1)
FARSIDE_PERMUTE(ZIP2, zip, 1)
#undef FARSIDE_PERMUTE

}  // namespace farside::isa::a64
