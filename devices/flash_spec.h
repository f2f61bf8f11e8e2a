// devices/flash_spec.h - the machine's NOR flash: geometry, Intel command set and CFI table, without behaviour.
#pragma once
#include <array>

#include "core/base/types.h"

namespace farside::dev::flash {

// Two 16-bit chips side by side on a 32-bit bus, as on QEMU's `virt`.
inline constexpr u64 kBankSize = u64{64} << 20, kSectorSize = u64{256} << 10;
inline constexpr u64 kBusWidth = 4;
inline constexpr u32 kChips = 2;

// Commands of the Intel extended command set (JEP106 and JESD68.01 name it 0x0001); both chips get the same.
inline constexpr u8 kReadArray = 0xff, kReadArrayAmd = 0xf0, kReadId = 0x90, kQuery = 0x98, kReadStatus = 0x70,
                    kClearStatus = 0x50, kProgram = 0x40, kProgramAlternate = 0x10, kErase = 0x20, kConfirm = 0xd0,
                    kLockSetup = 0x60, kLock = 0x01, kLockDown = 0x2f, kWriteBuffer = 0xe8;
// Status register.
inline constexpr u8 kReady = 0x80, kEraseError = 0x20, kProgramError = 0x10, kProtected = 0x02;

inline constexpr u16 kManufacturer = 0x89, kDevice = 0x18;
inline constexpr u64 kBufferSize = 2048;  ///< of both chips together

/// The CFI query table of one chip of the machine's banks, from address 0x10 on; addresses count 16-bit words.
inline constexpr u32 kCfiBase = 0x10, kCfiChipSize = 0x27, kCfiBlocks = 0x2d;
inline constexpr std::array<u8, 0x35> kCfi{
    'Q',  'R',  'Y',              // 10: signature
    0x01, 0x00, 0x31, 0x00,       // 13: primary command set, address of its table
    0x00, 0x00, 0x00, 0x00,       // 17: no alternate one
    0x45, 0x55, 0x00, 0x00,       // 1b: Vcc 4.5 V to 5.5 V, no Vpp
    0x07, 0x07, 0x0a, 0x00,       // 1f: typical times, powers of two: program, buffer, erase, whole chip
    0x04, 0x04, 0x04, 0x00,       // 23: maximum, in typical times
    25,                           // 27: 32 MiB
    0x02, 0x00,                   // 28: x8 and x16
    0x0a, 0x00,                   // 2a: buffer of 1 KiB
    0x01,                         // 2c: one erase region:
    0xff, 0x00, 0x00, 0x02,       // 2d: 256 blocks of 512 * 256 bytes
    'P',  'R',  'I',  '1',  '0',  // 31: primary table, version 1.0
    0x00, 0x00, 0x00, 0x00,       // 36: no optional features
    0x00,                         // 3a: no function after suspend
    0x00, 0x00,                   // 3b: no block status register
    0x50, 0x00,                   // 3d: optimum Vcc 5.0 V, Vpp
    0x01,                         // 3f: one protection field
    0x00, 0x00, 0x00, 0x00,       // 40: of no bytes
    0x00,                         // 44
};

}  // namespace farside::dev::flash
