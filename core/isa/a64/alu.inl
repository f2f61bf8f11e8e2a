// core/isa/a64/alu.inl - semantics of data processing on general-purpose registers.
#pragma once
#include "core/arch/pac_key.h"
#include "core/isa/bitmask.h"
#include "core/isa/crc32.h"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

// PC-relative addressing.

template <class X>
Flow ADR(X& x, Imm<2> immlo, Imm<19> immhi, RegNo Rd) {
  const u64 offset = static_cast<u64>(immhi.sext()) << 2 | immlo;
  x.set_reg(Rd, true, x.add(x.pc(), x.imm(offset), true));
  return Flow::Next;
}

template <class X>
Flow ADRP(X& x, Imm<2> immlo, Imm<19> immhi, RegNo Rd) {
  const u64 offset = (static_cast<u64>(immhi.sext()) << 2 | immlo) << 12;
  x.set_reg(Rd, true, x.add(x.and_(x.pc(), x.imm(~u64{0xfff})), x.imm(offset), true));
  return Flow::Next;
}

// Add/subtract (immediate).

constexpr u64 shifted_imm12(Imm<1> sh, Imm<12> imm12) { return imm12.zext() << (sh * 12); }

template <class X>
Flow ADD_imm(X& x, Imm<1> sf, Imm<1> sh, Imm<12> imm12, RegNo Rn, RegNo Rd) {
  x.set_reg_sp(Rd, sf, x.add(x.reg_sp(Rn, sf), x.imm(shifted_imm12(sh, imm12)), sf));
  return Flow::Next;
}

template <class X>
Flow ADDS_imm(X& x, Imm<1> sf, Imm<1> sh, Imm<12> imm12, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.add_flags(x.reg_sp(Rn, sf), x.imm(shifted_imm12(sh, imm12)), sf));
  return Flow::Next;
}

template <class X>
Flow SUB_imm(X& x, Imm<1> sf, Imm<1> sh, Imm<12> imm12, RegNo Rn, RegNo Rd) {
  x.set_reg_sp(Rd, sf, x.sub(x.reg_sp(Rn, sf), x.imm(shifted_imm12(sh, imm12)), sf));
  return Flow::Next;
}

template <class X>
Flow SUBS_imm(X& x, Imm<1> sf, Imm<1> sh, Imm<12> imm12, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.sub_flags(x.reg_sp(Rn, sf), x.imm(shifted_imm12(sh, imm12)), sf));
  return Flow::Next;
}

// Logical (immediate).

/// The immediate of a logical instruction; 0 where the encoding is UNDEFINED.
constexpr u64 logical_imm(Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms) {
  if (!sf) return N ? 0 : static_cast<u32>(kBitMasks[immr << 6 | imms]);
  return kBitMasks[N << 12 | immr << 6 | imms];
}

template <class X>
Flow AND_imm(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  const u64 mask = logical_imm(sf, N, immr, imms);
  if (mask == 0) [[unlikely]]
    return x.undefined();
  x.set_reg_sp(Rd, sf, x.and_(x.reg(Rn, sf), x.imm(mask)));
  return Flow::Next;
}

template <class X>
Flow ORR_imm(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  const u64 mask = logical_imm(sf, N, immr, imms);
  if (mask == 0) [[unlikely]]
    return x.undefined();
  x.set_reg_sp(Rd, sf, x.orr(x.reg(Rn, sf), x.imm(mask)));
  return Flow::Next;
}

template <class X>
Flow EOR_imm(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  const u64 mask = logical_imm(sf, N, immr, imms);
  if (mask == 0) [[unlikely]]
    return x.undefined();
  x.set_reg_sp(Rd, sf, x.eor(x.reg(Rn, sf), x.imm(mask)));
  return Flow::Next;
}

