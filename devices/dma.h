// devices/dma.h - how a device reads and writes guest memory.
#pragma once
#include <span>

#include "core/base/types.h"

namespace farside::dev {

/// The machine's memory as a bus master sees it, by guest-physical address. An access that is not wholly inside RAM
/// fails; a failed write may have written a part.
class DmaPort {
 public:
  virtual ~DmaPort() = default;
  virtual bool read(u64 address, std::span<u8> out) = 0;
  virtual bool write(u64 address, std::span<const u8> bytes) = 0;
  /// The guest does not need the contents of these bytes any more; they may read as zero. Advice that may be ignored.
  virtual void discard(u64 address, u64 size) { (void)address, (void)size; }
  /// Whether the accesses see what is in the caches of the cores, and are seen by them, without any maintenance.
  virtual bool coherent() const { return true; }
};

}  // namespace farside::dev
