// mmu/walk.h - the hardware table walk: one loop for both stages, and the port through which it reads descriptors.
#pragma once
#include <optional>

#include "core/arch/fault.h"
#include "core/arch/mem_attr.h"
#include "mmu/descriptor.h"

namespace farside::mmu {

enum class SwapOutcome : u8 { Done, Mismatch, ExternalAbort, Unsupported };

/// Memory as the walker sees it. Values are the 8 bytes at `pa` as a little-endian number; `pa` is 8-byte aligned.
class DescriptorPort {
 public:
  virtual ~DescriptorPort() = default;
  /// The descriptor, or nothing for an external abort.
  virtual std::optional<u64> read(Pa pa, const MemAttr& attr) = 0;
  /// Atomically replaces `expected` by `desired`: hardware updates of the Access flag and dirty state.
  virtual SwapOutcome compare_exchange(Pa pa, const MemAttr& attr, u64 expected, u64 desired) = 0;
};

/// Parameters of one walk, derived from TCR/TTBR or VTCR/VTTBR.
struct WalkParams {
  u8 stage = 1;
  Granule granule = Granule::K4;
  u8 ia_bits = 48;  ///< 64 - TxSZ, effective
  i8 start_level = 0;
  u8 output_bits = 48;      ///< effective IPS or PS: larger addresses are AddressSize faults
  bool bad_config = false;  ///< TxSZ, SL0 or their combination is invalid: Translation fault level 0
  bool disabled = false;    ///< EPDx: Translation fault level 0
  bool bad_base = false;    ///< the TTBR base has bits above output_bits: AddressSize fault level 0
  bool hpd = false;         ///< hierarchical permissions of tables are ignored
  bool ha = false, hd = false;
  bool big_endian = false;
  u64 base = 0;    ///< of the first table, aligned to its size
  MemAttr attr{};  ///< of descriptor reads
};

/// Where a walk ended.
struct WalkResult {
  FaultKind fault = FaultKind::None;  ///< from the walk itself; permissions and AF are judged by the caller
  i8 level = 0;                       ///< of the last descriptor looked at
  u8 size_log2 = 12;                  ///< range that the leaf maps uniformly (contiguous range when joined)
  u64 descriptor = 0;                 ///< the leaf, byte order already corrected
  u64 descriptor_address = 0;         ///< in the address space that holds the tables (IPA for stage 1 under stage 2)
  u64 output = 0;                     ///< output address for the exact input
  bool ap_table_no_el0 = false, ap_table_no_write = false, uxn_table = false, pxn_table = false;
};

/// The leaf's part of a walk: contiguous and address size checks, output address.
inline WalkResult finish_walk(const WalkParams& params, u64 input, int level, WalkResult result) {
  const Granule g = params.granule;
  const unsigned size = level_shift(g, level);
  result.level = static_cast<i8>(level);
  result.size_log2 = static_cast<u8>(size);
  const u64 base = output_address(result.descriptor, g, level);
  if (base >> params.output_bits != 0) {
    result.fault = FaultKind::AddressSize;
    return result;
  }
  result.output = base | (input & ones(size));
  if (bit(result.descriptor, Descriptor::CONTIGUOUS.lo)) {
    const unsigned joined = size + contiguous_log2(g, level);
    // A contiguous range larger than the input is IMPDEF; this walker then ignores the hint. So it does when the
    // output does not follow the range's alignment, where the joined entry would map something else.
    if (joined <= params.ia_bits && ((base ^ input) & ones(joined) & ~ones(size)) == 0) {
      result.size_log2 = static_cast<u8>(joined);
    }
  }
  return result;
}

/// Walks the tables of `params` for `input`. `Tables` is anything with
///   bool read(u64 address, int level, u64& value)
/// returning false when the read ended in a fault that it has recorded itself; the result then says
/// FaultKind::SyncExternalOnWalk and the caller asks `tables` for the truth. Order of faults: AArch64.S1Walk,
/// AArch64.S2Walk.
template <class Tables>
WalkResult walk(const WalkParams& params, u64 input, Tables& tables) {
  WalkResult result;
  const auto fail = [&](FaultKind kind, int level) {
    result.fault = kind;
    result.level = static_cast<i8>(level);
    return result;
  };
  if (params.bad_config || params.disabled) return fail(FaultKind::Translation, 0);
  if (params.bad_base) return fail(FaultKind::AddressSize, 0);
  const Granule g = params.granule;
  u64 address = params.base + root_index(g, params.start_level, params.ia_bits, input) * 8;
  for (int level = params.start_level;; ++level) {
    u64 value = 0;
    result.descriptor_address = address;
    if (!tables.read(address, level, value)) return fail(FaultKind::SyncExternalOnWalk, level);
    if (params.big_endian) value = __builtin_bswap64(value);
    result.descriptor = value;
    const DescriptorKind kind = classify(value, g, level);
    if (kind == DescriptorKind::Invalid) return fail(FaultKind::Translation, level);
    if (kind != DescriptorKind::Table) return finish_walk(params, input, level, result);
    const u64 next = table_address(value, g);
    if (next >> params.output_bits != 0) return fail(FaultKind::AddressSize, level);
    if (params.stage == 1 && !params.hpd) {
      const S1Table table = S1Table::of(value);
      result.ap_table_no_el0 |= table[S1Table::AP_NO_EL0];
      result.ap_table_no_write |= table[S1Table::AP_NO_WRITE];
      result.uxn_table |= table[S1Table::UXN];
      result.pxn_table |= table[S1Table::PXN];
    }
    address = next + u64{table_index(g, level + 1, input)} * 8;
  }
}

}  // namespace farside::mmu
