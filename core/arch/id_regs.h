// core/arch/id_regs.h - identification registers, derived from a CPU model: they say what is built and nothing more.
#pragma once
#include <span>

#include "core/arch/features.h"
#include "core/arch/sysreg.h"

namespace farside {

/// "This 4-bit field of this register has this value when the CPU has this extension". Of several rows for one field
/// the largest value wins.
struct IdField {
  SysReg reg;
  u8 lo;
  u8 value;
  bool Features::*flag;
};
std::span<const IdField> id_fields();

/// The reset value of an identification register of PE number `index`; 0 for any other register.
u64 id_register(SysReg reg, const CpuModel& cpu, u32 index);

}  // namespace farside
