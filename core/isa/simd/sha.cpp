// core/isa/simd/sha.cpp - SHA-1, SHA-256 and SHA-512 rounds and message schedules.
#include "core/isa/simd/sha.h"

#include "core/isa/simd/lanes.h"

namespace farside::isa::simd {
namespace {

template <class T>
constexpr T choose(T x, T y, T z) {
  return z ^ (x & (y ^ z));
}
template <class T>
constexpr T majority(T x, T y, T z) {
  return (x & y) | ((x | y) & z);
}
constexpr u32 parity(u32 x, u32 y, u32 z) { return x ^ y ^ z; }

// FIPS 180-4 section 4.1: capital sigmas work on state, small ones on the message schedule.
constexpr u32 big_sigma_0(u32 x) { return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22); }
constexpr u32 big_sigma_1(u32 x) { return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25); }
constexpr u32 sigma_0(u32 x) { return std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3); }
constexpr u32 sigma_1(u32 x) { return std::rotr(x, 17) ^ std::rotr(x, 19) ^ (x >> 10); }
constexpr u64 big_sigma_0(u64 x) { return std::rotr(x, 28) ^ std::rotr(x, 34) ^ std::rotr(x, 39); }
constexpr u64 big_sigma_1(u64 x) { return std::rotr(x, 14) ^ std::rotr(x, 18) ^ std::rotr(x, 41); }
constexpr u64 sigma_0(u64 x) { return std::rotr(x, 1) ^ std::rotr(x, 8) ^ (x >> 7); }
constexpr u64 sigma_1(u64 x) { return std::rotr(x, 19) ^ std::rotr(x, 61) ^ (x >> 6); }

template <class Function>
Vec sha1_rounds(Vec abcd, Vec e_in, Vec schedule, Function function) {
  auto s = split<u32>(abcd);
  const auto w = split<u32>(schedule);
  u32 e = static_cast<u32>(e_in.lo);
  for (unsigned i = 0; i < 4; ++i) {
    const u32 next = e + std::rotl(s[0], 5) + function(s[1], s[2], s[3]) + w[i];
    e = s[3];
    s[3] = s[2];
    s[2] = std::rotl(s[1], 30);
    s[1] = s[0];
    s[0] = next;
  }
  return join(s);
}

struct Sha256State {
  Lanes<u32> abcd, efgh;
};
/// SHA256hash.
Sha256State sha256_rounds(Vec abcd, Vec efgh, Vec schedule) {
  auto x = split<u32>(abcd), y = split<u32>(efgh);
  const auto w = split<u32>(schedule);
  for (unsigned i = 0; i < 4; ++i) {
    const u32 t1 = y[3] + big_sigma_1(y[0]) + choose(y[0], y[1], y[2]) + w[i];
    const u32 t2 = big_sigma_0(x[0]) + majority(x[0], x[1], x[2]);
    y = {{x[3] + t1, y[0], y[1], y[2]}};
    x = {{t1 + t2, x[0], x[1], x[2]}};
  }
  return {x, y};
}

}  // namespace

Vec sha1_choose(Vec abcd, Vec e, Vec schedule) { return sha1_rounds(abcd, e, schedule, choose<u32>); }
Vec sha1_parity(Vec abcd, Vec e, Vec schedule) { return sha1_rounds(abcd, e, schedule, parity); }
Vec sha1_majority(Vec abcd, Vec e, Vec schedule) { return sha1_rounds(abcd, e, schedule, majority<u32>); }
Vec sha1_fixed_rotate(Vec n) { return {std::rotl(static_cast<u32>(n.lo), 30), 0}; }
Vec sha1_schedule_0(Vec d, Vec n, Vec m) { return {d.lo ^ d.hi ^ m.lo, d.hi ^ n.lo ^ m.hi}; }
Vec sha1_schedule_1(Vec d, Vec n) {
  auto t = split<u32>(d);
  const auto next = split<u32>(n);
  for (unsigned i = 0; i < 3; ++i) t[i] = std::rotl(t[i] ^ next[i + 1], 1);
  t[3] = std::rotl(t[3], 1) ^ std::rotl(t[0], 1);  // t[0] is already rotated once
  return join(t);
}

Vec sha256_hash(Vec abcd, Vec efgh, Vec schedule) { return join(sha256_rounds(abcd, efgh, schedule).abcd); }
Vec sha256_hash_2(Vec efgh, Vec abcd, Vec schedule) { return join(sha256_rounds(abcd, efgh, schedule).efgh); }
Vec sha256_schedule_0(Vec d, Vec n) {
  const auto w = split<u32>(d);
  const u32 w4 = static_cast<u32>(n.lo);
  return join(Lanes<u32>{{w[0] + sigma_0(w[1]), w[1] + sigma_0(w[2]), w[2] + sigma_0(w[3]), w[3] + sigma_0(w4)}});
}
Vec sha256_schedule_1(Vec d, Vec n, Vec m) {
  const auto w = split<u32>(d), w8 = split<u32>(n), w12 = split<u32>(m);
  Lanes<u32> out;
  out[0] = w[0] + w8[1] + sigma_1(w12[2]);
  out[1] = w[1] + w8[2] + sigma_1(w12[3]);
  out[2] = w[2] + w8[3] + sigma_1(out[0]);
  out[3] = w[3] + w12[0] + sigma_1(out[1]);
  return join(out);
}

Vec sha512_hash(Vec d, Vec n, Vec m) {
  const u64 hi = choose(m.hi, n.lo, n.hi) + big_sigma_1(m.hi) + d.hi;
  const u64 e = hi + m.lo;
  return {choose(e, m.hi, n.lo) + big_sigma_1(e) + d.lo, hi};
}
Vec sha512_hash_2(Vec d, Vec n, Vec m) {
  const u64 hi = majority(n.lo, m.hi, m.lo) + big_sigma_0(m.lo) + d.hi;
  return {majority(hi, m.lo, m.hi) + big_sigma_0(hi) + d.lo, hi};
}
Vec sha512_schedule_0(Vec d, Vec n) { return {d.lo + sigma_0(d.hi), d.hi + sigma_0(n.lo)}; }
Vec sha512_schedule_1(Vec d, Vec n, Vec m) { return {d.lo + sigma_1(n.lo) + m.lo, d.hi + sigma_1(n.hi) + m.hi}; }

}  // namespace farside::isa::simd
