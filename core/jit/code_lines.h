// core/jit/code_lines.h - with modelled caches: what is translated of 64 bytes of instructions at one address.
#pragma once
#include <array>
#include <deque>
#include <vector>

#include "core/jit/block.h"

namespace farside::jit {

/// Code depends on its address, its bytes and whether its page is guarded. So a line that a core loses and fetches
/// again unchanged, from whatever cache, keeps its translation; and of one address there may be several.
struct alignas(64) CodeLine {
  std::array<u8, 64> bytes{};
  u64 va = 0;
  CodeLine* next = nullptr;  ///< in the same bucket
  bool guarded = false;
  std::array<const u8*, 16> code{};  ///< host code by its first instruction, or null: the Block need not be looked at
};

class CodeLines {
 public:
  CodeLines() : buckets_(kBuckets) {}
  /// The record of the line of `va` with these 64 bytes, made if there is none.
  CodeLine& find(u64 va, const u8* bytes, bool guarded);
  /// The host begins to fetch what find() will need, in this order, while the line itself is fetched.
  void prefetch(u64 va) const { __builtin_prefetch(&buckets_[bucket(va)]); }
  void prefetch_record(u64 va) const {
    const CodeLine* const line = buckets_[bucket(va)];
    if (line == nullptr) return;
    __builtin_prefetch(line);
    __builtin_prefetch(&line->va);
    __builtin_prefetch(&line->code[va / 4 % 16]);
  }
  /// So many records exist that all should be forgotten.
  bool full() const { return lines_.size() >= kMost; }
  void clear();

 private:
  static constexpr usize kBuckets = usize{1} << 18, kMost = usize{1} << 18;
  /// Neighbours in neighbouring buckets: code is fetched in order, and a miss of the host brings several.
  static usize bucket(u64 va) { return (va >> 6 ^ va >> 40) % kBuckets; }

  std::vector<CodeLine*> buckets_;
  std::deque<CodeLine> lines_;
};

}  // namespace farside::jit
