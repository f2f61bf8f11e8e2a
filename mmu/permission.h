// mmu/permission.h - access permissions of both stages as small masks, and how an access meets them.
#pragma once
#include "core/arch/fault.h"

namespace farside::mmu {

/// What one access may do; all of it after both stages, for one EL and PAN state.
struct Prot {
  bool read = false, write = false, execute = false;
  friend constexpr bool operator==(const Prot&, const Prot&) = default;
};

/// Stage-1 permissions of a leaf, for both privilege levels. Single-privilege regimes use the privileged bits only.
struct S1Perm {
  bool priv_read = false, priv_write = false, priv_execute = false;
  bool user_read = false, user_write = false, user_execute = false;
  friend constexpr bool operator==(const S1Perm&, const S1Perm&) = default;
};

/// Stage-2 permissions of a leaf; execution is apart for EL1 and EL0 (FEAT_XNX) and does not need read.
struct S2Perm {
  bool read = false, write = false, priv_execute = false, user_execute = false;
  friend constexpr bool operator==(const S2Perm&, const S2Perm&) = default;
};

constexpr S1Perm kS1All{true, true, true, true, true, true};
constexpr S2Perm kS2All{true, true, true, true};

/// What decides stage-1 permissions beside the descriptor.
struct S1PermControls {
  bool two_privileges = true;  ///< EL1&0 and EL2&0; false for EL2
  bool wxn = false;
  bool ap_table_no_el0 = false, ap_table_no_write = false, uxn_table = false, pxn_table = false;  ///< from tables
};

/// AArch64.S1DirectBasePermissions: permissions of a leaf descriptor. `writable` says that AP[2] counts as 0.
S1Perm s1_permissions(u64 descriptor, const S1PermControls& controls, bool writable);
/// AArch64.S2DirectBasePermissions. Without FEAT_XNX bit 53 is ignored.
S2Perm s2_permissions(u64 descriptor, bool xnx, bool writable);
/// The part of `perm` that `access` has: its EL, and PAN for privileged data accesses.
Prot s1_prot(const S1Perm& perm, const Access& access);
Prot s2_prot(const S2Perm& perm, El el);

/// What an access needs of a stage.
struct Needs {
  bool read = false, write = false, execute = false;
};
/// Read, write or execute permission that `access` needs (AArch64.S1CheckPermissions, AArch64.S2CheckPermissions):
/// at EL1 and above cache maintenance needs none but DC IVAC, which needs write; at EL0 it needs read.
Needs needs_of(const Access& access);
constexpr bool satisfies(const Prot& prot, const Needs& needs) {
  return (prot.read || !needs.read) && (prot.write || !needs.write) && (prot.execute || !needs.execute);
}

}  // namespace farside::mmu
