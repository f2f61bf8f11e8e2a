// devices/gic/v2_spec.h - registers and fields of GICv2 (Arm IHI 0048) that GICv3 does not have, without behaviour.
#pragma once
#include <array>

#include "core/base/field.h"
#include "devices/gic/spec.h"

namespace farside::dev::gic::v2 {

inline constexpr u64 kCpuInterfaceSize = 0x2000;  ///< GICC_DIR is in the second 4 KiB
/// What GICC_IAR and GICC_HPPIR read when the highest pending interrupt is of group 1 and they may not show it.
inline constexpr u32 kGroup1Intid = 1022;

/// PIDR4 to PIDR7, PIDR0 to PIDR3, CIDR0 to CIDR3: architecture revision 2 in PIDR2.
inline constexpr std::array<u8, 12> kDistributorId{0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};
/// GICC_IIDR: implementer Arm, architecture version 2, product 0.
inline constexpr u32 kCpuInterfaceIidr = 0x0002043b;

struct Ctlr : Reg<Ctlr> {  ///< GICD_CTLR
  static constexpr Bit<0> EnableGrp0{};
  static constexpr Bit<1> EnableGrp1{};
  static constexpr u64 writable = EnableGrp0.mask | EnableGrp1.mask;
};

struct Typer : Reg<Typer> {
  static constexpr Field<4, 0> ITLinesNumber{};
  static constexpr Field<7, 5> CPUNumber{};
};

struct CpuCtlr : Reg<CpuCtlr> {  ///< GICC_CTLR without Security Extensions
  static constexpr Bit<0> EnableGrp0{};
  static constexpr Bit<1> EnableGrp1{};
  static constexpr Bit<2> AckCtl{};
  static constexpr Bit<3> FIQEn{};
  static constexpr Bit<4> CBPR{};
  static constexpr Bit<9> EOImode{};
  static constexpr u64 writable =
      EnableGrp0.mask | EnableGrp1.mask | AckCtl.mask | FIQEn.mask | CBPR.mask | EOImode.mask;
};

struct Sgir : Reg<Sgir> {
  static constexpr Field<3, 0> SGIINTID{};
  static constexpr Field<23, 16> CPUTargetList{};
  static constexpr Field<25, 24> TargetListFilter{};
};
inline constexpr u64 kFilterList = 0, kFilterOthers = 1, kFilterSelf = 2;

/// What IAR returns and EOIR takes.
struct Ack : Reg<Ack> {
  static constexpr Field<9, 0> INTID{};
  static constexpr Field<12, 10> CPUID{};
};

enum class Dist : u8 { CTLR, TYPER, IIDR, ITARGETSR, SGIR, CPENDSGIR, SPENDSGIR, ID };

inline constexpr std::array kDistributor{
    RegisterRow<Dist>{0x000, 4, Dist::CTLR, "GICD_CTLR", Rw::Both},
    RegisterRow<Dist>{0x004, 4, Dist::TYPER, "GICD_TYPER", Rw::Read},
    RegisterRow<Dist>{0x008, 4, Dist::IIDR, "GICD_IIDR", Rw::Read},
    RegisterRow<Dist>{0x800, 0x400, Dist::ITARGETSR, "GICD_ITARGETSR", Rw::Both},
    RegisterRow<Dist>{0xf00, 4, Dist::SGIR, "GICD_SGIR", Rw::Write},
    RegisterRow<Dist>{0xf10, 16, Dist::CPENDSGIR, "GICD_CPENDSGIR", Rw::Both},
    RegisterRow<Dist>{0xf20, 16, Dist::SPENDSGIR, "GICD_SPENDSGIR", Rw::Both},
    RegisterRow<Dist>{0xfd0, 0x30, Dist::ID, "GICD_PIDR", Rw::Read},
};
static_assert(is_sorted(kDistributor));

enum class Cpu : u8 { CTLR, PMR, BPR, IAR, EOIR, RPR, HPPIR, ABPR, AIAR, AEOIR, AHPPIR, APR, NSAPR, IIDR, DIR };

inline constexpr std::array kCpuInterface{
    RegisterRow<Cpu>{0x0000, 4, Cpu::CTLR, "GICC_CTLR", Rw::Both},
    RegisterRow<Cpu>{0x0004, 4, Cpu::PMR, "GICC_PMR", Rw::Both},
    RegisterRow<Cpu>{0x0008, 4, Cpu::BPR, "GICC_BPR", Rw::Both},
    RegisterRow<Cpu>{0x000c, 4, Cpu::IAR, "GICC_IAR", Rw::Read},
    RegisterRow<Cpu>{0x0010, 4, Cpu::EOIR, "GICC_EOIR", Rw::Write},
    RegisterRow<Cpu>{0x0014, 4, Cpu::RPR, "GICC_RPR", Rw::Read},
    RegisterRow<Cpu>{0x0018, 4, Cpu::HPPIR, "GICC_HPPIR", Rw::Read},
    RegisterRow<Cpu>{0x001c, 4, Cpu::ABPR, "GICC_ABPR", Rw::Both},
    RegisterRow<Cpu>{0x0020, 4, Cpu::AIAR, "GICC_AIAR", Rw::Read},
    RegisterRow<Cpu>{0x0024, 4, Cpu::AEOIR, "GICC_AEOIR", Rw::Write},
    RegisterRow<Cpu>{0x0028, 4, Cpu::AHPPIR, "GICC_AHPPIR", Rw::Read},
    RegisterRow<Cpu>{0x00d0, 4, Cpu::APR, "GICC_APR0", Rw::Both},
    RegisterRow<Cpu>{0x00e0, 4, Cpu::NSAPR, "GICC_NSAPR0", Rw::Both},
    RegisterRow<Cpu>{0x00fc, 4, Cpu::IIDR, "GICC_IIDR", Rw::Read},
    RegisterRow<Cpu>{0x1000, 4, Cpu::DIR, "GICC_DIR", Rw::Write},
};
static_assert(is_sorted(kCpuInterface));

}  // namespace farside::dev::gic::v2
