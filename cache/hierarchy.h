// cache/hierarchy.h - the caches of all cores as one object: the receiver of every maintenance operation.
#pragma once
#include "cache/op.h"

namespace farside::cache {

/// Counts of maintenance, for --stats and for comparing policies. Bytes are what the operations covered.
struct MaintenanceCounts {
  u64 clean = 0, invalidate = 0, clean_invalidate = 0;  ///< data operations by address
  u64 instruction = 0;                                  ///< IC IVAU
  u64 instruction_all = 0;                              ///< IC IALLU, IALLUIS
  u64 set_way = 0;
  u64 bytes = 0;
};

/// With no cache levels configured every access goes straight to memory, all copies are one, and CTR_EL0.{IDC,DIC} say
/// so; operations are still decoded, checked, scoped and counted here, because who issues them is what users look at.
class Hierarchy {
 public:
  /// Bytes of a line, as CTR_EL0.{IminLine,DminLine} report.
  static constexpr u64 kLine = 64;

  void apply(const CacheOpByPa& op);
  void apply(const CacheOpBySetWay& op);
  void apply(const ICacheInvalidateAll& op);
  const MaintenanceCounts& counts() const { return counts_; }

 private:
  MaintenanceCounts counts_;
};

}  // namespace farside::cache
