// devices/virtio/blk.h - block device: serves read, write, flush, discard and write-zeroes requests on a Disk.
#pragma once
#include <memory>
#include <vector>

#include "devices/virtio/blk_spec.h"
#include "devices/virtio/device.h"
#include "devices/virtio/disk.h"

namespace farside::dev::virtio {

/// One disk. Requests are done when the notification returns. Without VIRTIO_BLK_F_FLUSH each write is flushed.
class Block final : public Device {
 public:
  explicit Block(std::unique_ptr<Disk> disk);
  Disk& disk() { return *disk_; }

  std::string_view name() const override { return "virtio-blk"; }
  u32 id() const override { return kIdBlock; }
  u64 features() const override;
  unsigned queues() const override { return 1; }
  std::span<const u8> config() override { return {reinterpret_cast<const u8*>(&config_), sizeof config_}; }
  void notified(unsigned index) override;

 private:
  /// How a request ended: its status and the data bytes before the status byte. Nothing: the chain lied about memory.
  struct Outcome {
    u8 status = blk::kOk;
    u64 written = 0;
  };
  std::optional<u32> serve(Chain& chain);
  std::optional<Outcome> perform(Chain& chain, const blk::Header& header, u64 room);
  std::optional<Outcome> read(Chain& chain, u64 sector, u64 length);
  std::optional<Outcome> write(Chain& chain, u64 sector, u64 length);
  std::optional<Outcome> get_id(Chain& chain, u64 room);
  std::optional<Outcome> ranges(Chain& chain, bool zeroes);
  bool inside(u64 sector, u64 length) const;

  std::unique_ptr<Disk> disk_;
  blk::Config config_{};
  std::vector<u8> buffer_;
};

}  // namespace farside::dev::virtio
