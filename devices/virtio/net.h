// devices/virtio/net.h - network device: frames between two queues and whatever is at the other end of the cable.
#pragma once
#include <deque>
#include <functional>
#include <vector>

#include "devices/virtio/device.h"
#include "devices/virtio/net_spec.h"

namespace farside::dev::virtio {

/// One network card without offloads. Frames that find no buffer of the guest wait, a bounded number of them.
class Net final : public Device {
 public:
  /// Called for each frame that the guest sends; valid during the call only.
  using Sink = std::function<void(std::span<const u8>)>;
  explicit Net(const net::Mac& mac = net::kDefaultMac);
  void set_sink(Sink sink) { sink_ = std::move(sink); }
  /// A frame for the guest.
  void receive(std::span<const u8> frame);

  std::string_view name() const override { return "virtio-net"; }
  u32 id() const override { return kIdNet; }
  u64 features() const override { return net::kFeatureMac | net::kFeatureStatus; }
  unsigned queues() const override { return 2; }
  std::span<const u8> config() override { return config_; }
  void notified(unsigned index) override;
  void started() override { deliver(); }
  void reset() override { waiting_.clear(); }
  void visit_state(StateVisitor& visitor) override;

 private:
  std::optional<u32> transmit(Chain& chain);
  void deliver();
  Sink sink_;
  std::deque<std::vector<u8>> waiting_;
  std::array<u8, 8> config_{};  ///< MAC address, status
};

}  // namespace farside::dev::virtio
