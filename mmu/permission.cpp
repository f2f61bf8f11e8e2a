// mmu/permission.cpp - permissions of leaves of both stages, and what an access needs of them.
#include "mmu/permission.h"

#include "mmu/descriptor.h"

namespace farside::mmu {

S1Perm s1_permissions(u64 descriptor, const S1PermControls& controls, bool writable) {
  const S1Leaf leaf = S1Leaf::of(descriptor);
  const bool write = (writable || !leaf[S1Leaf::AP2]) && !controls.ap_table_no_write;
  S1Perm perm;
  perm.priv_read = true;
  perm.priv_write = write;
  if (!controls.two_privileges) {
    perm.priv_execute = !leaf[S1Leaf::UXN] && !controls.uxn_table && !(controls.wxn && write);
    return perm;
  }
  const bool user = leaf[S1Leaf::AP1] && !controls.ap_table_no_el0;
  perm.user_read = user;
  perm.user_write = user && write;
  // Memory that EL0 can write is never executable at EL1.
  perm.priv_execute = !leaf[S1Leaf::PXN] && !controls.pxn_table && !perm.user_write && !(controls.wxn && write);
  perm.user_execute = !leaf[S1Leaf::UXN] && !controls.uxn_table && !(controls.wxn && perm.user_write);
  return perm;
}

S2Perm s2_permissions(u64 descriptor, bool xnx, bool writable) {
  const S2Leaf leaf = S2Leaf::of(descriptor);
  S2Perm perm;
  perm.read = leaf[S2Leaf::S2AP_R];
  perm.write = writable || leaf[S2Leaf::S2AP_W];
  const bool high = bit(descriptor, 54), low = xnx && bit(descriptor, 53);
  perm.priv_execute = high == low;  // 00 and 11
  perm.user_execute = !high;        // 00 and 01
  return perm;
}

Prot s1_prot(const S1Perm& perm, const Access& access) {
  if (access.el == El::EL0) return {perm.user_read, perm.user_write, perm.user_execute};
  // PAN acts on loads, stores and AT S1E1RP/WP; not on fetches, nor on cache maintenance but DC ZVA, which is a store.
  const bool data = access.kind == AccessKind::Read || access.kind == AccessKind::Write ||
                    access.kind == AccessKind::AddressTranslation;
  const bool denied = access.pan && data && !access.unprivileged && (perm.user_read || perm.user_write);
  return {perm.priv_read && !denied, perm.priv_write && !denied, perm.priv_execute};
}

Prot s2_prot(const S2Perm& perm, El el) {
  return {perm.read, perm.write, el == El::EL0 ? perm.user_execute : perm.priv_execute};
}

Needs needs_of(const Access& access) {
  switch (access.kind) {
    case AccessKind::Read: return {.read = true, .write = access.atomic};
    case AccessKind::Write: return {.read = access.atomic, .write = true};
    case AccessKind::Fetch: return {.execute = true};
    case AccessKind::AddressTranslation: return {.read = !access.at_write, .write = access.at_write};
    case AccessKind::CacheMaintenance:
      if (access.ivac) return {.write = true};
      return {.read = access.el == El::EL0};
    case AccessKind::Walk: return {.read = true};
  }
  return {};
}

}  // namespace farside::mmu
