// devices/virtio/console.h - console device: one port, bytes both ways.
#pragma once
#include <deque>
#include <functional>

#include "devices/virtio/device.h"

namespace farside::dev::virtio {

/// Port 0 of a console (5.3), without the multiport extension. Input waits until the driver has room for it.
class Console final : public Device {
 public:
  using Sink = std::function<void(u8)>;
  explicit Console(Sink sink) : sink_(std::move(sink)) {}
  void set_sink(Sink sink) { sink_ = std::move(sink); }
  /// Bytes from outside for the guest.
  void receive(std::span<const u8> bytes);
  /// Bytes that the guest has not taken yet.
  usize pending() const { return input_.size(); }

  std::string_view name() const override { return "virtio-console"; }
  u32 id() const override { return kIdConsole; }
  u64 features() const override;
  unsigned queues() const override { return 2; }
  std::span<const u8> config() override { return config_; }
  void write_config(u64 offset, unsigned size, u32 value) override;
  void notified(unsigned index) override;
  void started() override { deliver(); }
  void visit_state(StateVisitor& visitor) override;

 private:
  std::optional<u32> transmit(Chain& chain);
  void deliver();
  Sink sink_;
  std::deque<u8> input_;
  std::array<u8, 12> config_{};  ///< cols, rows, max_nr_ports, emerg_wr
};

}  // namespace farside::dev::virtio
