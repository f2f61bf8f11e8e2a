// core/jit/emit_crypto.cpp - AES, SHA-1, SHA-256, polynomial multiplication and CRC-32 on the host's instructions for
// them.
#include "core/isa/crc32.h"
#include "core/isa/simd/aes.h"
#include "core/isa/simd/poly.h"
#include "core/isa/simd/sha.h"
#include "core/jit/pure.h"
#include "core/jit/vector_lanes.h"

namespace farside::jit {
namespace {

using namespace lanes;

// AES: x86's round instructions add their key last, Arm's first; with a key of zero both do the same steps.

/// AESE and AESD: `r.op` is the last round, without MixColumns.
void aes_round(PureCall& c, const PureRow& r) {
  if (!c.kit.host().aes) return c.x.decline();
  const u8 state = c.kit.two(kXor, c.in(0), c.in(1));
  c.kit.on(r.op, state, c.kit.zero());
  c.out(state);
}
/// A whole round after an inverse last round is MixColumns alone.
void aes_mix(PureCall& c, const PureRow&) {
  if (!c.kit.host().aes) return c.x.decline();
  const u8 zero = c.kit.zero(), state = c.kit.two(FARSIDE_VOP(A, a, esdeclast), c.in(0), zero);
  c.kit.on(FARSIDE_VOP(A, a, esenc), state, zero);
  c.out(state);
}
void aes_inverse_mix(PureCall& c, const PureRow&) {
  if (!c.kit.host().aes) return c.x.decline();
  c.out(c.kit.one(FARSIDE_VOP(A, a, esimc), c.in(0)));
}

// SHA-256: x86 holds the state as {f, e, b, a} and {h, g, d, c}, from the lowest lane, and does two rounds at a time,
// each of which turns the second into the first's successor. XMM0 holds the schedule words.

/// Makes both host registers from abcd and efgh, runs four rounds; `abef` and `cdgh` are then the new state.
void sha256_rounds(PureCall& c, u8 abcd, u8 efgh, u8 schedule, u8& abef, u8& cdgh) {
  VectorKit& k = c.kit;
  auto& x = k.x86();
  const u8 badc = k.one(kShuffleWords, abcd, 0xb1), feHg = k.one(kShuffleWords, efgh, 0xb1);  // {b,a,d,c}, {f,e,h,g}
  abef = k.two(kZipLow[3], feHg, badc);
  cdgh = k.two(kZipHigh[3], feHg, badc);
  x.sha256rnds2(xmm(cdgh), xmm(abef), xmm(schedule));
  k.shift_on(kBytesRight, schedule, 8);
  x.sha256rnds2(xmm(abef), xmm(cdgh), xmm(schedule));
}
/// `r.imm` is 1 for SHA256H2, whose destination is efgh.
void sha256_hash_part(PureCall& c, const PureRow& r) {
  VectorKit& k = c.kit;
  if (!k.host().sha || !k.take(0)) return c.x.decline();
  const bool second = r.imm != 0;
  const u8 words = c.in(2);
  k.host().avx ? k.x86().vmovaps(xmm(0), xmm(words)) : k.x86().movaps(xmm(0), xmm(words));
  u8 abef, cdgh;
  sha256_rounds(c, c.in(second ? 1 : 0), c.in(second ? 0 : 1), 0, abef, cdgh);
  // Now abef = {f, e, b, a} and cdgh = {h, g, d, c}: {a, b, c, d} are the upper halves, {e, f, g, h} the lower.
  const u8 half = second ? k.two(kZipLow[3], abef, cdgh) : k.two(kZipHigh[3], abef, cdgh);
  c.out(k.one(kShuffleWords, half, 0xb1));
}
void sha256_schedule_first(PureCall& c, const PureRow&) {
  if (!c.kit.host().sha) return c.x.decline();
  const u8 out = c.kit.copy(c.in(0));
  c.kit.x86().sha256msg1(xmm(out), xmm(c.in(1)));
  c.kit.changed(out);
  c.out(out);
}
/// SHA256SU1: x86 leaves the addition of w[t-7] to the program.
void sha256_schedule_second(PureCall& c, const PureRow&) {
  if (!c.kit.host().sha) return c.x.decline();
  const u8 n = c.in(1), m = c.in(2);
  const u8 out = c.kit.two(FARSIDE_VOP(P, p, alignr), m, n, 4);
  c.kit.on(kAdd[2], out, c.in(0));
  c.kit.x86().sha256msg2(xmm(out), xmm(m));
  c.out(out);
}

void polynomial_multiply(PureCall& c, const PureRow&) {
  if (!c.kit.host().pclmul) return c.x.decline();
  c.out(c.kit.two(FARSIDE_VOP(P, p, clmulqdq), c.in(0), c.in(1), 0));
}

void xor_three(PureCall& c, const PureRow&) {
  const u8 out = c.kit.two(kXor, c.in(0), c.in(1));
  c.kit.on(kXor, out, c.in(2));
  c.out(out);
}
void clear_and_xor(PureCall& c, const PureRow&) {
  const u8 out = c.kit.two(kAndNot, c.in(2), c.in(1));
  c.kit.on(kXor, out, c.in(0));
  c.out(out);
}

// SHA-1: x86 holds {a, b, c, d} from the highest lane and adds K itself, which Arm's schedule words contain already.

/// SHA1C, SHA1P, SHA1M: `r.imm` selects x86's function and its constant.
void sha1_rounds(PureCall& c, const PureRow& r) {
  static constexpr u32 kAdded[3] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc};
  VectorKit& k = c.kit;
  if (!k.host().sha) return c.x.decline();
  const u8 state = k.one(kShuffleWords, c.in(0), 0x1b), words = k.copy(c.in(2));
  const u8 constant = k.splat(kAdded[r.imm], 2);
  k.on(kSub[2], words, constant);
  const u8 schedule = k.one(kShuffleWords, words, 0x1b), e = k.shift(kBytesLeft, c.in(1), 12);
  k.on(kAdd[2], schedule, e);
  k.x86().sha1rnds4(xmm(state), xmm(schedule), r.imm);
  c.out(k.one(kShuffleWords, state, 0x1b));
}
u8 rotate_words(VectorKit& k, u8 a, unsigned by) {
  const u8 left = shift_left(k, 2, a, by), right = shift_right(k, 2, false, a, 32 - by);
  k.on(kOr, left, right);
  k.release(right);
  return left;
}
void sha1_rotate(PureCall& c, const PureRow&) { c.out(lowest(c.kit, 2, rotate_words(c.kit, c.in(0), 30))); }
void sha1_schedule_first(PureCall& c, const PureRow&) {
  const u8 out = c.kit.two(FARSIDE_VOP(P, p, alignr), c.in(1), c.in(0), 8);
  c.kit.on(kXor, out, c.in(0));
  c.kit.on(kXor, out, c.in(2));
  c.out(out);
}
/// Lane 3 depends on lane 0 of the result.
void sha1_schedule_second(PureCall& c, const PureRow&) {
  VectorKit& k = c.kit;
  const u8 sum = k.shift(kBytesRight, c.in(1), 4);
  k.on(kXor, sum, c.in(0));
  const u8 out = rotate_words(k, sum, 1), first = k.shift(kBytesLeft, out, 12);
  k.on(kXor, out, rotate_words(k, first, 1));
  c.out(out);
}

/// Barrett reduction of a reflected message of 64 bits: the quotient by t^96 / P, then what is left of it times P.
struct Barrett {
  u64 quotient, polynomial;
};
/// `reflected` is P without t^32.
constexpr Barrett barrett(u32 reflected) {
  // Long division of t^96 by P; bit 63 - d of the result belongs to t^d, t^64 is left out.
  u64 quotient = 0;
  u32 remainder = reflected;  // t^32 mod P; bit 31 - d belongs to t^d
  for (int d = 63; d >= 0; --d) {
    const bool top = (remainder & 1) != 0;  // the coefficient of t^31
    if (top) quotient |= u64{1} << (63 - d);
    remainder = remainder >> 1 ^ (top ? reflected : 0);
  }
  return {quotient << 1 | 1, u64{reflected} << 1};
}

/// CRC-32 without an instruction of its own: the accumulator joins the data, shorter data move up.
void crc32(PureCall& c, const PureRow&) {
  VectorKit& k = c.kit;
  if (!k.host().pclmul) return c.x.decline();
  static constexpr Barrett kBarrett = barrett(isa::kCrc32);
  const unsigned bits = static_cast<unsigned>(c.number(2)) * 8;
  Asm& a = c.x.code();
  const HostReg crc = c.x.temp(), data = c.x.temp();
  c.x.into(c.values[0], crc);
  c.x.into(c.values[1], data);
  c.x.clobber_flags();
  a.mov(false, crc, crc);
  a.alu(Alu::Xor, true, data, crc);
  if (bits < 64) a.shift_imm(Shift::Shl, true, data, static_cast<u8>(64 - bits));
  const u8 message = k.from_general(data, true);
  a.mov_imm(data, kBarrett.quotient);
  const u8 quotient = k.two(FARSIDE_VOP(P, p, clmulqdq), message, k.from_general(data, true), 0);
  a.mov_imm(data, kBarrett.polynomial);
  const u8 product = k.two(FARSIDE_VOP(P, p, clmulqdq), quotient, k.from_general(data, true), 0);
  const bool avx = k.host().avx;
  avx ? k.x86().vpextrd(gp(false, data), xmm(product), 2) : k.x86().pextrd(gp(false, data), xmm(product), 2);
  if (bits < 32) {
    a.shift_imm(Shift::Shr, false, crc, static_cast<u8>(bits));
    a.alu(Alu::Xor, false, data, crc);
  }
  c.value = c.x.temp_value(data, true);
}

/// x86's CRC32 has Castagnoli's polynomial and, like Arm's, neither inversion.
void crc32c(PureCall& c, const PureRow&) {
  const unsigned bytes = static_cast<unsigned>(c.number(2));
  const HostReg crc = c.x.temp(), data = c.x.temp();
  c.x.into(c.values[0], crc);
  c.x.into(c.values[1], data);
  auto& x = c.kit.x86();
  using namespace asmjit::x86;
  switch (bytes) {
    case 1: x.crc32(gpd(crc), gpb(data)); break;
    case 2: x.crc32(gpd(crc), gpw(data)); break;
    case 4: x.crc32(gpd(crc), gpd(data)); break;
    default: x.crc32(gpq(crc), gpq(data)); break;
  }
  c.value = c.x.temp_value(crc, true);
}

}  // namespace

