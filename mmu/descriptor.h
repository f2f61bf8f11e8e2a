// mmu/descriptor.h - VMSAv8-64 descriptors of both stages: fields, classification, constructors.
#pragma once
#include "core/base/field.h"
#include "mmu/geometry.h"

namespace farside::mmu {

/// Fields that leaves of both stages share (Arm ARM D8.3).
struct Descriptor : Reg<Descriptor> {
  static constexpr Bit<0> VALID{};
  static constexpr Bit<1> TABLE_OR_PAGE{};  ///< 1: table above level 3, page at level 3; 0: block
  static constexpr Field<9, 8> SH{};
  static constexpr Bit<10> AF{};
  static constexpr Bit<16> nT{};
  static constexpr Bit<51> DBM{};
  static constexpr Bit<52> CONTIGUOUS{};
  static constexpr Field<58, 55> SOFTWARE{};  ///< ignored by hardware
};

/// Leaf of stage 1.
struct S1Leaf : Reg<S1Leaf> {
  static constexpr Field<4, 2> ATTR_INDX{};
  static constexpr Bit<5> NS{};
  static constexpr Bit<6> AP1{};  ///< EL0 may access
  static constexpr Bit<7> AP2{};  ///< read-only
  static constexpr Bit<11> nG{};
  static constexpr Bit<50> GP{};
  static constexpr Bit<53> PXN{};
  static constexpr Bit<54> UXN{};  ///< XN in regimes with one privilege level
};

/// Leaf of stage 2.
struct S2Leaf : Reg<S2Leaf> {
  static constexpr Field<5, 2> MEM_ATTR{};
  static constexpr Field<7, 6> S2AP{};
  static constexpr Bit<6> S2AP_R{};
  static constexpr Bit<7> S2AP_W{};
  static constexpr Field<54, 53> XN{};  ///< with FEAT_XNX: 0 all execute, 1 EL0 only, 2 none, 3 EL1 only
};

/// Table descriptor of stage 1; stage 2 has no attributes in tables.
struct S1Table : Reg<S1Table> {
  static constexpr Bit<59> PXN{};
  static constexpr Bit<60> UXN{};
  static constexpr Bit<61> AP_NO_EL0{};    ///< APTable[0]
  static constexpr Bit<62> AP_NO_WRITE{};  ///< APTable[1]
  static constexpr Bit<63> NS{};
};

enum class DescriptorKind : u8 { Invalid, Table, Block, Page };

/// What `descriptor` is at `level`; reserved encodings and blocks at illegal levels are Invalid
/// (AArch64.DecodeDescriptorType).
constexpr DescriptorKind classify(u64 descriptor, Granule g, int level) {
  if (!bit(descriptor, 0)) return DescriptorKind::Invalid;
  if (bit(descriptor, 1)) return level == kLastLevel ? DescriptorKind::Page : DescriptorKind::Table;
  return level != kLastLevel && block_allowed(g, level) ? DescriptorKind::Block : DescriptorKind::Invalid;
}

/// Bits 47..g: the address of the next table.
constexpr u64 table_address(u64 descriptor, Granule g) { return descriptor & ones(48) & ~ones(shift(g)); }
/// Output address of a leaf at `level`; the offset bits are 0.
constexpr u64 output_address(u64 descriptor, Granule g, int level) {
  return descriptor & ones(48) & ~ones(level_shift(g, level));
}

/// A table descriptor without attributes. `next` must be aligned to the granule and below 2^48.
constexpr u64 make_table(u64 next) { return next | 3; }
/// A leaf at `level` with `attributes` in descriptor positions (everything but address, valid and type bits).
constexpr u64 make_leaf(int level, u64 address, u64 attributes) {
  return address | attributes | (level == kLastLevel ? 3u : 1u);
}
/// The attribute bits of a leaf, so that make_leaf(level, output_address(d), leaf_attributes(d)) == d.
constexpr u64 leaf_attributes(u64 descriptor, Granule g, int level) {
  return descriptor & ~(ones(48) & ~ones(level_shift(g, level))) & ~u64{3};
}

/// Break-before-make: true when valid `from` may be replaced by valid `to` in place. Only permissions, AF, DBM and
/// software bits may differ; output address, size, type, shareability, Contiguous and nG may not (Arm ARM D8.14.1).
constexpr bool is_bbm_safe(u64 from, u64 to, bool stage2) {
  if (!bit(from, 0) || !bit(to, 0)) return true;
  u64 free = Descriptor::AF.mask | Descriptor::DBM.mask | Descriptor::SOFTWARE.mask;
  free |= stage2 ? S2Leaf::S2AP.mask | S2Leaf::XN.mask
                 : S1Leaf::AP1.mask | S1Leaf::AP2.mask | S1Leaf::PXN.mask | S1Leaf::UXN.mask;
  return ((from ^ to) & ~free) == 0;
}

}  // namespace farside::mmu
