// devices/pl031.h - Arm PrimeCell real-time clock (PL031): a seconds counter with a match interrupt.
#pragma once
#include <functional>
#include <optional>

#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/pl031_spec.h"

namespace farside::dev {

/// The clock. It keeps no time itself: `now` says how many seconds have passed on the machine's time line.
class Pl031 final : public MmioDevice {
 public:
  using Seconds = std::function<u64()>;

  Pl031(IrqLine irq, Seconds now);

  /// Looks at the time and raises the match interrupt if it is due. Call it at next_match(); register accesses do it
  /// too.
  void update();
  /// The moment on the time line of `now` at which update() has something to do, or nothing.
  std::optional<u64> next_match() const;
  /// Called when next_match() may have changed.
  void set_schedule_listener(std::function<void()> listener) { schedule_changed_ = std::move(listener); }

  std::string_view name() const override { return "pl031"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  u32 read_register(pl031::Register reg);
  void write_register(pl031::Register reg, u32 value);
  u32 counter() const { return static_cast<u32>(now_() + offset_); }
  void rearm();
  void update_irq() { irq_.set((ris_ & imsc_) != 0); }

  IrqLine irq_;
  Seconds now_;
  std::function<void()> schedule_changed_;
  u32 offset_ = 0;  // counter = now + offset, modulo 2^32
  u32 match_ = 0, load_ = 0, imsc_ = 0, ris_ = 0;
  u64 match_at_ = 0;  // on the time line of now_
  u8 armed_ = 0;
};

}  // namespace farside::dev
