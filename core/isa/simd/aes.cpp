// core/isa/simd/aes.cpp - AES round steps: portable from compile-time tables, or the host's own instructions.
#include "core/isa/simd/aes.h"

#include <array>

#include "core/isa/simd/lanes.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace farside::isa::simd {
namespace {

// FIPS 197 section 4: bytes are polynomials over GF(2) modulo x^8 + x^4 + x^3 + x + 1.
constexpr u8 gf_double(u8 a) { return static_cast<u8>(a << 1 ^ (a & 0x80 ? 0x1b : 0)); }
constexpr u8 gf_multiply(u8 a, u8 b) {
  u8 product = 0;
  for (; b != 0; b >>= 1, a = gf_double(a))
    if (b & 1) product ^= a;
  return product;
}
/// a^254, which is the inverse, and 0 for 0.
constexpr u8 gf_inverse(u8 a) {
  u8 power = 1;
  for (unsigned bit_of_254 = 7; bit_of_254 > 0; --bit_of_254) power = gf_multiply(gf_multiply(power, power), a);
  return gf_multiply(power, power);
}

using ByteTable = std::array<u8, 256>;

/// FIPS 197 section 5.1.1: the inverse followed by the affine transformation.
constexpr ByteTable make_sbox() {
  ByteTable table{};
  for (unsigned i = 0; i < 256; ++i) {
    const u8 b = gf_inverse(static_cast<u8>(i));
    table[i] = static_cast<u8>(b ^ std::rotl(b, 1) ^ std::rotl(b, 2) ^ std::rotl(b, 3) ^ std::rotl(b, 4) ^ 0x63);
  }
  return table;
}
constexpr ByteTable make_inverse_sbox(const ByteTable& sbox) {
  ByteTable table{};
  for (unsigned i = 0; i < 256; ++i) table[sbox[i]] = static_cast<u8>(i);
  return table;
}

constexpr ByteTable kSbox = make_sbox();
constexpr ByteTable kInverseSbox = make_inverse_sbox(kSbox);
static_assert(kSbox[0x00] == 0x63 && kSbox[0x53] == 0xed && kInverseSbox[0xed] == 0x53);

constexpr std::array<ByteTable, 16> make_products() {
  std::array<ByteTable, 16> table{};
  for (unsigned factor = 0; factor < 16; ++factor)
    for (unsigned i = 0; i < 256; ++i) table[factor][i] = gf_multiply(static_cast<u8>(i), static_cast<u8>(factor));
  return table;
}
constexpr std::array<ByteTable, 16> kProducts = make_products();

/// Byte r + 4c of the state is row r, column c. Row r moves by r columns: left to encrypt, right to decrypt.
template <bool Decrypt>
Vec shift_and_substitute(Vec v) {
  const auto in = split<u8>(v);
  const ByteTable& table = Decrypt ? kInverseSbox : kSbox;
  Lanes<u8> out;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned row = i % 4, column = i / 4;
    out[i] = table[in[row + 4 * ((Decrypt ? column - row : column + row) % 4)]];
  }
  return join(out);
}

/// Each column times the circulant matrix whose first row is `row`.
Vec multiply_columns(Vec v, std::array<u8, 4> row) {
  const auto in = split<u8>(v);
  Lanes<u8> out;
  for (unsigned i = 0; i < 16; ++i) {
    u8 sum = 0;
    for (unsigned k = 0; k < 4; ++k) sum ^= kProducts[row[(k + 4 - i % 4) % 4]][in[i / 4 * 4 + k]];
    out[i] = sum;
  }
  return join(out);
}

#if defined(__x86_64__)
bool host_has_aes() { return __builtin_cpu_supports("aes"); }
__m128i to_host(Vec v) { return std::bit_cast<__m128i>(v); }
Vec from_host(__m128i v) { return std::bit_cast<Vec>(v); }
[[gnu::target("aes")]] Vec host_encrypt(Vec v) { return from_host(_mm_aesenclast_si128(to_host(v), __m128i{})); }
[[gnu::target("aes")]] Vec host_decrypt(Vec v) { return from_host(_mm_aesdeclast_si128(to_host(v), __m128i{})); }
/// A whole round after undoing its first two steps.
[[gnu::target("aes")]] Vec host_mix(Vec v) {
  return from_host(_mm_aesenc_si128(_mm_aesdeclast_si128(to_host(v), __m128i{}), __m128i{}));
}
[[gnu::target("aes")]] Vec host_inverse_mix(Vec v) { return from_host(_mm_aesimc_si128(to_host(v))); }
#else
bool host_has_aes() { return false; }
Vec host_encrypt(Vec v) { return v; }
Vec host_decrypt(Vec v) { return v; }
Vec host_mix(Vec v) { return v; }
Vec host_inverse_mix(Vec v) { return v; }
#endif

Vec exclusive_or(Vec a, Vec b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }

}  // namespace

namespace portable {
Vec aes_encrypt(Vec state, Vec key) { return shift_and_substitute<false>(exclusive_or(state, key)); }
Vec aes_decrypt(Vec state, Vec key) { return shift_and_substitute<true>(exclusive_or(state, key)); }
Vec aes_mix_columns(Vec state) { return multiply_columns(state, {2, 3, 1, 1}); }
Vec aes_inverse_mix_columns(Vec state) { return multiply_columns(state, {14, 11, 13, 9}); }
}  // namespace portable

Vec aes_encrypt(Vec state, Vec key) {
  return host_has_aes() ? host_encrypt(exclusive_or(state, key)) : portable::aes_encrypt(state, key);
}
Vec aes_decrypt(Vec state, Vec key) {
  return host_has_aes() ? host_decrypt(exclusive_or(state, key)) : portable::aes_decrypt(state, key);
}
Vec aes_mix_columns(Vec state) { return host_has_aes() ? host_mix(state) : portable::aes_mix_columns(state); }
Vec aes_inverse_mix_columns(Vec state) {
  return host_has_aes() ? host_inverse_mix(state) : portable::aes_inverse_mix_columns(state);
}

}  // namespace farside::isa::simd
