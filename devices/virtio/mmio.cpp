// devices/virtio/mmio.cpp - register behaviour of the virtio-mmio transport: negotiation, queues, interrupts.
#include "devices/virtio/mmio.h"

#include <algorithm>

#include "core/base/check.h"

namespace farside::dev::virtio {
namespace {

void set_half(u64& address, bool high, u32 value) {
  address = high ? with_bits(address, 63, 32, value) : with_bits(address, 31, 0, value);
}

}  // namespace

void MmioTransport::plug(Device& device) {
  CHECK(device_ == nullptr, "the slot of {} is taken", device_->name());
  device_ = &device;
  for (unsigned i = 0; i < device.queues(); ++i) queues_.emplace_back(*dma_, kQueueSizeMax);
  device.attach(*this);
}

void MmioTransport::plug(Device& device, DmaPort& dma) {
  dma_ = &dma;
  plug(device);
}

/// 6.1: a device that is not coherent wants the driver to do what its platform does for DMA.
u64 MmioTransport::offered() const {
  const u64 platform = coherent() ? 0 : kFeatureAccessPlatform;
  return device_ ? device_->features() | kFeatureVersion1 | kFeatureIndirect | kFeatureEventIdx | platform : 0;
}

void MmioTransport::raise(u32 cause) {
  interrupt_status_ |= cause;
  irq_.set(interrupt_status_ != 0);
}

/// 2.1.2: the device is of no use until it is reset, and the driver hears of it if it listens already.
void MmioTransport::break_device() {
  if (broken()) return;
  const bool tell = status_ & kStatusDriverOk;
  status_ |= kStatusNeedsReset;
  if (tell) raise(kInterruptConfig);
}

void MmioTransport::queue_used(unsigned index) {
  Queue& queue = queues_[index];
  const bool wanted = queue.wants_interrupt();
  if (queue.broken()) {
    break_device();
  } else if (wanted) {
    raise(kInterruptUsed);
  }
}

void MmioTransport::config_changed() {
  ++config_generation_;
  if (live()) raise(kInterruptConfig);
}

void MmioTransport::reset() {
  if (device_) device_->reset();
  for (Queue& queue : queues_) queue.reset();
  driver_features_ = 0;
  device_features_sel_ = driver_features_sel_ = queue_sel_ = 0;
  status_ = interrupt_status_ = config_generation_ = 0;
  irq_.set(false);
}

void MmioTransport::write_status(u32 value) {
  if (value == 0) return reset();
  value &= ~kStatusNeedsReset;  // ours to set
  const u32 before = status_;
  status_ = value | (status_ & kStatusNeedsReset);
  // 3.1.1 step 6: FEATURES_OK stays only if the choice is one that we can serve.
  if ((value & kStatusFeaturesOk) && !(before & kStatusFeaturesOk) &&
      (!(driver_features_ & kFeatureVersion1) || (driver_features_ & ~offered()))) {
    status_ &= ~kStatusFeaturesOk;
  }
  if (!(value & kStatusDriverOk) || (before & kStatusDriverOk)) return;
  for (Queue& queue : queues_) {
    if (queue.broken()) return break_device();
  }
  if (live()) device_->started();
}

void MmioTransport::write_queue(Register reg, bool high, u32 value) {
  if (queue_sel_ >= queues_.size()) return;
  Queue& queue = queues_[queue_sel_];
  if (reg == Register::QueueReady) {
    if (value & 1) {
      queue.enable(driver_features_ & kFeatureEventIdx);
      if (queue.broken()) break_device();
    } else {
      queue.disable();
    }
    return;
  }
  if (queue.ready()) return;  // 4.2.2.2: the driver does not touch a queue in use
  switch (reg) {
    case Register::QueueNum: queue.set_size(value); break;
    case Register::QueueDesc: set_half(queue.desc, high, value); break;
    case Register::QueueDriver: set_half(queue.driver, high, value); break;
    case Register::QueueDevice: set_half(queue.device, high, value); break;
    default: break;
  }
}

void MmioTransport::notify(u32 index) {
  if (live() && index < queues_.size() && queues_[index].ready()) device_->notified(index);
}

u32 MmioTransport::read_register(Register reg, bool high) {
  const bool has_queue = queue_sel_ < queues_.size();
  switch (reg) {
    case Register::MagicValue: return kMagic;
    case Register::Version: return kVersion;
    case Register::DeviceID: return device_ ? device_->id() : kIdNone;
    case Register::VendorID: return kVendor;
    case Register::DeviceFeatures:
      return device_features_sel_ > 1 ? 0 : static_cast<u32>(offered() >> (32 * device_features_sel_));
    case Register::QueueNumMax: return has_queue ? queues_[queue_sel_].max_size() : 0;
    case Register::QueueReady: return has_queue && queues_[queue_sel_].ready();
    case Register::InterruptStatus: return interrupt_status_;
    case Register::Status: return status_;
    case Register::SHMLen:
    case Register::SHMBase: return kNoSharedMemory;
    case Register::ConfigGeneration: return config_generation_;
    default: break;
  }
  (void)high;
  return 0;
}

void MmioTransport::write_register(Register reg, bool high, u32 value) {
  if (device_ == nullptr) return;
  switch (reg) {
    case Register::DeviceFeaturesSel: device_features_sel_ = value; break;
    case Register::DriverFeaturesSel: driver_features_sel_ = value; break;
    case Register::DriverFeatures:
      if (driver_features_sel_ <= 1 && !(status_ & kStatusFeaturesOk)) {
        set_half(driver_features_, driver_features_sel_ == 1, value);
      }
      break;
    case Register::QueueSel: queue_sel_ = value; break;
    case Register::QueueNotify: notify(value); break;
    case Register::InterruptACK:
      interrupt_status_ &= ~value;
      irq_.set(interrupt_status_ != 0);
      break;
    case Register::Status: write_status(value); break;
    default: write_queue(reg, high, value); break;
  }
}

u64 MmioTransport::read_config(u64 offset, unsigned size) {
  if (device_ == nullptr) return 0;
  const std::span<const u8> config = device_->config();
  u64 value = 0;
  for (unsigned i = 0; i < size; ++i) {
    if (offset + i < config.size()) value |= u64{config[offset + i]} << (8 * i);
  }
  return value;
}

MmioResult MmioTransport::read(u64 offset, unsigned size, u32) {
  if (offset >= kConfigSpace) return {read_config(offset - kConfigSpace, size)};
  const auto* row = find_register(kRegisters, offset);
  if (row == nullptr || !row->readable()) return {0};
  return {narrow(read_register(row->id, offset - row->offset >= 4), offset, size)};
}

MmioResult MmioTransport::write(u64 offset, unsigned size, u64 value, u32) {
  if (offset >= kConfigSpace) {
    if (device_ == nullptr) return {};
    for (unsigned done = 0; done < size; done += 4) {
      device_->write_config(offset - kConfigSpace + done, std::min(size, 4u), static_cast<u32>(value >> (8 * done)));
    }
    return {};
  }
  const auto* row = find_register(kRegisters, offset);
  // 4.2.2.2: registers are written with aligned 32-bit accesses only.
  if (row == nullptr || !row->writable() || size != 4 || !is_aligned(offset, 4)) return {};
  write_register(row->id, offset - row->offset >= 4, static_cast<u32>(value));
  return {};
}

void MmioTransport::visit_state(StateVisitor& v) {
  v.value("virtio.driver_features", driver_features_);
  for (u32* reg :
       {&device_features_sel_, &driver_features_sel_, &queue_sel_, &status_, &interrupt_status_, &config_generation_}) {
    v.value("virtio.register", *reg);
  }
  for (Queue& queue : queues_) queue.visit_state(v);
  if (device_) device_->visit_state(v);
  if (v.restoring()) irq_.restore(interrupt_status_ != 0);
}

}  // namespace farside::dev::virtio
