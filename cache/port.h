// cache/port.h - what the cache hierarchy needs from the machine around it;
// implemented at the top.
#pragma once
#include "core/base/addr.h"

namespace farside::cache {

/// RAM at the point of coherency.
class Backing {
 public:
  virtual ~Backing() = default;
  /// Host address of the 4 KiB page of RAM at `page`, or null when no RAM is
  /// there. Stable for the machine's life.
  virtual u8* ram_page(Pa page) = 0;
};

/// Which of a core's first-level caches a pointer leads into.
enum class Side : u8 { Data, Instruction };
/// What a withdrawal takes away: permission to write through pointers to the
/// line, or every pointer to it.
enum class Withdrawn : u8 { Write, All };

/// Where a fast path may keep what it knows of a whole page (PageInfo), and of a line of its instructions: what shares
/// a place takes turns in it. Lines of instructions have places behind those of any instruction cache.
constexpr u32 kWholePlaces = 8192, kWholeCodePlaces = 16384, kFirstWholeCodePlace = 1 << 21;
constexpr u32 whole_place(Pa page) { return static_cast<u32>(page.value / 4096 % kWholePlaces); }
constexpr u32 whole_code_place(Pa line) {
  return kFirstWholeCodePlace + static_cast<u32>(line.value / 64 % kWholeCodePlaces);
}

/// Owner of a fast path that holds pointers from Hierarchy::line_pointer and
/// fetch_pointer.
class LineListener {
 public:
  virtual ~LineListener() = default;
  /// Called before the line changes place or meaning. Called only for lines
  /// that have been lent to `core`; afterwards the hierarchy assumes that no
  /// such pointer is used again.
  /// `place`: LinePointer::place of what was lent.
  virtual void line_withdrawn(unsigned core, Side side, Pa line, u32 place, Withdrawn what) = 0;
  /// The fetch buffer of `core` has something: from now on it matters which of its stores other cores have seen, that
  /// is when Hierarchy::speculate() is called.
  virtual void fetched_ahead(unsigned core) { static_cast<void>(core); }
  /// The same for a whole page (PageInfo), by the host address of its memory: `core` may no longer store to the lines
  /// of `lines`, a bit each, and with All may not load from the page.
  /// `place`: LinePointer::place.
  virtual void page_withdrawn(unsigned core, const u8* page, u32 place, u64 lines, Withdrawn what) = 0;
};

}  // namespace farside::cache
