// cache/line.h - one line of a cache, with data, and the directory's record of
// one line of memory.
#pragma once
#include <array>

#include "cache/access.h"
#include "cache/sanitizer.h"

namespace farside::cache {

/// Coherence state. Modified: has dirty bytes, or a pointer for writing to it
/// has been lent.
enum class State : u8 { Invalid, Shared, Exclusive, Modified };
/// Why the line came into the cache.
enum class Origin : u8 { Demand, Prefetch, Speculation, Walk };

/// What the model knows about 64 bytes of memory: where copies are, and who
/// wrote there last. One line of the host's caches, and right when it is all
/// zeros; where it lies says which memory it is about (Directory).
struct alignas(kLine) LineInfo {
  u64 last_event = 0;  ///< newest event in the history
  u64 changed = 0;     ///< event count at the last store, or later
  u64 last_ic = 0;     ///< event count when an instruction invalidation of this line last completed
  Writer writer;
  u32 l1d = 0, l1i = 0;      ///< cores that hold a copy, one bit each
  u8 l2 = 0;                 ///< 1 + the way of the copy in the L2; 0: none
  u8 lent_to = 0;            ///< 1 + the core that holds a pointer for writing; 0: none
  u8 last_use = 0;           ///< kind of attributes last used, for MISMATCH; 0: none
                             ///< since maintenance
  bool interesting = false;  ///< queued for adversarial choices
  /// Something was done that leaves copies older than others: the bytes last
  /// written are kept in Hierarchy::golden_. While false, each copy and memory
  /// hold them, save for bytes that a copy above them holds as dirty.
  bool divergent = false;
};

/// 4 KiB of memory in the directory. Right when it is all zeros, but for what
/// says which page it is.
struct PageInfo {
  enum class Mode : u8 { Fresh, Cached, Uncached, Divergent };
  u64 pa = 0;
  u8* memory = nullptr;  ///< the bytes at the point of coherency; null: never used
  Mode mode = Mode::Fresh;
  bool fetched = false;    ///< instructions were fetched from it
  bool cacheable = false;  ///< was accessed through a cacheable mapping
  bool lent = false;       ///< a page-sized pointer may be held
};

/// One way of one set: the data, and a line of the host's caches about it.
struct alignas(kLine) Line {
  std::array<u8, kLine> data{};
  LineInfo* info = nullptr;
  u8* memory = nullptr;  ///< its bytes at the point of coherency
  u64 dirty = 0;         ///< one bit per byte
  u64 lent_context = 0;  ///< an instruction line: the core's context of fetches when it was lent last
  State state = State::Invalid;
  Origin origin = Origin::Demand;
  bool snooped = true;  ///< takes part in coherence: was not allocated by a
                        ///< Non-shareable access that is kept private
  bool lent_read = false, lent_write = false;
  u16 vmid = 0, asid = 0;  ///< instruction caches that tag by them
  bool valid() const { return state != State::Invalid; }
};

}  // namespace farside::cache
