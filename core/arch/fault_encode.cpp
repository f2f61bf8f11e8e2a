// core/arch/fault_encode.cpp - turns one Fault into the fault status code, ESR_ELx and PAR_EL1.
#include "core/arch/esr.h"
#include "core/base/bits.h"
#include "core/base/check.h"

namespace farside {
namespace {

bool is_external(FaultKind kind) { return kind == FaultKind::SyncExternal || kind == FaultKind::SyncExternalOnWalk; }

Ec exception_class(const Fault& fault, bool same_el) {
  if (fault.kind == FaultKind::Watchpoint) return same_el ? Ec::WATCHPT_CUR : Ec::WATCHPT_LOW;
  if (fault.fetch) return same_el ? Ec::IABT_CUR : Ec::IABT_LOW;
  return same_el ? Ec::DABT_CUR : Ec::DABT_LOW;
}

/// ISS[24:14], only where stage 2 reports the instruction (AArch64.FaultSyndrome, LSInstructionSyndrome).
IssAbort with_instruction(IssAbort iss, const Fault& fault) {
  const InsnSyndrome& insn = fault.syndrome;
  if (fault.stage != 2 || fault.s1ptw || fault.cm || is_external(fault.kind) || !insn.isv) return iss;
  return iss.with(IssAbort::ISV, true)
      .with(IssAbort::SAS, u64{insn.sas})
      .with(IssAbort::SSE, insn.sse)
      .with(IssAbort::SRT, u64{insn.srt})
      .with(IssAbort::SF, insn.sf)
      .with(IssAbort::AR, insn.ar);
}

}  // namespace

u8 encode_fsc(FaultKind kind, i8 level) {
  const u8 low = static_cast<u8>(level) & 3;
  const bool minus_one = level < 0;
  switch (kind) {
    case FaultKind::AddressSize: return minus_one ? 0b101001 : 0b000000 | low;
    case FaultKind::Translation: return minus_one ? 0b101011 : 0b000100 | low;
    case FaultKind::AccessFlag: return 0b001000 | low;
    case FaultKind::Permission: return 0b001100 | low;
    case FaultKind::SyncExternal: return 0b010000;
    case FaultKind::SyncExternalOnWalk: return minus_one ? 0b010011 : 0b010100 | low;
    case FaultKind::Alignment: return 0b100001;
    case FaultKind::Watchpoint: return 0b100010;
    case FaultKind::TlbConflict: return 0b110000;
    case FaultKind::UnsupportedAtomicUpdate: return 0b110001;
    case FaultKind::UnsupportedExclusive: return 0b110101;
    case FaultKind::None: break;
  }
  CHECK(false, "no status code for fault kind {}", static_cast<int>(kind));
}

Esr esr_for_fault(const Fault& fault, bool same_el) {
  IssAbort iss = IssAbort{}.with(IssAbort::FSC, u64{encode_fsc(fault.kind, fault.level)});
  iss = iss.with(IssAbort::S1PTW, fault.s1ptw);
  if (!fault.fetch) {
    iss = iss.with(IssAbort::WnR, fault.write || fault.cm).with(IssAbort::CM, fault.cm);
    iss = with_instruction(iss, fault);
  }
  return make_esr(exception_class(fault, same_el), iss.raw);
}

u64 par_for_fault(const Fault& fault) {
  u64 par = 1 | u64{1} << 11;  // F, and bit 11 is RES1
  par |= u64{encode_fsc(fault.kind, fault.level)} << 1;
  par |= u64{fault.s1ptw} << 8;       // PTW
  par |= u64{fault.stage == 2} << 9;  // S
  return par;
}

}  // namespace farside
