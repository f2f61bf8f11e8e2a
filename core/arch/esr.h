// core/arch/esr.h - ESR_ELx: exception classes and typed views of the syndrome.
#pragma once
#include <optional>
#include <string>

#include "core/arch/fault.h"
#include "core/base/field.h"

namespace farside {

/// Exception classes, spelled as in ESR_ELx.EC.
enum class Ec : u8 {
  UNKNOWN = 0x00,
  WFX = 0x01,
  FP_ASIMD = 0x07,
  PAUTH = 0x09,
  BTI = 0x0d,
  ILLEGAL_STATE = 0x0e,
  SVC64 = 0x15,
  HVC64 = 0x16,
  SMC64 = 0x17,
  SYS64 = 0x18,
  SVE = 0x19,
  ERET = 0x1a,
  FPAC = 0x1c,
  IABT_LOW = 0x20,
  IABT_CUR = 0x21,
  PC_ALIGN = 0x22,
  DABT_LOW = 0x24,
  DABT_CUR = 0x25,
  SP_ALIGN = 0x26,
  FP_EXC64 = 0x2c,
  SERROR = 0x2f,
  BREAKPT_LOW = 0x30,
  BREAKPT_CUR = 0x31,
  SOFTSTP_LOW = 0x32,
  SOFTSTP_CUR = 0x33,
  WATCHPT_LOW = 0x34,
  WATCHPT_CUR = 0x35,
  BRK64 = 0x3c,
};

/// ISS of an instruction or data abort (ISS encoding for an exception from a Data Abort).
struct IssAbort : Reg<IssAbort> {
  static constexpr Bit<24> ISV{};
  static constexpr Field<23, 22> SAS{};
  static constexpr Bit<21> SSE{};
  static constexpr Field<20, 16> SRT{};
  static constexpr Bit<15> SF{};
  static constexpr Bit<14> AR{};
  static constexpr Bit<10> FnV{};
  static constexpr Bit<9> EA{};
  static constexpr Bit<8> CM{};
  static constexpr Bit<7> S1PTW{};
  static constexpr Bit<6> WnR{};
  static constexpr Field<5, 0> FSC{};
};

/// ISS of a trapped MSR, MRS or System instruction (EC 0x18).
struct IssSys : Reg<IssSys> {
  static constexpr Field<21, 20> Op0{};
  static constexpr Field<19, 17> Op2{};
  static constexpr Field<16, 14> Op1{};
  static constexpr Field<13, 10> CRn{};
  static constexpr Field<9, 5> Rt{};
  static constexpr Field<4, 1> CRm{};
  static constexpr Bit<0> Direction{};  ///< 1: read (MRS)
};

/// ESR_ELx (Arm ARM D17.2.37).
struct Esr : Reg<Esr> {
  static constexpr Field<31, 26, Ec> EC{};
  static constexpr Bit<25> IL{};
  static constexpr Field<24, 0> ISS{};
  /// The abort view, when EC says that there is one.
  std::optional<IssAbort> abort() const;
  /// The trapped-register view, when EC is SYS64.
  std::optional<IssSys> sys() const;
};

/// Builds an ESR from its three parts; `il` is 1 for every 32-bit instruction.
constexpr Esr make_esr(Ec ec, u64 iss, bool il = true) {
  return Esr{}.with(Esr::EC, ec).with(Esr::IL, il).with(Esr::ISS, iss);
}

/// ESR for an abort; `same_el` picks the CUR class. ISV details appear only for stage-2 data aborts that are not
/// S1PTW (Arm ARM ISS encoding for an exception from a Data Abort).
Esr esr_for_fault(const Fault& fault, bool same_el);
/// The 6-bit DFSC/IFSC/PAR.FST code (AArch64.EncodeLDFSC).
u8 encode_fsc(FaultKind kind, i8 level);
/// PAR_EL1 for a failed address translation (CreatePAR of a fault).
u64 par_for_fault(const Fault& fault);
/// One line for people: `DABT_LOW translation fault level 2, write, s1ptw ...`.
std::string describe(Esr esr);
/// The kernel's name for an exception class as `kvm_exit` prints it, for example `DABT_LOW`.
const char* ec_name(Ec ec);

}  // namespace farside
