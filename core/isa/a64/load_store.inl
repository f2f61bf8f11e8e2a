// core/isa/a64/load_store.inl - semantics of loads and stores of general-purpose registers.
#pragma once
#include "core/isa/a64/operands.inl"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

// The accesses. ESR's ISV group is given by forms of a single general-purpose register without write-back
// (ISSEncodingForDataAbort); all others pass Mem::plain.

/// Stores the low 1 << size bytes of Rt.
template <class X>
Flow store_gpr(X& x, unsigned size, typename X::Val address, RegNo Rt, Mem how) {
  TRY_VOID(x.store(address, 1u << size, x.reg(Rt, true), how));
  return Flow::Next;
}

/// Loads 1 << size bytes into Rt, zero-extended.
template <class X>
Flow load_gpr(X& x, unsigned size, typename X::Val address, RegNo Rt, Mem how) {
  x.set_reg(Rt, true, TRY(x.load(address, 1u << size, how)));
  return Flow::Next;
}

/// Loads 1 << size bytes into Xt (sf) or Wt, sign-extended.
template <class X>
Flow load_signed(X& x, unsigned size, bool sf, typename X::Val address, RegNo Rt, Mem how) {
  x.set_reg(Rt, sf, x.sext(TRY(x.load(address, 1u << size, how)), 8u << size));
  return Flow::Next;
}

constexpr Mem unsigned_access(RegNo Rt, unsigned size) { return Mem::reg(Rt, size == 3); }
constexpr Mem signed_access(RegNo Rt, bool sf) { return Mem::reg(Rt, sf, true); }
/// LDRSW is the widest signed load and has no 32-bit form; elsewhere the encoding is unallocated or a prefetch.
constexpr bool signed_allocated(unsigned size, bool sf) { return size < (sf ? 3u : 2u); }

// Addressing. `access` takes the address; the base register is written only if it succeeds. When Rt is also the base
// of a form with write-back (CONSTRAINED UNPREDICTABLE), stores use the old value and loads lose to the write-back.

template <class X, class Access>
Flow at_offset(X& x, RegNo Rn, u64 offset, Access&& access) {
  return access(x.add(TRY(x.base(Rn)), x.imm(offset), true));
}

template <class X, class Access>
Flow post_indexed(X& x, RegNo Rn, u64 offset, Access&& access) {
  const auto base = TRY(x.base(Rn));
  if (const Flow flow = access(base); flow != Flow::Next) [[unlikely]]
    return flow;
  x.set_reg_sp(Rn, true, x.add(base, x.imm(offset), true));
  return Flow::Next;
}

template <class X, class Access>
Flow pre_indexed(X& x, RegNo Rn, u64 offset, Access&& access) {
  const auto address = x.add(TRY(x.base(Rn)), x.imm(offset), true);
  if (const Flow flow = access(address); flow != Flow::Next) [[unlikely]]
    return flow;
  x.set_reg_sp(Rn, true, address);
  return Flow::Next;
}

/// Register offset, extended and shifted by `size` if S. Sub-word extensions are unallocated.
template <class X, class Access>
Flow at_register(X& x, RegNo Rn, RegNo Rm, Imm<3> option, Imm<1> S, unsigned size, Access&& access) {
  if (!option.bit(1)) [[unlikely]]
    return x.undefined();
  const auto base = TRY(x.base(Rn));
  return access(x.add(base, extend_reg(x, Rm, option, S ? size : 0, true), true));
}

// Ordered. Load-LOAcquire and Store-LORelease order at least as much as asked: they are LDAR and STLR.

template <class X>
Flow STLLR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return store_gpr(x, size, TRY(x.base(Rn)), Rt, unsigned_access(Rt, size).ordered());
}

template <class X>
Flow STLR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return store_gpr(x, size, TRY(x.base(Rn)), Rt, unsigned_access(Rt, size).ordered());
}

template <class X>
Flow LDLAR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return load_gpr(x, size, TRY(x.base(Rn)), Rt, unsigned_access(Rt, size).ordered());
}

template <class X>
Flow LDAR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return load_gpr(x, size, TRY(x.base(Rn)), Rt, unsigned_access(Rt, size).ordered());
}

template <class X>
Flow LDAPR(X& x, Imm<2> size, RegNo Rn, RegNo Rt) {
  return load_gpr(x, size, TRY(x.base(Rn)), Rt, unsigned_access(Rt, size).ordered());
}

template <class X>
Flow STLUR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return store_gpr(x, size, address, Rt, unsigned_access(Rt, size).ordered()); });
}

template <class X>
Flow LDAPUR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return load_gpr(x, size, address, Rt, unsigned_access(Rt, size).ordered()); });
}

