// core/arch/sysreg.h - system registers by name and by encoding; the rows are in sysreg.def.
#pragma once
#include <array>
#include <string_view>

#include "core/base/types.h"

namespace farside {

/// op0<1:0>:op1:CRn:CRm:op2 packed into 16 bits, as MSR and MRS encode them with op0 in 2..3 (and 1 for SYS).
using SysRegEncoding = u16;
constexpr SysRegEncoding encode_sysreg(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return static_cast<SysRegEncoding>(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);
}

/// One enumerator for each register that has storage of its own.
enum class SysReg : u16 {
#define SYSREG(name, op0, op1, crn, crm, op2, ...) name,
#include "core/arch/sysreg.def"
#undef SYSREG
  Count
};
constexpr std::size_t kSysRegCount = static_cast<std::size_t>(SysReg::Count);

/// The values of all system registers of one PE.
class SysRegs {
 public:
  u64& operator[](SysReg reg) { return values_[static_cast<std::size_t>(reg)]; }
  u64 operator[](SysReg reg) const { return values_[static_cast<std::size_t>(reg)]; }

 private:
  std::array<u64, kSysRegCount> values_{};
};

}  // namespace farside
