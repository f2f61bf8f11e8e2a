// firmware/hyp/host/notifier.h - MMU notifier callbacks: how an address space tells a VM that its pages change.
#pragma once
#include "core/base/addr.h"

namespace farside::hyp::host {

/// A range of the VMM's virtual addresses.
struct HvaRange {
  u64 base = 0, size = 0;
  u64 end() const { return base + size; }
};

/// Registered with a Space. Between start and end the listener must not keep translations of the range.
class MmuNotifier {
 public:
  virtual ~MmuNotifier() = default;
  virtual void invalidate_range_start(HvaRange range) = 0;
  virtual void invalidate_range_end(HvaRange range) = 0;
  /// The page at `hva` is now at `pa`, read-only; only between start and end (KSM).
  virtual void change_pte(u64 hva, Pa pa) = 0;
  /// True when any page of the range was young; clears the mark, and invalidates TLBs if `flush`.
  virtual bool clear_young(HvaRange range, bool flush) = 0;
  virtual bool test_young(HvaRange range) = 0;
  /// The address space goes away.
  virtual void release() = 0;
};

}  // namespace farside::hyp::host
