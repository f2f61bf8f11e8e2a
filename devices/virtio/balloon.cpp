// devices/virtio/balloon.cpp - gives the pages that the guest names back to the host.
#include "devices/virtio/balloon.h"

#include <algorithm>

namespace farside::dev::virtio {
namespace {

constexpr unsigned kInflate = 0, kDeflate = 1;
constexpr u64 kFeatureDeflateOnOom = 1 << 2;
constexpr u64 kActual = 4;  // offset in the configuration space
constexpr u64 kPage = 4096;
constexpr u64 kMostPages = 1024;  // of one chain; drivers send 256, or a page of numbers

}  // namespace

u64 Balloon::features() const { return kFeatureDeflateOnOom; }

void Balloon::set_target(u32 pages) {
  if (config_[0] == pages) return;
  config_[0] = pages;
  if (host_ != nullptr) host_->config_changed();
}

void Balloon::write_config(u64 offset, unsigned size, u32 value) {
  if (offset == kActual && size == 4) config_[1] = value;
}

std::optional<u32> Balloon::inflate(Chain& chain) {
  const u64 pages = std::min(chain.readable() / sizeof(u32), kMostPages);
  // Neighbours go back together: the host keeps large pages whole where it can.
  u64 base = 0, size = 0;
  for (u64 i = 0; i < pages; ++i) {
    u32 frame = 0;
    if (!chain.read_value(i * sizeof frame, frame)) return std::nullopt;
    const u64 address = frame * kPage;
    if (size != 0 && address == base + size) {
      size += kPage;
      continue;
    }
    if (size != 0) memory_.discard(base, size);
    base = address;
    size = kPage;
  }
  if (size != 0) memory_.discard(base, size);
  return 0;
}

void Balloon::notified(unsigned index) {
  drain(index, [this, index](Chain& chain) -> std::optional<u32> {
    // A page that is taken back is simply used again.
    return index == kInflate ? inflate(chain) : std::optional<u32>(0);
  });
  static_assert(kDeflate == 1);
}

void Balloon::visit_state(StateVisitor& v) { v.value("balloon.config", config_); }

}  // namespace farside::dev::virtio
