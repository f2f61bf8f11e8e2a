// core/jit/blocks.h - all translated blocks: by key, by page, and the jumps that connect them.
#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "core/jit/code_buffer.h"

namespace farside::jit {

class Blocks {
 public:
  /// What is known of a page of the host's memory that has or had blocks.
  struct Page {
    Block* blocks = nullptr;
    unsigned writes = 0;  ///< times that a store hit the page while it held code
    bool watched = false;
  };

  explicit Blocks(CodeBuffer& buffer) : buffer_(buffer), buckets_(kBuckets) {}
  Block* find(u64 pc, u64 host) const {
    Block* block = buckets_[bucket(pc, host)];
    while (block != nullptr && (block->pc != pc || block->host != host)) block = block->next;
    return block;
  }
  /// A new block without code.
  Block& add(u64 pc, u64 host);
  /// Sends `link` to `to`.
  void connect(Link& link, Block& to);
  /// Sends `link`, which is connected, to `to` instead.
  void redirect(Link& link, Block& to);
  /// Takes the block out of every table and every chain. Its code may be running and stays where it is.
  void drop(Block& block);
  /// Forgets everything; the code buffer is to be emptied too.
  void clear();
  Page& page_of(u64 host) { return pages_[host & ~u64{4095}]; }
  /// The page at this host address, if it has or had blocks.
  Page* known_page(u64 host);
  std::unordered_map<u64, Page>& pages() { return pages_; }
  /// Every block since the last clear, dropped ones too.
  const std::deque<Block>& all() const { return blocks_; }
  usize live() const { return live_; }

 private:
  static constexpr usize kBuckets = usize{1} << 16;
  static usize bucket(u64 pc, u64 host) { return ((host >> 12) * 0x9e3779b97f4a7c15 ^ pc) >> 2 & (kBuckets - 1); }
  void disconnect(Link& link);

  CodeBuffer& buffer_;
  std::vector<Block*> buckets_;
  std::deque<Block> blocks_;
  std::unordered_map<u64, Page> pages_;  ///< by host address
  usize live_ = 0;
};

}  // namespace farside::jit
