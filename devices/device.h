// devices/device.h - what a memory-mapped device is to the bus.
#pragma once
#include <string_view>

#include "core/base/types.h"
#include "devices/state.h"

namespace farside::dev {

/// The answer to a register access. A failed access becomes an external abort in the guest.
struct MmioResult {
  u64 value = 0;
  bool ok = true;
  static constexpr MmioResult failed() { return {0, false}; }
};

/// A register file at some address. `offset` is relative to the device's base, `size` is 1, 2, 4 or 8 bytes and the
/// access does not cross its size. Devices never know where they are mapped or which PE asks, except through `pe`.
class MmioDevice {
 public:
  virtual ~MmioDevice() = default;
  /// The name that `info mtree` and traces print.
  virtual std::string_view name() const = 0;
  virtual MmioResult read(u64 offset, unsigned size, u32 pe) = 0;
  virtual MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) = 0;
  /// Back to the power-on state.
  virtual void reset() = 0;
  /// Visits everything that a snapshot must keep. A device without state of its own has nothing to visit.
  virtual void visit_state(StateVisitor&) {}
};

}  // namespace farside::dev
