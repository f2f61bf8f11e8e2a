// core/isa/a64/load_store_fp.inl - semantics of loads and stores of SIMD&FP registers; part of load_store.inl.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {

template <class X>
Flow store_fp(X& x, unsigned size, typename X::Val address, RegNo Rt) {
  TRY_VOID(x.store_vec(address, 1u << size, x.vec(Rt), Mem::plain()));
  return Flow::Next;
}

template <class X>
Flow load_fp(X& x, unsigned size, typename X::Val address, RegNo Rt) {
  x.set_vec(Rt, TRY(x.load_vec(address, 1u << size, Mem::plain())));
  return Flow::Next;
}

template <class X>
Flow store_fp_pair(X& x, unsigned size, typename X::Val address, RegNo Rt, RegNo Rt2) {
  TRY_VOID(x.store_vec_pair(address, 1u << size, x.vec(Rt), x.vec(Rt2), Mem::plain()));
  return Flow::Next;
}

/// Rt2 wins over Rt where both are the same register (CONSTRAINED UNPREDICTABLE).
template <class X>
Flow load_fp_pair(X& x, unsigned size, typename X::Val address, RegNo Rt, RegNo Rt2) {
  const auto both = TRY(x.load_vec_pair(address, 1u << size, Mem::plain()));
  x.set_vec(Rt, both.first);
  x.set_vec(Rt2, both.second);
  return Flow::Next;
}

template <class X>
Flow LDR_fp_lit(X& x, Imm<2> opc, Imm<19> imm19, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return load_fp(x, 2 + opc, literal_address(x, imm19), Rt);
}

// Pairs: opc is 0 for S, 1 for D, 2 for Q.

template <class X>
Flow STNP_fp(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, pair_offset(imm7, 2 + opc),
                   [&](auto address) { return store_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow LDNP_fp(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, pair_offset(imm7, 2 + opc),
                   [&](auto address) { return load_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow STP_fp_post(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return post_indexed(x, Rn, pair_offset(imm7, 2 + opc),
                      [&](auto address) { return store_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow LDP_fp_post(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return post_indexed(x, Rn, pair_offset(imm7, 2 + opc),
                      [&](auto address) { return load_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow STP_fp_off(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, pair_offset(imm7, 2 + opc),
                   [&](auto address) { return store_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow LDP_fp_off(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, pair_offset(imm7, 2 + opc),
                   [&](auto address) { return load_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow STP_fp_pre(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return pre_indexed(x, Rn, pair_offset(imm7, 2 + opc),
                     [&](auto address) { return store_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

template <class X>
Flow LDP_fp_pre(X& x, Imm<2> opc, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  if (opc == 3) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return pre_indexed(x, Rn, pair_offset(imm7, 2 + opc),
                     [&](auto address) { return load_fp_pair(x, 2 + opc, address, Rt, Rt2); });
}

// Single registers. q:size is the log2 of the access size: B, H, S, D, Q.

constexpr unsigned fp_size(Imm<1> q, Imm<2> size) { return q << 2 | size; }

template <class X>
Flow STUR_fp(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, imm9.sext(), [&](auto address) { return store_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow LDUR_fp(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, imm9.sext(), [&](auto address) { return load_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow STR_fp_post(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return post_indexed(x, Rn, imm9.sext(), [&](auto address) { return store_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow LDR_fp_post(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return post_indexed(x, Rn, imm9.sext(), [&](auto address) { return load_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow STR_fp_pre(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return pre_indexed(x, Rn, imm9.sext(), [&](auto address) { return store_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow LDR_fp_pre(X& x, Imm<2> size, Imm<1> q, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return pre_indexed(x, Rn, imm9.sext(), [&](auto address) { return load_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow STR_fp_reg(X& x, Imm<2> size, Imm<1> q, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  if (!option.bit(1)) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_register(x, Rn, Rm, option, S, fp_size(q, size),
                     [&](auto address) { return store_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow LDR_fp_reg(X& x, Imm<2> size, Imm<1> q, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  if (!option.bit(1)) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_register(x, Rn, Rm, option, S, fp_size(q, size),
                     [&](auto address) { return load_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow STR_fp_uimm(X& x, Imm<2> size, Imm<1> q, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, imm12.zext() << fp_size(q, size),
                   [&](auto address) { return store_fp(x, fp_size(q, size), address, Rt); });
}

template <class X>
Flow LDR_fp_uimm(X& x, Imm<2> size, Imm<1> q, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  if (fp_size(q, size) > 4) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  return at_offset(x, Rn, imm12.zext() << fp_size(q, size),
                   [&](auto address) { return load_fp(x, fp_size(q, size), address, Rt); });
}

}  // namespace farside::isa::a64
