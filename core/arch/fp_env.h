// core/arch/fp_env.h - FPCR and FPSR, the environment of every floating-point operation.
#pragma once
#include "core/base/field.h"

namespace farside {

/// FPCR.RMode.
enum class Rounding : u8 { TieEven = 0, PlusInf = 1, MinusInf = 2, Zero = 3, TieAway = 4, Odd = 5 };

/// FPCR; trap enables (IDE..IOE) are RES0: farside implements no trapped exceptions.
struct Fpcr : Reg<Fpcr> {
  static constexpr Bit<26> AHP{};
  static constexpr Bit<25> DN{};
  static constexpr Bit<24> FZ{};
  static constexpr Field<23, 22, Rounding> RMode{};
  static constexpr Bit<19> FZ16{};
};

/// FPSR: cumulative exception flags; NZCV bits 31:28 belong to AArch32 and are RES0.
struct Fpsr : Reg<Fpsr> {
  static constexpr Bit<27> QC{};
  static constexpr Bit<7> IDC{};
  static constexpr Bit<4> IXC{};
  static constexpr Bit<3> UFC{};
  static constexpr Bit<2> OFC{};
  static constexpr Bit<1> DZC{};
  static constexpr Bit<0> IOC{};
};

struct FpEnv {
  Fpcr fpcr{};
  Fpsr fpsr{};
};

}  // namespace farside
