// core/pe/pe.h - one processing element: architectural state, and by file the operations on it.
#pragma once
#include <array>
#include <optional>

#include "core/arch/esr.h"
#include "core/arch/features.h"
#include "core/arch/fp_env.h"
#include "core/arch/pac_key.h"
#include "core/arch/pstate.h"
#include "core/arch/sysreg.h"
#include "core/arch/vec.h"
#include "core/pe/l0.h"
#include "core/pe/ports.h"
#include "mmu/at.h"
#include "mmu/tlb.h"
#include "mmu/translate.h"

namespace farside::pe {

/// What DC ZVA clears: DCZID_EL0.BS = 4.
constexpr u64 kZvaBytes = 64;

/// Registers that software can see. PSTATE.{NZCV,BTYPE} live apart because every instruction touches them.
struct State {
  u64 x[32] = {};   ///< X0..X30; x[31] is always 0 and serves as XZR
  u64 sp = 0;       ///< the stack pointer in use; sp_bank holds the others
  u64 pc = 0;
  u64 nzcv = 0;     ///< flags in bits 31:28, other bits 0
  u8 btype = 0;     ///< PSTATE.BTYPE
  Pstate pstate{};  ///< everything but NZCV and BTYPE
  u64 sp_bank[4] = {};  ///< SP_EL0..SP_EL3; the entry of the SP in use is stale
  alignas(16) Vec v[32] = {};
  FpEnv fp{};
  SysRegs sys{};
};

/// The pointer authentication keys.
using farside::PacKey;

/// A synchronous exception that an instruction has raised and the engine has not taken yet.
struct Pending {
  enum class Kind : u8 { None, Abort, Sync } kind = Kind::None;
  Fault fault{};            ///< Kind::Abort
  Esr esr{};                ///< Kind::Sync: EC, IL and ISS
  u64 return_pc = 0;        ///< Kind::Sync: the preferred exception return address
  std::optional<u64> far{};
  El minimum_target = El::EL1;  ///< HVC and traps to EL2 name EL2
};

/// The exclusive monitor (Arm ARM B2.12), exact because PEs run in turns: nobody else stores between a PE's
/// load-exclusive and store-exclusive, and the scheduler opens the monitor when the turn ends.
struct ExclusiveMonitor {
  bool armed = false;
  u8 size = 0;               ///< bytes of the load-exclusive
  const u8* host = nullptr;  ///< the location, as its one host address
};

/// Interrupt inputs. The virtual ones come from HCR_EL2.{VI,VF,VSE} or a hosted hypervisor's interrupt controller.
struct InterruptLines {
  bool irq = false, fiq = false, virq = false, vfiq = false, serror = false;
};

/// What the fetch unit remembers: the page that PC is in.
struct FetchPage {
  static constexpr u64 kNone = 1;  ///< never equals a page address
  u64 page = kNone;
  const u8* host = nullptr;
  bool guarded = false;  ///< BTI applies
};

/// An access that could not take the L0 path, as the executor describes it.
struct MemRequest {
  bool unprivileged = false, acquire_release = false, exclusive = false, atomic = false, zva = false;
  u8 element = 0;  ///< bytes that are checked for alignment and reach a device at once; 0: the whole access
  InsnSyndrome syndrome{};
};

struct Counters {
  u64 exceptions_to[4] = {};   ///< taken, by target EL
  u64 slow_loads = 0, slow_stores = 0, slow_fetches = 0, mmio = 0;
};

class Pe {
 public:
  Pe(u32 index, const CpuModel& cpu, const Ports& ports);

  /// Warm reset (AArch64.TakeReset) to the highest implemented EL below EL3.
  void reset(u64 entry_pc, El el);

