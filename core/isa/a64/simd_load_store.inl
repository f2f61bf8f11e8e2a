// core/isa/a64/simd_load_store.inl - semantics of LD1..LD4 and ST1..ST4.
#pragma once
#include "core/isa/exec.h"
#include "core/isa/simd_structures.h"

namespace farside::isa::a64 {

/// The post-index amount: Xm, or the bytes transferred when Rm is 31.
template <class X>
auto post_amount(X& x, RegNo Rm, unsigned bytes) {
  return Rm.is31() ? x.imm(bytes) : x.reg(Rm, true);
}

/// Register `i` of a list that starts at Rt and wraps after V31.
constexpr RegNo list_register(RegNo Rt, unsigned i) { return {(Rt.raw + i) & 31}; }

// Multiple structures: `count` registers in structures of `selem` elements. Memory is touched as one block before any
// register changes, so a fault in the middle leaves all of them as they were.

template <class X>
Flow load_structures(X& x, ListShape shape, typename X::Val address, RegNo Rt) {
  const auto block = TRY(x.load_block(address, shape.bytes(), shape.element()));
  for (unsigned i = 0; i < shape.count; ++i) {
    const auto pick = [shape, i](const Block& from) { return gather_register(from, shape, i); };
    x.set_vec(list_register(Rt, i), x.call(pick, block));
  }
  return Flow::Next;
}

template <class X>
Flow store_structures(X& x, ListShape shape, typename X::Val address, RegNo Rt) {
  const auto merge = [shape](const Vec& a, const Vec& b, const Vec& c, const Vec& d) {
    return scatter_registers({a, b, c, d}, shape);
  };
  const auto v = [&](unsigned i) { return x.vec(list_register(Rt, i)); };
  TRY_VOID(x.store_block(address, shape.bytes(), shape.element(), x.call(merge, v(0), v(1), v(2), v(3))));
  return Flow::Next;
}

/// `post` is null for the forms without write-back.
template <class X>
Flow structures(X& x, bool load, ListShape shape, const RegNo* post, RegNo Rn, RegNo Rt) {
  if (!shape.allocated()) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  const auto base = TRY(x.base(Rn));
  const Flow flow = load ? load_structures(x, shape, base, Rt) : store_structures(x, shape, base, Rt);
  if (flow == Flow::Next && post != nullptr)
    x.set_reg_sp(Rn, true, x.add(base, post_amount(x, *post, shape.bytes()), true));
  return flow;
}

template <class X>
Flow ST4_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 4, 4}, nullptr, Rn, Rt);
}

template <class X>
Flow ST1_multix4(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 4, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow ST3_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 3, 3}, nullptr, Rn, Rt);
}

template <class X>
Flow ST1_multix3(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 3, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow ST1_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 1, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow ST2_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 2, 2}, nullptr, Rn, Rt);
}

template <class X>
Flow ST1_multix2(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 2, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow LD4_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 4, 4}, nullptr, Rn, Rt);
}

template <class X>
Flow LD1_multix4(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 4, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow LD3_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 3, 3}, nullptr, Rn, Rt);
}

template <class X>
Flow LD1_multix3(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 3, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow LD1_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 1, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow LD2_multi(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 2, 2}, nullptr, Rn, Rt);
}

template <class X>
Flow LD1_multix2(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 2, 1}, nullptr, Rn, Rt);
}

template <class X>
Flow ST4_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 4, 4}, &Rm, Rn, Rt);
}

template <class X>
Flow ST1_multix4_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 4, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow ST3_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 3, 3}, &Rm, Rn, Rt);
}

template <class X>
Flow ST1_multix3_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 3, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow ST1_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 1, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow ST2_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 2, 2}, &Rm, Rn, Rt);
}

template <class X>
Flow ST1_multix2_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, false, {Q == 1, size, 2, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow LD4_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 4, 4}, &Rm, Rn, Rt);
}

template <class X>
Flow LD1_multix4_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 4, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow LD3_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 3, 3}, &Rm, Rn, Rt);
}

template <class X>
Flow LD1_multix3_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 3, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow LD1_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 1, 1}, &Rm, Rn, Rt);
}

template <class X>
Flow LD2_multi_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 2, 2}, &Rm, Rn, Rt);
}

template <class X>
Flow LD1_multix2_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return structures(x, true, {Q == 1, size, 2, 1}, &Rm, Rn, Rt);
}

// Single structure to or from one lane, and replicated to all lanes.