template <class X>
Flow ANDS_imm(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  const u64 mask = logical_imm(sf, N, immr, imms);
  if (mask == 0) [[unlikely]]
    return x.undefined();
  const auto result = x.and_(x.reg(Rn, sf), x.imm(mask));
  x.logic_flags(result, sf);
  x.set_reg(Rd, sf, result);
  return Flow::Next;
}

// Move wide (immediate).

template <class X>
Flow MOVN(X& x, Imm<1> sf, Imm<2> hw, Imm<16> imm16, RegNo Rd) {
  if (!sf && hw.bit(1)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.imm(~(imm16.zext() << (hw * 16))));
  return Flow::Next;
}

template <class X>
Flow MOVZ(X& x, Imm<1> sf, Imm<2> hw, Imm<16> imm16, RegNo Rd) {
  if (!sf && hw.bit(1)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, sf, x.imm(imm16.zext() << (hw * 16)));
  return Flow::Next;
}

template <class X>
Flow MOVK(X& x, Imm<1> sf, Imm<2> hw, Imm<16> imm16, RegNo Rd) {
  if (!sf && hw.bit(1)) [[unlikely]]
    return x.undefined();
  const auto kept = x.and_(x.reg(Rd, sf), x.imm(~(u64{0xffff} << (hw * 16))));
  x.set_reg(Rd, sf, x.orr(kept, x.imm(imm16.zext() << (hw * 16))));
  return Flow::Next;
}

// Bitfield and extract.

constexpr bool bitfield_allocated(Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms) {
  return sf == N && (sf || (!immr.bit(5) && !imms.bit(5)));
}

template <class X>
Flow SBFM(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  if (!bitfield_allocated(sf, N, immr, imms)) [[unlikely]]
    return x.undefined();
  const unsigned width = sf ? 64 : 32;
  const auto source = x.reg(Rn, sf);
  if (imms >= immr) {
    x.set_reg(Rd, sf, x.sext(x.lsr(source, x.imm(immr), sf), imms - immr + 1));
  } else {
    x.set_reg(Rd, sf, x.lsl(x.sext(source, imms + 1), x.imm(width - immr), sf));
  }
  return Flow::Next;
}

template <class X>
Flow BFM(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  if (!bitfield_allocated(sf, N, immr, imms)) [[unlikely]]
    return x.undefined();
  const unsigned width = sf ? 64 : 32;
  const bool extracts = imms >= immr;
  const u64 mask = extracts ? ones(imms - immr + 1) : ones(imms + 1) << (width - immr);
  const unsigned rotation = immr;
  const auto moved = x.ror(x.reg(Rn, sf), x.imm(rotation), sf);
  x.set_reg(Rd, sf, x.orr(x.and_(x.reg(Rd, sf), x.imm(~mask)), x.and_(moved, x.imm(mask))));
  return Flow::Next;
}

template <class X>
Flow UBFM(X& x, Imm<1> sf, Imm<1> N, Imm<6> immr, Imm<6> imms, RegNo Rn, RegNo Rd) {
  if (!bitfield_allocated(sf, N, immr, imms)) [[unlikely]]
    return x.undefined();
  const unsigned width = sf ? 64 : 32;
  const auto source = x.reg(Rn, sf);
  if (imms >= immr) {
    x.set_reg(Rd, sf, x.zext(x.lsr(source, x.imm(immr), sf), imms - immr + 1));
  } else {
    x.set_reg(Rd, sf, x.lsl(x.zext(source, imms + 1), x.imm(width - immr), sf));
  }
  return Flow::Next;
}

template <class X>
Flow EXTR(X& x, Imm<1> sf, Imm<1> N, RegNo Rm, Imm<6> imms, RegNo Rn, RegNo Rd) {
  if (sf != N || (!sf && imms.bit(5))) [[unlikely]]
    return x.undefined();
  if (imms == 0) {
    x.set_reg(Rd, sf, x.reg(Rm, sf));
    return Flow::Next;
  }
  const auto high = x.lsl(x.reg(Rn, sf), x.imm((sf ? 64 : 32) - imms), sf);
  x.set_reg(Rd, sf, x.orr(high, x.lsr(x.reg(Rm, sf), x.imm(imms), sf)));
  return Flow::Next;
}

