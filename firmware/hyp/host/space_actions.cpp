// firmware/hyp/host/space_actions.cpp - system calls of the VMM and work of the host kernel on its pages.
#include <algorithm>

#include "firmware/hyp/host/invalidation.h"
#include "firmware/hyp/host/space.h"

namespace farside::hyp::host {

// ---- Mappings ----

u64 Space::mmap(Vma vma, u64 align) {
  const u64 base = align_up(next_hva_, std::max(align, kPageSize));
  next_hva_ = base + align_up(vma.range.size, kPageSize) + kHugeSize;  // a gap, so that neighbours never merge
  vma.range.base = base;
  vmas_[base] = vma;
  return base;
}

void Space::mmap_fixed(const Vma& vma) {
  munmap(vma.range);
  vmas_[vma.range.base] = vma;
}

/// Cuts the VMA that contains `at` in two there.
void Space::split_vma(u64 at) {
  auto it = vmas_.upper_bound(at);
  if (it == vmas_.begin()) return;
  Vma& low = (--it)->second;
  if (at <= low.range.base || at >= low.range.end()) return;
  Vma high = low;
  const u64 cut = at - low.range.base;
  high.range = {at, low.range.size - cut};
  high.file_offset += cut;
  high.device = low.device + cut;
  low.range.size = cut;
  vmas_[at] = high;
}

/// Splits VMAs and huge leaves at both ends of `range`, so that what follows concerns whole ones.
void Space::split_edges(HvaRange range) {
  for (u64 edge : {range.base, range.end()}) {
    split_vma(edge);
    auto it = find_pte(edge);
    if (it != ptes_.end() && it->first != edge) split_leaf(edge);
  }
}

/// unmap_page_range: drops all leaves inside `range`.
void Space::zap(HvaRange range) {
  auto it = ptes_.lower_bound(range.base);
  while (it != ptes_.end() && it->first < range.end()) {
    drop(it->second);
    it = ptes_.erase(it);
  }
  swapped_.erase(swapped_.lower_bound(range.base), swapped_.lower_bound(range.end()));
}

void Space::munmap(HvaRange range) {
  if (range.size == 0) return;
  split_edges(range);
  {
    const Invalidation guard(notifier_, yield_, range);
    zap(range);
  }
  vmas_.erase(vmas_.lower_bound(range.base), vmas_.lower_bound(range.end()));
}

void Space::mprotect(HvaRange range, bool readable, bool writable) {
  split_edges(range);
  for (auto it = vmas_.lower_bound(range.base); it != vmas_.end() && it->first < range.end(); ++it) {
    it->second.readable = readable;
    it->second.writable = writable;
  }
  const Invalidation guard(notifier_, yield_, range);
  for (auto it = ptes_.lower_bound(range.base); it != ptes_.end() && it->first < range.end(); ++it)
    it->second.writable = false;  // regained by the next write fault that the VMA allows
}

void Space::madvise(HvaRange range, Advice advice) {
  split_edges(range);
  if (advice == Advice::DontNeed) {
    const Invalidation guard(notifier_, yield_, range);
    return zap(range);
  }
  for (auto it = vmas_.lower_bound(range.base); it != vmas_.end() && it->first < range.end(); ++it) {
    it->second.madvise_huge = advice == Advice::HugePage;
    it->second.madvise_no_huge = advice == Advice::NoHugePage;
  }
}

u32 Space::create_file() {
  files_.emplace_back();
  return static_cast<u32>(files_.size() - 1);
}

bool Space::file_write(u32 file, u64 offset, std::span<const u8> bytes) {
  while (!bytes.empty()) {
    const auto pa = file_page(file, align_down(offset, kPageSize));
    if (!pa) return false;
    const u64 at = offset & (kPageSize - 1);
    const u64 count = std::min<u64>(bytes.size(), kPageSize - at);
    memory_.write(*pa + at, bytes.first(count));
    bytes = bytes.subspan(count);
    offset += count;
  }
  return true;
}

// ---- Copy-on-write relatives ----

/// copy_page_range: the parent's private leaves become read-only under one invalidation per mapping.
u32 Space::fork() {
  Child child{next_child_++, {}};
  for (auto& [base, vma] : vmas_) {
    if (vma.kind == VmaKind::SharedFile || vma.kind == VmaKind::PfnMap) continue;
    const Invalidation guard(notifier_, yield_, vma.range);
    for (auto it = ptes_.lower_bound(base); it != ptes_.end() && it->first < vma.range.end(); ++it) {
      HostPte& pte = it->second;
      if (pte.zero || pte.special || pte.poisoned) continue;
      pte.writable = false;
      frames_.get_range(pte.pa, pte.size);
      child.pages.emplace_back(pte.pa, pte.size);
    }
  }
  children_.push_back(std::move(child));
  return children_.back().id;
}

void Space::exit_child(u32 id) {
  auto it = std::find_if(children_.begin(), children_.end(), [id](const Child& c) { return c.id == id; });
  if (it == children_.end()) return;
  for (auto [pa, size] : it->pages) frames_.put_range(pa, size);
  children_.erase(it);
}

/// A present, small, anonymous page that nothing special is known about; splits a huge leaf to get one.
bool Space::is_private_page(u64 hva) {
  const Vma* vma = find(hva);
  if (!vma || vma->kind != VmaKind::Anon) return false;
  split_leaf(hva);
  const auto pte = lookup(hva);
  return pte && pte->size == kPageSize && !pte->zero && !pte->poisoned;
}

bool Space::merge(u64 hva_a, u64 hva_b) {
  const u64 a = align_down(hva_a, kPageSize), b = align_down(hva_b, kPageSize);
  if (a == b || !is_private_page(a) || !is_private_page(b)) return false;
  const Pa keep = lookup(a)->pa, gone = lookup(b)->pa;
  if (keep == gone) return false;
  std::vector<u8> bytes_a(kPageSize), bytes_b(kPageSize);
  {  // write_protect_page, then the comparison that nobody can spoil any more
    const Invalidation guard(notifier_, yield_, {a, kPageSize});
    ptes_[a].writable = false;
    if (notifier_) notifier_->change_pte(a, keep);
  }
  memory_.read(keep, bytes_a);
  const Invalidation guard(notifier_, yield_, {b, kPageSize});
  ptes_[b].writable = false;
  memory_.read(gone, bytes_b);
  if (bytes_a != bytes_b) return false;
  frames_.get(keep);
  ptes_[b].pa = keep;
  if (notifier_) notifier_->change_pte(b, keep);
  frames_.put(gone);
  ++stats_.merges;
  return true;
}

// ---- Reclaim, compaction, aging ----

bool Space::swap_out(u64 hva) {
  const u64 page = align_down(hva, kPageSize);
  if (!is_private_page(page)) return false;
  const Invalidation guard(notifier_, yield_, {page, kPageSize});
  const auto pte = lookup(page);
  if (!pte) return false;
  std::vector<u8> bytes(kPageSize);
  memory_.read(pte->pa, bytes);
  ptes_.erase(page);
  swapped_[page] = std::move(bytes);
  drop(*pte);
  ++stats_.swap_outs;
  return true;
}

bool Space::migrate(u64 hva) {
  const u64 page = align_down(hva, kPageSize);
  if (!is_private_page(page) || frames_.count(lookup(page)->pa) != 1) return false;
  const auto to = frames_.allocate();
  if (!to) return false;
  const Invalidation guard(notifier_, yield_, {page, kPageSize});
  const HostPte old = ptes_[page];
  memory_.copy(*to, old.pa, kPageSize);
  ptes_[page].pa = *to;
  drop(old);
  return true;
}

bool Space::collapse(u64 hva) {
  const u64 base = align_down(hva, kHugeSize);
  const Vma* vma = find(base);
  if (!vma || vma->kind != VmaKind::Anon || !vma->writable || base + kHugeSize > vma->range.end()) return false;
  for (u64 offset = 0; offset < kHugeSize; offset += kPageSize) {
    const auto pte = lookup(base + offset);
    if (!pte || pte->size != kPageSize || pte->zero || pte->poisoned || frames_.count(pte->pa) != 1) return false;
  }
  const auto to = frames_.allocate_run(kHugeSize);
  if (!to) return false;
  const Invalidation guard(notifier_, yield_, {base, kHugeSize});
  for (u64 offset = 0; offset < kHugeSize; offset += kPageSize) {
    memory_.copy(*to + offset, ptes_[base + offset].pa, kPageSize);
    drop(ptes_[base + offset]);
    ptes_.erase(base + offset);
  }
  install(base, {.pa = *to, .size = kHugeSize, .writable = true});
  return true;
}

bool Space::age(HvaRange range, bool flush) {
  bool young = notifier_ && notifier_->clear_young(range, flush);
  for (auto it = ptes_.lower_bound(range.base); it != ptes_.end() && it->first < range.end(); ++it) {
    young |= it->second.young;
    it->second.young = false;
  }
  return young;
}

bool Space::idle(HvaRange range) {
  if (notifier_ && notifier_->test_young(range)) return false;
  for (auto it = ptes_.lower_bound(range.base); it != ptes_.end() && it->first < range.end(); ++it)
    if (it->second.young) return false;
  return true;
}

void Space::poison(u64 hva) {
  const u64 page = align_down(hva, kPageSize);
  split_leaf(page);
  const auto pte = lookup(page);
  if (!pte || pte->special) return;
  const Invalidation guard(notifier_, yield_, {page, kPageSize});
  ptes_[page].poisoned = true;
  ptes_[page].writable = false;
}

}  // namespace farside::hyp::host
