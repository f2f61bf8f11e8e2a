// firmware/hyp/vmid.h - hands out VMIDs by generation; VMID 0 stays with the host.
#pragma once
#include <vector>

#include "core/base/state.h"
#include "firmware/hyp/ports.h"

namespace farside::hyp {

/// The generation above the VMID bits, the VMID below; 0 means none yet.
struct VmidTag {
  u64 value = 0;
};

/// KVM's allocator since 5.18 (arch/arm64/kvm/vmid.c): per-pCPU active and reserved slots, lazy rollover.
class VmidAllocator {
 public:
  VmidAllocator(unsigned pcpus, unsigned bits, MaintenancePort& maintenance);
  /// kvm_arm_vmid_update: gives `tag` a VMID of the current generation and makes it active on `pcpu`. Returns true
  /// when this call rolled over, which invalidated every TLB entry of every VMID.
  bool update(unsigned pcpu, VmidTag& tag);
  /// kvm_arm_vmid_clear_active: no VM runs on `pcpu`.
  void clear_active(unsigned pcpu) { active_[pcpu] = kInvalid; }
  u16 vmid(const VmidTag& tag) const { return static_cast<u16>(tag.value & ones(bits_)); }
  u64 generation(const VmidTag& tag) const { return tag.value >> bits_; }
  unsigned bits() const { return bits_; }
  void visit_state(StateVisitor& visitor);

 private:
  static constexpr u64 kInvalid = ~u64{0};
  u64 allocate(u64 old);
  bool refresh_reserved(u64 old, u64 renewed);
  void rollover();
  bool current(u64 value) const { return value >> bits_ == generation_; }

  unsigned bits_;
  MaintenancePort& maintenance_;
  u64 generation_ = 1;
  u64 next_ = 1;  ///< where the search for a free VMID goes on
  std::vector<bool> used_;
  std::vector<u64> active_, reserved_;
  bool rolled_ = false;
};

}  // namespace farside::hyp
