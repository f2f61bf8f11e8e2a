// devices/pl061_spec.h - registers of the Arm PrimeCell GPIO (PL061, DDI 0190), without behaviour.
#pragma once
#include <array>

#include "devices/regmap.h"

namespace farside::dev::pl061 {

enum class Register : u8 { DATA, DIR, IS, IBE, IEV, IE, RIS, MIS, IC, AFSEL, ID };

inline constexpr std::array kRegisters{
    // Address bits 9:2 of a GPIODATA access select the lines that it reads or writes.
    RegisterRow<Register>{0x000, 0x400, Register::DATA, "GPIODATA", Rw::Both},
    RegisterRow<Register>{0x400, 4, Register::DIR, "GPIODIR", Rw::Both},
    RegisterRow<Register>{0x404, 4, Register::IS, "GPIOIS", Rw::Both},
    RegisterRow<Register>{0x408, 4, Register::IBE, "GPIOIBE", Rw::Both},
    RegisterRow<Register>{0x40c, 4, Register::IEV, "GPIOIEV", Rw::Both},
    RegisterRow<Register>{0x410, 4, Register::IE, "GPIOIE", Rw::Both},
    RegisterRow<Register>{0x414, 4, Register::RIS, "GPIORIS", Rw::Read},
    RegisterRow<Register>{0x418, 4, Register::MIS, "GPIOMIS", Rw::Read},
    RegisterRow<Register>{0x41c, 4, Register::IC, "GPIOIC", Rw::Write},
    RegisterRow<Register>{0x420, 4, Register::AFSEL, "GPIOAFSEL", Rw::Both},
    RegisterRow<Register>{0xfe0, 32, Register::ID, "GPIOPeriphID/PCellID", Rw::Read},
};
static_assert(is_sorted(kRegisters));

/// Part 0x061, designer Arm; PrimeCell identification.
inline constexpr std::array<u8, 8> kId{0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace farside::dev::pl061
