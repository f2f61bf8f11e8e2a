// firmware/hyp/stage2_fault.cpp - user_mem_abort: VMA, sequence, host frame, retry check, rights, then map or relax.
#include "firmware/hyp/guest_abort.h"
#include "firmware/hyp/host/pfn.h"
#include "firmware/hyp/set_way.h"

namespace farside::hyp {
namespace {

constexpr u64 kPage = host::kPageSize, kBlock2M = u64{1} << 21, kBlock1G = u64{1} << 30;

/// What the VMA allows.
struct Geometry {
  u64 size = kPage;         ///< of the leaf to install
  bool force_page = false;  ///< no transparent huge page either
};

/// fault_supports_stage2_huge_mapping: IPA and hva agree inside the block, and the block lies inside the slot.
bool block_fits(const SlotView& slot, u64 hva, u64 size) {
  if ((slot.guest.value & (size - 1)) != (slot.hva & (size - 1))) return false;
  const u64 base = align_down(hva, size);
  return base >= slot.hva && base + size <= slot.hva + slot.size;
}

/// The largest leaf that the VMA's own page size allows; contiguous sizes count as the next smaller block.
Geometry vma_geometry(const SlotView& slot, const host::Vma& vma, u64 hva) {
  if (slot.logging) return {kPage, true};
  if (vma.kind != host::VmaKind::HugeTlb) return {};
  const u64 huge = u64{1} << vma.huge_shift;
  if (huge >= kBlock1G && block_fits(slot, hva, kBlock1G)) return {kBlock1G, false};
  if (huge >= kBlock2M && block_fits(slot, hva, kBlock2M)) return {kBlock2M, false};
  return {kPage, true};
}

/// PAR_EL1.ATTR: Normal memory, write-back inside and outside, with any hints.
bool is_write_back(u64 attr) {
  const auto half = [](u64 bits) { return bits >= 0xc || (bits >= 0x5 && bits <= 0x7); };  // transient: 0b01RW
  return half(attr >> 4) && half(attr & 0xf);
}

/// The attributes of a table walk, or of an access whose stage 1 does not answer, are unknown: they count as uncached.
bool goes_around_caches(VmState& vm, VcpuPort& port, const Stage2Fault& fault) {
  if (fault.s1ptw) return true;
  const auto par = ask_stage1(port, vm.policy(), fault.far, vm.stats);
  return !par || !is_write_back((*par)[Par::ATTR]);
}

bool clean_before_map(VmState& vm, VcpuPort& port, const Stage2Fault& fault) {
  switch (vm.policy().clean_at_map) {
    case CleanAtMap::Never: return false;
    case CleanAtMap::CachesOff: return !guest_caches_on(port);
    case CleanAtMap::NonCacheable: return goes_around_caches(vm, port, fault);
    case CleanAtMap::Always: break;
  }
  return true;
}

Prot protection(const VmState& vm, const Stage2Fault& fault, const host::Pfn& pfn, bool writable) {
  const Policy& policy = vm.policy();
  Prot prot{.read = true, .write = writable, .device = pfn.device};
  const bool executes_by_default = vm.config.cpu.dic || !policy.execute_never_by_default;
  prot.exec = fault.exec || (executes_by_default && (!pfn.device || !policy.device_execute_never));
  return prot;
}

Errno error_of(host::PfnError error) { return error == host::PfnError::HwPoison ? Errno::HwPoison : Errno::Fault; }

/// transparent_hugepage_adjust: a small mapping grows to a block when the host's own leaf is one. False when that
/// leaf is gone meanwhile.
bool adjust_for_thp(const VmState& vm, const SlotView& slot, u64 hva, MapRequest& request) {
  const auto leaf = vm.space.lookup(hva);
  if (!leaf) return false;
  if (leaf->size < kBlock2M || !block_fits(slot, hva, kBlock2M)) return true;
  request.size = kBlock2M;
  request.ipa = request.ipa.align_down(kBlock2M);
  request.pa = request.pa.align_down(kBlock2M);
  return true;
}

/// The part under mmu_lock: the entry is installed or relaxed.
Result<void, Errno> install(VmState& vm, VcpuState& vcpu, VcpuPort& port, const Stage2Fault& fault,
                            const MapRequest& request) {
  const u64 granule = mmu::level_size(mmu::Granule::K4, std::max(fault.level, 1));
  if (fault.type == FscType::Permission && request.size == granule) {
    vm.tables->relax(request.ipa, request.prot, port.pcpu());
    return {};
  }
  switch (vm.tables->map(request, &vcpu.tables)) {
    case MapStatus::Mapped: return {};
    case MapStatus::Again: return Errno::Again;
    case MapStatus::NoMemory: break;
  }
  return Errno::NoMem;
}

}  // namespace

Result<void, Errno> user_mem_abort(VmState& vm, VcpuState& vcpu, VcpuPort& port, const SlotView& slot,
                                   const Stage2Fault& fault) {
  const Policy& policy = vm.policy();
  const bool permission = fault.type == FscType::Permission;
  if (permission && !fault.write && !fault.exec) return Errno::Fault;  // stage 2 never takes read permission away
  if (!vm.tables) return Errno::Fault;
  if (!permission || (slot.logging && fault.write))
    if (!vm.tables->top_up(vcpu.tables, vm.tables->min_cache_pages())) return Errno::NoMem;

  // Under the mmap lock: the VMA decides the size, and the sequence is read before anybody can change the VMA.
  const u64 generation = vm.slots_generation;
  u64 hva = slot.hva_of(fault.ipa);
  const host::Vma* vma = vm.space.find(hva);
  if (!vma) return Errno::Fault;
  const Geometry geometry = vma_geometry(slot, *vma, hva);
  vm.yield(YieldPoint::FaultAfterVmaLookup);
  u64 seq = vm.invalidate_seq;
  vm.yield(YieldPoint::FaultAfterMmapUnlock);
  if (!policy.sequence_under_mmap_lock) seq = vm.invalidate_seq;

  hva = align_down(hva, geometry.size);
  const auto pfn = host::hva_to_pfn(vm.space, hva, fault.write, !slot.read_only);
  if (!pfn) return error_of(pfn.error());
  // Only map writable for a write while logging; a page that the guest merely reads is not dirty.
  const bool writable = pfn->writable && !slot.read_only && (!slot.logging || fault.write);
  if (fault.exec && pfn->device) return Errno::NoExec;
  vm.yield(YieldPoint::FaultAfterPfn);

  // mmu_lock. The slot check stands in for SRCU, which would have kept the slot until here.
  if (!vm.tables) return Errno::Fault;
  if (must_retry(vm, seq) || vm.slots_generation != generation) return Errno::Again;
  MapRequest request{
      fault.ipa.align_down(geometry.size), geometry.size, pfn->pa, {}, clean_before_map(vm, port, fault)};
  if (request.size == kPage && !geometry.force_page && (!pfn->device || !policy.device_forces_pages)) {
    const u64 granule = mmu::level_size(mmu::Granule::K4, std::max(fault.level, 1));
    if (permission && granule > kPage)
      request.size = granule;
    else if (!adjust_for_thp(vm, slot, hva, request))
      return Errno::Again;
  }
  request.prot = protection(vm, fault, *pfn, writable);
  const auto installed = install(vm, vcpu, port, fault, request);

  if (writable && (installed || !policy.dirty_only_if_mapped))
    if (Slot* now = vm.slots.find(fault.ipa)) mark_dirty(*now, fault.ipa);
  vm.yield(YieldPoint::FaultAfterMap);
  return installed;
}

}  // namespace farside::hyp