template <class X>
Flow single_structure(X& x, bool load, LaneAt at, unsigned selem, const RegNo* post, RegNo Rn, RegNo Rt) {
  if (!at.allocated) [[unlikely]]
    return x.undefined();
  TRY_VOID(x.fp_access());
  const auto base = TRY(x.base(Rn));
  const unsigned element = 1u << at.size_log2, bytes = selem * element;
  if (load) {
    const auto block = TRY(x.load_block(base, bytes, element));
    for (unsigned i = 0; i < selem; ++i) {
      const auto insert = [at, i](const Block& from, const Vec& to) { return insert_element(from, i, to, at); };
      const RegNo target = list_register(Rt, i);
      x.set_vec(target, x.call(insert, block, x.vec(target)));
    }
  } else {
    const auto merge = [at](const Vec& a, const Vec& b, const Vec& c, const Vec& d) {
      return extract_elements({a, b, c, d}, at);
    };
    const auto v = [&](unsigned i) { return x.vec(list_register(Rt, i)); };
    TRY_VOID(x.store_block(base, bytes, element, x.call(merge, v(0), v(1), v(2), v(3))));
  }
  if (post != nullptr) x.set_reg_sp(Rn, true, x.add(base, post_amount(x, *post, bytes), true));
  return Flow::Next;
}

template <class X>
Flow replicated_structure(X& x, Imm<1> Q, Imm<2> size, unsigned selem, const RegNo* post, RegNo Rn, RegNo Rt) {
  TRY_VOID(x.fp_access());
  const auto base = TRY(x.base(Rn));
  const unsigned element = 1u << size, bytes = selem * element;
  const auto block = TRY(x.load_block(base, bytes, element));
  for (unsigned i = 0; i < selem; ++i) {
    const auto spread = [element, i, q = Q == 1](const Block& from) { return replicate_element(from, i, element, q); };
    x.set_vec(list_register(Rt, i), x.call(spread, block));
  }
  if (post != nullptr) x.set_reg_sp(Rn, true, x.add(base, post_amount(x, *post, bytes), true));
  return Flow::Next;
}

template <class X>
Flow ST1_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 1, nullptr, Rn, Rt);
}

template <class X>
Flow ST2_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 2, nullptr, Rn, Rt);
}

template <class X>
Flow ST3_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 3, nullptr, Rn, Rt);
}

template <class X>
Flow ST4_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 4, nullptr, Rn, Rt);
}

template <class X>
Flow LD1_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 1, nullptr, Rn, Rt);
}

template <class X>
Flow LD2_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 2, nullptr, Rn, Rt);
}

template <class X>
Flow LD3_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 3, nullptr, Rn, Rt);
}

template <class X>
Flow LD4_single(X& x, Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 4, nullptr, Rn, Rt);
}

template <class X>
Flow LD1R(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 1, nullptr, Rn, Rt);
}

template <class X>
Flow LD2R(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 2, nullptr, Rn, Rt);
}

template <class X>
Flow LD3R(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 3, nullptr, Rn, Rt);
}

template <class X>
Flow LD4R(X& x, Imm<1> Q, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 4, nullptr, Rn, Rt);
}

template <class X>
Flow ST1_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 1, &Rm, Rn, Rt);
}

template <class X>
Flow ST2_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 2, &Rm, Rn, Rt);
}

template <class X>
Flow ST3_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 3, &Rm, Rn, Rt);
}

template <class X>
Flow ST4_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, false, lane_at(Q, scale, S, size), 4, &Rm, Rn, Rt);
}

template <class X>
Flow LD1_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 1, &Rm, Rn, Rt);
}

template <class X>
Flow LD2_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 2, &Rm, Rn, Rt);
}

template <class X>
Flow LD3_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 3, &Rm, Rn, Rt);
}

template <class X>
Flow LD4_single_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> scale, Imm<1> S, Imm<2> size, RegNo Rn, RegNo Rt) {
  return single_structure(x, true, lane_at(Q, scale, S, size), 4, &Rm, Rn, Rt);
}

template <class X>
Flow LD1R_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 1, &Rm, Rn, Rt);
}

template <class X>
Flow LD2R_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 2, &Rm, Rn, Rt);
}

template <class X>
Flow LD3R_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 3, &Rm, Rn, Rt);
}

template <class X>
Flow LD4R_post(X& x, Imm<1> Q, RegNo Rm, Imm<2> size, RegNo Rn, RegNo Rt) {
  return replicated_structure(x, Q, size, 4, &Rm, Rn, Rt);
}

}  // namespace farside::isa::a64
