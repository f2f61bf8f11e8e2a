// firmware/boot/virt_map.h - the physical memory map and interrupt numbers of the `virt` machine.
#pragma once
#include <array>
#include <string_view>

#include "core/base/types.h"

namespace farside::boot {

/// A device's place. `spi` is 0-based (INTID spi + 32), or kNoSpi.
struct MapEntry {
  std::string_view name;
  u64 base;
  u64 size;
  u32 spi;
};
inline constexpr u32 kNoSpi = ~u32{0};

/// QEMU's `virt` map, so that images made for it run unchanged.
namespace virt_map {
/// Two banks of 64 MiB each; the first is where the cores start when there is firmware.
inline constexpr MapEntry kFlash{"flash", 0, 0x0800'0000, kNoSpi};
inline constexpr MapEntry kGicDistributor{"gicv3-dist", 0x0800'0000, 0x1'0000, kNoSpi};
inline constexpr MapEntry kGicV2Distributor{"gicv2-dist", 0x0800'0000, 0x1000, kNoSpi};
inline constexpr MapEntry kGicV2CpuInterface{"gicv2-cpu", 0x0801'0000, 0x2000, kNoSpi};
inline constexpr MapEntry kGicRedistributors{"gicv3-redist", 0x080a'0000, 0xf6'0000, kNoSpi};
inline constexpr MapEntry kUart{"pl011", 0x0900'0000, 0x1000, 1};
inline constexpr MapEntry kUart2{"pl011", 0x0904'0000, 0x1000, 8};
inline constexpr MapEntry kRtc{"pl031", 0x0901'0000, 0x1000, 2};
inline constexpr MapEntry kFwCfg{"fw-cfg", 0x0902'0000, 0x18, kNoSpi};
inline constexpr MapEntry kGpio{"pl061", 0x0903'0000, 0x1000, 7};
/// 32 slots of virtio-mmio; slot n raises SPI 16 + n.
inline constexpr MapEntry kVirtio{"virtio-mmio", 0x0a00'0000, 0x4000, 16};
/// The size of RAM is the machine's choice.
inline constexpr MapEntry kRam{"ram", 0x4000'0000, 0, kNoSpi};
inline constexpr std::array kAll{kFlash, kGicDistributor, kGicRedistributors, kUart, kRtc, kFwCfg, kGpio, kVirtio,
                                 kRam};

/// Each PE has RD_base and SGI_base frames of 64 KiB; this many fit before the UART.
inline constexpr u64 kRedistributorStride = 0x2'0000;
inline constexpr u32 kVirtioSlots = 32;
inline constexpr u64 kVirtioSlotSize = 0x200;
/// The GPIO line of the power key; high while it is down.
inline constexpr u32 kPowerKeyGpioLine = 3;
/// SPIs that the GIC implements.
inline constexpr u32 kSpis = 256;
}  // namespace virt_map

/// Private interrupts by INTID (the device tree's PPI number is INTID - 16).
namespace ppi {
inline constexpr u32 kPmu = 23;
inline constexpr u32 kHypTimer = 26;
inline constexpr u32 kVirtualTimer = 27;
inline constexpr u32 kHypVirtualTimer = 28;
inline constexpr u32 kSecurePhysicalTimer = 29;
inline constexpr u32 kPhysicalTimer = 30;
}  // namespace ppi

}  // namespace farside::boot
