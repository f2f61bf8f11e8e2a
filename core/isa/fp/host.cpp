// core/isa/fp/host.cpp - the host's fused multiply-add as one instruction; called only where host::has_fma() says so.
#include "core/isa/fp/host_lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define FARSIDE_FMA __attribute__((target("fma")))
#else
#define FARSIDE_FMA
#endif

namespace farside::fp::host {

#if defined(__x86_64__)
FARSIDE_FMA double fused(double a, double b, double c) {
  return _mm_cvtsd_f64(_mm_fmadd_sd(_mm_set_sd(a), _mm_set_sd(b), _mm_set_sd(c)));
}
FARSIDE_FMA float fused(float a, float b, float c) {
  return _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c)));
}
FARSIDE_FMA void fused_lanes(const float* a, const float* b, float* c) {
  _mm_storeu_ps(c, _mm_fmadd_ps(_mm_loadu_ps(a), _mm_loadu_ps(b), _mm_loadu_ps(c)));
}
FARSIDE_FMA void fused_lanes(const double* a, const double* b, double* c) {
  _mm_storeu_pd(c, _mm_fmadd_pd(_mm_loadu_pd(a), _mm_loadu_pd(b), _mm_loadu_pd(c)));
}
#else
double fused(double a, double b, double c) { return std::fma(a, b, c); }
float fused(float a, float b, float c) { return std::fma(a, b, c); }
void fused_lanes(const float* a, const float* b, float* c) {
  for (unsigned i = 0; i < 4; ++i) c[i] = std::fma(a[i], b[i], c[i]);
}
void fused_lanes(const double* a, const double* b, double* c) {
  for (unsigned i = 0; i < 2; ++i) c[i] = std::fma(a[i], b[i], c[i]);
}
#endif

}  // namespace farside::fp::host
