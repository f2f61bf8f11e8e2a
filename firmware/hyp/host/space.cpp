// firmware/hyp/host/space.cpp - page faults of the VMM process: demand-zero, files, huge pages, copy-on-write, swap.
#include "firmware/hyp/host/space.h"

#include <algorithm>

#include "firmware/hyp/host/invalidation.h"

namespace farside::hyp::host {

Space::Space(Frames& frames, HostMemoryPort& memory, YieldPort& yield, Thp thp)
    : frames_(frames), memory_(memory), yield_(yield), thp_(thp) {}

Space::~Space() {
  if (notifier_) notifier_->release();
  for (auto& [hva, pte] : ptes_) drop(pte);
  for (Child& child : children_)
    for (auto [pa, size] : child.pages) frames_.put_range(pa, size);
  for (auto& file : files_)
    for (auto [offset, pa] : file) frames_.put(pa);
  if (zero_page_) frames_.put(*zero_page_);
  if (huge_zero_) frames_.put(*huge_zero_);
}

const Vma* Space::find(u64 hva) const {
  auto it = vmas_.upper_bound(hva);
  if (it == vmas_.begin()) return nullptr;
  --it;
  return hva - it->second.range.base < it->second.range.size ? &it->second : nullptr;
}

Space::Ptes::const_iterator Space::find_pte(u64 hva) const {
  auto it = ptes_.upper_bound(hva);
  if (it == ptes_.begin()) return ptes_.end();
  --it;
  return hva - it->first < it->second.size ? it : ptes_.end();
}

Space::Ptes::iterator Space::find_pte(u64 hva) {
  auto it = ptes_.upper_bound(hva);
  if (it == ptes_.begin()) return ptes_.end();
  --it;
  return hva - it->first < it->second.size ? it : ptes_.end();
}

std::optional<HostPte> Space::lookup(u64 hva) const {
  auto it = find_pte(hva);
  return it == ptes_.end() ? std::nullopt : std::optional(it->second);
}

void Space::mark_young(u64 hva) {
  auto it = find_pte(hva);
  if (it != ptes_.end()) it->second.young = true;
}

HostPte Space::install(u64 base, const HostPte& pte) { return ptes_[base] = pte; }

/// Gives back what a leaf holds: the zero pages and device frames are not counted per mapping.
void Space::drop(const HostPte& pte) {
  if (!pte.zero && !pte.special && !pte.poisoned) frames_.put_range(pte.pa, pte.size);
}

std::optional<Pa> Space::zeroed(u64 size) {
  const auto pa = size == kPageSize ? frames_.allocate() : frames_.allocate_run(size);
  if (pa) memory_.zero(*pa, size);
  return pa;
}

std::optional<Pa> Space::zero_frame(u64 size) {
  auto& frame = size == kPageSize ? zero_page_ : huge_zero_;
  if (!frame) frame = zeroed(size);
  return frame;
}

Result<HostPte, HostFault> Space::fault(u64 hva, bool write) {
  const Vma* vma = find(hva);
  if (!vma) return HostFault::NoVma;
  if (!vma->readable || (write && !vma->writable)) return HostFault::NoAccess;
  auto it = find_pte(hva);
  if (it == ptes_.end()) return populate(*vma, hva, write);
  if (it->second.poisoned) return HostFault::Poisoned;
  it->second.young = true;
  if (!write || it->second.writable) return it->second;
  return break_cow(*vma, hva);
}

Result<HostPte, HostFault> Space::populate(const Vma& vma, u64 hva, bool write) {
  const u64 page = align_down(hva, kPageSize);
  if (swapped_.contains(page)) return swap_in(vma, page);
  switch (vma.kind) {
    case VmaKind::Anon: return populate_anon(vma, hva, write);
    case VmaKind::SharedFile:
    case VmaKind::PrivateFile: return populate_file(vma, hva, write);
    case VmaKind::PfnMap:
      return install(page, {.pa = vma.device + (page - vma.range.base), .writable = vma.writable, .special = true});
    case VmaKind::HugeTlb: {
      const u64 size = u64{1} << vma.huge_shift;
      const auto pa = zeroed(size);
      if (!pa) return HostFault::OutOfMemory;
      ++stats_.huge_faults;
      return install(align_down(hva, size), {.pa = *pa, .size = size, .writable = vma.writable});
    }
  }
  return HostFault::NoVma;
}

bool Space::huge_eligible(const Vma& vma, u64 hva) const {
  if (thp_ == Thp::Never || vma.madvise_no_huge || (thp_ == Thp::Madvise && !vma.madvise_huge)) return false;
  const u64 base = align_down(hva, kHugeSize);
  if (base < vma.range.base || base + kHugeSize > vma.range.end()) return false;
  auto pte = ptes_.lower_bound(base);
  if (pte != ptes_.end() && pte->first < base + kHugeSize) return false;
  auto swapped = swapped_.lower_bound(base);
  return swapped == swapped_.end() || swapped->first >= base + kHugeSize;
}

/// do_anonymous_page and do_huge_pmd_anonymous_page: a read maps the shared zero page, a write gets memory.
Result<HostPte, HostFault> Space::populate_anon(const Vma& vma, u64 hva, bool write) {
  const bool huge = huge_eligible(vma, hva);
  for (u64 size : {kHugeSize, kPageSize}) {
    if (size == kHugeSize && !huge) continue;
    const auto pa = write ? zeroed(size) : zero_frame(size);
    if (!pa) continue;  // no huge page left: fall back to a small one
    ++(size == kHugeSize ? stats_.huge_faults : stats_.demand_zero);
    return install(align_down(hva, size), {.pa = *pa, .size = size, .writable = write, .zero = !write});
  }
  return HostFault::OutOfMemory;
}

std::optional<Pa> Space::file_page(u32 file, u64 offset) {
  auto& pages = files_[file];
  auto it = pages.find(offset);
  if (it != pages.end()) return it->second;
  const auto pa = zeroed(kPageSize);
  if (pa) pages[offset] = *pa;
  return pa;
}

Result<HostPte, HostFault> Space::populate_file(const Vma& vma, u64 hva, bool write) {
  const u64 page = align_down(hva, kPageSize);
  const auto cache = file_page(vma.file, vma.file_offset + (page - vma.range.base));
  if (!cache) return HostFault::OutOfMemory;
  if (vma.kind == VmaKind::SharedFile || !write) {
    frames_.get(*cache);
    return install(page, {.pa = *cache, .writable = vma.kind == VmaKind::SharedFile && vma.writable});
  }
  const auto pa = frames_.allocate();
  if (!pa) return HostFault::OutOfMemory;
  memory_.copy(*pa, *cache, kPageSize);
  return install(page, {.pa = *pa, .writable = true});
}

Result<HostPte, HostFault> Space::swap_in(const Vma& vma, u64 page) {
  const auto pa = frames_.allocate();
  if (!pa) return HostFault::OutOfMemory;
  memory_.write(*pa, swapped_[page]);
  swapped_.erase(page);
  ++stats_.swap_ins;
  return install(page, {.pa = *pa, .writable = vma.writable});
}

/// do_wp_page: reuses the page when nobody else has it, else copies it; a copy invalidates secondary MMUs.
Result<HostPte, HostFault> Space::break_cow(const Vma& vma, u64 hva) {
  auto it = find_pte(hva);
  const HostPte old = it->second;
  const u64 base = it->first;
  const bool shared_file = vma.kind == VmaKind::SharedFile;
  if (old.special || shared_file || (!old.zero && frames_.count(old.pa) == 1)) {
    it->second.writable = true;
    return it->second;
  }
  // A shared huge page of an anonymous mapping is split and only the touched page copied. The huge zero page gets a
  // huge page of its own, as Linux 6.13 and later do.
  if (old.size > kPageSize && !old.zero && vma.kind == VmaKind::Anon) {
    split_leaf(hva);
    return break_cow(vma, hva);
  }
  const auto pa = zeroed(old.size);
  if (!pa && old.zero && old.size > kPageSize) {
    split_leaf(hva);
    return break_cow(vma, hva);
  }
  if (!pa) return HostFault::OutOfMemory;
  if (!old.zero) memory_.copy(*pa, old.pa, old.size);
  ++(old.zero ? (old.size == kPageSize ? stats_.demand_zero : stats_.huge_faults) : stats_.cow_breaks);
  const Invalidation guard(notifier_, yield_, {base, old.size});
  const auto now = lookup(hva);
  if (!now || now->pa != old.pa || now->size != old.size) {  // pte_same: another fault was faster
    frames_.put_range(*pa, old.size);
    return fault(hva, true);
  }
  const HostPte fresh = install(base, {.pa = *pa, .size = old.size, .writable = true});
  drop(old);
  return fresh;
}

/// __split_huge_pmd: one huge leaf becomes 512 small ones with the same rights.
void Space::split_leaf(u64 hva) {
  auto it = find_pte(hva);
  if (it == ptes_.end() || it->second.size == kPageSize) return;
  const HostPte old = it->second;
  const u64 base = it->first;
  std::optional<Pa> small_zero;
  if (old.zero) {
    small_zero = zero_frame(kPageSize);
    if (!small_zero) return;
  }
  const Invalidation guard(notifier_, yield_, {base, old.size});
  const auto now = lookup(hva);
  if (!now || now->pa != old.pa || now->size != old.size) return;
  if (!old.zero && frames_.is_compound(old.pa)) frames_.split(old.pa);
  ptes_.erase(base);
  for (u64 offset = 0; offset < old.size; offset += kPageSize) {
    HostPte small = old;
    small.size = kPageSize;
    small.pa = small_zero ? *small_zero : old.pa + offset;
    ptes_[base + offset] = small;
  }
}

bool Space::write(u64 hva, std::span<const u8> bytes) {
  while (!bytes.empty()) {
    const auto pte = fault(hva, true);
    if (!pte || pte->special) return false;
    const u64 offset = hva & (kPageSize - 1);
    const u64 count = std::min<u64>(bytes.size(), kPageSize - offset);
    memory_.write(pte->pa + (hva & (pte->size - 1)), bytes.first(count));
    bytes = bytes.subspan(count);
    hva += count;
  }
  return true;
}

bool Space::read(u64 hva, std::span<u8> out) {
  while (!out.empty()) {
    const auto pte = fault(hva, false);
    if (!pte || pte->special) return false;
    const u64 offset = hva & (kPageSize - 1);
    const u64 count = std::min<u64>(out.size(), kPageSize - offset);
    memory_.read(pte->pa + (hva & (pte->size - 1)), out.first(count));
    out = out.subspan(count);
    hva += count;
  }
  return true;
}

}  // namespace farside::hyp::host
