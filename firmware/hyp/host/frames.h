// firmware/hyp/host/frames.h - the host's physical memory: page frames handed out in a seeded order, with counts.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/base/addr.h"
#include "core/base/state.h"

namespace farside::hyp::host {

constexpr u64 kPageSize = 4096;
constexpr u64 kHugeSize = 2u << 20;
constexpr u64 kPagesPerHuge = kHugeSize / kPageSize;

/// Allocates frames of 4 KiB, and naturally aligned runs of whole 2 MiB blocks. Same seed, same order.
class Frames {
 public:
  /// `base` and `size` are multiples of 2 MiB.
  Frames(Pa base, u64 size, u64 seed);

  /// One 4 KiB frame with count 1; empty when memory is exhausted.
  std::optional<Pa> allocate();
  /// `size` bytes (a power of two), aligned to their size, count 1 for the whole. Below 2 MiB the pages are counted
  /// one by one, from 2 MiB on as one compound frame.
  std::optional<Pa> allocate_run(u64 size);
  /// References to the frame (or compound frame) that holds `pa`. The last put frees it.
  void get(Pa pa);
  void put(Pa pa);
  u32 count(Pa pa) const;
  /// True when `pa` lies in a compound frame, which is counted as one.
  bool is_compound(Pa pa) const;
  /// One put for a compound frame, else one per page of [pa, pa + size).
  void put_range(Pa pa, u64 size);
  void get_range(Pa pa, u64 size);
  /// A compound frame becomes single pages, each with the compound's count.
  void split(Pa pa);
  bool contains(Pa pa) const { return pa.value >= base_.value && pa.value - base_.value < size_; }
  /// The first page of the compound frame that holds `pa`.
  Pa head(Pa pa) const {
    const usize block = index(pa);
    return address(blocks_[block].state == State::Tail ? block - blocks_[block].order : block);
  }
  /// Visits every frame in use and the order in which others will be handed out.
  void visit_state(StateVisitor& visitor);
  u64 used_bytes() const { return used_; }
  u64 total_bytes() const { return size_; }

 private:
  enum class State : u8 { Free, Small, Head, Tail };
  struct Block {
    State state = State::Free;
    u32 order = 0;                ///< of a Head: log2 of the number of blocks; of a Tail: distance to its Head
    u32 count = 0;                ///< of a Head: references; of Small: pages in use
    std::unique_ptr<u32[]> refs;  ///< of Small: per page
    std::vector<u16> free;        ///< of Small: pages to hand out, last first
  };
  usize index(Pa pa) const { return (pa.value - base_.value) / kHugeSize; }
  static unsigned page(Pa pa) { return (pa.value % kHugeSize) / kPageSize; }
  Pa address(usize block) const { return base_ + block * kHugeSize; }
  std::optional<usize> take_free_block();
  std::optional<Pa> take_blocks(u64 count);
  void open_small(usize block, unsigned first_free);
  void release_page(usize block, unsigned page);
  void release_blocks(usize head);
  void visit_small(StateVisitor& visitor, Block& block);
  void restore_tails(StateVisitor& visitor, usize head);

  Pa base_;
  u64 size_, used_ = 0, seed_;
  std::vector<Block> blocks_;
  std::vector<u32> free_blocks_;  ///< in hand-out order, last first; entries may be stale, the state decides
  std::vector<u32> partial_;      ///< Small blocks with free pages; entries may be stale
};

}  // namespace farside::hyp::host
