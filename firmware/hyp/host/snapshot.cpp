// firmware/hyp/host/snapshot.cpp - the host's frames and the VMM's address space as a snapshot keeps them.
#include "firmware/hyp/host/space.h"

namespace farside::hyp::host {

/// The pages of a block that is handed out one by one. Free pages are listed once and have no references.
void Frames::visit_small(StateVisitor& v, Block& block) {
  if (v.restoring()) block.refs = std::make_unique<u32[]>(kPagesPerHuge);
  v.field("frames.refs", block.refs.get(), kPagesPerHuge * sizeof(u32));
  v.vector("frames.free", block.free, kPagesPerHuge);
  if (!v.restoring()) return;
  block.count = 0;
  for (unsigned page = 0; page < kPagesPerHuge; ++page) block.count += block.refs[page] != 0;
  used_ += block.count * kPageSize;
  std::vector<bool> listed(kPagesPerHuge);
  for (u16 page : block.free) {
    if (page >= kPagesPerHuge || listed[page] || block.refs[page] != 0) {
      block.free.clear();
      return v.reject("frames.free");
    }
    listed[page] = true;
  }
}

/// A compound frame: restoring makes its tails.
void Frames::restore_tails(StateVisitor& v, usize head) {
  const Block& b = blocks_[head];
  const u64 count = b.order < 32 ? u64{1} << b.order : 0;
  bool fits = count != 0 && count <= blocks_.size() - head && b.count != 0;
  for (usize i = head + 1; fits && i < head + count; ++i) fits = blocks_[i].state == State::Free;
  if (!fits) {
    blocks_[head] = Block{};
    return v.reject("frames.order");
  }
  for (usize i = 1; i < count; ++i) {
    blocks_[head + i].state = State::Tail;
    blocks_[head + i].order = static_cast<u32>(i);
  }
  used_ += count * kHugeSize;
}

void Frames::visit_state(StateVisitor& v) {
  v.value("frames.seed", seed_);  // orders the pages of blocks that are opened later
  u64 used = 0;
  for (const Block& block : blocks_) used += block.state == State::Small || block.state == State::Head;
  used = v.count("frames.blocks", used, blocks_.size(), sizeof(u32));
  if (v.restoring()) {
    for (Block& block : blocks_) block = Block{};
    used_ = 0;
  }
  u32 next = 0;
  for (u64 i = 0; i < used; ++i) {
    u32 index = 0;
    if (!v.restoring()) {
      while (blocks_[next].state == State::Free || blocks_[next].state == State::Tail) ++next;
      index = next++;
    }
    v.value("frames.index", index);
    if (index >= blocks_.size() || (v.restoring() && blocks_[index].state != State::Free))
      return v.reject("frames.index");
    Block& block = blocks_[index];
    u8 is_small = block.state == State::Small;
    v.value("frames.small", is_small);
    block.state = is_small ? State::Small : State::Head;
    if (is_small) {
      visit_small(v, block);
      continue;
    }
    v.value("frames.order", block.order);
    v.value("frames.count", block.count);
    if (v.restoring()) restore_tails(v, index);
  }
  for (std::vector<u32>* list : {&free_blocks_, &partial_}) {
    v.vector("frames.list", *list, ~u64{0});
    for (u32 block : *list) {
      if (block < blocks_.size()) continue;
      v.reject("frames.list");
      list->clear();
      break;
    }
  }
}

namespace {

bool is_page(u64 address) { return address % kPageSize == 0; }

void visit_page(StateVisitor& v, const Frames& frames, Pa& pa) {
  v.value("host.page", pa.value);
  if (is_page(pa.value) && frames.contains(pa)) return;
  v.reject("host.page");
}

/// A map by address. Addresses must ascend, as they do when it is saved.
template <class T, class Visit>
void visit_map(StateVisitor& v, std::string_view name, std::map<u64, T>& map, Visit visit) {
  u64 count = v.count(name, map.size(), ~u64{0}, sizeof(u64));
  if (!v.restoring()) {
    for (auto& [address, value] : map) {
      u64 key = address;
      v.value(name, key);
      visit(key, value);
    }
    return;
  }
  map.clear();
  for (; count != 0; --count) {
    u64 key = 0;
    T value{};
    v.value(name, key);
    visit(key, value);
    if (!map.empty() && key <= map.rbegin()->first) v.reject(name);
    map[key] = std::move(value);
  }
}

}  // namespace

void Space::visit_vma(StateVisitor& v, u64 base, Vma& vma) {
  vma.range.base = base;
  v.value("vma.size", vma.range.size);
  v.choice("vma.kind", vma.kind, VmaKind::HugeTlb);
  for (bool* flag : {&vma.readable, &vma.writable, &vma.madvise_huge, &vma.madvise_no_huge}) v.value("vma.flag", *flag);
  v.value("vma.huge_shift", vma.huge_shift);
  v.value("vma.file", vma.file);
  v.value("vma.file_offset", vma.file_offset);
  v.value("vma.device", vma.device.value);
  const bool file = vma.kind == VmaKind::SharedFile || vma.kind == VmaKind::PrivateFile;
  const bool huge = vma.huge_shift == 21 || vma.huge_shift == 25 || vma.huge_shift == 30;
  if (vma.range.size == 0 || !is_page(vma.range.size) || !is_page(base) || base + vma.range.size < base ||
      (file && vma.file >= files_.size()) || (vma.kind == VmaKind::HugeTlb && !huge)) {
    v.reject("vma");
    vma.kind = VmaKind::Anon;
  }
}

void Space::visit_pte(StateVisitor& v, u64 base, HostPte& pte) {
  v.value("pte.page", pte.pa.value);
  v.value("pte.size", pte.size);
  for (bool* flag : {&pte.writable, &pte.young, &pte.zero, &pte.special, &pte.poisoned}) v.value("pte.flag", *flag);
  const bool size = is_power_of_two(pte.size) && pte.size >= kPageSize && pte.size <= (u64{1} << 30);
  const bool inside =
      pte.special || (frames_.contains(pte.pa) && frames_.contains(pte.pa + (pte.size - 1)) && is_page(pte.pa.value));
  if (size && inside && base % pte.size == 0 && (pte.special || pte.pa.value % pte.size == 0)) return;
  v.reject("pte");
  pte = {.size = kPageSize, .special = true};
}

void Space::visit_state(StateVisitor& v) {
  u64 files = v.count("space.files", files_.size(), ~u64{0}, sizeof(u64));
  if (v.restoring()) files_.assign(files, {});
  for (auto& file : files_) visit_map(v, "space.file", file, [&](u64, Pa& pa) { visit_page(v, frames_, pa); });
  visit_map(v, "space.vmas", vmas_, [&](u64 base, Vma& vma) { visit_vma(v, base, vma); });
  visit_map(v, "space.ptes", ptes_, [&](u64 base, HostPte& pte) { visit_pte(v, base, pte); });
  visit_map(v, "space.swapped", swapped_, [&](u64, std::vector<u8>& page) {
    page.resize(kPageSize);
    v.field("space.swapped_page", page.data(), page.size());
  });
  const u64 children = v.count("space.children", children_.size(), ~u64{0}, sizeof(u64));
  if (v.restoring()) children_.assign(children, {});
  for (Child& child : children_) {
    v.value("child.id", child.id);
    const u64 pages = v.count("child.pages", child.pages.size(), ~u64{0}, 2 * sizeof(u64));
    if (v.restoring()) child.pages.assign(pages, {});
    for (auto& [pa, size] : child.pages) {
      visit_page(v, frames_, pa);
      v.value("child.size", size);
    }
  }
  for (auto* zero : {&zero_page_, &huge_zero_}) {
    Pa pa = zero->value_or(Pa{});
    bool there = zero->has_value();
    v.value("space.has_zero", there);
    v.value("space.zero", pa.value);
    *zero = there ? std::optional(pa) : std::nullopt;
  }
  v.value("space.next_hva", next_hva_);
  v.value("space.next_child", next_child_);
  for (u64* n : {&stats_.demand_zero, &stats_.huge_faults, &stats_.cow_breaks, &stats_.swap_outs, &stats_.swap_ins,
                 &stats_.merges})
    v.value("space.figure", *n);
}

void Space::for_each_reference(const std::function<void(Pa, u64)>& visit) const {
  for (const auto& [hva, pte] : ptes_)
    if (!pte.zero && !pte.special && !pte.poisoned) visit(pte.pa, pte.size);
  for (const Child& child : children_)
    for (const auto& [pa, size] : child.pages) visit(pa, size);
  for (const auto& file : files_)
    for (const auto& [offset, pa] : file) visit(pa, kPageSize);
  if (zero_page_) visit(*zero_page_, kPageSize);
  if (huge_zero_) visit(*huge_zero_, kHugeSize);
}

bool Space::is_sound() const {
  u64 end = 0;
  for (const auto& [base, vma] : vmas_) {
    if (base < end) return false;
    end = vma.range.end();
  }
  end = 0;
  for (const auto& [base, pte] : ptes_) {
    const Vma* vma = find(base);
    if (base < end || vma == nullptr || base + pte.size > vma->range.end()) return false;
    if (pte.zero && (pte.size == kPageSize ? zero_page_ : huge_zero_) != std::optional(pte.pa)) return false;
    end = base + pte.size;
  }
  for (const auto& [page, bytes] : swapped_)
    if (!is_page(page) || find(page) == nullptr || lookup(page)) return false;
  return true;
}

bool Space::covers(HvaRange range) const {
  for (u64 at = range.base; at < range.end();) {
    const Vma* vma = find(at);
    if (vma == nullptr) return false;
    at = vma->range.end();
  }
  return true;
}

}  // namespace farside::hyp::host
