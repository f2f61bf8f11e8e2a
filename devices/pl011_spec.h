// devices/pl011_spec.h - registers of the Arm PrimeCell UART (PL011, DDI 0183), without behaviour.
#pragma once
#include <array>

#include "devices/regmap.h"

namespace farside::dev::pl011 {

inline constexpr u32 kFifoDepth = 16;  ///< revisions before r1p5

enum class Register : u8 { DR, RSR, FR, ILPR, IBRD, FBRD, LCR_H, CR, IFLS, IMSC, RIS, MIS, ICR, DMACR, ID };

inline constexpr std::array kRegisters{
    RegisterRow<Register>{0x000, 4, Register::DR, "UARTDR", Rw::Both},
    RegisterRow<Register>{0x004, 4, Register::RSR, "UARTRSR", Rw::Both},
    RegisterRow<Register>{0x018, 4, Register::FR, "UARTFR", Rw::Read},
    RegisterRow<Register>{0x020, 4, Register::ILPR, "UARTILPR", Rw::Both},
    RegisterRow<Register>{0x024, 4, Register::IBRD, "UARTIBRD", Rw::Both},
    RegisterRow<Register>{0x028, 4, Register::FBRD, "UARTFBRD", Rw::Both},
    RegisterRow<Register>{0x02c, 4, Register::LCR_H, "UARTLCR_H", Rw::Both},
    RegisterRow<Register>{0x030, 4, Register::CR, "UARTCR", Rw::Both},
    RegisterRow<Register>{0x034, 4, Register::IFLS, "UARTIFLS", Rw::Both},
    RegisterRow<Register>{0x038, 4, Register::IMSC, "UARTIMSC", Rw::Both},
    RegisterRow<Register>{0x03c, 4, Register::RIS, "UARTRIS", Rw::Read},
    RegisterRow<Register>{0x040, 4, Register::MIS, "UARTMIS", Rw::Read},
    RegisterRow<Register>{0x044, 4, Register::ICR, "UARTICR", Rw::Write},
    RegisterRow<Register>{0x048, 4, Register::DMACR, "UARTDMACR", Rw::Both},
    RegisterRow<Register>{0xfe0, 32, Register::ID, "UARTPeriphID/PCellID", Rw::Read},
};
static_assert(is_sorted(kRegisters));

// UARTFR
inline constexpr u32 kFrCts = 1 << 0, kFrDsr = 1 << 1, kFrDcd = 1 << 2, kFrBusy = 1 << 3, kFrRxfe = 1 << 4,
                     kFrTxff = 1 << 5, kFrRxff = 1 << 6, kFrTxfe = 1 << 7, kFrRi = 1 << 8;
// UARTLCR_H
inline constexpr u32 kLcrhBrk = 1 << 0, kLcrhFen = 1 << 4, kLcrhMask = 0xff;
// UARTCR; reset value has TXE and RXE set.
inline constexpr u32 kCrUarten = 1 << 0, kCrLbe = 1 << 7, kCrTxe = 1 << 8, kCrRxe = 1 << 9, kCrDtr = 1 << 10,
                     kCrRts = 1 << 11, kCrOut1 = 1 << 12, kCrOut2 = 1 << 13, kCrMask = 0xff87, kCrReset = 0x300;
// UARTIFLS; reset value is half full for both.
inline constexpr u32 kIflsMask = 0x3f, kIflsReset = 0x12;
// UARTIMSC, UARTRIS, UARTMIS, UARTICR
inline constexpr u32 kIntRi = 1 << 0, kIntCts = 1 << 1, kIntDcd = 1 << 2, kIntDsr = 1 << 3, kIntRx = 1 << 4,
                     kIntTx = 1 << 5, kIntRt = 1 << 6, kIntFe = 1 << 7, kIntPe = 1 << 8, kIntBe = 1 << 9,
                     kIntOe = 1 << 10, kIntMask = 0x7ff;
inline constexpr u32 kDmacrMask = 0x7;
// UARTDR: error flags above the character.
inline constexpr u16 kDrFe = 1 << 8, kDrPe = 1 << 9, kDrBe = 1 << 10, kDrOe = 1 << 11;

/// Part 0x011, designer Arm, revision r1p3 (16-byte FIFOs); PrimeCell identification.
inline constexpr std::array<u8, 8> kId{0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

}  // namespace farside::dev::pl011
