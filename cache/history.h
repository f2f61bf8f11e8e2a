// cache/history.h - what happened to a line: a ring of events of all lines, chained per line, and events of ranges.
#pragma once
#include <deque>
#include <vector>

#include "cache/access.h"
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
  explicit History(unsigned size_log2 = 18) : ring_(usize{1} << size_log2) {}
  /// Records `event` after the line's event `previous` and returns its sequence
  /// number.
  u64 add(Event event, u64 previous) {
    event.sequence = ++last_;
    event.previous = previous;
    ring_[last_ & (ring_.size() - 1)] = event;
    return last_;
  }
  /// Up to `limit` events of a line, newest first, from its newest event
  /// `sequence`.
  std::vector<Event> of_line(u64 sequence, usize limit) const {
    std::vector<Event> events;
    while (sequence != 0 && sequence + ring_.size() > last_ && events.size() < limit) {
      events.push_back(ring_[sequence & (ring_.size() - 1)]);
      sequence = events.back().previous;
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
  /// snapshot.cpp
  void visit_state(StateVisitor& visitor);

 private:
  static constexpr usize kRanges = 16384;
  std::deque<RangeEvent> ranges_;
  std::vector<Event> ring_;
  u64 last_ = 0;
};

}  // namespace farside::cache
