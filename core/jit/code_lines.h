// core/jit/code_lines.h - with modelled caches: what is translated of 64 bytes of instructions at one address.
#pragma once
#include <array>
#include <vector>

#include "core/base/bits.h"
#include "core/base/host_memory.h"
#include "core/jit/block.h"

namespace farside::jit {

/// Code depends on its address, its bytes and whether its page is guarded. So a line that a core loses and fetches
/// again unchanged, from whatever cache, keeps its translation; and of one address there may be several.
struct CodeLine {
  std::array<u8, 64> bytes;
  /// Of each instruction: where the host code that begins with it lies in the code buffer, or kRuns and how often it
  /// has been interpreted.
  std::array<u32, 16> code;
  static constexpr u32 kRuns = u32{1} << 31;
};
static_assert(sizeof(CodeLine) == 128);

/// Misses of the L1I ask for a line each, and wait for the host's memory: what they look at is small, and lies together
/// for neighbours.
class CodeLines {
 public:
  /// Of no use if no caches are modelled.
  explicit CodeLines(bool modelled) {
    if (modelled) clear();
  }
  /// The record of the line of `va` with these 64 bytes, made if there is none. `likely`: a record of that address, or
  /// null.
  CodeLine& find(u64 va, const u8* bytes, bool guarded, CodeLine* likely);
  /// The host begins to fetch what find() will need for this line, while the line itself is fetched, and for the next.
  void prefetch(u64 va) const {
    for (u64 line : {va, va + 64}) prefetch(line_at(home(line)));
  }
  static void prefetch(const CodeLine& line) {
    __builtin_prefetch(&line.bytes);
    __builtin_prefetch(&line.code);
  }
  /// So many records exist that all should be forgotten.
  bool full() const { return count_ >= kMost; }
  void clear();

 private:
  static constexpr u64 kUsed = 1, kGuarded = 2;
  static constexpr usize kHomes = usize{1} << 18, kMost = kHomes;
  /// Where a line is. All zeros: nothing.
  struct Place {
    u64 key = 0;     ///< its address, kUsed and kGuarded
    u32 number = 0;  ///< of its record among those of guarded pages, or of others
    u32 next = 0;    ///< 1 + the index in others_ of the next place with the same home; 0: none
    bool guarded() const { return (key & kGuarded) != 0; }
  };
  /// Neighbours have neighbouring homes.
  Place& home(u64 va) const { return reinterpret_cast<Place*>(homes_.data())[(va >> 6 ^ va >> 40) % kHomes]; }
  CodeLine& line_at(const Place& place) const {
    return reinterpret_cast<CodeLine*>(lines_[place.guarded()].data())[place.number];
  }

  HostMemory homes_, lines_[2];  ///< most are never used
  std::vector<Place> others_;
  u32 count_ = 0;
};

}  // namespace farside::jit
