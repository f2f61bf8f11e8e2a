// core/jit/emit_branch.cpp - branches, hints, barriers and the system registers that software touches all the time.
#include "core/base/result.h"
#include "core/isa/a64/branch.inl"
#include "core/isa/a64/system.inl"
#include "core/jit/emitters.h"

namespace farside::jit {
namespace {

SysRegEncoding encoding_of(u32 word) { return static_cast<SysRegEncoding>(word >> 5 & 0xffff); }

constexpr SysRegEncoding kTpidrEl0 = encode_sysreg(3, 3, 13, 0, 2), kTpidrroEl0 = encode_sysreg(3, 3, 13, 0, 3),
                         kTpidrEl1 = encode_sysreg(3, 0, 13, 0, 4), kSpEl0 = encode_sysreg(3, 0, 4, 1, 0),
                         kDaif = encode_sysreg(3, 3, 4, 2, 1), kDcZva = encode_sysreg(1, 3, 7, 4, 1);

/// The rest of the instruction applies at EL1 with its own stack pointer only.
void require_privilege(EmitExec& x) {
  x.code().cmp8(frame_field(offsetof(Frame, privileged)), 0);
  x.clobber_flags();
  x.slow_if(Cc::E);
}

/// Where the value of a register that nothing traps or disguises is kept.
bool plain_slot(EmitExec& x, SysRegEncoding e, bool read, HostMem& slot) {
  switch (e) {
    case kTpidrEl0: slot = sysreg_slot(SysReg::TPIDR_EL0); return true;
    case kTpidrroEl0: slot = sysreg_slot(SysReg::TPIDRRO_EL0); return read;
    case kTpidrEl1:
      require_privilege(x);
      slot = sysreg_slot(SysReg::TPIDR_EL1);
      return true;
    case kSpEl0:
      require_privilege(x);
      slot = kSpEl0Slot;
      return true;
    default: return false;
  }
}

void read_register(EmitExec& x, u32 word) {
  const RegNo rt{word & 31};
  HostMem slot{RBP};
  if (encoding_of(word) == kDaif) {
    require_privilege(x);
    const HostReg t = x.temp();
    x.code().mov(true, t, kPstateSlot);
    x.code().alu_imm(Alu::And, false, t, static_cast<i32>(Pstate::DAIF.mask));
    return x.set_reg(rt, true, x.temp_value(t, true));
  }
  if (!plain_slot(x, encoding_of(word), true, slot)) return x.decline();
  const HostReg t = x.temp();
  x.code().mov(true, t, slot);
  x.set_reg(rt, true, x.temp_value(t, false));
}

void write_register(EmitExec& x, u32 word) {
  HostMem slot{RBP};
  if (!plain_slot(x, encoding_of(word), false, slot)) return x.decline();
  const HostReg t = x.temp();
  x.into(x.reg({word & 31}, true), t);
  x.code().mov(true, slot, t);
}

/// DAIFSet of anything but D, which steers debug.
void write_field(EmitExec& x, u32 word) {
  const u32 op1 = word >> 16 & 7, op2 = word >> 5 & 7, imm = word >> 8 & 15;
  if (op1 != 3 || op2 != 6 || bit(imm, 3)) return x.decline();
  require_privilege(x);
  x.code().alu_imm(Alu::Or, true, kPstateSlot, static_cast<i32>(imm << Pstate::DAIF.lo));
}

void system_instruction(EmitExec& x, u32 word) {
  if (encoding_of(word) != kDcZva) return x.decline();
  x.zero_block(x.reg({word & 31}, true));
}

}  // namespace

void register_branch(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/branch.def"
#undef INST
}

void register_system(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/system.def"
#undef INST
  table.set(isa::A64::MRS, &read_register);
  table.set(isa::A64::MSR_reg, &write_register);
  table.set(isa::A64::MSR_imm, &write_field);
  table.set(isa::A64::SYS, &system_instruction);
}

}  // namespace farside::jit
