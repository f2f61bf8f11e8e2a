// core/pe/pe.h - one processing element: architectural state, and by file the operations on it.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>

#include "core/arch/esr.h"
#include "core/arch/features.h"
#include "core/arch/fp_env.h"
#include "core/arch/pac_key.h"
#include "core/arch/pstate.h"
#include "core/arch/sysreg.h"
#include "core/arch/vec.h"
#include "core/base/chance.h"
#include "core/pe/l0.h"
#include "core/pe/line_table.h"
#include "core/pe/ports.h"
#include "mmu/at.h"
#include "mmu/tlb.h"
#include "mmu/translate.h"

namespace farside::pe {

/// What DC ZVA clears: DCZID_EL0.BS = 4.
constexpr u64 kZvaBytes = 64;

/// Registers that software can see. PSTATE.{NZCV,BTYPE} live apart because every instruction touches them.
struct State {
  u64 x[32] = {};  ///< X0..X30; x[31] is always 0 and serves as XZR
  u64 sp = 0;      ///< the stack pointer in use; sp_bank holds the others
  u64 pc = 0;
  u64 nzcv = 0;         ///< flags in bits 31:28, other bits 0
  u8 btype = 0;         ///< PSTATE.BTYPE
  Pstate pstate{};      ///< everything but NZCV and BTYPE
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
  Fault fault{};      ///< Kind::Abort
  Esr esr{};          ///< Kind::Sync: EC, IL and ISS
  u64 return_pc = 0;  ///< Kind::Sync: the preferred exception return address
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
  static constexpr u64 kNone = 4;  ///< an offset: what is compared with `page` has no such bit, whatever PC is
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
  u64 exceptions_to[4] = {};  ///< taken, by target EL
  u64 slow_loads = 0, slow_stores = 0, slow_fetches = 0, mmio = 0;
};

class Pe {
 public:
  /// `physical`: the core that it is loaded on; its own number where vCPUs do not share cores.
  Pe(u32 index, const CpuModel& cpu, const Ports& ports, std::optional<u32> physical = std::nullopt);

  /// Warm reset (AArch64.TakeReset) to the highest implemented EL below EL3.
  void reset(u64 entry_pc, El el);

