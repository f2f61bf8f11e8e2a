// devices/gic/controller.h - an interrupt controller as the machine's wires see it, whatever its version.
#pragma once
#include <functional>

#include "devices/device.h"

namespace farside::dev {

/// Wires in, interrupt lines of the PEs out.
class InterruptController {
 public:
  using OutputListener = std::function<void(u32 pe, bool irq, bool fiq)>;
  virtual ~InterruptController() = default;
  /// Level of the wire of SPI `n` (0-based, INTID n + 32). Unknown numbers are ignored.
  virtual void set_spi(u32 n, bool level) = 0;
  /// Level of a private wire of `pe`; `intid` in 16..31.
  virtual void set_ppi(u32 pe, u32 intid, bool level) = 0;
  /// Called when an output of a PE changes.
  virtual void set_output_listener(OutputListener listener) = 0;
  virtual u32 pes() const = 0;
  virtual void visit_state(StateVisitor& visitor) = 0;
};

}  // namespace farside::dev
