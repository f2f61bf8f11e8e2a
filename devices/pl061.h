// devices/pl061.h - Arm PrimeCell GPIO (PL061): eight lines with edge and level interrupts.
#pragma once
#include <functional>

#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/pl061_spec.h"

namespace farside::dev {

/// The line that carries the power key on the `virt` machine; high while the key is down.
inline constexpr unsigned kPowerKeyLine = 3;

/// Eight general-purpose lines.
class Pl061 final : public MmioDevice {
 public:
  explicit Pl061(IrqLine irq);

  /// Drives line `line` (0..7) from outside; seen by the guest while the line is an input.
  void set_input(unsigned line, bool level);
  /// Called with (line, level) when the guest changes a line that is an output.
  void set_output_listener(std::function<void(unsigned, bool)> listener) { output_changed_ = std::move(listener); }

  std::string_view name() const override { return "pl061"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  u8 read_register(pl061::Register reg, u32 lines) const;
  void write_register(pl061::Register reg, u32 lines, u8 value);
  u8 levels() const { return static_cast<u8>((data_ & dir_) | (input_ & ~dir_)); }
  void update();

  IrqLine irq_;
  std::function<void(unsigned, bool)> output_changed_;
  u8 data_ = 0, dir_ = 0, is_ = 0, ibe_ = 0, iev_ = 0, ie_ = 0, latched_ = 0, afsel_ = 0;
  u8 input_ = 0;
  u8 seen_ = 0;  // levels at the last update, for edges
  u8 driven_ = 0;
};

}  // namespace farside::dev
