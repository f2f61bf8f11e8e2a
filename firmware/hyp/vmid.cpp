// firmware/hyp/vmid.cpp - VMID generations: the fast path keeps a VMID, the slow path finds or recycles one.
#include "firmware/hyp/vmid.h"

#include "core/base/check.h"

namespace farside::hyp {

VmidAllocator::VmidAllocator(unsigned pcpus, unsigned bits, MaintenancePort& maintenance)
    : bits_(bits), maintenance_(maintenance), used_(usize{1} << bits), active_(pcpus, 0), reserved_(pcpus, 0) {
  CHECK((u64{1} << bits) - 1 > pcpus, "{} VMID bits for {} CPUs", bits, pcpus);
  used_[0] = true;
}

bool VmidAllocator::update(unsigned pcpu, VmidTag& tag) {
  // An active slot of 0 means that a rollover took this CPU's VMID away: the slow path must run (flush_context).
  if (active_[pcpu] != 0 && current(tag.value)) {
    active_[pcpu] = tag.value;
    return false;
  }
  rolled_ = false;
  if (!current(tag.value)) tag.value = allocate(tag.value);
  active_[pcpu] = tag.value;
  return rolled_;
}

/// True when some CPU had `old` running at the last rollover: it keeps the number in the new generation.
bool VmidAllocator::refresh_reserved(u64 old, u64 renewed) {
  bool hit = false;
  for (u64& reserved : reserved_) {
    if (reserved != old) continue;
    reserved = renewed;
    hit = true;
  }
  return hit;
}

u64 VmidAllocator::allocate(u64 old) {
  if (old != 0) {
    const u64 number = old & ones(bits_);
    const u64 renewed = generation_ << bits_ | number;
    if (refresh_reserved(old, renewed)) return renewed;
    if (!used_[number]) {
      used_[number] = true;
      return renewed;
    }
  }
  for (unsigned pass = 0; pass < 2; ++pass) {
    for (u64 number = next_; number < used_.size(); ++number) {
      if (used_[number]) continue;
      used_[number] = true;
      next_ = number;
      return generation_ << bits_ | number;
    }
    if (pass == 0) rollover();
  }
  CHECK(false, "more active VMIDs than VMIDs");
}

/// flush_context of vmid.c: a new generation that keeps only what runs now, then one broadcast invalidation.
void VmidAllocator::rollover() {
  ++generation_;
  used_.assign(used_.size(), false);
  used_[0] = true;
  for (usize cpu = 0; cpu < active_.size(); ++cpu) {
    const u64 running = active_[cpu];
    active_[cpu] = 0;
    // A CPU that has rolled over before it ran anything keeps its earlier reservation.
    const u64 keep = running == 0 ? reserved_[cpu] : running;
    if (keep != kInvalid) used_[keep & ones(bits_)] = true;
    reserved_[cpu] = keep;
  }
  maintenance_.dsb_ishst();
  maintenance_.tlbi_alle1is();
  maintenance_.dsb_ish();
  next_ = 1;
  rolled_ = true;
}

}  // namespace farside::hyp
