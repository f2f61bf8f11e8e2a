// devices/gic/spec.h - registers, fields and numbers of GICv3 (Arm IHI 0069), without behaviour.
#pragma once
#include <array>

#include "core/base/field.h"
#include "devices/regmap.h"

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
inline constexpr u32 kPriorityShift = 8 - kPriorityBits;
inline constexpr u32 kPriorityMask = 0xff & ~u32{7};
/// The smallest binary points of that many bits: all of them are group priority.
inline constexpr u32 kMinBpr0 = 7 - kPriorityBits;
inline constexpr u32 kMinBpr1 = kMinBpr0 + 1;

inline constexpr u64 kDistributorSize = 0x10000;
inline constexpr u64 kFrameSize = 0x10000;
inline constexpr u64 kRedistributorSize = 0x20000;  ///< RD_base and SGI_base

/// Implementer Arm, product 0.
inline constexpr u32 kIidr = 0x43b;
/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3: architecture revision 3 in PIDR2.
inline constexpr std::array<u8, 12> kDistributorId{0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
inline constexpr std::array<u8, 12> kRedistributorId{0x44, 0, 0, 0, 0x93, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

struct GicdCtlr : Reg<GicdCtlr> {
  static constexpr Bit<0> EnableGrp0{};
  static constexpr Bit<1> EnableGrp1{};
  static constexpr Bit<4> ARE{};
  static constexpr Bit<6> DS{};
};

struct GicdTyper : Reg<GicdTyper> {
  static constexpr Field<4, 0> ITLinesNumber{};
  static constexpr Field<23, 19> IDbits{};
  static constexpr Bit<24> A3V{};
};

struct GicrTyper : Reg<GicrTyper> {
  static constexpr Bit<4> Last{};
  static constexpr Field<23, 8> Processor_Number{};
  static constexpr Field<63, 32> Affinity_Value{};
};

struct GicrWaker : Reg<GicrWaker> {
  static constexpr Bit<1> ProcessorSleep{};
  static constexpr Bit<2> ChildrenAsleep{};
};

struct Irouter : Reg<Irouter> {
  static constexpr Field<7, 0> Aff0{};
  static constexpr Field<15, 8> Aff1{};
  static constexpr Field<23, 16> Aff2{};
  static constexpr Bit<31> Interrupt_Routing_Mode{};
  static constexpr Field<39, 32> Aff3{};
  static constexpr u64 writable = Aff0.mask | Aff1.mask | Aff2.mask | Interrupt_Routing_Mode.mask | Aff3.mask;
};

struct IccCtlr : Reg<IccCtlr> {
  static constexpr Bit<0> CBPR{};
  static constexpr Bit<1> EOImode{};
  static constexpr Field<10, 8> PRIbits{};
  static constexpr Bit<15> A3V{};
  static constexpr u64 writable = CBPR.mask | EOImode.mask;
};

struct IccSgir : Reg<IccSgir> {
  static constexpr Field<15, 0> TargetList{};
  static constexpr Field<23, 16> Aff1{};
  static constexpr Field<27, 24> INTID{};
  static constexpr Field<39, 32> Aff2{};
  static constexpr Bit<40> IRM{};
  static constexpr Field<47, 44> RS{};
  static constexpr Field<55, 48> Aff3{};
};

/// SRE, DFB and DIB: the memory-mapped CPU interface and the bypass do not exist.
inline constexpr u32 kIccSre = 7;

/// Registers of the distributor, of RD_base and of SGI_base. The ones from IGROUPR to ICFGR exist per 32 interrupts
/// and have the same offsets in the distributor and in SGI_base.
enum class Frame : u8 {
  CTLR,
  TYPER,
  IIDR,
  WAKER,
  IGROUPR,
  ISENABLER,
  ICENABLER,
  ISPENDR,
  ICPENDR,
  ISACTIVER,
  ICACTIVER,
  IPRIORITYR,
  ICFGR,
  IROUTER,
  ID
};

inline constexpr std::array kBankRegisters{
    RegisterRow<Frame>{0x080, 0x080, Frame::IGROUPR, "IGROUPR", Rw::Both},
    RegisterRow<Frame>{0x100, 0x080, Frame::ISENABLER, "ISENABLER", Rw::Both},
    RegisterRow<Frame>{0x180, 0x080, Frame::ICENABLER, "ICENABLER", Rw::Both},
    RegisterRow<Frame>{0x200, 0x080, Frame::ISPENDR, "ISPENDR", Rw::Both},
    RegisterRow<Frame>{0x280, 0x080, Frame::ICPENDR, "ICPENDR", Rw::Both},
    RegisterRow<Frame>{0x300, 0x080, Frame::ISACTIVER, "ISACTIVER", Rw::Both},
    RegisterRow<Frame>{0x380, 0x080, Frame::ICACTIVER, "ICACTIVER", Rw::Both},
    RegisterRow<Frame>{0x400, 0x400, Frame::IPRIORITYR, "IPRIORITYR", Rw::Both},
    RegisterRow<Frame>{0xc00, 0x100, Frame::ICFGR, "ICFGR", Rw::Both},
};
static_assert(is_sorted(kBankRegisters));

inline constexpr std::array kDistributorRegisters{
    RegisterRow<Frame>{0x0000, 4, Frame::CTLR, "GICD_CTLR", Rw::Both},
    RegisterRow<Frame>{0x0004, 4, Frame::TYPER, "GICD_TYPER", Rw::Read},
    RegisterRow<Frame>{0x0008, 4, Frame::IIDR, "GICD_IIDR", Rw::Read},
    RegisterRow<Frame>{0x6100, 0x1f00, Frame::IROUTER, "GICD_IROUTER", Rw::Both},
    RegisterRow<Frame>{0xffd0, 0x30, Frame::ID, "GICD_PIDR", Rw::Read},
};
static_assert(is_sorted(kDistributorRegisters));

inline constexpr std::array kRedistributorRegisters{
    RegisterRow<Frame>{0x0000, 4, Frame::CTLR, "GICR_CTLR", Rw::Both},
    RegisterRow<Frame>{0x0004, 4, Frame::IIDR, "GICR_IIDR", Rw::Read},
    RegisterRow<Frame>{0x0008, 8, Frame::TYPER, "GICR_TYPER", Rw::Read},
    RegisterRow<Frame>{0x0014, 4, Frame::WAKER, "GICR_WAKER", Rw::Both},
    RegisterRow<Frame>{0xffd0, 0x30, Frame::ID, "GICR_PIDR", Rw::Read},
};
static_assert(is_sorted(kRedistributorRegisters));

}  // namespace farside::dev::gic
