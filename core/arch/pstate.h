// core/arch/pstate.h - PSTATE in the layout of SPSR_ELx (AArch64 state).
#pragma once
#include "core/arch/el.h"
#include "core/base/field.h"

namespace farside {

/// PSTATE and SPSR_ELx share one layout, so saving and restoring is a copy (Arm ARM C5.2.18, SPSR_EL1).
struct Pstate : Reg<Pstate> {
  static constexpr Bit<31> N{};
  static constexpr Bit<30> Z{};
  static constexpr Bit<29> C{};
  static constexpr Bit<28> V{};
  static constexpr Field<31, 28> NZCV{};
  static constexpr Bit<25> TCO{};
  static constexpr Bit<24> DIT{};
  static constexpr Bit<23> UAO{};
  static constexpr Bit<22> PAN{};
  static constexpr Bit<21> SS{};
  static constexpr Bit<20> IL{};
  static constexpr Bit<12> SSBS{};
  static constexpr Field<11, 10> BTYPE{};
  static constexpr Bit<9> D{};
  static constexpr Bit<8> A{};
  static constexpr Bit<7> I{};
  static constexpr Bit<6> F{};
  static constexpr Field<9, 6> DAIF{};
  static constexpr Bit<4> nRW{};
  static constexpr Field<3, 2, El> EL{};
  static constexpr Bit<0> SP{};  ///< PSTATE.SP: 0 selects SP_EL0, 1 selects SP_ELx
};

}  // namespace farside
