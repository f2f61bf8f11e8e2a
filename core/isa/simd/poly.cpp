// core/isa/simd/poly.cpp - polynomial multiply, portable or with the host's own instruction.
#include "core/isa/simd/poly.h"

#include <bit>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace farside::isa::simd {
namespace {

#if defined(__x86_64__)
bool host_has_clmul() { return __builtin_cpu_supports("pclmul"); }
[[gnu::target("pclmul")]] Vec host_poly_mul(Vec a, Vec b) {
  return std::bit_cast<Vec>(_mm_clmulepi64_si128(std::bit_cast<__m128i>(a), std::bit_cast<__m128i>(b), 0));
}
#else
bool host_has_clmul() { return false; }
Vec host_poly_mul(Vec a, Vec) { return a; }
#endif

}  // namespace

Vec portable::poly_mul_64(Vec a, Vec b) {
  u128 product = 0;
  for (unsigned i = 0; i < 64; ++i) product ^= static_cast<u128>(a.lo & (u64{0} - (b.lo >> i & 1))) << i;
  return {static_cast<u64>(product), static_cast<u64>(product >> 64)};
}

Vec poly_mul_64(Vec a, Vec b) { return host_has_clmul() ? host_poly_mul(a, b) : portable::poly_mul_64(a, b); }

}  // namespace farside::isa::simd
