// core/pe/sysreg_access.cpp - MSR and MRS: does the register exist, who may touch it, and what happens then.
#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

/// op0 = 3, op1 = 0, CRn = 0, CRm = 1..7: reserved encodings of the identification space read as zero.
bool in_id_space(SysRegEncoding e) {
  return (e & encode_sysreg(3, 7, 15, 8, 0)) == encode_sysreg(3, 0, 0, 0, 0) && sysreg_crm(e) != 0;
}

/// op0 = 1 or 3, CRn = 11 or 15: IMPLEMENTATION DEFINED instructions and registers, of which there are none.
bool is_implementation_defined(SysRegEncoding e) {
  return (sysreg_op0(e) & 1) != 0 && (sysreg_crn(e) == 11 || sysreg_crn(e) == 15);
}

bool is_identification(SysRegEncoding e) { return sysreg_op0(e) == 3 && sysreg_crn(e) == 0 && (sysreg_op1(e) < 4); }

}  // namespace

/// What an access to an encoding that no row has, or whose extension is missing, ends in. `value` is for reads.
bool Pe::access_unallocated(SysRegEncoding e, bool read, unsigned rt, u64& value) {
  if (read && in_id_space(e) && el() != El::EL0) {
    if (el() == El::EL1 && has(Hcr::TID3.mask)) return !trap_to(El::EL2, e, read, rt);
    value = 0;
    return true;
  }
  if (is_implementation_defined(e)) {
    raise_implementation_defined(e, read, rt);
    return false;
  }
  return refuse(e, read, rt);
}

/// UNDEFINED; with FEAT_IDST an EL0 read of the identification space is reported as a trapped MRS instead.
bool Pe::refuse(SysRegEncoding e, bool read, unsigned rt) {
  if (features().IDST && read && el() == El::EL0 && is_identification(e)) {
    trap_to(has(Hcr::TGE.mask) ? El::EL2 : El::EL1, e, read, rt);
  } else {
    raise(Ec::UNKNOWN, 0);
  }
  return false;
}

void Pe::raise_implementation_defined(SysRegEncoding e, bool read, unsigned rt) {
  if (is_implementation_defined(e) && el() == El::EL1 && has(Hcr::TIDCP.mask)) {
    trap_to(El::EL2, e, read, rt);
  } else {
    raise(Ec::UNKNOWN, 0);
  }
}

bool Pe::exists(SysReg reg, const SysRegInfo& row) const {
  if (!(features().*row.feature)) return false;
  const auto offset = [&](SysReg first) { return (static_cast<unsigned>(reg) - static_cast<unsigned>(first)) / 4; };
  switch (row.kind) {
    case SysRegKind::Breakpoint: return offset(SysReg::DBGBVR0_EL1) < features().breakpoints;
    case SysRegKind::Watchpoint: return offset(SysReg::DBGBVR0_EL1) < features().watchpoints;
    case SysRegKind::Pmu: return features().pmu_version != 0 && pmu_register_exists(reg);
    case SysRegKind::Icc: return ports.icc != nullptr;
    default: break;
  }
  if (reg == SysReg::RVBAR_EL1) return !features().el2;
  if (reg == SysReg::SP_EL0) return s.pstate[Pstate::SP];  // UNDEFINED while it is the SP in use
  return true;
}

/// Finds the register and checks access and traps. Empty: `done` says whether the access has succeeded without one.
std::optional<SysReg> Pe::admit(SysRegEncoding e, bool read, unsigned rt, u64& value, bool& done) {
  const auto reg = redirect(e);
  if (!reg || !exists(*reg, sysreg_info(*reg))) {
    done = access_unallocated(e, read, rt, value);
    return std::nullopt;
  }
  // What EL0 names decides its rights, even where a VHE host's register answers.
  const SysRegInfo& row = sysreg_info(el() == El::EL0 ? find_sysreg(e).value_or(*reg) : *reg);
  unsigned lowest = read ? lowest_reader(row.access) : lowest_writer(row.access);
  if (!read && *reg == SysReg::CNTFRQ_EL0 && features().el2) lowest = 2;  // writable at the highest EL only
  done = false;
  if (number(el()) < lowest) {
    refuse(e, read, rt);
    return std::nullopt;
  }
  const bool may_trap = row.trap != TrapGroup::None && (el() != El::EL2 || row.trap == TrapGroup::FP);
  if (may_trap && trap_sysreg(e, row.trap, read, rt)) return std::nullopt;
  return reg;
}

bool Pe::read_sysreg(SysRegEncoding e, unsigned rt, u64& value) {
  bool done;
  const auto reg = admit(e, true, rt, value, done);
  if (!reg) return done;
  const SysRegKind kind = sysreg_info(*reg).kind;
  value = kind == SysRegKind::Plain ? s.sys[*reg] : read_special(*reg, kind);
  return true;
}

bool Pe::write_sysreg(SysRegEncoding e, unsigned rt, u64 value) {
  bool done;
  u64 unused = 0;
  const auto reg = admit(e, false, rt, unused, done);
  if (!reg) return done;
  const SysRegInfo& row = sysreg_info(*reg);
  if (row.kind == SysRegKind::Plain && row.writable == ~u64{0}) {
    s.sys[*reg] = value;
  } else {
    write_special(*reg, row.kind, value);
  }
  return true;
}

bool Pe::write_needs_sync(SysRegEncoding e) {
  const auto reg = find_sysreg(e);
  if (!reg) return true;
  const SysRegKind kind = sysreg_info(*reg).kind;
  // Of PSTATE, only interrupt and debug masks matter to the engine: SP_EL0 and NZCV are written all the time.
  return kind == SysRegKind::Pstate ? *reg == SysReg::DAIF : kind != SysRegKind::Plain;
}

u64 Pe::read_register(SysReg reg) {
  const SysRegKind kind = sysreg_info(reg).kind;
  // Identity registers show what the hardware is, not what EL1 would see.
  if (kind == SysRegKind::Plain || kind == SysRegKind::Identity) return s.sys[reg];
  return read_special(reg, kind);
}

void Pe::write_register(SysReg reg, u64 value) { write_special(reg, sysreg_info(reg).kind, value); }

}  // namespace farside::pe
