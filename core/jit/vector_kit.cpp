// core/jit/vector_kit.cpp - allocation of host vector registers, and the building blocks of vector sequences.
#include "core/jit/vector_kit.h"

#include "core/base/bits.h"

namespace farside::jit {

using asmjit::x86::Assembler;

const std::array<Vec, static_cast<usize>(Constant::Count)>& vector_constants() {
  static constexpr std::array<Vec, static_cast<usize>(Constant::Count)> kValues{{
      {0x7fffffff7fffffff, 0x7fffffff7fffffff},
      {0x7fffffffffffffff, 0x7fffffffffffffff},
      {0x8000000080000000, 0x8000000080000000},
      {0x8000000000000000, 0x8000000000000000},
      {0x0080000000800000, 0x0080000000800000},
      {0x0010000000000000, 0x0010000000000000},
      {0, 0x3f8000003f800000},
      {0x5f0000005f000000, 0x5f0000005f000000},
      {0x43e0000000000000, 0x43e0000000000000},
      {0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f},
      {0x0302020102010100, 0x0403030203020201},
      {0x0e060a020c040800, 0x0f070b030d050901},
      {0xe060a020c0408000, 0xf070b030d0509010},
      {0x0607040502030001, 0x0e0f0c0d0a0b0809},
      {0x0405060700010203, 0x0c0d0e0f08090a0b},
      {0x0001020304050607, 0x08090a0b0c0d0e0f},
      {0x0504070601000302, 0x0d0c0f0e09080b0a},
      {0x0100030205040706, 0x09080b0a0d0c0f0e},
      {0x0e0c0a0806040200, 0x0f0d0b0907050301},
      {0x0d0c090805040100, 0x0f0e0b0a07060302},
  }};
  return kValues;
}

// Guest registers.

bool VectorKit::cached(unsigned guest) const {
  for (i8 g : holds_)
    if (g == static_cast<i8>(guest)) return true;
  return false;
}

u8 VectorKit::guest(unsigned guest) {
  for (u8 r = 0; r < 16; ++r) {
    if (holds_[r] != static_cast<i8>(guest)) continue;
    pinned_ |= static_cast<u16>(1u << r);
    used_[r] = ++clock_;
    return r;
  }
  const u8 r = load(vector_slot(guest));
  holds_[r] = static_cast<i8>(guest);
  return r;
}

void VectorKit::set_guest(unsigned guest, u8 r) {
  if (holds_[r] != kNothing && holds_[r] != static_cast<i8>(guest)) r = copy(r);
  forget_guest(guest);
  holds_[r] = static_cast<i8>(guest);
  const auto slot = mem(vector_slot(guest), 16);
  host_.avx ? x86().vmovaps(slot, xmm(r)) : x86().movaps(slot, xmm(r));
}

void VectorKit::forget_guest(unsigned guest) {
  for (i8& g : holds_)
    if (g == static_cast<i8>(guest)) g = kNothing;
}

void VectorKit::reload(const Map& map) {
  for (u8 r = 0; r < 16; ++r) {
    if (map[r] == kNothing) continue;
    const auto slot = mem(vector_slot(static_cast<unsigned>(map[r])), 16);
    host_.avx ? x86().vmovaps(xmm(r), slot) : x86().movaps(xmm(r), slot);
  }
}

u8 VectorKit::fresh() {
  int best = -1;
  for (u8 r = 0; r < 16; ++r) {
    if ((pinned_ >> r & 1) != 0) continue;
    if (holds_[r] == kNothing) {
      best = r;
      break;
    }
    if (best < 0 || used_[r] < used_[static_cast<usize>(best)]) best = r;
  }
  if (best < 0) {
    exhausted_ = true;
    best = 0;
  }
  const u8 r = static_cast<u8>(best);
  holds_[r] = kNothing;
  zero_from_[r] = 16;
  pinned_ |= static_cast<u16>(1u << r);
  used_[r] = ++clock_;
  return r;
}

// Operations.

u8 VectorKit::two(VectorOp op, u8 a, u8 b) {
  const u8 to = fresh();
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(a), xmm(b));
  } else {
    x86().movaps(xmm(to), xmm(a));
    x86().emit(op.sse, xmm(to), xmm(b));
  }
  return to;
}

u8 VectorKit::two(VectorOp op, u8 a, Constant b) {
  const u8 to = fresh();
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(a), address(b));
  } else {
    x86().movaps(xmm(to), xmm(a));
    x86().emit(op.sse, xmm(to), address(b));
  }
  return to;
}

u8 VectorKit::scalar(VectorOp op, unsigned size_log2, u8 a, u8 b) {
  const u8 to = two(op, a, b);
  return known_zero(to, std::max<unsigned>(zero_from_[a], 1u << size_log2));
}

u8 VectorKit::scalar(VectorOp op, unsigned size_log2, u8 a, u8 b, unsigned imm) {
  const u8 to = two(op, a, b, imm);
  return known_zero(to, std::max<unsigned>(zero_from_[a], 1u << size_log2));
}

u8 VectorKit::shift(VectorOp op, u8 a, unsigned amount) {
  const u8 to = fresh();
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(a), amount);
  } else {
    x86().movaps(xmm(to), xmm(a));
    x86().emit(op.sse, xmm(to), amount);
  }
  return to;
}

u8 VectorKit::one(VectorOp op, u8 a) {
  const u8 to = fresh();
  x86().emit(host_.avx ? op.avx : op.sse, xmm(to), xmm(a));
  return to;
}

