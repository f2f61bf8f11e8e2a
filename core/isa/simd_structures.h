// core/isa/simd_structures.h - how LD1..LD4 and ST1..ST4 spread memory over registers; pure functions on values.
#pragma once
#include <array>

#include "core/isa/exec.h"

namespace farside::isa {

/// The registers of a multiple-structures form.
struct ListShape {
  bool q = false;          ///< 16 bytes per register, else 8
  unsigned size_log2 = 0;  ///< of an element
  unsigned count = 1;      ///< registers
  unsigned selem = 1;      ///< elements per structure
  constexpr unsigned element() const { return 1u << size_log2; }
  constexpr unsigned register_bytes() const { return q ? 16 : 8; }
  constexpr unsigned bytes() const { return count * register_bytes(); }
  /// .1D exists for LD1 and ST1 only.
  constexpr bool allocated() const { return q || size_log2 != 3 || selem == 1; }
};

/// Register `i` of the list, from the bytes in memory order.
inline Vec gather_register(const Block& from, ListShape shape, unsigned i) {
  Vec out;
  u8* to = reinterpret_cast<u8*>(&out);
  if (shape.selem == 1) {
    std::memcpy(to, from.bytes + i * shape.register_bytes(), shape.register_bytes());
    return out;
  }
  const unsigned element = shape.element(), stride = shape.selem * element;
  for (unsigned at = 0, source = i * element; at < shape.register_bytes(); at += element, source += stride)
    std::memcpy(to + at, from.bytes + source, element);
  return out;
}

/// The bytes in memory order, from the first `count` of the registers.
inline Block scatter_registers(const std::array<Vec, 4>& registers, ListShape shape) {
  Block out;
  const unsigned element = shape.element(), width = shape.register_bytes();
  for (unsigned i = 0; i < shape.count; ++i) {
    const u8* from = reinterpret_cast<const u8*>(&registers[i]);
    if (shape.selem == 1) {
      std::memcpy(out.bytes + i * width, from, width);
      continue;
    }
    for (unsigned at = 0, target = i * element; at < width; at += element, target += shape.selem * element)
      std::memcpy(out.bytes + target, from + at, element);
  }
  return out;
}

/// The lane of a single-structure form.
struct LaneAt {
  bool allocated = true;
  unsigned size_log2 = 0, index = 0;
};

/// The single-structure column of C4.1 "Advanced SIMD load/store single structure"; scale 3 is LDnR.
constexpr LaneAt lane_at(Imm<1> Q, Imm<2> scale, Imm<1> S, Imm<2> size) {
  const unsigned q_s_size = Q << 3 | S << 2 | size;
  switch (scale) {
    case 0: return {true, 0, q_s_size};
    case 1: return {!size.bit(0), 1, q_s_size >> 1};
    case 2:
      if (!size.bit(0)) return {!size.bit(1), 2, q_s_size >> 2};
      return {!size.bit(1) && !S, 3, Q};
    default: return {.allocated = false};
  }
}

/// `to` with one lane replaced by element `i` of the structure.
inline Vec insert_element(const Block& from, unsigned i, Vec to, LaneAt at) {
  const unsigned element = 1u << at.size_log2;
  std::memcpy(reinterpret_cast<u8*>(&to) + at.index * element, from.bytes + i * element, element);
  return to;
}

/// The structure made of one lane of each register.
inline Block extract_elements(const std::array<Vec, 4>& registers, LaneAt at) {
  Block out;
  const unsigned element = 1u << at.size_log2;
  for (unsigned i = 0; i < registers.size(); ++i)
    std::memcpy(out.bytes + i * element, reinterpret_cast<const u8*>(&registers[i]) + at.index * element, element);
  return out;
}

/// Element `i` of the structure in every lane.
inline Vec replicate_element(const Block& from, unsigned i, unsigned element, bool q) {
  Vec out;
  for (unsigned at = 0; at < (q ? 16u : 8u); at += element)
    std::memcpy(reinterpret_cast<u8*>(&out) + at, from.bytes + i * element, element);
  return out;
}

}  // namespace farside::isa
