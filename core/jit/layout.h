// core/jit/layout.h - where guest state lives while translated code runs: host registers, and memory by displacement.
#pragma once
#include <cstddef>

#include "core/jit/asm.h"
#include "core/pe/pe.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // Pe has no virtual functions and no bases

namespace farside::jit {

// RBP points into the PE so that X8..X30, SP, PC and the flags are one byte of displacement away; R15 is the current
// L0 context or, with modelled caches, the current context of lent lines. RAX, RCX and RDX belong to the instruction
// being executed.
constexpr HostReg kState = RBP, kL0 = R15, kLineContext = R15;
constexpr i32 kStateBias = 192;

/// Guest register numbers of the translator: X0..X30, and SP apart from XZR.
constexpr unsigned kGuestSp = 32;

/// The host register that holds a guest register throughout translated code, or RSP (none).
constexpr HostReg host_of(unsigned guest) {
  constexpr HostReg kLow[8] = {RBX, RSI, RDI, R8, R9, R10, R11, R12};
  if (guest < 8) return kLow[guest];
  return guest == 19 ? R13 : guest == kGuestSp ? R14 : RSP;
}
constexpr bool is_mapped(unsigned guest) { return host_of(guest) != RSP; }
constexpr unsigned kMapped[] = {0, 1, 2, 3, 4, 5, 6, 7, 19, kGuestSp};

constexpr HostMem pe_field(usize offset) { return {kState, static_cast<i32>(offset) - kStateBias}; }
constexpr HostMem guest_slot(unsigned guest) {
  return pe_field(offsetof(pe::Pe, s) +
                  (guest == kGuestSp ? offsetof(pe::State, sp) : offsetof(pe::State, x) + guest * 8));
}
constexpr HostMem vector_slot(unsigned n) { return pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, v) + n * 16); }
constexpr HostMem kPcSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, pc));
constexpr HostMem kSpEl0Slot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, sp_bank));  ///< while SPSel is 1
constexpr HostMem kBtypeSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, btype));
constexpr HostMem kPstateSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, pstate));
constexpr HostMem kFpcrSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, fp) + offsetof(FpEnv, fpcr));
constexpr HostMem kFpsrSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, fp) + offsetof(FpEnv, fpsr));
constexpr HostMem kBudgetSlot = pe_field(offsetof(pe::Pe, budget));
constexpr HostMem kLinesSlot = pe_field(offsetof(pe::Pe, lines));
constexpr HostMem kL0Slot = pe_field(offsetof(pe::Pe, l0_context));
constexpr HostMem kLineContextSlot = pe_field(offsetof(pe::Pe, line_context));
constexpr HostMem kOrderSlot = pe_field(offsetof(pe::Pe, order));
constexpr HostMem sysreg_slot(SysReg reg) {
  return pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, sys) + static_cast<usize>(reg) * 8);
}

// The flags lie in the upper half of State::nzcv, which is zero while other code runs, as LAHF and SETO give them after
// a subtraction: V in bit 0 of a byte; then N in bit 7, Z in bit 6 and the opposite of C in bit 0 of another.
constexpr HostMem kFlagsSlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, nzcv) + 4);
constexpr HostMem kOverflowSlot = kFlagsSlot;
constexpr HostMem kSignZeroCarrySlot = pe_field(offsetof(pe::Pe, s) + offsetof(pe::State, nzcv) + 5);
constexpr u8 kStoredN = 0x80, kStoredZ = 0x40, kStoredNotC = 0x01;

/// The stored form of NZCV in bits 3:0.
constexpr u16 stored_flags(u32 nzcv) {
  return static_cast<u16>((nzcv & 1) | ((nzcv >> 3 & 1) << 7 | (nzcv >> 2 & 1) << 6 | (~nzcv >> 1 & 1)) << 8);
}
inline void flags_to_host(pe::State& s) { s.nzcv = u64{stored_flags(static_cast<u32>(s.nzcv >> 28))} << 32; }
inline void flags_from_host(pe::State& s) {
  const u64 f = s.nzcv >> 32;
  s.nzcv = (f >> 15 & 1) << 31 | (f >> 14 & 1) << 30 | (~f >> 8 & 1) << 29 | (f & 1) << 28;
}

constexpr i32 kReadTable = offsetof(pe::L0Context, read), kWriteTable = offsetof(pe::L0Context, write),
              kFetchTable = offsetof(pe::L0Context, fetch);
static_assert(sizeof(pe::L0Entry) == 16 && offsetof(pe::L0Entry, tag) == 0 && offsetof(pe::L0Entry, host) == 8);
/// The table of whole pages has that geometry, too.
constexpr i32 kLoadPages = offsetof(pe::LineContext, loads);
/// (va >> 8) & kL0IndexMask is the byte offset of an address's entry.
constexpr i32 kL0IndexMask = ((1 << pe::kL0Log2) - 1) << 4;

/// Why translated code returned, in RAX; anything larger is the Link that was not connected yet.
enum Exit : u64 {
  kContinue = 0,  ///< of a fallback call: go on with the next instruction of the block
  kLookup,        ///< PC names the next instruction; BTYPE may be set
  kReconsider,    ///< interrupts, masks, translation or debug state may have changed
  kOutOfBudget,   ///< PC names a block that is longer than the slice
  kStale,         ///< PC names a block whose bytes have changed
  kNotLent,       ///< PC names an instruction whose line is not lent, or is another than the connected block's
  kFetched,       ///< PC names an instruction that Pe::fetch_page has already, of a line that is not lent
  kLastExit = kFetched,
};

/// What code at EL1 that uses the SP of EL1 may do without asking: bits, all clear elsewhere.
enum El1Right : u8 {
  kEl1Storage = 1,      ///< registers that nothing traps
  kEl1Translation = 2,  ///< registers of TrapGroup::TVM
  kEl1Keys = 4,         ///< registers of TrapGroup::APK
  kEl1CacheType = 8,    ///< CTR_EL0
  kEl1Masks = 16,       ///< changes of PSTATE.DAIF, while InterruptLines is clear
};

/// What translated code finds near it (CodeBuffer::frame_field).
struct Frame {
  pe::Pe* pe = nullptr;
  class Jit* jit = nullptr;
  void* jump_cache = nullptr;
  u8 zva_allowed = 0;  ///< DC ZVA neither trapped nor disabled
  u8 el1_rights = 0;   ///< El1Right bits
  u8 fp_allowed = 0;
  u8 pac_allowed = 0;          ///< instruction key A does not trap
  u8 fp_unit = 0;              ///< the host's MXCSR stands for FPCR and collects flags of FPSR
  u8 exclusives_anywhere = 0;  ///< exclusives and atomics succeed on all memory
  u8 unused[2] = {};
  u64 pac_masks[2] = {};         ///< see Pe::pac_masks
  void* unprivileged = nullptr;  ///< what LDTR and STTR probe, once known: an L0Context or a LineContext
  u64 host_stack = 0;            ///< RSP of the C++ that has entered translated code
  u64 ring = 0;                  ///< RSP of translated code, while that calls C++
};
constexpr unsigned kRunSlots = 4;

/// What translated code reaches by displacement from RIP.
struct EngineData {
  Frame frame;
  u64 distances[kRunSlots] = {};  ///< from guest to host addresses, as runs of accesses have found (access_runs.h)
  struct Returns {
    u64 pushed = 0, hits = 0;  ///< calls, and returns to where the last of them came from; counted on request only
    u64 misses = 0;            ///< returns to elsewhere
    u64 unknown = 0;           ///< returns of which the ring has nothing
  } returns;
};

}  // namespace farside::jit

#pragma GCC diagnostic pop
