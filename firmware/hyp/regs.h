// firmware/hyp/regs.h - the fields of EL2 and EL1 registers that the hypervisor reads and writes.
#pragma once
#include "core/base/field.h"

namespace farside::hyp {

/// HCR_EL2 (Arm ARM D17.2.48).
struct Hcr : farside::Reg<Hcr> {
  static constexpr Bit<0> VM{};
  static constexpr Bit<1> SWIO{};
  static constexpr Bit<2> PTW{};
  static constexpr Bit<3> FMO{};
  static constexpr Bit<4> IMO{};
  static constexpr Bit<5> AMO{};
  static constexpr Bit<8> VSE{};
  static constexpr Bit<9> FB{};
  static constexpr Field<11, 10> BSU{};
  static constexpr Bit<12> DC{};
  static constexpr Bit<13> TWI{};
  static constexpr Bit<14> TWE{};
  static constexpr Bit<18> TID3{};
  static constexpr Bit<19> TSC{};
  static constexpr Bit<20> TIDCP{};
  static constexpr Bit<21> TACR{};
  static constexpr Bit<22> TSW{};
  static constexpr Bit<26> TVM{};
  static constexpr Bit<31> RW{};
  static constexpr Bit<35> TLOR{};
  static constexpr Bit<40> APK{};
  static constexpr Bit<41> API{};
  static constexpr Bit<46> FWB{};
};

/// VTCR_EL2.
struct Vtcr : farside::Reg<Vtcr> {
  static constexpr Field<5, 0> T0SZ{};
  static constexpr Field<7, 6> SL0{};
  static constexpr Field<9, 8> IRGN0{};
  static constexpr Field<11, 10> ORGN0{};
  static constexpr Field<13, 12> SH0{};
  static constexpr Field<15, 14> TG0{};
  static constexpr Field<18, 16> PS{};
  static constexpr Bit<19> VS{};
  static constexpr Bit<21> HA{};
  static constexpr Bit<31> RES1{};
};

/// VTTBR_EL2.
struct Vttbr : farside::Reg<Vttbr> {
  static constexpr Field<47, 0> BADDR{};
  static constexpr Field<63, 48> VMID{};
};

/// SCTLR_EL1, the bits that matter outside the guest.
struct Sctlr : farside::Reg<Sctlr> {
  static constexpr Bit<0> M{};
  static constexpr Bit<2> C{};
  static constexpr Bit<23> SPAN{};
  static constexpr Bit<24> E0E{};
  static constexpr Bit<25> EE{};
  static constexpr Bit<44> DSSBS{};
};

/// PAR_EL1 after a successful or a failed AT.
struct Par : farside::Reg<Par> {
  static constexpr Bit<0> F{};
  static constexpr Field<47, 12> PA{};
  static constexpr Field<63, 56> ATTR{};  ///< as in MAIR_EL1: outer in [7:4], inner in [3:0]
};

/// HPFAR_EL2: the faulting IPA without its page offset.
struct Hpfar : farside::Reg<Hpfar> {
  static constexpr Field<39, 4> FIPA{};
};

}  // namespace farside::hyp