u8 VectorKit::one(VectorOp op, u8 a, unsigned imm) {
  const u8 to = fresh();
  x86().emit(host_.avx ? op.avx : op.sse, xmm(to), xmm(a), imm);
  return to;
}

u8 VectorKit::two(VectorOp op, u8 a, u8 b, unsigned imm) {
  const u8 to = fresh();
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(a), xmm(b), imm);
  } else {
    x86().movaps(xmm(to), xmm(a));
    x86().emit(op.sse, xmm(to), xmm(b), imm);
  }
  return to;
}

u8 VectorKit::copy(u8 a) {
  const u8 to = fresh();
  host_.avx ? x86().vmovaps(xmm(to), xmm(a)) : x86().movaps(xmm(to), xmm(a));
  return known_zero(to, zero_from_[a]);
}

u8 VectorKit::zero() {
  const u8 to = fresh();
  host_.avx ? x86().vpxor(xmm(to), xmm(to), xmm(to)) : x86().pxor(xmm(to), xmm(to));
  return known_zero(to, 0);
}

u8 VectorKit::ones() {
  const u8 to = fresh();
  host_.avx ? x86().vpcmpeqd(xmm(to), xmm(to), xmm(to)) : x86().pcmpeqd(xmm(to), xmm(to));
  return to;
}

u8 VectorKit::constant(Constant c) {
  const u8 to = fresh();
  host_.avx ? x86().vmovdqa(xmm(to), address(c)) : x86().movdqa(xmm(to), address(c));
  return to;
}

u8 VectorKit::low_64(u8 a) {
  const u8 to = fresh();
  host_.avx ? x86().vmovq(xmm(to), xmm(a)) : x86().movq(xmm(to), xmm(a));
  return known_zero(to, 8);
}

u8 VectorKit::low_32(u8 a) {
  // Zeroes lanes 1 to 3; lane 0 comes from `a`.
  return known_zero(two(FARSIDE_VOP(I, i, nsertps), a, a, 0x0e), 4);
}

u8 VectorKit::from_general(HostReg r, bool wide) {
  const u8 to = fresh();
  if (wide) {
    host_.avx ? x86().vmovq(xmm(to), gp(true, r)) : x86().movq(xmm(to), gp(true, r));
  } else {
    host_.avx ? x86().vmovd(xmm(to), gp(false, r)) : x86().movd(xmm(to), gp(false, r));
  }
  return known_zero(to, wide ? 8 : 4);
}

u8 VectorKit::splat(u64 value, unsigned size_log2) {
  while (size_log2 < 3) {
    const unsigned bits = 8u << size_log2;
    value = (value & farside::ones(bits)) | value << bits;
    ++size_log2;
  }
  return from_halves(value, value);
}

u8 VectorKit::from_halves(u64 lo, u64 hi) {
  if (lo == 0 && hi == 0) return zero();
  if (lo == ~u64{0} && hi == ~u64{0}) return ones();
  const auto low = [this](u64 v) {
    const u8 to = fresh();
    x86().mov(asmjit::x86::rax, v);
    host_.avx ? x86().vmovq(xmm(to), asmjit::x86::rax) : x86().movq(xmm(to), asmjit::x86::rax);
    return known_zero(to, 8);
  };
  const u8 to = low(lo);
  if (hi == 0) return to;
  if (hi == lo) {
    on(FARSIDE_VOP(P, p, unpcklqdq), to, to);
    return known_zero(to, 16);
  }
  const u8 upper = low(hi);
  on(FARSIDE_VOP(P, p, unpcklqdq), to, upper);
  release(upper);
  return known_zero(to, 16);
}

u8 VectorKit::load(const HostMem& m) {
  const u8 to = fresh();
  host_.avx ? x86().vmovdqu(xmm(to), mem(m, 16)) : x86().movdqu(xmm(to), mem(m, 16));
  return to;
}

u8 VectorKit::load_64(const HostMem& m) {
  const u8 to = fresh();
  host_.avx ? x86().vmovq(xmm(to), mem(m, 8)) : x86().movq(xmm(to), mem(m, 8));
  return known_zero(to, 8);
}

u8 VectorKit::load_32(const HostMem& m) {
  const u8 to = fresh();
  host_.avx ? x86().vmovd(xmm(to), mem(m, 4)) : x86().movd(xmm(to), mem(m, 4));
  return known_zero(to, 4);
}

void VectorKit::store(const HostMem& m, u8 r) {
  host_.avx ? x86().vmovdqu(mem(m, 16), xmm(r)) : x86().movdqu(mem(m, 16), xmm(r));
}

void VectorKit::on(VectorOp op, u8 to, u8 b) {
  if (op.sse != asmjit::x86::Inst::kIdPand) zero_from_[to] = 16;
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(to), xmm(b));
  } else {
    x86().emit(op.sse, xmm(to), xmm(b));
  }
}

void VectorKit::on(VectorOp op, u8 to, Constant b) {
  if (op.sse != asmjit::x86::Inst::kIdPand) zero_from_[to] = 16;
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(to), address(b));
  } else {
    x86().emit(op.sse, xmm(to), address(b));
  }
}

void VectorKit::shift_on(VectorOp op, u8 to, unsigned amount) {
  zero_from_[to] = 16;
  if (host_.avx) {
    x86().emit(op.avx, xmm(to), xmm(to), amount);
  } else {
    x86().emit(op.sse, xmm(to), amount);
  }
}

void VectorKit::test_zero(u8 r) { host_.avx ? x86().vptest(xmm(r), xmm(r)) : x86().ptest(xmm(r), xmm(r)); }

}  // namespace farside::jit
