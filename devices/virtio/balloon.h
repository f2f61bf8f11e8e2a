// devices/virtio/balloon.h - memory balloon: the guest hands pages over, and they go back to the host.
#pragma once
#include <array>

#include "devices/virtio/device.h"

namespace farside::dev::virtio {

/// Without statistics and page reporting (5.5). Pages count 4 KiB.
class Balloon final : public Device {
 public:
  explicit Balloon(DmaPort& memory) : memory_(memory) {}
  /// How large the balloon should become; the driver works on it when it has time.
  void set_target(u32 pages);
  u32 target() const { return config_[0]; }
  /// How large it is, as the driver says.
  u32 actual() const { return config_[1]; }

  std::string_view name() const override { return "virtio-balloon"; }
  u32 id() const override { return kIdBalloon; }
  u64 features() const override;
  unsigned queues() const override { return 2; }
  std::span<const u8> config() override { return {reinterpret_cast<const u8*>(config_.data()), sizeof config_}; }
  void write_config(u64 offset, unsigned size, u32 value) override;
  void notified(unsigned index) override;
  void visit_state(StateVisitor& visitor) override;

 private:
  std::optional<u32> inflate(Chain& chain);
  DmaPort& memory_;
  std::array<u32, 2> config_{};  ///< num_pages, actual
};

}  // namespace farside::dev::virtio
