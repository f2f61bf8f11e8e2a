// cache/history.h - what happened to a line: a ring of events of all lines, chained per line, and events of ranges.
#pragma once
#include <deque>
#include <vector>

#include "cache/access.h"
#include "core/base/bits.h"
#include "core/base/host_memory.h"
#include "core/base/state.h"

namespace farside::cache {

enum class EventKind : u8 {
  Fill,       ///< into L1D or L2 by an access
  SpecFill,   ///< by speculation
  FetchFill,  ///< into L1I
  Write,      ///< cacheable store into a line; through a lent pointer only the first
              ///< of a run is named
  NcWrite,    ///< store to memory around the caches
  DmaWrite,
  Clean,       ///< by maintenance
  Invalidate,  ///< by maintenance
  ICacheInvalidate,
  Evict,      ///< left a cache without maintenance
  WriteBack,  ///< dirty bytes reached memory
  Snoop,      ///< taken or downgraded by another core
  Discard,    ///< dirty bytes thrown away
  External,   ///< note_event: the machine's own remark (stage-2 map, unmap, trap)
};
std::string_view name(EventKind kind);

/// Where it happened.
enum class Level : u8 { L1D, L1I, L2, Memory, FetchBuffer };
std::string_view name(Level level);

struct Event {
  u64 sequence = 0;  ///< counts events of the machine, from 1
  u64 previous = 0;  ///< sequence of the line's event before this one; 0: none
  u64 line = 0;      ///< physical address
  u64 pc = 0;
  EventKind kind = EventKind::Fill;
  Level level = Level::L1D;
  AccessKind by = AccessKind::Data;
  u8 core = 0;
  El el = El::EL0;
  u16 remark = 0;  ///< External: the caller's code
};

/// What happened to more memory than a line: noted once, not for each line.
enum class RangeKind : u8 {
  Stage2Map,    ///< the hypervisor mapped it
  Stage2Unmap,  ///< the hypervisor took the mapping away
  CleanInvalidate,
  ICacheInvalidate,
  ICacheInvalidateAll,
};
std::string_view name(RangeKind kind);

struct RangeEvent {
  u64 sequence = 0;  ///< of the last line event before it
  u64 base = 0;      ///< physical address
  u64 size = 0;      ///< bytes
  u64 ipa = 0;       ///< of `base`, for the kinds of stage 2
  RangeKind kind = RangeKind::Stage2Map;
  bool holds(u64 address) const { return address - base < size; }
};

/// The last events of all lines and of ranges; old ones are overwritten.
class History {
 public:
  explicit History(unsigned size_log2 = 18)
      : size_(u64{1} << size_log2), memory_(size_ * sizeof(Packed), HostPages::Small) {}
  /// Records `event`, the newest of its line. `newest` has the low bits of the number of the one before, and gets those
  /// of this one.
  void add(const Event& event, u32& newest) {
    const auto now = static_cast<u32>(++last_);
    slot(last_) = pack(event, newest == 0 ? 0 : now - newest);
    newest = now;
  }
  /// The number of an event from its low bits, for those of the last 2^32.
  u64 sequence_of(u32 low) const { return low == 0 ? 0 : last_ - (static_cast<u32>(last_) - low); }
  /// Up to `limit` events of `line`, newest first, from its event `sequence`.
  std::vector<Event> of_line(u64 line, u64 sequence, usize limit) const {
    std::vector<Event> events;
    while (sequence != 0 && sequence + size_ > last_ && events.size() < limit) {
      const Event event = at(sequence);
      if (event.line != line) break;  // an older number with the same low bits
      events.push_back(event);
      sequence = event.previous;
    }
    return events;
  }
  /// Records something about a range at this moment.
  void add(RangeEvent event) {
    event.sequence = last_;
    if (ranges_.size() == kRanges) ranges_.pop_front();
    ranges_.push_back(event);
  }
  /// Up to `limit` events of ranges that hold `address`, newest first.
  std::vector<RangeEvent> ranges_with(u64 address, usize limit) const {
    std::vector<RangeEvent> events;
    for (auto event = ranges_.rbegin(); event != ranges_.rend() && events.size() < limit; ++event) {
      if (event->holds(address)) events.push_back(*event);
    }
    return events;
  }
  u64 count() const { return last_; }
  const u64* counter() const { return &last_; }
  /// snapshot.cpp
  void visit_state(StateVisitor& visitor);

 private:
  static constexpr usize kRanges = 16384;
  /// An event in 24 bytes: a ring that is written all the time should leave room in the host's caches.
  struct Packed {
    u64 line_and_kind = 0;  ///< lines are aligned: EventKind in bits 3:0, EL in bits 5:4
    u64 pc = 0;
    u32 back = 0;  ///< events since the line's event before; 0: none
    u32 rest = 0;  ///< core in bits 7:0, Level in bits 11:8, AccessKind in bits 15:12, remark in bits 31:16
  };
  static Packed pack(const Event& e, u32 back) {
    return {e.line | static_cast<u64>(e.kind) | static_cast<u64>(e.el) << 4, e.pc, back,
            e.core | static_cast<u32>(e.level) << 8 | static_cast<u32>(e.by) << 12 | u32{e.remark} << 16};
  }
  Event at(u64 sequence) const {
    const Packed& e = slot(sequence);
    return {.sequence = sequence,
            .previous = e.back == 0 ? 0 : sequence - e.back,
            .line = align_down(e.line_and_kind, kLine),
            .pc = e.pc,
            .kind = static_cast<EventKind>(e.line_and_kind & 15),
            .level = static_cast<Level>(e.rest >> 8 & 15),
            .by = static_cast<AccessKind>(e.rest >> 12 & 15),
            .core = static_cast<u8>(e.rest),
            .el = static_cast<El>(e.line_and_kind >> 4 & 3),
            .remark = static_cast<u16>(e.rest >> 16)};
  }

  Packed& slot(u64 sequence) const { return reinterpret_cast<Packed*>(memory_.data())[sequence & (size_ - 1)]; }

  std::deque<RangeEvent> ranges_;
  u64 size_;
  HostMemory memory_;  ///< the ring: small machines never use much of it
  u64 last_ = 0;
};

}  // namespace farside::cache