void register_crypto(PureTable& t) {
  namespace simd = isa::simd;
  t.set(&simd::aes_encrypt, {.emit = &aes_round, .op = FARSIDE_VOP(A, a, esenclast)});
  t.set(&simd::aes_decrypt, {.emit = &aes_round, .op = FARSIDE_VOP(A, a, esdeclast)});
  t.set(&simd::aes_mix_columns, {.emit = &aes_mix});
  t.set(&simd::aes_inverse_mix_columns, {.emit = &aes_inverse_mix});
  t.set(&simd::sha256_hash, {.emit = &sha256_hash_part});
  t.set(&simd::sha256_hash_2, {.emit = &sha256_hash_part, .imm = 1});
  t.set(&simd::sha256_schedule_0, {.emit = &sha256_schedule_first});
  t.set(&simd::sha256_schedule_1, {.emit = &sha256_schedule_second});
  t.set(&simd::sha1_choose, {.emit = &sha1_rounds, .imm = 0});
  t.set(&simd::sha1_parity, {.emit = &sha1_rounds, .imm = 1});
  t.set(&simd::sha1_majority, {.emit = &sha1_rounds, .imm = 2});
  t.set(&simd::sha1_fixed_rotate, {.emit = &sha1_rotate});
  t.set(&simd::sha1_schedule_0, {.emit = &sha1_schedule_first});
  t.set(&simd::sha1_schedule_1, {.emit = &sha1_schedule_second});
  t.set(&simd::poly_mul_64, {.emit = &polynomial_multiply});
  t.set(&simd::xor_3, {.emit = &xor_three});
  t.set(&simd::clear_xor, {.emit = &clear_and_xor});
  t.set(&isa::crc32_update<isa::kCrc32>, {.emit = &crc32});
  t.set(&isa::crc32_update<isa::kCrc32C>, {.emit = &crc32c});
}

}  // namespace farside::jit
