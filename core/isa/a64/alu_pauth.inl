// core/isa/a64/alu_pauth.inl - semantics of FEAT_PAuth's data-processing forms; part of alu.inl.
#pragma once
#include "core/arch/pac_key.h"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

/// Rd gets its own value signed with Rn, or SP when Rn is 31, as modifier.
template <class X>
Flow sign_pointer(X& x, PacKey key, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, TRY(x.add_pac(x.reg(Rd, true), x.reg_sp(Rn, true), key)));
  return Flow::Next;
}

template <class X>
Flow authenticate_pointer(X& x, PacKey key, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, TRY(x.auth_pac(x.reg(Rd, true), x.reg_sp(Rn, true), key)));
  return Flow::Next;
}

/// The Z forms: the modifier is zero.
template <class X>
Flow sign_pointer_zero(X& x, PacKey key, RegNo Rd) {
  x.set_reg(Rd, true, TRY(x.add_pac(x.reg(Rd, true), x.imm(0), key)));
  return Flow::Next;
}

template <class X>
Flow authenticate_pointer_zero(X& x, PacKey key, RegNo Rd) {
  x.set_reg(Rd, true, TRY(x.auth_pac(x.reg(Rd, true), x.imm(0), key)));
  return Flow::Next;
}

template <class X>
Flow PACIA(X& x, RegNo Rn, RegNo Rd) {
  return sign_pointer(x, PacKey::IA, Rn, Rd);
}
template <class X>
Flow PACIB(X& x, RegNo Rn, RegNo Rd) {
  return sign_pointer(x, PacKey::IB, Rn, Rd);
}
template <class X>
Flow PACDA(X& x, RegNo Rn, RegNo Rd) {
  return sign_pointer(x, PacKey::DA, Rn, Rd);
}
template <class X>
Flow PACDB(X& x, RegNo Rn, RegNo Rd) {
  return sign_pointer(x, PacKey::DB, Rn, Rd);
}
template <class X>
Flow AUTIA(X& x, RegNo Rn, RegNo Rd) {
  return authenticate_pointer(x, PacKey::IA, Rn, Rd);
}
template <class X>
Flow AUTIB(X& x, RegNo Rn, RegNo Rd) {
  return authenticate_pointer(x, PacKey::IB, Rn, Rd);
}
template <class X>
Flow AUTDA(X& x, RegNo Rn, RegNo Rd) {
  return authenticate_pointer(x, PacKey::DA, Rn, Rd);
}
template <class X>
Flow AUTDB(X& x, RegNo Rn, RegNo Rd) {
  return authenticate_pointer(x, PacKey::DB, Rn, Rd);
}

template <class X>
Flow PACIZA(X& x, RegNo Rd) {
  return sign_pointer_zero(x, PacKey::IA, Rd);
}
template <class X>
Flow PACIZB(X& x, RegNo Rd) {
  return sign_pointer_zero(x, PacKey::IB, Rd);
}
template <class X>
Flow PACDZA(X& x, RegNo Rd) {
  return sign_pointer_zero(x, PacKey::DA, Rd);
}
template <class X>
Flow PACDZB(X& x, RegNo Rd) {
  return sign_pointer_zero(x, PacKey::DB, Rd);
}
template <class X>
Flow AUTIZA(X& x, RegNo Rd) {
  return authenticate_pointer_zero(x, PacKey::IA, Rd);
}
template <class X>
Flow AUTIZB(X& x, RegNo Rd) {
  return authenticate_pointer_zero(x, PacKey::IB, Rd);
}
template <class X>
Flow AUTDZA(X& x, RegNo Rd) {
  return authenticate_pointer_zero(x, PacKey::DA, Rd);
}
template <class X>
Flow AUTDZB(X& x, RegNo Rd) {
  return authenticate_pointer_zero(x, PacKey::DB, Rd);
}

/// The generic code of Xn with modifier Xm (or SP) in the top half of Xd.
template <class X>
Flow PACGA(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, TRY(x.generic_pac(x.reg(Rn, true), x.reg_sp(Rm, true))));
  return Flow::Next;
}

template <class X>
Flow XPACI(X& x, RegNo Rd) {
  x.set_reg(Rd, true, x.strip_pac(x.reg(Rd, true), /*instruction=*/true));
  return Flow::Next;
}

template <class X>
Flow XPACD(X& x, RegNo Rd) {
  x.set_reg(Rd, true, x.strip_pac(x.reg(Rd, true), /*instruction=*/false));
  return Flow::Next;
}

}  // namespace farside::isa::a64
