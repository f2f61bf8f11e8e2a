// core/jit/emit_simd_shift.cpp - vector shifts by constants and by registers, and narrowing.
#include "core/isa/simd/shift.h"

#include "core/jit/pure.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit {
namespace {

using namespace isa::simd;
using namespace lanes;

enum Kind : u8 { kLeft, kRight, kRightRound };

u8 shifted(VectorKit& k, const PureRow& r, u8 a, unsigned by) {
  switch (r.imm) {
    case kLeft: return shift_left(k, r.size_log2, a, by);
    case kRight: return shift_right(k, r.size_log2, r.is_signed, a, by);
    default: return shift_right_round(k, r.size_log2, r.is_signed, a, by);
  }
}
unsigned amount(const PureCall& c) { return static_cast<unsigned>(c.number(0)); }

void shift_lanes(PureCall& c, const PureRow& r) { c.out(shifted(c.kit, r, c.in(0), amount(c))); }
void shift_add(PureCall& c, const PureRow& r) {
  const u8 out = shifted(c.kit, r, c.in(1), amount(c));
  c.kit.on(kAdd[r.size_log2], out, c.in(0));
  c.out(out);
}
/// SRI and SLI: the bits that the shift does not reach stay.
void shift_insert(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const unsigned by = amount(c), bits = width(r.size_log2);
  const u64 all = ones(bits);
  const u64 reached = r.imm == kLeft ? all << by & all : by >= bits ? 0 : all >> by;
  const u8 out = k.splat(all & ~reached, r.size_log2), moved = shifted(k, r, c.in(1), by);
  k.on(kAnd, out, c.in(0));
  k.on(kOr, out, moved);
  c.out(out);
}
void shift_widened(PureCall& c, const PureRow& r) {
  const u8 wide = c.kit.one(kWiden[r.is_signed][r.size_log2], c.in(0));
  c.out(amount(c) == 0 ? wide : shift_left(c.kit, r.size_log2 + 1u, wide, amount(c)));
}

/// SSHL, USHL: positive amounts shift left, negative ones right; only the low byte counts. Amounts beyond the width
/// give zero with AVX2, so each of the two shifts is zero where the other one is meant.
void shift_by(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  if (!k.host().avx2) return c.x.decline();
  const bool words = r.size_log2 == 2;
  const u8 a = c.in(0), by = c.in(1), byte = k.splat(0xff, r.size_log2);
  const u8 left_by = k.two(kAnd, by, byte), right_by = k.zero();
  k.on(kSub[r.size_log2], right_by, by);
  k.on(kAnd, right_by, byte);
  const VectorOp left{0, words ? asmjit::x86::Inst::kIdVpsllvd : asmjit::x86::Inst::kIdVpsllvq};
  const VectorOp right{0, r.is_signed ? asmjit::x86::Inst::kIdVpsravd
                          : words     ? asmjit::x86::Inst::kIdVpsrlvd
                                      : asmjit::x86::Inst::kIdVpsrlvq};
  const u8 up = k.two(left, a, left_by), down = k.two(right, a, right_by);
  if (!r.is_signed) {
    k.on(kOr, up, down);
    return c.out(up);
  }
  // Beyond the width an arithmetic shift is not zero: choose by the sign of the amount.
  k.x86().vpslld(xmm(byte), xmm(by), 24);
  k.x86().vblendvps(xmm(up), xmm(up), xmm(down), xmm(byte));
  c.out(up);
}

/// Sources have lanes of twice the width of `r.size_log2`.
u8 shifted_wide(PureCall& c, const PureRow& r) {
  PureRow wide = r;
  ++wide.size_log2;
  if (amount(c) == 0) return c.in(0);
  return shifted(c.kit, wide, c.in(0), amount(c));
}
void narrow_shifted(PureCall& c, const PureRow& r) { c.out(narrow(c.kit, r.size_log2, shifted_wide(c, r))); }

/// Limits lanes before they are narrowed; `other.avx` is 1 where the result is signed.
void narrow_saturating(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const unsigned bits = width(r.size_log2), size = r.size_log2 + 1u;
  const bool to_signed = r.other.avx != 0;
  const u8 value = shifted_wide(c, r);
  const u8 most = k.splat(ones(to_signed ? bits - 1 : bits), size);
  const u8 out = k.two(kMin[r.is_signed][size], value, most);
  k.release(most);
  if (r.is_signed) {
    const u8 least = to_signed ? k.splat(~ones(bits - 1) & ones(2 * bits), size) : k.zero();
    k.on(kMax[1][size], out, least);
    k.release(least);
  }
  const u8 change = k.two(kXor, out, value);
  note_saturation(c, [&] { return change; });
  c.out(narrow(k, r.size_log2, out));
}

/// ADDHN and its relatives: `r.op` on wide lanes, `r.imm` says whether it is rounded.
void narrow_high(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  const unsigned bits = width(r.size_log2), size = r.size_log2 + 1u;
  const u8 sum = k.two(r.op, c.in(0), c.in(1));
  if (r.imm != 0) k.on(kAdd[size], sum, k.splat(u64{1} << (bits - 1), size));
  c.out(narrow(k, r.size_log2, shift_right(k, size, false, sum, bits)));
}

template <class T>
constexpr PureRow row(void (*emit)(PureCall&, const PureRow&), u8 kind) {
  return {emit, {}, {}, static_cast<u8>(log2_floor(sizeof(T))), kIsSigned<T>, kind};
}

template <class T>
void set_right(PureTable& t) {
  t.set(&each_shift<ShiftRight, T>, row<T>(&shift_lanes, kRight));
  t.set(&each_shift<ShiftRightRound, T>, row<T>(&shift_lanes, kRightRound));
  t.set(&each_shift_into<ShiftAccumulate<ShiftRight>, T>, row<T>(&shift_add, kRight));
  t.set(&each_shift_into<ShiftAccumulate<ShiftRightRound>, T>, row<T>(&shift_add, kRightRound));
}
template <class T>
void set_unsigned(PureTable& t) {
  t.set(&each_shift<ShiftLeft, T>, row<T>(&shift_lanes, kLeft));
  t.set(&each_shift_into<ShiftRightInsert, T>, row<T>(&shift_insert, kRight));
  t.set(&each_shift_into<ShiftLeftInsert, T>, row<T>(&shift_insert, kLeft));
}
template <class T>
void set_narrow(PureTable& t) {
  using W = Wide<T>;
  constexpr unsigned size = static_cast<unsigned>(log2_floor(sizeof(W)));
  t.set(&narrow_shift<ShiftRight, T, W>, row<T>(&narrow_shifted, kRight));
  t.set(&narrow_shift<ShiftRightRound, T, W>, row<T>(&narrow_shifted, kRightRound));
  const auto high = [](VectorOp op, u8 rounds) {
    return PureRow{&narrow_high, op, {}, static_cast<u8>(log2_floor(sizeof(T))), false, rounds};
  };
  t.set(&narrow2<Add, T>, high(kAdd[size], 0));
  t.set(&narrow2<Sub, T>, high(kSub[size], 0));
  t.set(&narrow2<RoundHighHalf<Add>, T>, high(kAdd[size], 1));
  t.set(&narrow2<RoundHighHalf<Sub>, T>, high(kSub[size], 1));
}
/// From bytes and halfwords' doubles: x86 has no minimum of doublewords.
template <class T, class From>
void set_saturating(PureTable& t) {
  const auto saturating = [](u8 kind) {
    PureRow r = row<From>(&narrow_saturating, kind);
    r.size_log2 = static_cast<u8>(log2_floor(sizeof(T)));
    r.other.avx = kIsSigned<T>;
    return r;
  };
  t.set(&narrow_shift_sat<ShiftRight, T, From>, saturating(kRight));
  t.set(&narrow_shift_sat<ShiftRightRound, T, From>, saturating(kRightRound));
}
template <class T>
void set_long(PureTable& t) {
  t.set(&shift_long<T>, row<T>(&shift_widened, kLeft));
}

}  // namespace

void register_simd_shift(PureTable& t) {
  set_right<u8>(t), set_right<u16>(t), set_right<u32>(t), set_right<u64>(t);
  set_right<i8>(t), set_right<i16>(t), set_right<i32>(t), set_right<i64>(t);
  set_unsigned<u8>(t), set_unsigned<u16>(t), set_unsigned<u32>(t), set_unsigned<u64>(t);
  set_narrow<u8>(t), set_narrow<u16>(t), set_narrow<u32>(t);
  set_saturating<u8, u16>(t), set_saturating<u8, i16>(t), set_saturating<i8, i16>(t);
  set_saturating<u16, u32>(t), set_saturating<u16, i32>(t), set_saturating<i16, i32>(t);
  set_long<u8>(t), set_long<u16>(t), set_long<u32>(t), set_long<i8>(t), set_long<i16>(t), set_long<i32>(t);
  t.set(&each2<ShiftBy<false>, u32>, row<u32>(&shift_by, 0));
  t.set(&each2<ShiftBy<false>, i32>, row<i32>(&shift_by, 0));
  t.set(&each2<ShiftBy<false>, u64>, row<u64>(&shift_by, 0));
}

}  // namespace farside::jit
