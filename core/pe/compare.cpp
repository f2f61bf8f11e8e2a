// core/pe/compare.cpp - compares registers, system registers, time and monitor of two PEs.
#include "core/pe/compare.h"

#include <fmt/format.h>

namespace farside::pe {
namespace {

void number(std::string& report, const std::string& name, u64 expected, u64 actual) {
  if (expected != actual) report += fmt::format("  {}: {:x}, not {:x}\n", name, actual, expected);
}

}  // namespace

std::string compare(const Pe& expected, const Pe& actual) {
  std::string report;
  const State &a = expected.s, &b = actual.s;
  for (unsigned i = 0; i < 32; ++i) number(report, fmt::format("x{}", i), a.x[i], b.x[i]);
  for (unsigned i = 0; i < 32; ++i) {
    number(report, fmt::format("v{} low", i), a.v[i].lo, b.v[i].lo);
    number(report, fmt::format("v{} high", i), a.v[i].hi, b.v[i].hi);
  }
  for (unsigned i = 0; i < 4; ++i) number(report, fmt::format("sp_bank{}", i), a.sp_bank[i], b.sp_bank[i]);
  number(report, "sp", a.sp, b.sp);
  number(report, "pc", a.pc, b.pc);
  number(report, "nzcv", a.nzcv, b.nzcv);
  number(report, "btype", a.btype, b.btype);
  number(report, "pstate", a.pstate.raw, b.pstate.raw);
  number(report, "fpcr", a.fp.fpcr.raw, b.fp.fpcr.raw);
  number(report, "fpsr", a.fp.fpsr.raw, b.fp.fpsr.raw);
  for (usize i = 0; i < kSysRegCount; ++i) {
    const auto reg = static_cast<SysReg>(i);
    number(report, std::string(sysreg_info(reg).name), a.sys[reg], b.sys[reg]);
  }
  number(report, "instructions", expected.instructions(), actual.instructions());
  number(report, "spent", expected.spent, actual.spent);
  number(report, "waiting", expected.waiting, actual.waiting);
  number(report, "exclusive", expected.monitor.armed, actual.monitor.armed);
  return report;
}

}  // namespace farside::pe
