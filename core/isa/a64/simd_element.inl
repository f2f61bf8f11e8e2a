// core/isa/a64/simd_element.inl - Advanced SIMD vector x indexed element: the vector forms with one element spread.
#pragma once
#include "core/isa/a64/simd_form.inl"
#include "core/isa/simd/element.h"

namespace farside::isa::a64 {

// Every form begins alike: reserved sizes are undefined, and `element` is Vm's element in every lane.
#define FARSIDE_ELEMENT(name, ...)                                                                      \
  template <class X>                                                                                    \
  Flow name(X& x, Imm<1> Q, Imm<2> size, Imm<1> L, Imm<1> M, Imm<4> Rm, Imm<1> H, RegNo Rn, RegNo Rd) { \
    const auto at = form::indexed_element(size, L, M, Rm, H);                                           \
    if (!at.valid) return x.undefined();                                                                \
    TRY_VOID(x.fp_access());                                                                            \
    const auto element = form::spread(x, size, at);                                                     \
    __VA_ARGS__                                                                                         \
  }

// The lane type is the unsigned or signed 16- or 32-bit one.
#define FARSIDE_ELEMENT_SAME(name, call) \
  FARSIDE_ELEMENT(name, return form::put(x, Rd, form::vector_bits(Q), size == 1 ? call(u16) : call(u32));)
#define FARSIDE_ELEMENT_LONG(name, sign, call)                    \
  FARSIDE_ELEMENT(name, const auto a = form::half_part(x, Rn, Q); \
                  x.set_vec(Rd, size == 1 ? call(sign##16) : call(sign##32)); return Flow::Next;)

#define FARSIDE_MUL(T) x.call(simd::each2<simd::Mul, T>, x.vec(Rn), element)
#define FARSIDE_MLA(T) x.call(simd::each3<simd::MulAdd, T>, x.vec(Rd), x.vec(Rn), element)
#define FARSIDE_MLS(T) x.call(simd::each3<simd::MulSub, T>, x.vec(Rd), x.vec(Rn), element)
#define FARSIDE_MULL(T) x.call(simd::long2<simd::Mul, T>, a, element)
#define FARSIDE_MLAL(T) x.call(simd::long3<simd::MulAdd, T>, x.vec(Rd), a, element)
#define FARSIDE_MLSL(T) x.call(simd::long3<simd::MulSub, T>, x.vec(Rd), a, element)

FARSIDE_ELEMENT_SAME(MLA_elem, FARSIDE_MLA)
FARSIDE_ELEMENT_SAME(MLS_elem, FARSIDE_MLS)
FARSIDE_ELEMENT_SAME(MUL_elem, FARSIDE_MUL)
FARSIDE_ELEMENT_LONG(SMLAL_elem, i, FARSIDE_MLAL)
FARSIDE_ELEMENT_LONG(UMLAL_elem, u, FARSIDE_MLAL)
FARSIDE_ELEMENT_LONG(SMLSL_elem, i, FARSIDE_MLSL)
FARSIDE_ELEMENT_LONG(UMLSL_elem, u, FARSIDE_MLSL)
FARSIDE_ELEMENT_LONG(SMULL_elem, i, FARSIDE_MULL)
FARSIDE_ELEMENT_LONG(UMULL_elem, u, FARSIDE_MULL)
#undef FARSIDE_MUL
#undef FARSIDE_MLA
#undef FARSIDE_MLS
#undef FARSIDE_MULL
#undef FARSIDE_MLAL
#undef FARSIDE_MLSL
#undef FARSIDE_ELEMENT_SAME
#undef FARSIDE_ELEMENT_LONG

FARSIDE_ELEMENT(SQDMLAL_elem, x.set_vec(Rd, form::double_long_into<simd::AddSat>(x, size, x.vec(Rd),
                                                                                 form::half_part(x, Rn, Q), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQDMLSL_elem, x.set_vec(Rd, form::double_long_into<simd::SubSat>(x, size, x.vec(Rd),
                                                                                 form::half_part(x, Rn, Q), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQDMULL_elem, x.set_vec(Rd, form::double_long(x, size, form::half_part(x, Rn, Q), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQDMULH_elem,
                x.set_vec(Rd,
                          form::multiply_high<false>(x, size, form::low_part(x, Rn, form::vector_bits(Q)), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQRDMULH_elem,
                x.set_vec(Rd, form::multiply_high<true>(x, size, form::low_part(x, Rn, form::vector_bits(Q)), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQRDMLAH_elem,
                x.set_vec(Rd, form::multiply_high_add<false>(x, size, form::low_part(x, Rd, form::vector_bits(Q)),
                                                             form::low_part(x, Rn, form::vector_bits(Q)), element));
                return Flow::Next;)
FARSIDE_ELEMENT(SQRDMLSH_elem,
                x.set_vec(Rd, form::multiply_high_add<true>(x, size, form::low_part(x, Rd, form::vector_bits(Q)),
                                                            form::low_part(x, Rn, form::vector_bits(Q)), element));
                return Flow::Next;)
#undef FARSIDE_ELEMENT

template <class X>
Flow SDOT_elem(X& x, Imm<1> Q, Imm<1> L, Imm<1> M, Imm<4> Rm, Imm<1> H, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  const auto element = form::spread(x, 2, form::indexed_element(2, L, M, Rm, H));
  return form::put(x, Rd, form::vector_bits(Q), x.call(simd::dot<i8>, x.vec(Rd), x.vec(Rn), element));
}
template <class X>
Flow UDOT_elem(X& x, Imm<1> Q, Imm<1> L, Imm<1> M, Imm<4> Rm, Imm<1> H, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  const auto element = form::spread(x, 2, form::indexed_element(2, L, M, Rm, H));
  return form::put(x, Rd, form::vector_bits(Q), x.call(simd::dot<u8>, x.vec(Rd), x.vec(Rn), element));
}

}  // namespace farside::isa::a64
