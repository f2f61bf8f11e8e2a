// tests/bench/bench.h - the kernels: each does a fixed amount of work and returns a checksum of its results.
#pragma once
#include <stdint.h>

// integer.c
uint64_t bench_list(void);
uint64_t bench_matrix(void);
uint64_t bench_state(void);
uint64_t bench_crc(void);
uint64_t bench_mix(void);
// float.c
uint64_t bench_daxpy(void);
uint64_t bench_matmul(void);
uint64_t bench_nbody(void);
uint64_t bench_scalar(void);
// bytes.c
uint64_t bench_u8add(void);
uint64_t bench_memcpy(void);
uint64_t bench_memset(void);
// crypto.c
uint64_t bench_sha256(void);
uint64_t bench_aes(void);
uint64_t bench_crc32c(void);

/// splitmix64: the same numbers on every machine.
static inline uint64_t next_random(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}
/// FNV-1a over `n` 8-byte words.
static inline uint64_t digest(const void* data, unsigned long n) {
  const uint64_t* words = data;
  uint64_t h = 0xcbf29ce484222325;
  for (unsigned long i = 0; i < n; ++i) h = (h ^ words[i]) * 0x100000001b3;
  return h;
}
