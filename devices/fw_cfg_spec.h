// devices/fw_cfg_spec.h - the firmware configuration interface of QEMU's machines: places, keys, DMA format.
#pragma once
#include "core/base/types.h"

namespace farside::dev::fw_cfg {

// MMIO layout; everything but the data register is big-endian.
inline constexpr u64 kData = 0, kSelector = 8, kDma = 16, kSize = 24;

inline constexpr u16 kKeySignature = 0x00, kKeyId = 0x01, kKeyCpus = 0x05, kKeyKernelSize = 0x08, kKeyInitrdSize = 0x0b,
                     kKeyKernelData = 0x11, kKeyInitrdData = 0x12, kKeyCmdlineSize = 0x14, kKeyCmdlineData = 0x15,
                     kKeyFileDirectory = 0x19, kKeyFirstFile = 0x20;
inline constexpr u16 kKeyMask = 0x3fff;  ///< above it: write channel and architecture-local bits
inline constexpr u32 kIdTraditional = 1, kIdDma = 2;

/// What the DMA register reads as: "QEMU CFG".
inline constexpr u64 kDmaSignature = 0x51454d5520434647;
/// struct FWCfgDmaAccess: control, length (32 bits each), address (64 bits), big-endian.
inline constexpr u64 kDmaAccessSize = 16;
inline constexpr u32 kDmaError = 1, kDmaRead = 2, kDmaSkip = 4, kDmaSelect = 8, kDmaWrite = 16;

/// An entry of the directory: size, key, reserved, name of 56 bytes.
inline constexpr u64 kFileEntrySize = 64, kFileNameSize = 56;

}  // namespace farside::dev::fw_cfg
