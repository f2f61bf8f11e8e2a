// devices/bus.h - finds the device behind a physical address.
#pragma once
#include <span>
#include <vector>

#include "devices/device.h"

namespace farside::dev {

/// A range of addresses and the device that answers there.
struct BusRange {
  u64 base = 0;
  u64 size = 0;
  MmioDevice* device = nullptr;
  u64 end() const { return base + size; }
};

/// Address to device dispatch. Where no device is attached, or an access leaves its device, the result is failed.
class Bus {
 public:
  /// Attaches `device` at [base, base + size). Ranges must not be empty, wrap or overlap: that is our own bug.
  /// The device must outlive the bus.
  void attach(u64 base, u64 size, MmioDevice& device);
  /// Accesses of 1, 2, 4 or 8 bytes at a physical address by PE `pe`.
  MmioResult read(u64 address, unsigned size, u32 pe);
  MmioResult write(u64 address, unsigned size, u64 value, u32 pe);
  /// The range that holds `address`, or null.
  const BusRange* find(u64 address);
  /// Every range, by ascending address, for `info mtree`.
  std::span<const BusRange> ranges() const { return ranges_; }
  /// Resets and visits each attached device once, by ascending address.
  void reset();
  void visit_state(StateVisitor& visitor);

 private:
  const BusRange* find_access(u64 address, unsigned size);
  std::vector<MmioDevice*> devices() const;

  std::vector<BusRange> ranges_;
  usize last_ = 0;  // a device is usually asked again
};

}  // namespace farside::dev
