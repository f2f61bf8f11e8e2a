// core/jit/code_lines.h - with modelled caches: what is translated of 64 bytes of instructions at one address.
#pragma once
#include <array>
#include <deque>

#include "core/base/host_memory.h"
#include "core/jit/block.h"

namespace farside::jit {

/// Code depends on its address, its bytes and whether its page is guarded. So a line that a core loses and fetches
/// again unchanged, from whatever cache, keeps its translation; and of one address there may be several.
struct alignas(64) CodeLine {
  std::array<u8, 64> bytes{};
  u64 va = 0;
  CodeLine* next = nullptr;  ///< of the same home
  bool guarded = false, used = false;
  std::array<const u8*, 16> code{};  ///< host code by its first instruction, or null: the Block need not be looked at
};

class CodeLines {
 public:
  /// Of no use if no caches are modelled.
  explicit CodeLines(bool modelled) {
    if (modelled) clear();
  }
  /// The record of the line of `va` with these 64 bytes, made if there is none.
  CodeLine& find(u64 va, const u8* bytes, bool guarded);
  /// The host begins to fetch what find() will need, while the line itself is fetched.
  void prefetch(u64 va) const {
    const CodeLine& line = home(va);
    __builtin_prefetch(&line);
    __builtin_prefetch(&line.va);
    __builtin_prefetch(&line.code[va / 4 % 16]);
  }
  /// So many records exist that all should be forgotten.
  bool full() const { return count_ >= kMost; }
  void clear();

 private:
  static constexpr usize kHomes = usize{1} << 18, kMost = kHomes;
  /// Where the record is, or the first of those that share the place. Neighbours have neighbouring homes: code is
  /// fetched in order, and so are they.
  CodeLine& home(u64 va) const { return reinterpret_cast<CodeLine*>(homes_.data())[(va >> 6 ^ va >> 40) % kHomes]; }

  HostMemory homes_;  ///< most are never used
  std::deque<CodeLine> others_;
  usize count_ = 0;
};

}  // namespace farside::jit
