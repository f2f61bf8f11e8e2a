// core/isa/a64/crypto.inl - semantics of the cryptographic extensions.
#pragma once
#include "core/isa/a64/simd_form.inl"
#include "core/isa/simd/aes.h"
#include "core/isa/simd/poly.h"
#include "core/isa/simd/sha.h"

namespace farside::isa::a64 {

// Two registers; the second kind also reads Rd.
#define FARSIDE_CRYPTO_1(name, function)              \
  template <class X>                                  \
  Flow name(X& x, RegNo Rn, RegNo Rd) {               \
    TRY_VOID(x.fp_access());                          \
    x.set_vec(Rd, x.call(simd::function, x.vec(Rn))); \
    return Flow::Next;                                \
  }
#define FARSIDE_CRYPTO_2(name, function)                         \
  template <class X>                                             \
  Flow name(X& x, RegNo Rn, RegNo Rd) {                          \
    TRY_VOID(x.fp_access());                                     \
    x.set_vec(Rd, x.call(simd::function, x.vec(Rd), x.vec(Rn))); \
    return Flow::Next;                                           \
  }
#define FARSIDE_CRYPTO_3(name, function)                                    \
  template <class X>                                                        \
  Flow name(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {                           \
    TRY_VOID(x.fp_access());                                                \
    x.set_vec(Rd, x.call(simd::function, x.vec(Rd), x.vec(Rn), x.vec(Rm))); \
    return Flow::Next;                                                      \
  }
FARSIDE_CRYPTO_2(AESE, aes_encrypt)
FARSIDE_CRYPTO_2(AESD, aes_decrypt)
FARSIDE_CRYPTO_1(AESMC, aes_mix_columns)
FARSIDE_CRYPTO_1(AESIMC, aes_inverse_mix_columns)

FARSIDE_CRYPTO_3(SHA1C, sha1_choose)
FARSIDE_CRYPTO_3(SHA1P, sha1_parity)
FARSIDE_CRYPTO_3(SHA1M, sha1_majority)
FARSIDE_CRYPTO_3(SHA1SU0, sha1_schedule_0)
FARSIDE_CRYPTO_1(SHA1H, sha1_fixed_rotate)
FARSIDE_CRYPTO_2(SHA1SU1, sha1_schedule_1)
FARSIDE_CRYPTO_3(SHA256H, sha256_hash)
FARSIDE_CRYPTO_3(SHA256H2, sha256_hash_2)
FARSIDE_CRYPTO_2(SHA256SU0, sha256_schedule_0)
FARSIDE_CRYPTO_3(SHA256SU1, sha256_schedule_1)
FARSIDE_CRYPTO_3(SHA512H, sha512_hash)
FARSIDE_CRYPTO_3(SHA512H2, sha512_hash_2)
FARSIDE_CRYPTO_2(SHA512SU0, sha512_schedule_0)
FARSIDE_CRYPTO_3(SHA512SU1, sha512_schedule_1)
#undef FARSIDE_CRYPTO_1
#undef FARSIDE_CRYPTO_2
#undef FARSIDE_CRYPTO_3

template <class X>
Flow RAX1(X& x, RegNo Rm, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::rotate_xor, x.vec(Rn), x.vec(Rm)));
  return Flow::Next;
}
template <class X>
Flow XAR(X& x, RegNo Rm, Imm<6> imm6, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::xor_rotate, x.vec(Rn), x.vec(Rm), x.imm(imm6)));
  return Flow::Next;
}
template <class X>
Flow EOR3(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::xor_3, x.vec(Rn), x.vec(Rm), x.vec(Ra)));
  return Flow::Next;
}
template <class X>
Flow BCAX(X& x, RegNo Rm, RegNo Ra, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::clear_xor, x.vec(Rn), x.vec(Rm), x.vec(Ra)));
  return Flow::Next;
}

template <class X>
Flow PMULL_64(X& x, Imm<1> Q, RegNo Rm, RegNo Rn, RegNo Rd) {
  TRY_VOID(x.fp_access());
  x.set_vec(Rd, x.call(simd::poly_mul_64, form::half_part(x, Rn, Q), form::half_part(x, Rm, Q)));
  return Flow::Next;
}

}  // namespace farside::isa::a64
