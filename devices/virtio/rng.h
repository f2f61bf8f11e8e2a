// devices/virtio/rng.h - entropy device: fills the driver's buffers from the machine's seed or from the host.
#pragma once
#include <array>

#include "core/base/chance.h"
#include "devices/virtio/device.h"

namespace farside::dev::virtio {

/// Where its bytes come from.
enum class Entropy : u8 {
  Seeded,  ///< a stream of the machine's seed: equal runs get equal bytes. No secrets!
  Host,    ///< the host's kernel
};

class Rng final : public Device {
 public:
  Rng(Entropy source, u64 seed);
  std::string_view name() const override { return "virtio-rng"; }
  u32 id() const override { return kIdEntropy; }
  unsigned queues() const override { return 1; }
  void notified(unsigned index) override;
  void visit_state(StateVisitor& visitor) override;

 private:
  bool fill(std::span<u8> out);
  std::optional<u32> serve(Chain& chain);
  Entropy source_;
  Chance chance_;
};

}  // namespace farside::dev::virtio
