// devices/virtio/net_spec.h - network device (Virtio 1.2, 5.1): features, configuration and frame header.
#pragma once
#include <array>

#include "core/base/types.h"

namespace farside::dev::virtio::net {

inline constexpr u64 kFeatureMac = 1 << 5, kFeatureStatus = 1 << 16;
inline constexpr u8 kStatusLinkUp = 1;

/// struct virtio_net_hdr: without offloads only num_buffers matters, and only for received frames.
struct Header {
  u8 flags, gso_type;
  u16 hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
static_assert(sizeof(Header) == 12);

using Mac = std::array<u8, 6>;
inline constexpr Mac kDefaultMac{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
inline constexpr usize kFrameMin = 14, kFrameMax = 1522;  ///< Ethernet header; with payload of 1500 and two tags

}  // namespace farside::dev::virtio::net
