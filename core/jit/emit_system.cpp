// core/jit/emit_system.cpp - hints, barriers, and the system registers that software touches all the time.
//
// A register is read and written in its slot where sysreg.def says that it is nothing but storage; what could trap it
// is one bit of the frame (El1Right). Everything else is a call of the interpreter.
#include "core/arch/sysreg_fields.h"
#include "core/base/result.h"
#include "core/isa/a64/system.inl"
#include "core/jit/emitters.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // Pe has no virtual functions and no bases

namespace farside::jit {
namespace {

constexpr HostMem kInterruptLines = pe_field(offsetof(pe::Pe, lines));
static_assert(sizeof(pe::InterruptLines) == 5);  // as write_masks compares them

SysRegEncoding encoding_of(u32 word) { return static_cast<SysRegEncoding>(word >> 5 & 0xffff); }

/// The rest of the instruction is what it does where `right` holds.
void require(EmitExec& x, u8 right) {
  if (right == 0) return;
  x.code().test8(x.frame_field(offsetof(Frame, el1_rights)), right);
  x.clobber_flags();
  x.slow_if(Cc::E);
}

/// Whether an access finds nothing but storage, once `right` holds.
bool is_storage(const Features& features, SysReg reg, bool read, u8& right) {
  const SysRegInfo& row = sysreg_info(reg);
  const bool reads_as_stored = row.kind == SysRegKind::Ttbr || row.kind == SysRegKind::Translation;
  if (row.kind != SysRegKind::Plain && !(read && reads_as_stored)) return false;
  const unsigned lowest = read ? lowest_reader(row.access) : lowest_writer(row.access);
  if (lowest > 1 || !(features.*row.feature)) return false;
  switch (row.trap) {
    case TrapGroup::None: right = lowest == 0 ? 0 : kEl1Storage; return true;
    case TrapGroup::TVM: right = kEl1Translation; return true;
    case TrapGroup::APK: right = kEl1Keys; return true;
    case TrapGroup::CTR: right = kEl1CacheType; return true;
    default: return false;
  }
}

void read_slot(EmitExec& x, u32 word, const HostMem& slot) {
  const HostReg t = x.temp();
  x.code().mov(true, t, slot);
  x.set_reg({word & 31}, true, x.temp_value(t, false));
}

void read_field(EmitExec& x, u32 word, u64 mask) {
  require(x, kEl1Storage);
  const HostReg t = x.temp();
  x.code().mov(true, t, kPstateSlot);
  x.code().alu_imm(Alu::And, false, t, static_cast<i32>(mask));
  x.set_reg({word & 31}, true, x.temp_value(t, true));
}

void read_register(EmitExec& x, u32 word) {
  const auto reg = find_sysreg(encoding_of(word));
  if (!reg) return x.decline();
  switch (*reg) {
    case SysReg::DAIF: return read_field(x, word, Pstate::DAIF.mask);
    case SysReg::CurrentEL: return read_field(x, word, Pstate::EL.mask);
    case SysReg::SP_EL0: require(x, kEl1Storage); return read_slot(x, word, kSpEl0Slot);
    case SysReg::FPCR: x.fp_access(); return read_slot(x, word, kFpcrSlot);
    case SysReg::DCZID_EL0:  // DZP is 0 wherever DC ZVA is allowed
      x.code().cmp8(x.frame_field(offsetof(Frame, zva_allowed)), 0);
      x.clobber_flags();
      x.slow_if(Cc::E);
      return read_slot(x, word, sysreg_slot(*reg));
    default: break;
  }
  u8 right = 0;
  if (!is_storage(x.features(), *reg, true, right)) return x.decline();
  require(x, right);
  read_slot(x, word, sysreg_slot(*reg));
}

void write_slot(EmitExec& x, u32 word, const HostMem& slot, u64 writable) {
  const HostReg t = x.temp();
  x.into(x.reg({word & 31}, true), t);
  if (writable == 0xffffffff) {
    x.code().mov(false, t, t);
  } else if (writable != ~u64{0}) {
    x.code().alu_imm(Alu::And, true, t, static_cast<i32>(writable));
    x.clobber_flags();
  }
  x.code().mov(true, slot, t);
}

/// PSTATE.DAIF may be changed: while no interrupt is pending and debug exceptions are off, nothing else follows from
/// it.
void require_quiet_masks(EmitExec& x) {
  require(x, kEl1Masks);
  HostMem last = kInterruptLines;
  last.disp += 4;
  x.code().alu_imm(Alu::Cmp, false, kInterruptLines, 0);
  x.slow_if(Cc::NE);
  x.code().cmp8(last, 0);
  x.slow_if(Cc::NE);
}

void write_masks(EmitExec& x, u32 word) {
  require_quiet_masks(x);
  const HostReg t = x.temp();
  x.into(x.reg({word & 31}, true), t);
  x.code().alu_imm(Alu::And, false, t, static_cast<i32>(Pstate::DAIF.mask));
  x.code().alu_imm(Alu::And, true, kPstateSlot, static_cast<i32>(~Pstate::DAIF.mask));
  x.code().alu(Alu::Or, true, kPstateSlot, t);
}

void write_register(EmitExec& x, u32 word) {
  const auto reg = find_sysreg(encoding_of(word));
  if (!reg) return x.decline();
  if (*reg == SysReg::DAIF) return write_masks(x, word);
  if (*reg == SysReg::SP_EL0) {
    require(x, kEl1Storage);
    return write_slot(x, word, kSpEl0Slot, ~u64{0});
  }
  u8 right = 0;
  const u64 writable = sysreg_writable(*reg, x.features());
  const bool plain = writable == 0xffffffff || fits32(writable);
  if (!plain || sysreg_info(*reg).res1 != 0 || !is_storage(x.features(), *reg, false, right)) return x.decline();
  require(x, right);
  write_slot(x, word, sysreg_slot(*reg), writable);
}

/// DAIFSet and DAIFClr. Only those that unmask, or change D, can have consequences.
void write_field(EmitExec& x, u32 word) {
  const u32 op1 = word >> 16 & 7, op2 = word >> 5 & 7, imm = word >> 8 & 15;
  if (op1 != 3 || op2 < 6) return x.decline();
  const i32 mask = static_cast<i32>(imm << Pstate::DAIF.lo);
  const bool sets = op2 == 6;
  sets ? require(x, bit(imm, 3) ? kEl1Masks : kEl1Storage) : require_quiet_masks(x);
  x.code().alu_imm(sets ? Alu::Or : Alu::And, true, kPstateSlot, sets ? mask : ~mask);
}

void system_instruction(EmitExec& x, u32 word) {
  if (encoding_of(word) != encode_sysreg(1, 3, 7, 4, 1)) return x.decline();  // DC ZVA
  x.zero_block(x.reg({word & 31}, true));
}

/// XPACLRI: the PAC's bits become copies of bit 55. What they are is known while the key is enabled.
void strip_link(EmitExec& x, u32) {
  constexpr RegNo kLink{30};
  const auto mask = [&x](unsigned upper) { return x.frame_field(offsetof(Frame, pac_masks) + 8 * upper); };
  Asm& a = x.code();
  a.alu_imm(Alu::Cmp, true, mask(0), 0);
  x.clobber_flags();
  x.slow_if(Cc::E);
  const HostReg pointer = x.temp(), lower = x.temp();
  x.into(x.reg(kLink, true), pointer);
  a.mov(true, lower, mask(0));
  a.not_(true, lower);
  a.alu(Alu::And, true, lower, pointer);
  a.bt_imm(true, pointer, 55);
  u8* const done = a.jcc_short(Cc::AE);
  a.mov(true, lower, pointer);
  a.alu(Alu::Or, true, lower, mask(1));
  a.bind_short(done);
  x.set_reg(kLink, true, x.temp_value(lower, false));
}

}  // namespace

void register_system(EmitterTable& table) {
#define INST(name, title, pattern, feature) FARSIDE_EMITTER(name, pattern)
#include "core/isa/a64/system.def"
#undef INST
  table.set(isa::A64::MRS, &read_register);
  table.set(isa::A64::MSR_reg, &write_register);
  table.set(isa::A64::MSR_imm, &write_field);
  table.set(isa::A64::SYS, &system_instruction);
  table.set(isa::A64::XPACLRI, &strip_link);
}

}  // namespace farside::jit

#pragma GCC diagnostic pop
