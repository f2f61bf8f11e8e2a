// firmware/hyp/policy.h - what the hypervisor does and leaves undone: eras of KVM/arm, cache strategies and single
// pieces of them as named switches.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/types.h"

namespace farside::hyp {

/// Which stage-2 aborts count as writes (kvm_is_write_fault).
enum class WriteFaultRule : u8 {
  UnlessKnownRead,  ///< 2012: everything but fetches and aborts with ISV = 1 and WnR = 0
  Wnr,              ///< 2014: WnR of data aborts
  DataWalkIsWrite,  ///< 2016: and any S1PTW of a data access
  AnyWalkIsWrite,   ///< 2020: and any S1PTW of a fetch
  WalkByType,       ///< 2023: S1PTW is a write for permission faults only
};

/// Cache operations by VA on an IPA without memory, or on memory of a read-only slot. All are aborts with CM = WnR = 1;
/// only DC IVAC needs write permission at stage 2.
enum class CmoRule : u8 {
  NotHandled,  ///< before 2016: a device access, on holes too
  Skip,        ///< 2016: skipped on holes and on read-only slots
  Exit,        ///< 2020: skipped on holes; on a read-only slot an access to a device, without syndrome
  Inject,      ///< thread 1 of 2021: a translation fault maps as a read would; DC IVAC on a read-only slot aborts
  Perform,     ///< the same, but the hypervisor does the refused DC IVAC itself, as DC CIVAC
};

/// When a new cacheable mapping is cleaned and invalidated to the PoC.
enum class CleanAtMap : u8 {
  Never,
  CachesOff,     ///< SCTLR_EL1.{M,C} are not both 1
  NonCacheable,  ///< AT and PAR_EL1.ATTR say that the faulting access is not write-back
  Always,
};

/// When stage 2 forces write-back attributes (HCR_EL2.FWB).
enum class FwbUse : u8 {
  NotUsed,
  IfPresent,
  Required,  ///< a VM on a CPU without FEAT_S2FWB is refused
};

/// One choice for all switches. Copy a named one and flip single switches to reproduce a bug.
struct Policy {
  using enum WriteFaultRule;
  using enum CmoRule;
  using enum CleanAtMap;
  using enum FwbUse;
  std::string_view name = "k6.1";
#define SWITCH(type, name, v7_2012, v8_2014, k6_1, k6_2, text) type name = k6_1;
#include "firmware/hyp/policy.def"
#undef SWITCH
};

/// A named policy with one line about it.
struct PolicyInfo {
  Policy policy;
  std::string_view text;
};
/// All of them: the cache strategies `none`, `dc`, `par`, `tvm-2014`, `setway`, `tvm`, `fwb` on the ground of k6.1, and
/// the eras `v7-2012`, `v8-2014`, `k6.1` (the default) and `k6.2`.
std::span<const PolicyInfo> policies();
/// The policy called `name`, if there is one.
std::optional<Policy> find_policy(std::string_view name);

/// The removable pieces of cache maintenance (docs/caches.md). Each acts at one place in the source.
enum class Piece : u8 { P1 = 1, P2, P3, P4, P5, P6, P7, P8 };
/// One line about each piece, in order.
struct PieceInfo {
  Piece piece;
  std::string_view name, text;
};
std::span<const PieceInfo> policy_pieces();
/// "P1" or "p1".
std::optional<Piece> find_piece(std::string_view name);
/// `policy` with one piece left out.
Policy without(Policy policy, Piece piece);

/// What a front end says about the policy, in words: a name, and changes to it.
struct PolicyChoice {
  std::string name = "k6.1";
  std::vector<std::string> without;  ///< names of pieces
  std::string icache;                ///< "eager", "lazy", or empty: as the policy has it
  std::string cmo_ro;                ///< "skip", "exit", "inject", "perform", or empty
};
/// Fails with one line that says which word is not known.
Result<Policy, UserError> compose_policy(const PolicyChoice& choice);

/// One switch as text, for `--policy help` and traces.
struct SwitchInfo {
  std::string_view name, text;
};
std::span<const SwitchInfo> policy_switches();

}  // namespace farside::hyp
