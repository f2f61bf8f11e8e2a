// core/isa/simd/sha.h - the steps of SHA-1, SHA-256, SHA-512 and SHA-3 as the instructions divide them (FIPS 180-4).
//
// Operands are in the order d, n, m of the instruction.
#pragma once
#include <bit>

#include "core/arch/vec.h"

namespace farside::isa::simd {

// Four SHA-1 rounds on {a, b, c, d} = lanes of `abcd`; lane 0 of `e` is e; `schedule` holds the words plus K.
Vec sha1_choose(Vec abcd, Vec e, Vec schedule);
Vec sha1_parity(Vec abcd, Vec e, Vec schedule);
Vec sha1_majority(Vec abcd, Vec e, Vec schedule);
/// SHA1H: a rotated to what it will be four rounds later.
Vec sha1_fixed_rotate(Vec n);
Vec sha1_schedule_0(Vec d, Vec n, Vec m);
Vec sha1_schedule_1(Vec d, Vec n);

/// SHA256H: four rounds, giving the new {a, b, c, d} from abcd = d and efgh = n.
Vec sha256_hash(Vec abcd, Vec efgh, Vec schedule);
/// SHA256H2: the same rounds, giving the new {e, f, g, h} from efgh = d and abcd = n.
Vec sha256_hash_2(Vec efgh, Vec abcd, Vec schedule);
Vec sha256_schedule_0(Vec d, Vec n);
Vec sha256_schedule_1(Vec d, Vec n, Vec m);

Vec sha512_hash(Vec d, Vec n, Vec m);
Vec sha512_hash_2(Vec d, Vec n, Vec m);
Vec sha512_schedule_0(Vec d, Vec n);
Vec sha512_schedule_1(Vec d, Vec n, Vec m);

/// RAX1.
inline Vec rotate_xor(Vec n, Vec m) { return {n.lo ^ std::rotl(m.lo, 1), n.hi ^ std::rotl(m.hi, 1)}; }
/// XAR: `amount` below 64.
inline Vec xor_rotate(Vec n, Vec m, u64 amount) {
  const int by = static_cast<int>(amount);
  return {std::rotr(n.lo ^ m.lo, by), std::rotr(n.hi ^ m.hi, by)};
}
/// EOR3.
inline Vec xor_3(Vec n, Vec m, Vec a) { return {n.lo ^ m.lo ^ a.lo, n.hi ^ m.hi ^ a.hi}; }
/// BCAX.
inline Vec clear_xor(Vec n, Vec m, Vec a) { return {n.lo ^ (m.lo & ~a.lo), n.hi ^ (m.hi & ~a.hi)}; }

}  // namespace farside::isa::simd
