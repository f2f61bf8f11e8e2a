// devices/virtio/spec.h - registers, bits and ring layout of virtio-mmio version 2 (Virtio 1.2), without behaviour.
#pragma once
#include <array>

#include "devices/regmap.h"

namespace farside::dev::virtio {

enum class Register : u8 {
  MagicValue,
  Version,
  DeviceID,
  VendorID,
  DeviceFeatures,
  DeviceFeaturesSel,
  DriverFeatures,
  DriverFeaturesSel,
  QueueSel,
  QueueNumMax,
  QueueNum,
  QueueReady,
  QueueNotify,
  InterruptStatus,
  InterruptACK,
  Status,
  QueueDesc,
  QueueDriver,
  QueueDevice,
  SHMSel,
  SHMLen,
  SHMBase,
  ConfigGeneration,
};

// 4.2.2 MMIO Device Register Layout. 64-bit addresses are pairs Low, High.
inline constexpr std::array kRegisters{
    RegisterRow<Register>{0x000, 4, Register::MagicValue, "MagicValue", Rw::Read},
    RegisterRow<Register>{0x004, 4, Register::Version, "Version", Rw::Read},
    RegisterRow<Register>{0x008, 4, Register::DeviceID, "DeviceID", Rw::Read},
    RegisterRow<Register>{0x00c, 4, Register::VendorID, "VendorID", Rw::Read},
    RegisterRow<Register>{0x010, 4, Register::DeviceFeatures, "DeviceFeatures", Rw::Read},
    RegisterRow<Register>{0x014, 4, Register::DeviceFeaturesSel, "DeviceFeaturesSel", Rw::Write},
    RegisterRow<Register>{0x020, 4, Register::DriverFeatures, "DriverFeatures", Rw::Write},
    RegisterRow<Register>{0x024, 4, Register::DriverFeaturesSel, "DriverFeaturesSel", Rw::Write},
    RegisterRow<Register>{0x030, 4, Register::QueueSel, "QueueSel", Rw::Write},
    RegisterRow<Register>{0x034, 4, Register::QueueNumMax, "QueueNumMax", Rw::Read},
    RegisterRow<Register>{0x038, 4, Register::QueueNum, "QueueNum", Rw::Write},
    RegisterRow<Register>{0x044, 4, Register::QueueReady, "QueueReady", Rw::Both},
    RegisterRow<Register>{0x050, 4, Register::QueueNotify, "QueueNotify", Rw::Write},
    RegisterRow<Register>{0x060, 4, Register::InterruptStatus, "InterruptStatus", Rw::Read},
    RegisterRow<Register>{0x064, 4, Register::InterruptACK, "InterruptACK", Rw::Write},
    RegisterRow<Register>{0x070, 4, Register::Status, "Status", Rw::Both},
    RegisterRow<Register>{0x080, 8, Register::QueueDesc, "QueueDesc", Rw::Write},
    RegisterRow<Register>{0x090, 8, Register::QueueDriver, "QueueDriver", Rw::Write},
    RegisterRow<Register>{0x0a0, 8, Register::QueueDevice, "QueueDevice", Rw::Write},
    RegisterRow<Register>{0x0ac, 4, Register::SHMSel, "SHMSel", Rw::Write},
    RegisterRow<Register>{0x0b0, 8, Register::SHMLen, "SHMLen", Rw::Read},
    RegisterRow<Register>{0x0b8, 8, Register::SHMBase, "SHMBase", Rw::Read},
    RegisterRow<Register>{0x0fc, 4, Register::ConfigGeneration, "ConfigGeneration", Rw::Read},
};
static_assert(is_sorted(kRegisters));

inline constexpr u64 kConfigSpace = 0x100;           ///< the device's own configuration begins here
inline constexpr u64 kSlotSize = 0x200;              ///< bytes of one transport
inline constexpr u32 kMagic = 0x74726976;            ///< "virt"
inline constexpr u32 kVersion = 2;                   ///< not legacy
inline constexpr u32 kVendor = 0x53524146;           ///< "FARS"
inline constexpr u32 kNoSharedMemory = 0xffff'ffff;  ///< length and base of a region that does not exist

// 2.1 Device Status Field
inline constexpr u32 kStatusAcknowledge = 1, kStatusDriver = 2, kStatusDriverOk = 4, kStatusFeaturesOk = 8,
                     kStatusNeedsReset = 64, kStatusFailed = 128;
// InterruptStatus
inline constexpr u32 kInterruptUsed = 1, kInterruptConfig = 2;

// 6 Reserved Feature Bits
inline constexpr u64 kFeatureIndirect = u64{1} << 28, kFeatureEventIdx = u64{1} << 29, kFeatureVersion1 = u64{1} << 32,
                     kFeatureAccessPlatform = u64{1} << 33;

// 2.7 Split Virtqueues
inline constexpr u32 kDescriptorSize = 16;
inline constexpr u16 kDescNext = 1, kDescWrite = 2, kDescIndirect = 4;
inline constexpr u16 kAvailNoInterrupt = 1;
inline constexpr u64 kDescAlign = 16, kAvailAlign = 2, kUsedAlign = 4;
inline constexpr u64 kRingEntries = 4;  ///< flags and idx precede the entries of both rings
inline constexpr u32 kUsedElementSize = 8;

// 5 Device Types
inline constexpr u32 kIdNone = 0, kIdNet = 1, kIdBlock = 2, kIdConsole = 3, kIdEntropy = 4, kIdBalloon = 5, kId9p = 9;

// What a driver may ask of this implementation.
inline constexpr u16 kQueueSizeMax = 256;       ///< entries of a ring
inline constexpr u32 kIndirectMax = 1024;       ///< descriptors of an indirect table
inline constexpr u64 kChainMax = u64{1} << 32;  ///< bytes of a chain (2.7.4)
inline constexpr u64 kNotifyMax = kChainMax;    ///< bytes of all chains that one notification serves

}  // namespace farside::dev::virtio
