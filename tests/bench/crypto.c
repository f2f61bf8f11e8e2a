// tests/bench/crypto.c - SHA-256, AES-128 and CRC-32C with the instructions that the machine has for them.
#include "tests/bench/bench.h"
#if defined(__aarch64__)
#include <arm_acle.h>
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

enum { kBytes = 16384 };
static uint8_t data[kBytes] __attribute__((aligned(16)));

static void fill(uint64_t seed) {
  for (int i = 0; i < kBytes; ++i) data[i] = (uint8_t)next_random(&seed);
}

static const uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// One block of 64 bytes into state[8].
static void sha256_block(uint32_t state[8], const uint8_t* block) {
#if defined(__aarch64__)
  uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4), w[4];
  const uint32x4_t old_abcd = abcd, old_efgh = efgh;
  for (int i = 0; i < 4; ++i) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
  for (int i = 0; i < 16; ++i) {
    const uint32x4_t k = vaddq_u32(w[i & 3], vld1q_u32(kRoundConstants + 4 * i)), before = abcd;
    if (i < 12) w[i & 3] = vsha256su1q_u32(vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
    abcd = vsha256hq_u32(abcd, efgh, k);
    efgh = vsha256h2q_u32(efgh, before, k);
  }
  vst1q_u32(state, vaddq_u32(abcd, old_abcd));
  vst1q_u32(state + 4, vaddq_u32(efgh, old_efgh));
#else
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const __m128i dcba = _mm_loadu_si128((const __m128i*)state), hgfe = _mm_loadu_si128((const __m128i*)(state + 4));
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0), w[4];
  const __m128i old_abef = abef, old_cdgh = cdgh;
  for (int i = 0; i < 4; ++i) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(block + 16 * i)), swap);
  for (int i = 0; i < 16; ++i) {
    const __m128i k = _mm_add_epi32(w[i & 3], _mm_loadu_si128((const __m128i*)(kRoundConstants + 4 * i)));
    if (i < 12) {
      const __m128i w9 = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
      w[i & 3] =
          _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), w9), w[(i + 3) & 3]);
    }
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, k);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(k, 0x0e));
  }
  abef = _mm_add_epi32(abef, old_abef);
  cdgh = _mm_add_epi32(cdgh, old_cdgh);
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128((__m128i*)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i*)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
#endif
}

uint64_t bench_sha256(void) {
  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  fill(9);
  for (int r = 0; r < 2000; ++r)
    for (int i = 0; i < kBytes; i += 64) sha256_block(state, data + i);
  return digest(state, 4);
}

#if defined(__aarch64__)
typedef uint8x16_t Vector;
static Vector load(const uint8_t* p) { return vld1q_u8(p); }
static void store(uint8_t* p, Vector v) { vst1q_u8(p, v); }
/// SubBytes, ShiftRows and MixColumns, then the round key. AESE adds its key first, so it gets zero.
static Vector aes_round(Vector v, Vector key) { return veorq_u8(vaesmcq_u8(vaeseq_u8(v, vdupq_n_u8(0))), key); }
static Vector aes_last(Vector v, Vector key) { return veorq_u8(vaeseq_u8(v, vdupq_n_u8(0)), key); }
static Vector exclusive_or(Vector a, Vector b) { return veorq_u8(a, b); }
#else
typedef __m128i Vector;
static Vector load(const uint8_t* p) { return _mm_loadu_si128((const __m128i*)p); }
static void store(uint8_t* p, Vector v) { _mm_storeu_si128((__m128i*)p, v); }
static Vector aes_round(Vector v, Vector key) { return _mm_aesenc_si128(v, key); }
static Vector aes_last(Vector v, Vector key) { return _mm_aesenclast_si128(v, key); }
static Vector exclusive_or(Vector a, Vector b) { return _mm_xor_si128(a, b); }
#endif

/// AES-128 in CBC mode, with round keys that are random rather than expanded: the work is the same.
uint64_t bench_aes(void) {
  fill(10);
  Vector keys[11], chain = load(data);
  for (int i = 0; i < 11; ++i) keys[i] = load(data + 16 * i);
  for (int r = 0; r < 1500; ++r) {
    for (int i = 0; i < kBytes; i += 16) {
      Vector v = exclusive_or(exclusive_or(load(data + i), chain), keys[0]);
      for (int k = 1; k < 10; ++k) v = aes_round(v, keys[k]);
      chain = aes_last(v, keys[10]);
      store(data + i, chain);
    }
  }
  return digest(data, kBytes / 8);
}

uint64_t bench_crc32c(void) {
  uint32_t crc = ~0u;
  fill(11);
  const uint64_t* words = (const uint64_t*)data;
  for (int r = 0; r < 20000; ++r) {
    for (int i = 0; i < kBytes / 8; ++i) {
#if defined(__aarch64__)
      crc = __crc32cd(crc, words[i]);
#else
      crc = (uint32_t)_mm_crc32_u64(crc, words[i]);
#endif
    }
  }
  return crc;
}
