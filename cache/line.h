// cache/line.h - one line of a first-level cache, with data, and the directory's records of one line of memory.
#pragma once
#include <array>

#include "cache/access.h"
#include "cache/sanitizer.h"

namespace farside::cache {

/// The bytes of a line, as the host's caches like them.
struct alignas(kLine) LineBytes {
  std::array<u8, kLine> bytes{};
};

/// Coherence state. Modified: has dirty bytes, or a pointer for writing to it
/// has been lent.
enum class State : u8 { Invalid, Shared, Exclusive, Modified };
/// Why the line came into the cache.
enum class Origin : u8 { Demand, Prefetch, Speculation, Walk };

/// Where copies of 64 bytes of memory are: what every miss and eviction asks. Small, because each miss in the L2 looks
/// at two of these that the host's caches may not have. Right when it is all zeros; where it lies says which memory it
/// is about (Directory).
struct LineInfo {
  u32 l1d = 0, l1i = 0;  ///< cores that hold a copy, one bit each
  u32 last_event = 0;    ///< newest event in the history: the low bits of its number; 0: none
  u8 l2 = 0;             ///< 1 + the way of the copy in the L2; 0: none
  u8 lent_to = 0;        ///< 1 + the core that holds a pointer for writing; 0: none
  u8 last_use = 0;       ///< kind of attributes last used, for MISMATCH; 0: none since maintenance
  u8 marks = 0;          ///< of kInteresting and kDivergent
  static constexpr u8 kInteresting = 1, kDivergent = 2;
  /// Queued for adversarial choices.
  bool interesting() const { return (marks & kInteresting) != 0; }
  /// Something was done that leaves copies older than others: the bytes last written are kept in Hierarchy::golden_.
  /// While false, each copy and memory hold them, save for bytes that a copy above them holds as dirty.
  bool divergent() const { return (marks & kDivergent) != 0; }
  void mark(u8 what, bool on) { marks = static_cast<u8>(on ? marks | what : marks & ~what); }
};
static_assert(sizeof(LineInfo) == 16);

/// What stores and instruction invalidations leave behind about the same 64 bytes, for reports and for what may still
/// be executed. Right when it is all zeros.
struct LinePast {
  u64 changed = 0;  ///< event count at the last store, or later
  u64 last_ic = 0;  ///< event count when an instruction invalidation of this line last completed
  Writer writer() const {
    return {.pc = writer_pc_,
            .sequence = writer_ >> 16,
            .core = static_cast<u8>(writer_ >> 8),
            .el = static_cast<El>(writer_ >> 4 & 3),
            .kind = static_cast<AccessKind>(writer_ >> 1 & 7),
            .cached = (writer_ & 1) != 0};
  }
  void set_writer(const Writer& writer) {
    writer_pc_ = writer.pc;
    writer_ = writer.sequence << 16 | u64{static_cast<u8>(writer.core)} << 8 | static_cast<u64>(writer.el) << 4 |
              static_cast<u64>(writer.kind) << 1 | static_cast<u64>(writer.cached);
  }
  u64 write_event() const { return writer_ >> 16; }  ///< Writer::sequence

 private:
  u64 writer_pc_ = 0;
  u64 writer_ = 0;  ///< the rest of it; numbers of events have 48 bits
};
static_assert(sizeof(LinePast) == 32);

/// 4 KiB of memory in the directory. Right when it is all zeros.
///
/// With the knob pages=whole a page is whole as long as nobody can tell its memory from the caches: then its memory
/// holds what was last written, no data cache has lines of it, and where the point of coherency still has older bytes
/// these are kept apart (KeptImages). The first access that could see a difference splits it: each line goes where it
/// could be (Hierarchy::split). Sets of lines are bits by number.
struct PageInfo {
  enum class Mode : u8 { Whole, Lines };
  u8* memory = nullptr;  ///< the bytes at the point of coherency, but of lines in `dirty`; null: never used
  u64 dirty = 0;         ///< whole: lines that were written and not yet written back
  u64 above = 0;         ///< whole: of these, those not cleaned to the point of unification either
  u64 resident = 0;      ///< whole: lines that may be in data caches
  u64 lent = 0;          ///< whole: lines that `lent_to` may store to by pointer
  u64 code = 0;          ///< whole: lines that `fetchers` may execute by pointer
  u32 fetchers = 0;      ///< whole: cores, one bit each
  u32 written = 0;       ///< whole: Hierarchy::lines_written_ when it was last stored to, other than by pointer
  u32 used = 0;          ///< whole: Hierarchy::pages_used_ when it was last used by other than pointers
  u32 readers = 0;       ///< whole: cores that may load from all of it by pointer, one bit each
  u16 image = 0;         ///< 1 + the place of the older bytes; 0: `dirty` is empty
  u8 lent_to = 0;        ///< 1 + the core
  u8 use = 0;            ///< whole: every line has been marked as used like this (LineInfo::last_use)
  Mode mode = Mode::Whole;
  bool executed = false;   ///< whole: may have `fetchers`
  bool fetched = false;    ///< instructions were fetched from it
  bool cacheable = false;  ///< was accessed through a cacheable mapping
};

/// One way of one set of a first-level cache: the data, and a line of the host's caches about it.
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
