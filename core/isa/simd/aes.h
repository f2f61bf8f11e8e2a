// core/isa/simd/aes.h - the steps of an AES round as AESE, AESD, AESMC and AESIMC divide it.
#pragma once
#include "core/arch/vec.h"

namespace farside::isa::simd {

/// SubBytes(ShiftRows(state ^ key)).
Vec aes_encrypt(Vec state, Vec key);
/// InvSubBytes(InvShiftRows(state ^ key)).
Vec aes_decrypt(Vec state, Vec key);
Vec aes_mix_columns(Vec state);
Vec aes_inverse_mix_columns(Vec state);

/// The same without the host's AES instructions; what the functions above use on a host that has none.
namespace portable {
Vec aes_encrypt(Vec state, Vec key);
Vec aes_decrypt(Vec state, Vec key);
Vec aes_mix_columns(Vec state);
Vec aes_inverse_mix_columns(Vec state);
}  // namespace portable

}  // namespace farside::isa::simd