  u32 index() const { return index_; }
  const CpuModel& cpu() const { return cpu_; }
  const Features& features() const { return cpu_.features; }
  El el() const { return s.pstate[Pstate::EL]; }
  u64 pc() const { return s.pc; }
  /// Instructions executed since reset, exact at any moment.
  u64 instructions() const { return instructions_at_end - static_cast<u64>(budget); }
  /// Starts a slice of `n` instructions.
  void begin_slice(u64 n) {
    instructions_at_end = instructions() + n;
    budget = static_cast<i64>(n);
  }
  /// Ends the slice after the current instruction.
  void end_slice() {
    if (budget <= 0) return;
    instructions_at_end -= static_cast<u64>(budget) - 1;
    budget = 1;
  }
  /// PSTATE with NZCV and BTYPE folded in: what SPSR would get.
  Pstate pstate() const;
  /// Installs a whole PSTATE, switching the banked SP and everything that depends on EL.
  void set_pstate(Pstate pstate);

  State s;
  Pending pending;
  ExclusiveMonitor monitor;
  InterruptLines lines;
  FetchPage fetch_page;
  Counters counters;
  L0Context* l0_context = nullptr;  ///< of the current EL
  /// The context of unprivileged loads and stores (LDTR, STTR), chosen when first needed.
  L0Context& unprivileged_context() { return l0_unprivileged_ != nullptr ? *l0_unprivileged_ : choose_unprivileged(); }
  bool event_register = false;
  bool waiting = false;     ///< stopped in WFI or WFE
  bool powered_on = false;  ///< PSCI
  bool debug_active = false;  ///< single-step, breakpoints or watchpoints need the slow loop
  i64 budget = 0;           ///< instructions left in this slice; the engine counts down
  u64 instructions_at_end = 0;  ///< what instructions() will be when `budget` has reached 0
  Ports ports;
  mmu::Tlb tlb;

  // memory.cpp: the slow door to memory. On false an exception is pending.
  bool load_slow(u64 va, unsigned size, const MemRequest& how, void* out);
  bool store_slow(u64 va, unsigned size, const MemRequest& how, const void* data);
  /// Finds the page of PC for the fetch unit.
  bool fetch_slow(u64 pc);
  bool zero_block(u64 va);
  /// Translation with the current context, for data and instructions; pending is set on a fault.
  std::optional<mmu::Translation> translate(u64 va, const Access& access);
  /// Reads guest memory as the debugger or a trace would: no side effects, no faults; false if unmapped.
  bool peek(Va va, void* out, usize size);
  /// Registers that steer translation have changed: rebuild regimes, leave every L0 context.
  void translation_changed();
  /// EL, PSTATE.PAN, ASID or VMID may have changed: choose the L0 context again.
  void context_changed();
  /// TTBR0, TTBR1 or VTTBR alone have changed: what they name is read again, but nothing cached is forgotten.
  void ttbr_changed();
  /// The regime that accesses from `el` use, rebuilt if its registers have changed.
  const mmu::Regime& regime(El el);
  const mmu::Regime& regime(RegimeId id);
  void apply_tlbi(const mmu::TlbiOp& op);

  // monitor.cpp: exclusives and atomics.
  bool load_exclusive(u64 va, unsigned size, bool pair, bool acquire, u64 out[2]);
  /// `failed` is the status register's value: false when the store happened.
  bool store_exclusive(u64 va, unsigned size, bool pair, bool release, const u64 in[2], bool& failed);
  void clear_exclusive() { monitor.armed = false; }
  /// FEAT_LSE: `op` is an isa::AtomicOp; `old` gets the previous value, zero-extended. False: an exception is pending.
  bool atomic(unsigned op, u64 va, unsigned size, u64 operand, bool acquire_release, u64& old);
  bool compare_and_swap(u64 va, unsigned size, bool pair, const u64 expected[2], const u64 desired[2],
                        bool acquire_release, u64 old[2]);

  // exception.cpp: the only place where a Fault becomes an exception.
  void raise(const Fault& fault);
  /// Preferred return address is this instruction unless `return_offset` says otherwise (SVC, HVC: 4).
  void raise(Ec ec, u64 iss, u64 return_offset = 0, El minimum_target = El::EL1);
  void raise_sp_alignment();
  /// CheckFPAdvSIMDEnabled64 traps, cached: recomputed when CPACR_EL1, CPTR_EL2, HCR_EL2 or EL change.
  bool fp_enabled() const { return fp_enabled_; }
  void raise_fp_trap();
  bool sp_alignment_checked() const { return sp_alignment_checked_; }
  /// Takes the pending synchronous exception: routing, ESR, FAR, HPFAR, ELR, SPSR, PSTATE, vector.
  void take_pending();
  void exception_return();

