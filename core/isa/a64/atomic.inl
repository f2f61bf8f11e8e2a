// core/isa/a64/atomic.inl - semantics of exclusives and of the atomics of FEAT_LSE.
#pragma once
#include "core/isa/exec.h"

namespace farside::isa::a64 {

// Exclusives. Where the status register is also the data or base register (CONSTRAINED UNPREDICTABLE), the store uses
// the old value and the status is written last; LDXP of one register twice keeps the second value.

template <class X>
Flow store_exclusive(X& x, unsigned bytes, bool release, RegNo Rs, RegNo Rn, RegNo Rt) {
  const auto base = TRY(x.base(Rn));
  x.set_reg(Rs, false, TRY(x.store_exclusive(base, bytes, false, release, x.reg(Rt, true), x.imm(0))));
  return Flow::Next;
}

template <class X>
Flow store_exclusive_pair(X& x, unsigned bytes, bool release, RegNo Rs, RegNo Rt2, RegNo Rn, RegNo Rt) {
  const auto base = TRY(x.base(Rn));
  x.set_reg(Rs, false, TRY(x.store_exclusive(base, bytes, true, release, x.reg(Rt, true), x.reg(Rt2, true))));
  return Flow::Next;
}

template <class X>
Flow load_exclusive(X& x, unsigned bytes, bool acquire, RegNo Rn, RegNo Rt) {
  const auto base = TRY(x.base(Rn));
  x.set_reg(Rt, true, TRY(x.load_exclusive(base, bytes, false, acquire)).first);
  return Flow::Next;
}

template <class X>
Flow load_exclusive_pair(X& x, unsigned bytes, bool acquire, RegNo Rt2, RegNo Rn, RegNo Rt) {
  const auto base = TRY(x.base(Rn));
  const auto both = TRY(x.load_exclusive(base, bytes, true, acquire));
  x.set_reg(Rt, true, both.first);
  x.set_reg(Rt2, true, both.second);
  return Flow::Next;
}

template <class X>
Flow STXR(X& x, Imm<2> size, RegNo Rs, RegNo Rn, RegNo Rt) {
  return store_exclusive(x, 1u << size, false, Rs, Rn, Rt);
}

template <class X>
Flow STLXR(X& x, Imm<2> size, RegNo Rs, RegNo Rn, RegNo Rt) {
  return store_exclusive(x, 1u << size, true, Rs, Rn, Rt);
}

template <class X>
Flow LDXR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return load_exclusive(x, 1u << size, false, Rn, Rt);
}

template <class X>
Flow LDAXR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return load_exclusive(x, 1u << size, true, Rn, Rt);
}

template <class X>
Flow STXP(X& x, Imm<1> sz, RegNo Rs, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return store_exclusive_pair(x, 4u << sz, false, Rs, Rt2, Rn, Rt);
}

template <class X>
Flow STLXP(X& x, Imm<1> sz, RegNo Rs, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return store_exclusive_pair(x, 4u << sz, true, Rs, Rt2, Rn, Rt);
}

template <class X>
Flow LDXP(X& x, Imm<1> sz, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return load_exclusive_pair(x, 4u << sz, false, Rt2, Rn, Rt);
}

template <class X>
Flow LDAXP(X& x, Imm<1> sz, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return load_exclusive_pair(x, 4u << sz, true, Rt2, Rn, Rt);
}

// Compare and swap. The syndrome of an abort never has ISV set.

template <class X>
Flow CASP(X& x, Imm<1> sz, Imm<1> L, RegNo Rs, Imm<1> o0, RegNo Rn, RegNo Rt) {
  if ((Rs & 1) != 0 || (Rt & 1) != 0) [[unlikely]]
    return x.undefined();
  const bool sf = sz == 1;
  const RegNo Rs2{Rs.raw + 1}, Rt2{Rt.raw + 1};
  const Pair<typename X::Val> expected{x.reg(Rs, sf), x.reg(Rs2, sf)}, desired{x.reg(Rt, sf), x.reg(Rt2, sf)};
  const auto base = TRY(x.base(Rn));
  const auto old = TRY(x.compare_and_swap(base, 4u << sz, true, expected, desired, L || o0));
  x.set_reg(Rs, sf, old.first);
  x.set_reg(Rs2, sf, old.second);
  return Flow::Next;
}

template <class X>
Flow CAS(X& x, Imm<2> size, Imm<1> L, RegNo Rs, Imm<1> o0, RegNo Rn, RegNo Rt) {
  const unsigned bits = 8u << size;
  const Pair<typename X::Val> expected{x.zext(x.reg(Rs, true), bits), x.imm(0)};
  const Pair<typename X::Val> desired{x.zext(x.reg(Rt, true), bits), x.imm(0)};
  const auto base = TRY(x.base(Rn));
  x.set_reg(Rs, true, TRY(x.compare_and_swap(base, 1u << size, false, expected, desired, L || o0)).first);
  return Flow::Next;
}

// Read-modify-write: Rt gets the old value.

template <class X>
Flow read_modify_write(X& x, AtomicOp op, unsigned size, bool ordered, RegNo Rs, RegNo Rn, RegNo Rt) {
  const auto operand = x.zext(x.reg(Rs, true), 8u << size);
  const auto base = TRY(x.base(Rn));
  x.set_reg(Rt, true, TRY(x.atomic(op, base, 1u << size, operand, ordered)));
  return Flow::Next;
}

template <class X>
Flow LDADD(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Add, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDCLR(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Clr, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDEOR(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Eor, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDSET(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Set, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDSMAX(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Smax, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDSMIN(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Smin, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDUMAX(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Umax, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow LDUMIN(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Umin, size, A || R, Rs, Rn, Rt);
}

template <class X>
Flow SWP(X& x, Imm<2> size, Imm<1> A, Imm<1> R, RegNo Rs, RegNo Rn, RegNo Rt) {
  return read_modify_write(x, AtomicOp::Swp, size, A || R, Rs, Rn, Rt);
}

}  // namespace farside::isa::a64