template <class X>
Flow LDAPURS_x(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return load_signed(x, size, true, address, Rt, signed_access(Rt, true).ordered());
  });
}

template <class X>
Flow LDAPURS_w(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return load_signed(x, size, false, address, Rt, signed_access(Rt, false).ordered());
  });
}

// Literal.

/// The address that a literal form names.
template <class X>
auto literal_address(X& x, Imm<19> imm19) {
  return x.add(x.pc(), x.imm(static_cast<u64>(imm19.sext()) << 2), true);
}

template <class X>
Flow LDR_lit(X& x, Imm<1> sf, Imm<19> imm19, RegNo Rt) {
  return load_gpr(x, 2 + sf, literal_address(x, imm19), Rt, Mem::reg(Rt, sf));
}

template <class X>
Flow LDRSW_lit(X& x, Imm<19> imm19, RegNo Rt) {
  return load_signed(x, 2, true, literal_address(x, imm19), Rt, signed_access(Rt, true));
}

// Pairs.

/// Rt wins over Rt2 where both are the same register (CONSTRAINED UNPREDICTABLE).
template <class X>
Flow load_pair(X& x, bool sf, typename X::Val address, RegNo Rt, RegNo Rt2) {
  const auto both = TRY(x.load_pair(address, sf ? 8 : 4, Mem::plain()));
  x.set_reg(Rt2, sf, both.second);
  x.set_reg(Rt, sf, both.first);
  return Flow::Next;
}

template <class X>
Flow load_pair_signed(X& x, typename X::Val address, RegNo Rt, RegNo Rt2) {
  const auto both = TRY(x.load_pair(address, 4, Mem::plain()));
  x.set_reg(Rt2, true, x.sext(both.second, 32));
  x.set_reg(Rt, true, x.sext(both.first, 32));
  return Flow::Next;
}

template <class X>
Flow store_pair(X& x, bool sf, typename X::Val address, RegNo Rt, RegNo Rt2) {
  TRY_VOID(x.store_pair(address, sf ? 8 : 4, x.reg(Rt, sf), x.reg(Rt2, sf), Mem::plain()));
  return Flow::Next;
}

/// imm7 counts registers.
constexpr u64 pair_offset(Imm<7> imm7, unsigned size) { return static_cast<u64>(imm7.sext()) << size; }

