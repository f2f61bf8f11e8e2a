// tests/bench/bytes.c - byte vectors: saturating addition, and the C library's block operations.
#include <string.h>

#include "tests/bench/bench.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <emmintrin.h>
#endif

enum { kBytes = 16384 };

static void add_saturating(uint8_t* to, const uint8_t* from) {
#if defined(__aarch64__)
  for (int i = 0; i < kBytes; i += 16) vst1q_u8(to + i, vqaddq_u8(vld1q_u8(to + i), vld1q_u8(from + i)));
#else
  for (int i = 0; i < kBytes; i += 16) {
    const __m128i sum =
        _mm_adds_epu8(_mm_loadu_si128((const __m128i*)(to + i)), _mm_loadu_si128((const __m128i*)(from + i)));
    _mm_storeu_si128((__m128i*)(to + i), sum);
  }
#endif
}

static void fill(uint8_t* data, uint64_t n, uint64_t seed) {
  for (uint64_t i = 0; i < n; ++i) data[i] = (uint8_t)next_random(&seed);
}

uint64_t bench_u8add(void) {
  static uint8_t a[kBytes], b[kBytes];
  uint64_t sum = 0;
  fill(b, kBytes, 7);
  for (int r = 0; r < 150000; ++r) {
    if (r % 100 == 0) {
      fill(a, kBytes, (uint64_t)r);
      sum = sum * 31 + digest(a, kBytes / 8);
    }
    add_saturating(a, b);
  }
  return sum + digest(a, kBytes / 8);
}

/// Keeps the compiler from seeing that a copy repeats.
static void used(void* p) { __asm__ volatile("" : : "r"(p) : "memory"); }

enum { kBlock = 1 << 18 };
static uint8_t left[kBlock], right[kBlock];

uint64_t bench_memcpy(void) {
  fill(left, kBlock, 8);
  for (int r = 0; r < 20000; ++r) {
    memcpy(right, left, kBlock);
    used(right);
    left[r % kBlock] ^= right[(r * 7) % kBlock];
  }
  return digest(right, kBlock / 8);
}

uint64_t bench_memset(void) {
  uint64_t sum = 0;
  for (int r = 0; r < 20000; ++r) {
    memset(right, r % 3 == 0 ? 0 : r & 0xff, kBlock);
    used(right);
    sum = sum * 31 + right[(r * 7) % kBlock];
  }
  return sum + digest(right, kBlock / 8);
}