  u32 index() const { return index_; }
  /// The physical core that this PE's state is loaded on: whose caches it uses and whose TLB it holds. Its own unless
  /// vCPUs move (move_to).
  u32 physical() const { return physical_; }
  const CpuModel& cpu() const { return cpu_; }
  const Features& features() const { return cpu_.features; }
  El el() const { return s.pstate[Pstate::EL]; }
  u64 pc() const { return s.pc; }
  /// Instructions executed since reset, exact at any moment.
  u64 instructions() const { return instructions_at_end - static_cast<u64>(budget); }
  /// Of them, those executed at `at`, since reset or since a snapshot was restored; an ERET counts where it leads.
  u64 instructions_at(El at) const {
    return executed_at_[number(at)] + (at == counted_el_ ? instructions() - counted_ : 0);
  }
  /// Starts a slice of `n` instructions. It may stand for slices of `step` each, as long as nothing asks where those
  /// would have ended; 0: it does not.
  void begin_slice(u64 n, u64 step = 0) {
    instructions_at_end = instructions() + n;
    budget = static_cast<i64>(n);
    step_ = step;
    slice_begin_ = instructions() + spent;
  }
  /// Lets time pass without instructions: what a hosted hypervisor would have executed, in instruction times. A step
  /// ends with what is longer than it.
  void spend(u64 n) {
    spent += n;
    instructions_at_end -= n;
    budget -= static_cast<i64>(n);
    if (step_ != 0 && n >= step_) shorten_slice(0);
  }
  /// Ends the slice after the current instruction.
  void end_slice() { shorten_slice(1); }
  /// Ends the slice with the step that the current instruction belongs to.
  void end_step() {
    if (step_ != 0) shorten_slice(step_ - (instructions() + spent - slice_begin_) % step_);
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
  u64 pages_withdrawn = 0;              ///< times that loads lost a page (page_withdrawn)
  L0Context* l0_context = nullptr;      ///< of the current EL
  LineContext* line_context = nullptr;  ///< the same with modelled caches
  cache::Order* order = nullptr;        ///< with modelled caches: what barriers note
  /// The context of unprivileged loads and stores (LDTR, STTR), chosen when first needed.
  L0Context& unprivileged_context() { return l0_unprivileged_ != nullptr ? *l0_unprivileged_ : choose_unprivileged(); }
  /// The same, or null if none has been chosen since the context changed.
  L0Context* known_unprivileged_context() { return l0_unprivileged_; }
  /// The same with modelled caches: the lines lent to EL0, or null.
  LineContext* known_unprivileged_lines() { return lines_unprivileged_; }
  bool event_register = false;
  bool waiting = false;            ///< stopped in WFI or WFE
  bool waiting_for_event = false;  ///< with `waiting`: in WFE, so that the event register ends it too
  bool powered_on = false;         ///< PSCI
  bool debug_active = false;       ///< single-step, breakpoints or watchpoints need the slow loop
  i64 budget = 0;                  ///< instructions left in this slice; the engine counts down
  u64 spent = 0;                   ///< sum of spend()
  u64 instructions_at_end = 0;     ///< what instructions() will be when `budget` has reached 0
  Ports ports;
  mmu::Tlb tlb;
  bool scribble_hpfar = true;  ///< knob: HPFAR_EL2 gets junk whenever the architecture calls it UNKNOWN
  Chance chance{0, "pe"};      ///< for values that the architecture calls UNKNOWN; the machine seeds it

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
  /// The two-stage walk of `va` as text; no side effects.
  std::string explain(Va va, const Access& access);
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
  /// Loads this PE's state on another physical core, as a hypervisor's context switch does: the TLB is that core's
  /// (`core_tlb` gets the one that was held until now), and nothing derived from the old one is kept. Between slices.
  void move_to(u32 physical, mmu::Tlb& core_tlb);

  // cached_memory.cpp: with modelled caches (Ports::caches).
  void cache_barrier(cache::Barrier kind);
  /// The hierarchy takes back what it has lent to this PE (cache::LineListener).
  void line_withdrawn(cache::Side side, u32 place, cache::Withdrawn what);
  void page_withdrawn(const u8* page, u32 place, u64 lines, cache::Withdrawn what);
  /// A load or store that lent lines or pages serve, one or two of them. False: nothing has been done.
  bool access_lent(u64 va, unsigned size, bool write, u8* data) { return access_known(va, size, {}, write, data); }
  /// A load or store of bytes in one line that line_context does not have, without any check that could fail: done as
  /// load_slow and store_slow would, if the TLB has answered for the page already. False: nothing has been done.
  bool access_line(u64 va, unsigned size, bool write, u8* data);
  /// The instruction at PC is to be executed by its handler, but its access, to or from `data`, has been made.
  void access_made(u8* data) { made_ = data; }
  bool has_access_made() const { return made_ != nullptr; }
  /// An engine keeps what it knows of a line that has been fetched, or forgets it for all lines.
  void set_code(FetchLine& line, const void* code) { line_tables_.set_code(line, code); }
  void forget_code() { line_tables_.forget_code(); }
  /// Who executes the maintenance instruction at PC, for reports.
  cache::AccessInfo maintenance_access() const;
  /// Attributes that stage 2 gives to `ipa`, without side effects; nothing while stage 2 is off or ends in a fault.
  std::optional<MemAttr> stage2_attr(Ipa ipa, El el);

  /// `rom`, which BusPort::rom_page has given out, is not to be read or executed in place any more.
  void rom_withdrawn(std::span<const u8> rom);

  /// Stores to this page of the host must take the slow path from now on, until it is installed anew.
  void revoke_write(const u8* host_page) { l0_.revoke_write(host_page); }
  const L0::Counters& l0_counters() const { return l0_.counters; }

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
  /// ERET at the current EL, to ELR_ELx or to `target` (ERETAA).
  void exception_return(std::optional<u64> target = std::nullopt);
  /// SVC, HVC, SMC and BRK with everything that may trap, disable or redirect them. False: an exception is pending;
  /// true: firmware has answered the call.
  bool supervisor_call(u16 imm);
  bool hypervisor_call(u16 imm);
  bool secure_monitor_call(u16 imm);
  bool breakpoint_instruction(u16 imm);
  /// HLT without an external debugger: UNDEFINED, but for semihosting calls that somebody answers. False when an
  /// exception is pending; `again` says whether to execute it once more.
  bool halt_instruction(u16 imm, bool& again);
  /// WFI and WFE: false when a trap is pending; `wait` says whether to stop.
  bool wait_for_interrupt(bool& wait);
  bool wait_for_event(bool& wait);
  /// ESB: a masked pending SError moves to DISR_EL1 (or a virtual one to VDISR_EL2).
  void error_synchronization_barrier();

  // interrupt.cpp
  /// Takes the highest-priority unmasked interrupt, if any; true if one was taken.
  bool take_interrupt();
  /// True when some interrupt would end WFI, masked or not.
  bool wakeup_pending() const;

  // timer.cpp
  /// Counter value (CNTPCT units) of the next timer expiry, or all ones.
  u64 next_timer_expiry() const;
  /// Whether nothing happens to the timers, and nothing that they are asked for changes, from the last update_timers to
  /// the expiry that next_timer_expiry has said, unless a register is written.
  bool timers_steady() const { return pmu_running_ == 0 && event_stream_at_ == ~u64{0}; }
  /// Recomputes timer outputs; call when time has reached an expiry or a timer register changed.
  void update_timers();

  // sysreg_access.cpp: MSR, MRS and the trapped system instructions. False: an exception is pending.
  bool read_sysreg(SysRegEncoding encoding, unsigned rt, u64& value);
  bool write_sysreg(SysRegEncoding encoding, unsigned rt, u64 value);

  /// SYS or SYSL that nothing implements: UNDEFINED, or the HCR_EL2.TIDCP trap where CRn is 11 or 15.
  void raise_implementation_defined(SysRegEncoding encoding, bool read, unsigned rt);
  /// True when a write may change interrupt masks, translation or debug state: the engine must look again.
  static bool write_needs_sync(SysRegEncoding encoding);
  /// MSR (immediate): op1:op2 select the PSTATE field. False: an exception is pending.
  bool write_pstate_field(unsigned op1, unsigned op2, u64 imm);
  /// Register values as privileged software on this PE would read and write them, with all effects but no checks:
  /// for a hosted hypervisor, the monitor and the debugger.
  u64 read_register(SysReg reg);
  void write_register(SysReg reg, u64 value);

  // snapshot.cpp
  /// Visits everything that a snapshot keeps, between slices.
  void visit_state(StateVisitor& visitor);

  // pmu.cpp
  /// Brings the counters up to date and raises the overflow interrupt if one is due.
  void update_pmu();

  // maintenance.cpp: SYS instructions (DC, IC, TLBI, AT). False: an exception is pending.
  bool system_instruction(SysRegEncoding encoding, unsigned rt, u64 value);
  /// AT as this PE would execute it now: the PAR_EL1 value, or the Fault that it ends in. No register is written.
  Result<u64, Fault> at(const mmu::AtOp& op, Va va);

  // pauth.cpp: an IMPDEF algorithm. False: a trap to EL2 is pending. IA and IB sign instruction addresses, DA and DB
  // data.
  /// AddPACIA..DB: `value` gets a PAC, unless SCTLR_ELx.En<key> is 0.
  bool add_pac(u64& value, u64 modifier, PacKey key);
  /// AuthIA..DB: removes the PAC; a wrong one leaves a non-canonical address (no FEAT_FPAC).
  bool auth_pac(u64& value, u64 modifier, PacKey key);
  /// XPACI (instruction), XPACD: never trapped.
  u64 strip_pac(u64 value, bool instruction) const;
  /// What translated code must know of instruction key A: the bits that a PAC replaces in addresses whose bit 55 is 0
  /// and 1, none while the key is disabled. False: using the key traps.
  bool pac_masks(u64 (&masks)[2]);
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
  void shorten_slice(u64 most) {
    if (budget <= static_cast<i64>(most)) return;
    instructions_at_end -= static_cast<u64>(budget) - most;
    budget = static_cast<i64>(most);
  }
  // pe.cpp
  void reset_registers(u64 entry_pc);
  bool at_e2h(El el) const;  ///< `el` is EL2, or EL0 under it, with HCR_EL2.E2H in force
  u64 hcr() const { return s.sys[SysReg::HCR_EL2]; }
  bool has(u64 hcr_bit) const { return (hcr() & hcr_bit) != 0; }
  // snapshot.cpp
  void restored(StateVisitor& visitor, u64 executed);
  void visit_physical(StateVisitor& visitor);
  void visit_lines(StateVisitor& visitor);
  // exception.cpp
  El target_of(const Pending& what) const;
  void enter(El target, u64 vector, u64 return_pc, Pstate saved);
  Pstate entry_pstate(El target) const;
  Pstate return_pstate(Pstate spsr) const;
  bool illegal_return(Pstate spsr) const;
  void write_hpfar(const Fault* fault);
  void update_fp_trap();
  El fp_trap_target(bool& trapped) const;
  bool trap_wfx(bool wfe);
  // interrupt.cpp
  bool unmasked(El target, bool mask) const;
  bool take_physical(bool pending, u64 route, bool mask, u64 vector);
  bool take_virtual(bool pending, u64 route, bool mask, u64 vector);
  void take_serror(El target, u64 esr);
  u64 isr() const;
  // timer.cpp
  struct TimerRegs;
  static const TimerRegs kTimers[];
  bool timer_met(const TimerRegs& timer, u64 count) const;
  u64 timer_offset(const TimerRegs& timer) const;
  u64 virtual_count(u64 physical) const;
  u64 read_counter(SysReg reg);
  u64 read_timer(SysReg reg);
  void write_timer(SysReg reg, u64 value);
  u64 event_stream_expiry(u64 now) const;
  void set_ppi(unsigned intid, bool level);
  // sysreg_trap.cpp
  bool trap_sysreg(SysRegEncoding encoding, TrapGroup group, bool read, unsigned rt);
  bool trap_to(El target, SysRegEncoding encoding, bool read, unsigned rt);
  bool counter_closed_to_el0(TrapGroup group) const;
  bool counter_closed_to_el1(TrapGroup group) const;
  bool closed_to_el0(TrapGroup group, bool read) const;
  bool wanted_by_el2(TrapGroup group, bool read) const;
  // sysreg_access.cpp
  bool access_unallocated(SysRegEncoding encoding, bool read, unsigned rt, u64& value);
  bool refuse(SysRegEncoding encoding, bool read, unsigned rt);
  bool exists(SysReg reg, const SysRegInfo& row) const;
  std::optional<SysReg> admit(SysRegEncoding encoding, bool read, unsigned rt, u64& value, bool& done);
  // sysreg_effects.cpp
  std::optional<SysReg> redirect(SysRegEncoding encoding) const;
  u64 read_special(SysReg reg, SysRegKind kind);
  void write_special(SysReg reg, SysRegKind kind, u64 value);
  u64 read_pstate_register(SysReg reg) const;
  void write_pstate_register(SysReg reg, u64 value);
  void store_legal(SysReg reg, u64 value);
  void replace_pstate(Pstate pstate);
  // debug.cpp
  bool debug_exceptions_from(El from, bool masked) const;
  El debug_target() const;
  bool breakpoint_matches(unsigned n) const;
  bool link_matches(unsigned n) const;
  bool context_matches(unsigned n) const;
  bool privilege_matches(bool hmc, unsigned ssc, unsigned pxc, El el) const;
  bool watchpoint_matches(unsigned n, u64 va, unsigned size, bool write, El el, u64& hit) const;
  bool stepped_load_exclusive();
  // pmu.cpp
  u64 read_pmu(SysReg reg);
  bool pmu_register_exists(SysReg reg) const;
  void write_pmu(SysReg reg, u64 value);
  void pmu_changed();
  bool pmu_counts(unsigned n) const;
  void pmu_add(unsigned n, u64 amount);
  unsigned pmu_visible() const;
  u64 pmu_mask() const;
  u64 pmu_expiry(u64 now) const;
  // pauth.cpp
  bool pac_enabled(PacKey key) const;
  bool pac_trapped();
  struct PacField {
    unsigned bottom = 0;  ///< lowest bit of the PAC
    bool tbi = false;     ///< bits 63:56 are a tag, not part of the PAC
    bool any_tbi = false;
  };
  PacField pac_field(bool upper, bool instruction) const;
  u64 compute_pac(u64 data, u64 modifier, SysReg key) const;

  struct Piece;
  class Walker;
  class Peeker;
  L0Context& choose_unprivileged();
  L0Key l0_key(El el, bool pan);
  bool stack_alignment_checked() const;
  Access make_access(AccessKind kind, u64 va, unsigned size, const MemRequest& how) const;
  bool check_alignment(u64 va, unsigned size, const MemRequest& how, bool write);
  bool translate_piece(u64 va, unsigned size, const Access& access, Piece& piece);
  bool translate_span(u64 va, unsigned size, const Access& access, Piece (&pieces)[2]);
  bool transfer(const Piece& piece, unsigned element, bool write, u8* data);
  bool access_pieces(Piece (&pieces)[2], const Access& access, const MemRequest& how, bool write, u8* data);
  /// Where entries of the TLB may come into each other's way (knob bbm) each access has to ask it.
  bool keeps_translations() const { return tlb.knobs().bbm == mmu::Bbm::Old; }
  void install(const Piece& piece, L0Context& context);
  bool may_install_write(const Piece& piece);
  bool device_transfer(const Piece& piece, unsigned element, bool write, u8* data);
  void trace_fault(const Fault& fault) const;
  u64 branch_address(u64 target);
  u8* probe_aligned(u64 va, unsigned size, const MemRequest& how, bool write);
  u8* locate(u64 va, unsigned size, const Access& access);
  bool locate_piece(u64 va, unsigned size, const Access& access, Piece& piece);
  // cached_memory.cpp
  cache::AccessInfo cache_access(cache::AccessKind kind, El el, u64 va, const mmu::Translation& t);
  cache::AccessInfo walk_access(Pa pa, const MemAttr& attr, u64 va) const;
  std::optional<u64> cached_descriptor(Pa pa, const MemAttr& attr, u64 va);
  mmu::SwapOutcome cached_descriptor_swap(Pa pa, const MemAttr& attr, u64 va, u64 expected, u64 desired);
  bool peek_physical(Pa pa, void* out, usize size) const;
  /// The piece is RAM of a machine whose caches are modelled.
  bool is_cached(const Piece& piece) const;
  void cached_access(const Piece& piece, El from, bool write, u8* data, const L0Context& context);
  void remember_line(LineContext& lines, const mmu::Translation& t, u64 va, const cache::LinePointer& line, bool write);
  LineContext* unprivileged_lines();
  bool cached_access_fast(u64 va, unsigned size, const MemRequest& how, bool write, u8* data);
  bool access_known(u64 va, unsigned size, const MemRequest& how, bool write, u8* data);
  bool cached_fetch(u64 pc);
  bool fetch_known_line(u64 pc);
  u8* cached_spot(u64 va, unsigned size, bool write, bool atomic);
  u8* lent_spot(u64 va, unsigned size, bool write);
  void store_spot(unsigned size);
  void spot_written(unsigned size) {
    if (ports.caches != nullptr) store_spot(size);
  }
  bool cached_zero(const Piece& piece);
  void choose_lines();
  struct KnownPage;
  KnownPage& known_page(u64 va, bool fetch);
  bool is_current(const KnownPage& known, u64 va, bool fetch) const;
  bool known_piece(u64 va, unsigned size, const Access& access, Piece& piece);
  void keep_piece(const Access& access, const Piece& piece);
  /// The name of an exclusive location: its host address in RAM.
  const u8* monitored(const u8* host) const { return ports.caches == nullptr ? host : spot_.ram; }
  u8* exclusive_location(u64 va, unsigned size, bool write, bool atomic);
  u64 sctlr() const;
  u64 trapping_hcr() const;
  bool trap_system_instruction(SysRegEncoding encoding, unsigned rt, El target);
  bool undefined_instruction();
  bool cache_maintenance_by_va(u64 va, bool instruction, bool ivac, cache::Action action, cache::Point point);
  bool tlb_maintenance(SysRegEncoding encoding, unsigned rt, u64 value);
  bool address_translation(SysRegEncoding encoding, unsigned rt, u64 value);

  void count_by_el(El now);

  u64 step_ = 0, slice_begin_ = 0;  ///< see begin_slice; instructions() + spent where it began
  u64 reset_pc_ = 0;
  u64 executed_at_[4] = {};        ///< instructions by EL, up to `counted_`
  u64 counted_ = 0;                ///< an instructions()
  El counted_el_ = El::EL0;        ///< where those after `counted_` are executed
  u32 ppi_levels_ = 0;             ///< outputs as last reported, bit per INTID
  u64 event_stream_at_ = ~u64{0};  ///< counter value of the next event, while waiting in WFE
  u64 pmu_counted_ = 0;            ///< instructions() up to which the PMU counters are right
  u64 pmu_running_ = 0;            ///< counters that count now; bit 31 is PMCCNTR_EL0
  u64 pmu_prescaler_ = 0;          ///< cycles not yet counted with PMCR_EL0.D
  bool step_taken_ = false;        ///< the previous instruction ran as a software step
  bool step_exclusive_ = false;    ///< and it was a load-exclusive
  bool os_locked_ = true;

  L0Context* l0_unprivileged_ = nullptr;
  u32 index_, physical_;
  CpuModel cpu_;
  L0 l0_;
  u64 epoch_ = 0;
  bool fp_enabled_ = false;
  bool sp_alignment_checked_ = false;
  bool regime_valid_[3] = {};
  mmu::Regime regimes_[3]{};

  // With modelled caches only, but for the attributes.
  struct Spot {
    mmu::Translation t{};
    u64 va = 0;
    El el = El::EL0;
    const u8* ram = nullptr;
    bool lent = false;               ///< the instruction works in a lent line
  } spot_;                           ///< the location of the exclusive or atomic that is being executed
  std::array<u8, 16> spot_data_{};   ///< and what the instruction sees and stores there
  std::array<u8, 64> fetch_line_{};  ///< where fetch_page.host points while no line is lent
  LineTables line_tables_;
  /// What the TLB has answered for a page of RAM, until the TLB or the context changes: each line that is new asks.
  struct KnownPage {
    u64 tag = ~u64{0};  ///< the page's address, bit 0 set for fetches
    u64 context = 0;    ///< LineContext::fetches
    u64 generation = 0;
    mmu::Translation t{};
    u8* host = nullptr;
    cache::AccessInfo info{};  ///< of accesses to the page, but for PC and addresses
    bool unchecked = false;    ///< no access needs a check of its own, unless debugged: its lines may be lent
  };
  std::array<KnownPage, 512> known_pages_{};
  LineContext* lines_unprivileged_ = nullptr;  ///< see known_unprivileged_lines
  u8* made_ = nullptr;                         ///< see access_made
};

}  // namespace farside::pe
