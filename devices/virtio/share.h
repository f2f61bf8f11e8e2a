// devices/virtio/share.h - 9P transport: a folder of the host that the guest mounts by its tag.
#pragma once
#include <vector>

#include "devices/virtio/device.h"
#include "devices/virtio/p9.h"

namespace farside::dev::virtio {

/// One share: each chain is a request and the room for its answer.
class Share final : public Device {
 public:
  /// `tag`: 1 to 255 bytes, what the guest names in its mount command.
  Share(std::unique_ptr<Folder> folder, const std::string& tag);
  std::string_view name() const override { return "virtio-9p"; }
  u32 id() const override { return kId9p; }
  u64 features() const override { return 1; }  // VIRTIO_9P_MOUNT_TAG
  unsigned queues() const override { return 1; }
  std::span<const u8> config() override { return config_; }
  void notified(unsigned index) override;
  void reset() override { server_.reset(); }
  void visit_state(StateVisitor& visitor) override { server_.visit_state(visitor); }

 private:
  std::optional<u32> serve(Chain& chain);
  p9::Server server_;
  std::vector<u8> config_;  ///< length and bytes of the tag
};

}  // namespace farside::dev::virtio