  // interrupt.cpp
  /// Takes the highest-priority unmasked interrupt, if any; true if one was taken.
  bool take_interrupt();
  /// True when some interrupt would end WFI, masked or not.
  bool wakeup_pending() const;

  // timer.cpp
  /// Counter value (CNTPCT units) of the next timer expiry, or all ones.
  u64 next_timer_expiry() const;
  /// Recomputes timer outputs; call when time has reached an expiry or a timer register changed.
  void update_timers();

  // sysreg_access.cpp: MSR, MRS and the trapped system instructions. False: an exception is pending.
  bool read_sysreg(SysRegEncoding encoding, unsigned rt, u64& value);
  bool write_sysreg(SysRegEncoding encoding, unsigned rt, u64 value);

  // maintenance.cpp: SYS instructions (DC, IC, TLBI, AT). False: an exception is pending.
  bool system_instruction(SysRegEncoding encoding, unsigned rt, u64 value);
  /// AT as this PE would execute it now: the PAR_EL1 value, or the Fault that it ends in. No register is written.
  Result<u64, Fault> at(const mmu::AtOp& op, Va va);

  // pauth.cpp: an IMPDEF algorithm. False: a trap to EL2 is pending. IA and IB sign instruction addresses, DA and DB data.
  /// AddPACIA..DB: `value` gets a PAC, unless SCTLR_ELx.En<key> is 0.
  bool add_pac(u64& value, u64 modifier, PacKey key);
  /// AuthIA..DB: removes the PAC; a wrong one leaves a non-canonical address (no FEAT_FPAC).
  bool auth_pac(u64& value, u64 modifier, PacKey key);
  /// XPACI (instruction), XPACD: never trapped.
  u64 strip_pac(u64 value, bool instruction) const;
  /// PACGA: the result has 32 significant bits, in 63:32.
  bool generic_pac(u64& result, u64 value, u64 modifier);

  // debug.cpp
  /// Recomputes `debug_active` after a change of debug registers or PSTATE.
  void debug_changed();
  /// Called by the engine's slow loop before the instruction at PC: true if a debug exception was raised.
  bool check_before_instruction();
  /// A watchpoint matches this data access.
  bool watchpoint_hit(u64 va, unsigned size, bool write, bool unprivileged);

 private:
  struct Piece;
  class Walker;
  L0Context& choose_unprivileged();
  L0Key l0_key(El el, bool pan);
  Access make_access(AccessKind kind, u64 va, unsigned size, const MemRequest& how) const;
  bool check_alignment(u64 va, unsigned size, const MemRequest& how, bool write);
  bool translate_piece(u64 va, unsigned size, const Access& access, Piece& piece);
  bool translate_span(u64 va, unsigned size, const Access& access, Piece (&pieces)[2]);
  bool transfer(const Piece& piece, unsigned element, bool write, u8* data);
  void install(const Piece& piece, L0Context& context);
  bool device_transfer(const Piece& piece, unsigned element, bool write, u8* data);
  u8* locate(u64 va, unsigned size, const Access& access);
  u8* exclusive_location(u64 va, unsigned size, bool write, bool atomic);
  u64 sctlr() const;
  u64 trapping_hcr() const;
  bool trap_system_instruction(SysRegEncoding encoding, unsigned rt, El target);
  bool undefined_instruction();
  bool cache_maintenance_by_va(u64 va, bool instruction, bool ivac, cache::Action action, cache::Point point);
  bool tlb_maintenance(SysRegEncoding encoding, unsigned rt, u64 value);
  bool address_translation(SysRegEncoding encoding, unsigned rt, u64 value);

  L0Context* l0_unprivileged_ = nullptr;
  u32 index_;
  CpuModel cpu_;
  L0 l0_;
  u64 epoch_ = 0;
  bool fp_enabled_ = false;
  bool sp_alignment_checked_ = false;
  bool regime_valid_[3] = {};
  mmu::Regime regimes_[3]{};
};

}  // namespace farside::pe
