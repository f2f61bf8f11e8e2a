// tests/bench/float.c - floating point: vectors with fused multiply-add, and scalar code with division and square root.
#include <math.h>

#include "tests/bench/bench.h"

enum { kLength = 2048 };

uint64_t bench_daxpy(void) {
  static double x[kLength], y[kLength];
  for (int i = 0; i < kLength; ++i) {
    x[i] = 1.0 + i * 0.001;
    y[i] = 2.0 - i * 0.0005;
  }
  for (int r = 0; r < 60000; ++r) {
    const double a = r % 2 ? -0.75 : 0.75;
    for (int i = 0; i < kLength; ++i) y[i] = __builtin_fma(a, x[i], y[i]);
  }
  return digest(y, kLength);
}

enum { kSide = 96 };

uint64_t bench_matmul(void) {
  static float a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];
  for (int i = 0; i < kSide; ++i)
    for (int j = 0; j < kSide; ++j) {
      a[i][j] = (float)(i + 1) / (float)(j + 1);
      b[i][j] = (float)(j - i) * 0.25f;
    }
  for (int r = 0; r < 120; ++r) {
    for (int i = 0; i < kSide; ++i)
      for (int k = 0; k < kSide; ++k)
        for (int j = 0; j < kSide; ++j) c[i][j] = __builtin_fmaf(a[i][k], b[k][j], c[i][j]);
    for (int i = 0; i < kSide; ++i)
      for (int j = 0; j < kSide; ++j) c[i][j] *= 0.5f;
  }
  return digest(c, sizeof c / 8);
}

struct Body {
  double x[3], v[3], mass;
};

static void advance(struct Body* bodies, int n, double dt) {
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      struct Body *a = &bodies[i], *b = &bodies[j];
      const double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
      const double square = dx * dx + dy * dy + dz * dz;
      const double by = dt / (square * sqrt(square));
      const double ours = a->mass * by, theirs = b->mass * by;
      a->v[0] -= dx * theirs;
      a->v[1] -= dy * theirs;
      a->v[2] -= dz * theirs;
      b->v[0] += dx * ours;
      b->v[1] += dy * ours;
      b->v[2] += dz * ours;
    }
  }
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < 3; ++k) bodies[i].x[k] += dt * bodies[i].v[k];
}

uint64_t bench_nbody(void) {
  struct Body bodies[5];
  uint64_t seed = 6;
  for (int i = 0; i < 5; ++i) {
    for (int k = 0; k < 3; ++k) {
      bodies[i].x[k] = (double)(int64_t)(next_random(&seed) >> 12) / (1ll << 48) - 8.0;
      bodies[i].v[k] = (double)(int64_t)(next_random(&seed) >> 12) / (1ll << 52) - 0.5;
    }
    bodies[i].mass = 0.5 + i;
  }
  for (int i = 0; i < 400000; ++i) advance(bodies, 5, 0.001);
  return digest(bodies, sizeof bodies / 8);
}

/// Conversions, comparisons, rounding and a chain of divisions.
uint64_t bench_scalar(void) {
  double x = 0.5, sum = 0;
  uint64_t bits = 0;
  for (int i = 1; i < 6000000; ++i) {
    x = 3.7 * x * (1.0 - x);
    const int64_t scaled = (int64_t)(x * 4096.0);
    bits = bits * 31 + (uint64_t)scaled;
    if (x > 0.75) {
      sum += floor(x * 100.0);
    } else {
      sum -= (double)(i % 1000) / (1.0 + x);
    }
    if (fabs(sum) > 1e6) sum = sqrt(fabs(sum));
  }
  return digest(&sum, 1) ^ bits;
}