// Data processing (2 source).

template <class X>
Flow UDIV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.udiv(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow SDIV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.sdiv(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow LSLV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.lsl(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow LSRV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.lsr(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow ASRV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.asr(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <class X>
Flow RORV(X& x, Imm<1> sf, RegNo Rm, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.ror(x.reg(Rn, sf), x.reg(Rm, sf), sf));
  return Flow::Next;
}

template <u32 Polynomial, class X>
Flow crc32(X& x, Imm<1> sf, RegNo Rm, Imm<2> sz, RegNo Rn, RegNo Rd) {
  const bool doubleword = sz == 3;
  if (sf != static_cast<u32>(doubleword)) [[unlikely]]
    return x.undefined();
  x.set_reg(Rd, false, x.call(crc32_update<Polynomial>, x.reg(Rn, false), x.reg(Rm, doubleword), 1u << sz));
  return Flow::Next;
}

template <class X>
Flow CRC32(X& x, Imm<1> sf, RegNo Rm, Imm<2> sz, RegNo Rn, RegNo Rd) {
  return crc32<kCrc32>(x, sf, Rm, sz, Rn, Rd);
}

template <class X>
Flow CRC32C(X& x, Imm<1> sf, RegNo Rm, Imm<2> sz, RegNo Rn, RegNo Rd) {
  return crc32<kCrc32C>(x, sf, Rm, sz, Rn, Rd);
}

// Data processing (1 source).

template <class X>
Flow RBIT(X& x, Imm<1> sf, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.rbit(x.reg(Rn, sf), sf));
  return Flow::Next;
}

/// Swaps the bytes of each halfword.
template <class X>
auto swap_in_halfwords(X& x, typename X::Val v) {
  constexpr u64 kLowBytes = 0x00ff00ff00ff00ff;
  const auto up = x.lsl(x.and_(v, x.imm(kLowBytes)), x.imm(8), true);
  return x.orr(up, x.and_(x.lsr(v, x.imm(8), true), x.imm(kLowBytes)));
}

/// Swaps the bytes of each word.
template <class X>
auto swap_in_words(X& x, typename X::Val v) {
  constexpr u64 kLowHalves = 0x0000ffff0000ffff;
  const auto swapped = swap_in_halfwords(x, v);
  const auto up = x.lsl(x.and_(swapped, x.imm(kLowHalves)), x.imm(16), true);
  return x.orr(up, x.and_(x.lsr(swapped, x.imm(16), true), x.imm(kLowHalves)));
}

template <class X>
Flow REV16(X& x, Imm<1> sf, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, swap_in_halfwords(x, x.reg(Rn, sf)));
  return Flow::Next;
}

template <class X>
Flow REV_32(X& x, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, false, swap_in_words(x, x.reg(Rn, false)));
  return Flow::Next;
}

template <class X>
Flow REV32(X& x, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, swap_in_words(x, x.reg(Rn, true)));
  return Flow::Next;
}

template <class X>
Flow REV_64(X& x, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, true, x.ror(swap_in_words(x, x.reg(Rn, true)), x.imm(32), true));
  return Flow::Next;
}

template <class X>
Flow CLZ(X& x, Imm<1> sf, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.clz(x.reg(Rn, sf), sf));
  return Flow::Next;
}

template <class X>
Flow CLS(X& x, Imm<1> sf, RegNo Rn, RegNo Rd) {
  x.set_reg(Rd, sf, x.cls(x.reg(Rn, sf), sf));
  return Flow::Next;
}

}  // namespace farside::isa::a64

#include "core/isa/a64/alu_pauth.inl"
#include "core/isa/a64/alu_register.inl"
