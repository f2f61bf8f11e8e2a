// devices/virtio/mmio.h - the virtio-mmio transport, version 2: one slot of the machine, with a device or empty.
#pragma once
#include <vector>

#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/virtio/device.h"

namespace farside::dev::virtio {

/// One slot. Empty slots answer with DeviceID 0, which drivers skip.
class MmioTransport final : public MmioDevice, public Host {
 public:
  MmioTransport(DmaPort& dma, IrqLine irq) : dma_(&dma), irq_(std::move(irq)) {}
  /// Puts `device`, which must outlive the slot, into it. Once, before the guest runs.
  void plug(Device& device);
  /// As above, with another way to memory than that of the other slots.
  void plug(Device& device, DmaPort& dma);
  /// Whether the device in the slot sees memory as the cores do.
  bool coherent() const { return dma_->coherent(); }
  bool plugged() const { return device_ != nullptr; }
  /// DEVICE_NEEDS_RESET is set: the driver broke the rules.
  bool broken() const { return status_ & kStatusNeedsReset; }

  std::string_view name() const override { return device_ ? device_->name() : "virtio-mmio"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

  Queue& queue(unsigned index) override { return queues_[index]; }
  bool live() const override { return (status_ & kStatusDriverOk) && !broken(); }
  u64 features() const override { return driver_features_; }
  void queue_used(unsigned index) override;
  void config_changed() override;

 private:
  u64 offered() const;
  u32 read_register(Register reg, bool high);
  void write_register(Register reg, bool high, u32 value);
  void write_status(u32 value);
  void write_queue(Register reg, bool high, u32 value);
  void notify(u32 index);
  void break_device();
  void raise(u32 cause);
  u64 read_config(u64 offset, unsigned size);

  DmaPort* dma_;
  IrqLine irq_;
  Device* device_ = nullptr;
  std::vector<Queue> queues_;
  u64 driver_features_ = 0;
  u32 device_features_sel_ = 0, driver_features_sel_ = 0, queue_sel_ = 0;
  u32 status_ = 0, interrupt_status_ = 0, config_generation_ = 0;
};

}  // namespace farside::dev::virtio