template <class X>
Flow STNP(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, pair_offset(imm7, 2 + sf), [&](auto address) { return store_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDNP(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, pair_offset(imm7, 2 + sf), [&](auto address) { return load_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow STP_post(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return post_indexed(x, Rn, pair_offset(imm7, 2 + sf),
                      [&](auto address) { return store_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDP_post(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return post_indexed(x, Rn, pair_offset(imm7, 2 + sf),
                      [&](auto address) { return load_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDPSW_post(X& x, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return post_indexed(x, Rn, pair_offset(imm7, 2), [&](auto address) { return load_pair_signed(x, address, Rt, Rt2); });
}

template <class X>
Flow STP_off(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, pair_offset(imm7, 2 + sf), [&](auto address) { return store_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDP_off(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, pair_offset(imm7, 2 + sf), [&](auto address) { return load_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDPSW_off(X& x, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, pair_offset(imm7, 2), [&](auto address) { return load_pair_signed(x, address, Rt, Rt2); });
}

template <class X>
Flow STP_pre(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return pre_indexed(x, Rn, pair_offset(imm7, 2 + sf),
                     [&](auto address) { return store_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDP_pre(X& x, Imm<1> sf, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return pre_indexed(x, Rn, pair_offset(imm7, 2 + sf),
                     [&](auto address) { return load_pair(x, sf, address, Rt, Rt2); });
}

template <class X>
Flow LDPSW_pre(X& x, Imm<7> imm7, RegNo Rt2, RegNo Rn, RegNo Rt) {
  return pre_indexed(x, Rn, pair_offset(imm7, 2), [&](auto address) { return load_pair_signed(x, address, Rt, Rt2); });
}

// Single registers, by addressing mode.

template <class X>
Flow STUR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return store_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDUR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return load_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDURS_x(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return load_signed(x, size, true, address, Rt, signed_access(Rt, true)); });
}

template <class X>
Flow LDURS_w(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(),
                   [&](auto address) { return load_signed(x, size, false, address, Rt, signed_access(Rt, false)); });
}

template <class X>
Flow STR_post(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return post_indexed(x, Rn, imm9.sext(), [&](auto address) { return store_gpr(x, size, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDR_post(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return post_indexed(x, Rn, imm9.sext(), [&](auto address) { return load_gpr(x, size, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDRS_x_post(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return post_indexed(x, Rn, imm9.sext(),
                      [&](auto address) { return load_signed(x, size, true, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDRS_w_post(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return post_indexed(x, Rn, imm9.sext(),
                      [&](auto address) { return load_signed(x, size, false, address, Rt, Mem::plain()); });
}

template <class X>
Flow STTR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return store_gpr(x, size, address, Rt, unsigned_access(Rt, size).as_unprivileged());
  });
}

template <class X>
Flow LDTR(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return load_gpr(x, size, address, Rt, unsigned_access(Rt, size).as_unprivileged());
  });
}

template <class X>
Flow LDTRS_x(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return load_signed(x, size, true, address, Rt, signed_access(Rt, true).as_unprivileged());
  });
}

template <class X>
Flow LDTRS_w(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm9.sext(), [&](auto address) {
    return load_signed(x, size, false, address, Rt, signed_access(Rt, false).as_unprivileged());
  });
}

template <class X>
Flow STR_pre(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return pre_indexed(x, Rn, imm9.sext(), [&](auto address) { return store_gpr(x, size, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDR_pre(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  return pre_indexed(x, Rn, imm9.sext(), [&](auto address) { return load_gpr(x, size, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDRS_x_pre(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return pre_indexed(x, Rn, imm9.sext(),
                     [&](auto address) { return load_signed(x, size, true, address, Rt, Mem::plain()); });
}

template <class X>
Flow LDRS_w_pre(X& x, Imm<2> size, Imm<9> imm9, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return pre_indexed(x, Rn, imm9.sext(),
                     [&](auto address) { return load_signed(x, size, false, address, Rt, Mem::plain()); });
}

template <class X>
Flow STR_reg(X& x, Imm<2> size, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  return at_register(x, Rn, Rm, option, S, size,
                     [&](auto address) { return store_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDR_reg(X& x, Imm<2> size, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  return at_register(x, Rn, Rm, option, S, size,
                     [&](auto address) { return load_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDRS_x_reg(X& x, Imm<2> size, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return at_register(x, Rn, Rm, option, S, size,
                     [&](auto address) { return load_signed(x, size, true, address, Rt, signed_access(Rt, true)); });
}

template <class X>
Flow LDRS_w_reg(X& x, Imm<2> size, RegNo Rm, Imm<3> option, Imm<1> S, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return at_register(x, Rn, Rm, option, S, size,
                     [&](auto address) { return load_signed(x, size, false, address, Rt, signed_access(Rt, false)); });
}

template <class X>
Flow STR_uimm(X& x, Imm<2> size, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm12.zext() << size,
                   [&](auto address) { return store_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDR_uimm(X& x, Imm<2> size, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  return at_offset(x, Rn, imm12.zext() << size,
                   [&](auto address) { return load_gpr(x, size, address, Rt, unsigned_access(Rt, size)); });
}

template <class X>
Flow LDRS_x_uimm(X& x, Imm<2> size, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, true)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm12.zext() << size,
                   [&](auto address) { return load_signed(x, size, true, address, Rt, signed_access(Rt, true)); });
}

template <class X>
Flow LDRS_w_uimm(X& x, Imm<2> size, Imm<12> imm12, RegNo Rn, RegNo Rt) {
  if (!signed_allocated(size, false)) [[unlikely]]
    return x.undefined();
  return at_offset(x, Rn, imm12.zext() << size,
                   [&](auto address) { return load_signed(x, size, false, address, Rt, signed_access(Rt, false)); });
}

// Prefetches are hints: no access, no SP alignment check.

template <class X>
Flow PRFM_lit(X&, Imm<19>, RegNo) {
  return Flow::Next;
}

template <class X>
Flow PRFUM(X&) {
  return Flow::Next;
}

template <class X>
Flow PRFM_reg(X& x, Imm<3> option) {
  return option.bit(1) ? Flow::Next : x.undefined();
}

template <class X>
Flow PRFM_uimm(X&) {
  return Flow::Next;
}

// FEAT_PAuth: the base is authenticated with zero as modifier.

template <class X>
Flow LDRA(X& x, Imm<1> M, Imm<1> S, Imm<9> imm9, Imm<1> W, RegNo Rn, RegNo Rt) {
  const u64 offset = static_cast<u64>(sign_extend(u64{S} << 9 | imm9, 10)) << 3;
  const auto base = TRY(x.auth_pac(TRY(x.base(Rn)), x.imm(0), M ? PacKey::DB : PacKey::DA));
  const auto address = x.add(base, x.imm(offset), true);
  const auto data = TRY(x.load(address, 8, W ? Mem::plain() : Mem::reg(Rt, true)));
  x.set_reg(Rt, true, data);
  if (W) x.set_reg_sp(Rn, true, address);
  return Flow::Next;
}

}  // namespace farside::isa::a64

#include "core/isa/a64/load_store_fp.inl"
