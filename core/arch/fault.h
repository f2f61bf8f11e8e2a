// core/arch/fault.h - one Fault value for every abort that a memory access can end in, and what the access was.
#pragma once
#include "core/arch/el.h"
#include "core/base/addr.h"

namespace farside {

/// Causes, in the Arm ARM's words; arch/fault_encode.cpp turns them into ESR, DFSR or PAR codes.
enum class FaultKind : u8 {
  None,
  AddressSize,
  Translation,
  AccessFlag,
  Permission,
  SyncExternal,
  SyncExternalOnWalk,
  Alignment,
  TlbConflict,
  UnsupportedAtomicUpdate,  ///< hardware AF/dirty update on memory that cannot do it (110001)
  UnsupportedExclusive,     ///< exclusive or atomic to unsupported memory (110101)
  Watchpoint,
};

/// ISS[24:14] of a data abort, as the instruction supplies it; only single-register loads and stores set `isv`.
struct InsnSyndrome {
  bool isv = false;
  u8 sas = 0;        ///< log2 of the access size in bytes
  bool sse = false;  ///< sign-extended load
  u8 srt = 0;
  bool sf = false;  ///< 64-bit destination
  bool ar = false;  ///< acquire or release
};

enum class AccessKind : u8 {
  Read,
  Write,
  Fetch,
  CacheMaintenance,    ///< DC, IC by VA except DC ZVA: ESR.CM = 1 and WnR = 1
  AddressTranslation,  ///< AT instructions
  Walk,                ///< a stage-1 descriptor fetch seen by stage 2
};

/// One access, as the instruction describes it. `el` is the EL whose permissions apply (LDTR: EL0).
struct Access {
  AccessKind kind = AccessKind::Read;
  El el = El::EL1;
  u8 size = 1;                ///< bytes, for alignment of Device accesses
  bool unprivileged = false;  ///< LDTR/STTR: PAN does not apply as for EL1
  bool pan = false;           ///< PSTATE.PAN (or its effective value) for this access; it only acts on privileged data
  bool at_write = false;      ///< AddressTranslation: AT ...W
  bool atomic = false;        ///< LSE read-modify-write: needs read and write; faults report the failing direction
  bool acquire_release = false;
  bool exclusive = false;
  bool zva = false;   ///< DC ZVA: Alignment fault on any Device memory
  bool ivac = false;  ///< DC IVAC: the one cache operation that needs write permission
  InsnSyndrome syndrome{};
  constexpr bool is_write() const { return kind == AccessKind::Write; }
  constexpr bool is_fetch() const { return kind == AccessKind::Fetch; }
};

/// Everything that the exception needs, and nothing derived from it.
struct Fault {
  FaultKind kind = FaultKind::None;
  i8 level = 0;  ///< table level of the descriptor in question; -1..3
  u8 stage = 1;
  bool s1ptw = false;  ///< stage-2 fault on a stage-1 table walk
  bool write = false;  ///< WnR: what the instruction did (1 for every CM access)
  bool fetch = false;
  bool cm = false;         ///< cache maintenance or address translation instruction
  bool ipa_valid = false;  ///< HPFAR_EL2 is architecturally valid
  Va va{};
  Ipa ipa{};  ///< for stage-2 faults
  InsnSyndrome syndrome{};
};

}  // namespace farside
