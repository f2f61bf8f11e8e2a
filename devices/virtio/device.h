// devices/virtio/device.h - what a virtio device is to its transport, and the other way round.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "devices/state.h"
#include "devices/virtio/queue.h"

namespace farside::dev::virtio {

/// The transport as its device sees it.
class Host {
 public:
  virtual ~Host() = default;
  virtual Queue& queue(unsigned index) = 0;
  /// True between DRIVER_OK and reset, while the device is not broken: the only time at which queues may be used.
  virtual bool live() const = 0;
  /// The features that the driver has accepted.
  virtual u64 features() const = 0;
  /// Chains were taken or given back: interrupts the driver if it wants to know; a broken queue breaks the device.
  virtual void queue_used(unsigned index) = 0;
  /// The configuration space changed by itself.
  virtual void config_changed() = 0;
};

/// A device behind a transport.
class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;
  /// Device type (5).
  virtual u32 id() const = 0;
  /// Feature bits of the device type; those of ring and transport are the transport's.
  virtual u64 features() const { return 0; }
  virtual unsigned queues() const = 0;
  /// The configuration space; bytes beyond its end read as zero.
  virtual std::span<const u8> config() { return {}; }
  /// A driver's write of 1, 2 or 4 bytes to the configuration space; ignored unless the device has writable fields.
  virtual void write_config(u64 offset, unsigned size, u32 value) { (void)offset, (void)size, (void)value; }
  /// The driver may have made chains available in queue `index`. Only while live.
  virtual void notified(unsigned index) = 0;
  /// The driver has set DRIVER_OK.
  virtual void started() {}
  virtual void reset() {}
  virtual void visit_state(StateVisitor&) {}
  void attach(Host& host) { host_ = &host; }

 protected:
  /// Serves what is available in queue `index`, at most one ring's worth so that a driver which moves the index under
  /// our feet cannot hold us; nor can one whose chains name the same memory over and over. `serve(chain)` returns the
  /// bytes written, or nothing when the driver broke the rules.
  template <class Serve>
  void drain(unsigned index, Serve serve) {
    Queue& queue = host_->queue(index);
    Chain chain;
    u64 bytes = 0;
    for (u32 left = queue.size(); left != 0 && queue.pop(chain) == Popped::Chain; --left) {
      bytes += chain.readable() + chain.writable();
      const std::optional<u32> written = bytes <= kNotifyMax ? serve(chain) : std::nullopt;
      if (written) {
        queue.push(chain, *written);
      } else {
        queue.mark_broken();
      }
    }
    host_->queue_used(index);
  }

  Host* host_ = nullptr;
};

}  // namespace farside::dev::virtio
