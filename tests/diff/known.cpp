// tests/diff/known.cpp - the list of incomparable words, each with its reason.
#include "tests/diff/known.h"

namespace farside::diff {
namespace {

bool is_writeback_pair(u32 word) { return (word & 0x3a800000) == 0x28800000; }
bool is_writeback_single(u32 word) {
  return (word & 0x3b200400) == 0x38000400 && (word & 0xc00) != 0x800;  // pre- and post-index
}

/// Load or store with write-back whose data register is also the base.
bool writeback_overlaps(u32 word) {
  const unsigned rt = word & 31, rn = word >> 5 & 31, rt2 = word >> 10 & 31;
  const bool simd = word >> 26 & 1;
  if (simd || rn == 31) return false;
  if (is_writeback_pair(word)) return rt == rn || rt2 == rn;
  return is_writeback_single(word) && rt == rn;
}

/// A pair loaded into one register twice.
bool pair_overlaps(u32 word) {
  const bool pair = (word & 0x3a400000) == 0x28400000, exclusive_pair = (word & 0xbf600000) == 0x88600000;
  return (pair || exclusive_pair) && (word & 31) == (word >> 10 & 31);
}

/// Store-exclusive whose status register is its data or base.
bool status_overlaps(u32 word) {
  if ((word & 0x3fc00000) != 0x08000000) return false;
  const unsigned rs = word >> 16 & 31, rt = word & 31, rn = word >> 5 & 31, rt2 = word >> 10 & 31;
  const bool pair = word >> 21 & 1;
  return rs == rt || (rs == rn && rn != 31) || (pair && rs == rt2);
}

/// Without the monitor set by a load of the same size and address just before, a store-exclusive may or may not fault,
/// and whether it succeeds depends on the size of the monitor's granule.
bool lone_store_exclusive(u32 word, std::span<const u32> before) {
  if ((word & 0x3fc00000) != 0x08000000 || before.empty()) return false;
  const u32 load = before.back();
  if ((load & 0x3fc00000) != 0x08400000 || ((load ^ word) & 0xc02003e0) != 0) return true;
  const unsigned rn = word >> 5 & 31;
  const bool pair = word >> 21 & 1;
  return rn != 31 && ((load & 31) == rn || (pair && (load >> 10 & 31) == rn));  // the load has replaced its base
}

/// Fixed in QEMU 5.2; qemu-aarch64 7.2 agrees with farside.
bool is_narrow_minmax(u32 word) { return (word & 0x3f20cc00) == 0x38204000 && word >> 30 != 3; }

}  // namespace

std::string_view known_difference(isa::A64 form, u32 word, const UserState& state, std::span<const u32> before) {
  if (writeback_overlaps(word)) return "CONSTRAINED UNPREDICTABLE: write-back to a data register";
  if (pair_overlaps(word)) return "CONSTRAINED UNPREDICTABLE: a pair of one register";
  if (status_overlaps(word)) return "CONSTRAINED UNPREDICTABLE: exclusive status overlaps";
  if (lone_store_exclusive(word, before)) return "IMPLEMENTATION DEFINED: store-exclusive not paired with its load";
  if (is_narrow_minmax(word)) return "Unicorn compares 64 bits in narrow LDSMAX, LDUMIN, ...";
  // QEMU 7.2 as well: the 16-bit result of a negative number is sign-extended to 32 bits of the register.
  if (form == isa::A64::FCVTZS_fixed_scalar_half) return "QEMU: bits 31:16 of FCVTZS (fixed-point, half) not zero";
  // The helper works on segments of 128 bits whatever the vector's size: flags of lanes that are not there.
  if (form == isa::A64::FCMLA_element_half && (word >> 30 & 1) == 0) return "QEMU: FPSR of FCMLA by element, 4H";
  // QEMU 7.2 as well. FPToFixedJS: Z is 0 when the operand is +0 only because it was flushed.
  if (form == isa::A64::FJCVTZS && (state.fpcr >> 24 & 1) != 0) return "QEMU: Z of FJCVTZS on flushed subnormals";
  return {};
}

}  // namespace farside::diff
