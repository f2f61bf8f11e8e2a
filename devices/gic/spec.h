// devices/gic/spec.h - registers, fields and numbers of GICv3 (Arm IHI 0069).
#pragma once
#include "core/base/field.h"

namespace farside::dev::gic {

inline constexpr u32 kMaxPes = 8;
inline constexpr u32 kMaxSpiBanks = 8;
inline constexpr u32 kPrivateIntids = 32;
inline constexpr u32 kSgis = 16;
inline constexpr u32 kFirstSpecialIntid = 1020;
inline constexpr u32 kSpuriousIntid = 1023;
inline constexpr u32 kIdlePriority = 0xff;
/// Five bits of priority: bits 7:3 are implemented.
inline constexpr u32 kPriorityBits = 5;
inline constexpr u32 kPriorityMask = 0xf8;

inline constexpr u64 kDistributorSize = 0x10000;
inline constexpr u64 kFrameSize = 0x10000;
inline constexpr u64 kRedistributorSize = 0x20000;  ///< RD_base and SGI_base

}  // namespace farside::dev::gic
