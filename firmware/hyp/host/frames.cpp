// firmware/hyp/host/frames.cpp - the frame allocator: shuffled 2 MiB blocks, cut into shuffled pages on demand.
#include "firmware/hyp/host/frames.h"

#include <utility>

#include "core/base/chance.h"
#include "core/base/check.h"

namespace farside::hyp::host {

Frames::Frames(Pa base, u64 size, u64 seed) : base_(base), size_(size), seed_(seed), blocks_(size / kHugeSize) {
  CHECK(base.is_aligned(kHugeSize) && is_aligned(size, kHugeSize), "host memory {} size {:#x}", base, size);
  free_blocks_.resize(blocks_.size());
  for (usize i = 0; i < free_blocks_.size(); ++i) free_blocks_[i] = static_cast<u32>(i);
  Chance chance(seed, "frames");
  for (usize i = free_blocks_.size(); i > 1; --i) std::swap(free_blocks_[i - 1], free_blocks_[chance.below(i)]);
}

std::optional<usize> Frames::take_free_block() {
  while (!free_blocks_.empty()) {
    const usize block = free_blocks_.back();
    free_blocks_.pop_back();
    if (blocks_[block].state == State::Free) return block;
  }
  return std::nullopt;
}

void Frames::open_small(usize block, unsigned first_free) {
  Block& b = blocks_[block];
  b.state = State::Small;
  b.count = 0;
  b.refs = std::make_unique<u32[]>(kPagesPerHuge);
  b.free.clear();
  for (unsigned i = first_free; i < kPagesPerHuge; ++i) b.free.push_back(static_cast<u16>(i));
  Chance chance(seed_ + block, "pages");
  for (usize i = b.free.size(); i > 1; --i) std::swap(b.free[i - 1], b.free[chance.below(i)]);
  partial_.push_back(static_cast<u32>(block));
}

std::optional<Pa> Frames::allocate() {
  while (!partial_.empty()) {
    const usize block = partial_.back();
    Block& b = blocks_[block];
    if (b.state != State::Small || b.free.empty()) {
      partial_.pop_back();
      continue;
    }
    const unsigned p = b.free.back();
    b.free.pop_back();
    b.refs[p] = 1;
    ++b.count;
    used_ += kPageSize;
    return address(block) + p * kPageSize;
  }
  const auto block = take_free_block();
  if (!block) return std::nullopt;
  open_small(*block, 0);
  return allocate();
}

std::optional<Pa> Frames::allocate_run(u64 size) {
  CHECK(is_power_of_two(size) && size >= kPageSize, "run of {:#x}", size);
  if (size >= kHugeSize) return take_blocks(size / kHugeSize);
  const auto block = take_free_block();
  if (!block) return std::nullopt;
  const unsigned pages = static_cast<unsigned>(size / kPageSize);
  open_small(*block, pages);
  for (unsigned i = 0; i < pages; ++i) blocks_[*block].refs[i] = 1;
  blocks_[*block].count = pages;
  used_ += size;
  return address(*block);
}

std::optional<Pa> Frames::take_blocks(u64 count) {
  std::optional<usize> head;
  if (count == 1) {
    head = take_free_block();
  } else {
    const usize first = align_up(base_.value, count * kHugeSize) / kHugeSize - base_.value / kHugeSize;
    for (usize at = first; at + count <= blocks_.size() && !head; at += count) {
      bool all_free = true;
      for (usize i = at; i < at + count && all_free; ++i) all_free = blocks_[i].state == State::Free;
      if (all_free) head = at;
    }
  }
  if (!head) return std::nullopt;
  for (usize i = 1; i < count; ++i) {
    blocks_[*head + i].state = State::Tail;
    blocks_[*head + i].order = static_cast<u32>(i);
  }
  Block& b = blocks_[*head];
  b.state = State::Head;
  b.order = log2_floor(count);
  b.count = 1;
  used_ += count * kHugeSize;
  return address(*head);
}

void Frames::get(Pa pa) {
  usize block = index(pa);
  if (blocks_[block].state == State::Tail) block -= blocks_[block].order;
  Block& b = blocks_[block];
  CHECK(b.state != State::Free, "reference to free {}", pa);
  ++(b.state == State::Head ? b.count : b.refs[page(pa)]);
}

void Frames::put(Pa pa) {
  usize block = index(pa);
  if (blocks_[block].state == State::Tail) block -= blocks_[block].order;
  Block& b = blocks_[block];
  if (b.state == State::Head) {
    if (--b.count == 0) release_blocks(block);
    return;
  }
  CHECK(b.state == State::Small && b.refs[page(pa)] > 0, "put of free {}", pa);
  if (--b.refs[page(pa)] == 0) release_page(block, page(pa));
}

void Frames::release_page(usize block, unsigned page) {
  Block& b = blocks_[block];
  used_ -= kPageSize;
  if (--b.count == 0) {
    b = Block{};
    free_blocks_.push_back(static_cast<u32>(block));
    return;
  }
  if (b.free.empty()) partial_.push_back(static_cast<u32>(block));
  b.free.push_back(static_cast<u16>(page));
}

void Frames::release_blocks(usize head) {
  const u64 count = u64{1} << blocks_[head].order;
  used_ -= count * kHugeSize;
  for (usize i = head; i < head + count; ++i) {
    blocks_[i] = Block{};
    free_blocks_.push_back(static_cast<u32>(i));
  }
}

u32 Frames::count(Pa pa) const {
  usize block = index(pa);
  if (blocks_[block].state == State::Tail) block -= blocks_[block].order;
  const Block& b = blocks_[block];
  if (b.state == State::Free) return 0;
  return b.state == State::Head ? b.count : b.refs[page(pa)];
}

bool Frames::is_compound(Pa pa) const {
  const State state = blocks_[index(pa)].state;
  return state == State::Head || state == State::Tail;
}

void Frames::put_range(Pa pa, u64 size) {
  if (is_compound(pa)) return put(pa);
  for (u64 offset = 0; offset < size; offset += kPageSize) put(pa + offset);
}

void Frames::get_range(Pa pa, u64 size) {
  if (is_compound(pa)) return get(pa);
  for (u64 offset = 0; offset < size; offset += kPageSize) get(pa + offset);
}

void Frames::split(Pa pa) {
  const usize head = index(pa);
  CHECK(blocks_[head].state == State::Head, "split of {}", pa);
  const u64 count = u64{1} << blocks_[head].order;
  const u32 refs = blocks_[head].count;
  for (usize i = head; i < head + count; ++i) {
    open_small(i, kPagesPerHuge);
    blocks_[i].count = kPagesPerHuge;
    for (unsigned p = 0; p < kPagesPerHuge; ++p) blocks_[i].refs[p] = refs;
  }
}

}  // namespace farside::hyp::host
