// core/arch/sysreg.h - system registers by name and by encoding; the rows are in sysreg.def.
#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "core/arch/features.h"
#include "core/base/types.h"

namespace farside {

/// op0<1:0>:op1:CRn:CRm:op2 packed into 16 bits, as MSR and MRS encode them with op0 in 2..3 (and 1 for SYS).
using SysRegEncoding = u16;
constexpr SysRegEncoding encode_sysreg(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return static_cast<SysRegEncoding>(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);
}
constexpr unsigned sysreg_op0(SysRegEncoding e) { return e >> 14; }
constexpr unsigned sysreg_op1(SysRegEncoding e) { return e >> 11 & 7; }
constexpr unsigned sysreg_crn(SysRegEncoding e) { return e >> 7 & 15; }
constexpr unsigned sysreg_crm(SysRegEncoding e) { return e >> 3 & 15; }
constexpr unsigned sysreg_op2(SysRegEncoding e) { return e & 7; }

/// One enumerator for each register; those without storage of their own leave their slot of SysRegs unused.
enum class SysReg : u16 {
#define SYSREG(name, op0, op1, crn, crm, op2, ...) name,
#include "core/arch/sysreg.def"
#undef SYSREG
  Count
};
constexpr std::size_t kSysRegCount = static_cast<std::size_t>(SysReg::Count);

/// The register `n` places after `first`: for families such as DBGBVR<n>_EL1 whose rows are `stride` apart.
constexpr SysReg sysreg_at(SysReg first, unsigned n, unsigned stride = 1) {
  return static_cast<SysReg>(static_cast<unsigned>(first) + n * stride);
}

/// Lowest EL that may read and write: R0W1 is "read from EL0, write from EL1", x is "never".
enum class SysRegAccess : u8 { R0W0, R0W1, R0Wx, RxW0, R1W1, R1Wx, RxW1, R2W2, R2Wx };
constexpr unsigned kNever = 4;
constexpr unsigned lowest_reader(SysRegAccess a) {
  constexpr u8 table[] = {0, 0, 0, kNever, 1, 1, kNever, 2, 2};
  return table[static_cast<u8>(a)];
}
constexpr unsigned lowest_writer(SysRegAccess a) {
  constexpr u8 table[] = {0, 1, kNever, 0, 1, kNever, 1, 2, kNever};
  return table[static_cast<u8>(a)];
}

/// Registers that the same control bits trap; named after the bit where there is one.
enum class TrapGroup : u8 {
  None,
  TVM,
  TACR,
  TCPAC,
  TID1,
  TID2,
  TID3,
  CTR,
  APK,
  DAIF,
  FP,
  TERR,
  TLOR,
  CNTFRQ,
  CNTPCT,
  CNTVCT,
  CNTP,
  CNTV,
  PMU,
  PMCR,
  PMSWINC,
  PMER,
  PMCC,
  PMUSER,
  PMSEL,
  TDA,
  TDOSA,
  TDRA,
  TDCC,
  SGI,
};

/// What an access does beyond reading or writing storage.
enum class SysRegKind : u8 {
  Plain,
  Identity,  ///< MIDR and MPIDR read as VPIDR and VMPIDR at EL1; RVBAR
  CacheId,   ///< CCSIDR_EL1 by CSSELR_EL1
  Dczid,     ///< DCZID_EL0: DZP depends on controls
  Isr,       ///< ISR_EL1
  Pstate,    ///< PSTATE fields, banked SPs, FPCR, FPSR
  Random,    ///< RNDR: also sets NZCV
  Disr,      ///< DISR_EL1: VDISR_EL2 when HCR_EL2.AMO
  Counter,
  Frequency,
  Timer,
  Pmu,
  Debug,       ///< a write may change what debug_active says
  Breakpoint,  ///< UNDEFINED beyond the number implemented
  Watchpoint,
  DebugClaim,
  Icc,          ///< read and written through IccPort
  Translation,  ///< a write changes translation
  Ttbr,         ///< a write changes the tables or the ASID or VMID
  Hypervisor,   ///< HCR_EL2
  FpTrap,       ///< CPACR_EL1, CPTR_EL2
};

/// One row of sysreg.def.
struct SysRegInfo {
  std::string_view name;
  SysRegEncoding encoding;
  SysRegAccess access;
  TrapGroup trap;
  SysRegKind kind;
  bool Features::*feature;
  u64 writable, res1;
};

const SysRegInfo& sysreg_info(SysReg reg);
/// The register with this encoding, whatever the features; empty when no row has it.
std::optional<SysReg> find_sysreg(SysRegEncoding encoding);
/// The register called `name` exactly as the Arm ARM spells it.
std::optional<SysReg> find_sysreg(std::string_view name);
/// For printing: the name, or "S3_0_C1_C2_3" as assemblers spell an encoding without one.
std::string_view sysreg_name(SysRegEncoding encoding, std::array<char, 20>& buffer);

/// Bits that a write changes on a CPU with `features`, and bits that read as one. `e2h` is HCR_EL2.E2H.
u64 sysreg_writable(SysReg reg, const Features& features);
u64 sysreg_res1(SysReg reg, const Features& features, bool e2h);

/// The values of all system registers of one PE.
class SysRegs {
 public:
  u64& operator[](SysReg reg) { return values_[static_cast<std::size_t>(reg)]; }
  u64 operator[](SysReg reg) const { return values_[static_cast<std::size_t>(reg)]; }

 private:
  std::array<u64, kSysRegCount> values_{};
};

}  // namespace farside
