// cache/line.h - one line of a cache, with data, and the directory's record of
// one line of memory.
#pragma once
#include <array>
#include <memory>

#include "cache/access.h"
#include "cache/sanitizer.h"

namespace farside::cache {

/// Coherence state. Modified: has dirty bytes, or a pointer for writing to it
/// has been lent.
enum class State : u8 { Invalid, Shared, Exclusive, Modified };
/// Why the line came into the cache.
enum class Origin : u8 { Demand, Prefetch, Speculation, Walk };

struct LineInfo;
struct PageInfo;

/// One way of one set.
struct Line {
  std::array<u8, kLine> data{};
  /// Content when a pointer for writing was lent or last looked at: what
  /// differs has been written since.
  std::array<u8, kLine> before{};
  LineInfo* info = nullptr;
  u64 dirty = 0;  ///< one bit per byte
  State state = State::Invalid;
  Origin origin = Origin::Demand;
  bool snooped = true;  ///< takes part in coherence: was not allocated by a
                        ///< Non-shareable access that is kept private
  bool lent_read = false, lent_write = false;
  u16 vmid = 0, asid = 0;  ///< instruction caches that tag by them
  u64 lent_context = 0;    ///< an instruction line: the core's context of fetches when it was lent last
  bool valid() const { return state != State::Invalid; }
};

/// What the model knows about 64 bytes of memory: where copies are, and what
/// was last written there.
struct LineInfo {
  u64 pa = 0;
  PageInfo* page = nullptr;
  u8* ram = nullptr;     ///< the bytes at the point of coherency
  u8* golden = nullptr;  ///< the bytes last written by anyone; null without the sanitizer
  u64 last_event = 0;    ///< newest event in the history
  u64 changed = 0;       ///< event count at the last store, or later
  u64 last_ic = 0;       ///< event count when an instruction invalidation of this line last completed
  u32 l1d = 0, l1i = 0;  ///< cores that hold a copy, one bit each
  bool l2 = false;
  bool interesting = false;  ///< queued for adversarial choices
  u8 last_use = 0;           ///< kind of attributes last used, for MISMATCH; 0: none
                             ///< since maintenance
  i8 write_lent_to = -1;     ///< core that holds a pointer for writing
  Writer writer;
};

/// 4 KiB of memory in the directory.
struct PageInfo {
  enum class Mode : u8 { Fresh, Cached, Uncached, Divergent };
  u64 pa = 0;
  std::array<LineInfo, 64> lines;
  std::unique_ptr<std::array<u8, 4096>> golden;
  Mode mode = Mode::Fresh;
  bool fetched = false;    ///< instructions were fetched from it
  bool cacheable = false;  ///< was accessed through a cacheable mapping
  bool lent = false;       ///< a page-sized pointer may be held
};

}  // namespace farside::cache
