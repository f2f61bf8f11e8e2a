// core/isa/a64/system.inl - semantics of hints, barriers, PSTATE writes and system register moves.
#pragma once
#include "core/arch/sysreg.h"
#include "core/base/result.h"
#include "core/isa/exec.h"

namespace farside::isa::a64 {

// Hints.

template <class X>
Flow HINT(X&, Imm<4>, Imm<3>) {
  return Flow::Next;
}

template <class X>
Flow YIELD(X&) {
  return Flow::Next;
}

template <class X>
Flow WFE(X& x) {
  return x.call_pe([](auto& pe) {
    bool wait;
    if (!pe.wait_for_event(wait)) return Flow::Raise;
    return wait ? Flow::Wait : Flow::Next;
  });
}

template <class X>
Flow WFI(X& x) {
  return x.call_pe([](auto& pe) {
    bool wait;
    if (!pe.wait_for_interrupt(wait)) return Flow::Raise;
    return wait ? Flow::Wait : Flow::Sync;
  });
}

template <class X>
Flow SEV(X& x) {
  return x.call_pe([](auto& pe) {
    pe.ports.system->send_event(pe);
    return Flow::Next;
  });
}

template <class X>
Flow SEVL(X& x) {
  return x.call_pe([](auto& pe) {
    pe.event_register = true;
    return Flow::Next;
  });
}

template <class X>
Flow ESB(X& x) {
  return x.call_pe([](auto& pe) {
    pe.error_synchronization_barrier();
    return Flow::Sync;
  });
}

/// A landing pad: the check is the engine's, before the instruction.
template <class X>
Flow BTI(X&, Imm<2>) {
  return Flow::Next;
}

// Pointer authentication of X30 and X17.

template <class X>
Flow sign_register(X& x, RegNo pointer, typename X::Val modifier, bool b_key) {
  x.set_reg(pointer, true, TRY(x.add_pac(x.reg(pointer, true), modifier, b_key ? PacKey::IB : PacKey::IA)));
  return Flow::Next;
}

template <class X>
Flow authenticate_register(X& x, RegNo pointer, typename X::Val modifier, bool b_key) {
  x.set_reg(pointer, true, TRY(x.auth_pac(x.reg(pointer, true), modifier, b_key ? PacKey::IB : PacKey::IA)));
  return Flow::Next;
}

template <class X>
Flow XPACLRI(X& x) {
  x.set_reg(RegNo{30}, true, x.strip_pac(x.reg(RegNo{30}, true), true));
  return Flow::Next;
}

template <class X>
Flow PACIA1716(X& x, Imm<1> B) {
  return sign_register(x, RegNo{17}, x.reg(RegNo{16}, true), B);
}

template <class X>
Flow AUTIA1716(X& x, Imm<1> B) {
  return authenticate_register(x, RegNo{17}, x.reg(RegNo{16}, true), B);
}

template <class X>
Flow PACIAZ(X& x, Imm<1> B) {
  return sign_register(x, RegNo{30}, x.imm(0), B);
}

template <class X>
Flow AUTIAZ(X& x, Imm<1> B) {
  return authenticate_register(x, RegNo{30}, x.imm(0), B);
}

template <class X>
Flow PACIASP(X& x, Imm<1> B) {
  return sign_register(x, RegNo{30}, x.reg_sp(RegNo{31}, true), B);
}

template <class X>
Flow AUTIASP(X& x, Imm<1> B) {
  return authenticate_register(x, RegNo{30}, x.reg_sp(RegNo{31}, true), B);
}

// Barriers: memory is sequentially consistent here and translation changes take effect at once. What remains is the
// completion of cache maintenance, which executors without modelled caches have no barrier() for.

template <class X>
Flow CLREX(X& x) {
  return x.call_pe([](auto& pe) {
    pe.clear_exclusive();
    return Flow::Next;
  });
}

template <class X>
Flow DSB(X& x, Imm<4>) {
  if constexpr (requires { x.barrier(BarrierKind::Dsb); }) x.barrier(BarrierKind::Dsb);
  return Flow::Next;
}

template <class X>
Flow DMB(X& x, Imm<4>) {
  if constexpr (requires { x.barrier(BarrierKind::Dmb); }) x.barrier(BarrierKind::Dmb);
  return Flow::Next;
}

template <class X>
Flow ISB(X& x) {
  if constexpr (requires { x.barrier(BarrierKind::Isb); }) x.barrier(BarrierKind::Isb);
  return Flow::Next;
}

template <class X>
Flow SB(X&) {
  return Flow::Next;
}

// Flag manipulation. NZCV is in bits 31:28.

template <class X>
Flow CFINV(X& x) {
  x.set_nzcv(x.eor(x.nzcv(), x.imm(u64{1} << 29)));
  return Flow::Next;
}

/// From the Arm to an alternative floating-point comparison format.
template <class X>
Flow AXFLAG(X& x) {
  x.set_nzcv(x.call(
      [](u64 flags) {
        const bool z = bit(flags, 30) || bit(flags, 28), c = bit(flags, 29) && !bit(flags, 28);
        return u64{z} << 30 | u64{c} << 29;
      },
      x.nzcv()));
  return Flow::Next;
}

template <class X>
Flow XAFLAG(X& x) {
  x.set_nzcv(x.call(
      [](u64 flags) {
        const bool z = bit(flags, 30), c = bit(flags, 29);
        return u64{!c && !z} << 31 | u64{z && c} << 30 | u64{c || z} << 29 | u64{!c && z} << 28;
      },
      x.nzcv()));
  return Flow::Next;
}

// PSTATE and system registers.

/// Only unmasking can let an interrupt in, and only PSTATE.D changes debug: the engine need not look up otherwise.
template <class X>
Flow MSR_imm(X& x, Imm<3> op1, Imm<4> CRm, Imm<3> op2) {
  const bool clears = op1 == 3 && op2 == 7, sets = op1 == 3 && op2 == 6;
  return x.call_pe([](auto& pe, unsigned op1_value, unsigned op2_value, u64 imm,
                      Flow done) { return pe.write_pstate_field(op1_value, op2_value, imm) ? done : Flow::Raise; },
                   op1.raw, op2.raw, CRm.zext(), clears || (sets && CRm.bit(3)) ? Flow::Sync : Flow::Next);
}

template <class X>
Flow MRS(X& x, Imm<1> o0, Imm<3> op1, Imm<4> CRn, Imm<4> CRm, Imm<3> op2, RegNo Rt) {
  return x.call_pe(
      [](auto& pe, SysRegEncoding encoding, unsigned rt) {
        u64 value;
        if (!pe.read_sysreg(encoding, rt, value)) return Flow::Raise;
        if (rt != 31) pe.s.x[rt] = value;
        return Flow::Next;
      },
      encode_sysreg(2 + o0, op1, CRn, CRm, op2), Rt.raw);
}

template <class X>
Flow MSR_reg(X& x, Imm<1> o0, Imm<3> op1, Imm<4> CRn, Imm<4> CRm, Imm<3> op2, RegNo Rt) {
  return x.call_pe(
      [](auto& pe, SysRegEncoding encoding, unsigned rt) {
        if (!pe.write_sysreg(encoding, rt, pe.s.x[rt])) return Flow::Raise;
        return pe.write_needs_sync(encoding) ? Flow::Sync : Flow::Next;
      },
      encode_sysreg(2 + o0, op1, CRn, CRm, op2), Rt.raw);
}

/// SYS and SYSL in the IMPLEMENTATION DEFINED space: nothing is there, but HCR_EL2.TIDCP may trap them.
template <class X>
Flow implementation_defined(X& x, SysRegEncoding encoding, bool read, RegNo Rt) {
  return x.call_pe(
      [](auto& pe, SysRegEncoding e, bool is_read, unsigned rt) {
        pe.raise_implementation_defined(e, is_read, rt);
        return Flow::Raise;
      },
      encoding, read, Rt.raw);
}

template <class X>
Flow SYS(X& x, Imm<3> op1, Imm<4> CRn, Imm<4> CRm, Imm<3> op2, RegNo Rt) {
  const SysRegEncoding encoding = encode_sysreg(1, op1, CRn, CRm, op2);
  if (CRn == 11 || CRn == 15) return implementation_defined(x, encoding, false, Rt);
  // DC, IC and AT (CRn 7) change neither translation nor masks; TLBI does.
  return x.call_pe(
      [](auto& pe, SysRegEncoding e, unsigned rt, bool changes_translation) {
        if (!pe.system_instruction(e, rt, pe.s.x[rt])) return Flow::Raise;
        return changes_translation ? Flow::Sync : Flow::Next;
      },
      encoding, Rt.raw, CRn != 7);
}

/// No SYSL instruction is implemented.
template <class X>
Flow SYSL(X& x, Imm<3> op1, Imm<4> CRn, Imm<4> CRm, Imm<3> op2, RegNo Rt) {
  return implementation_defined(x, encode_sysreg(1, op1, CRn, CRm, op2), true, Rt);
}

}  // namespace farside::isa::a64
