// devices/pl031_spec.h - registers of the Arm PrimeCell real-time clock (PL031, DDI 0224), without behaviour.
#pragma once
#include <array>

#include "devices/regmap.h"

namespace farside::dev::pl031 {

enum class Register : u8 { DR, MR, LR, CR, IMSC, RIS, MIS, ICR, ID };

inline constexpr std::array kRegisters{
    RegisterRow<Register>{0x000, 4, Register::DR, "RTCDR", Rw::Read},
    RegisterRow<Register>{0x004, 4, Register::MR, "RTCMR", Rw::Both},
    RegisterRow<Register>{0x008, 4, Register::LR, "RTCLR", Rw::Both},
    RegisterRow<Register>{0x00c, 4, Register::CR, "RTCCR", Rw::Both},
    RegisterRow<Register>{0x010, 4, Register::IMSC, "RTCIMSC", Rw::Both},
    RegisterRow<Register>{0x014, 4, Register::RIS, "RTCRIS", Rw::Read},
    RegisterRow<Register>{0x018, 4, Register::MIS, "RTCMIS", Rw::Read},
    RegisterRow<Register>{0x01c, 4, Register::ICR, "RTCICR", Rw::Write},
    RegisterRow<Register>{0xfe0, 32, Register::ID, "RTCPeriphID/PCellID", Rw::Read},
};
static_assert(is_sorted(kRegisters));

/// RTCCR: started. Once started only a reset stops it, so it always reads 1.
inline constexpr u32 kCrStart = 1;
inline constexpr u32 kIntMatch = 1;

/// Part 0x031, designer Arm, revision 1; PrimeCell identification.
inline constexpr std::array<u8, 8> kId{0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace farside::dev::pl031
