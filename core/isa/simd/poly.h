// core/isa/simd/poly.h - the 64 x 64 bit polynomial multiply over GF(2) of PMULL.
#pragma once
#include "core/arch/vec.h"

namespace farside::isa::simd {

/// The product of the low halves.
Vec poly_mul_64(Vec a, Vec b);
/// The same without the host's PCLMULQDQ.
namespace portable {
Vec poly_mul_64(Vec a, Vec b);
}

}  // namespace farside::isa::simd
