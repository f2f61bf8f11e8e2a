// devices/irq_line.h - one wire from a device to an interrupt controller.
#pragma once
#include <functional>
#include <utility>

namespace farside::dev {

/// A level-sensitive wire: set() tells the other end only about changes.
class IrqLine {
 public:
  IrqLine() = default;
  explicit IrqLine(std::function<void(bool)> target) : target_(std::move(target)) {}
  void set(bool level) {
    if (level == level_) return;
    level_ = level;
    if (target_) target_(level);
  }
  /// Makes the other end agree with a restored level.
  void restore(bool level) {
    level_ = level;
    if (target_) target_(level);
  }
  bool level() const { return level_; }

 private:
  bool level_ = false;
  std::function<void(bool)> target_;
};

}  // namespace farside::dev
