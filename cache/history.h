// cache/history.h - what happened to a line: a ring of events of all lines,
// chained per line.
#pragma once
#include <vector>

#include "cache/access.h"

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
enum class Level : u8 { L1D, L1I, L2, Memory };
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

/// The last events of all lines; old ones are overwritten.
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
  u64 count() const { return last_; }

 private:
  std::vector<Event> ring_;
  u64 last_ = 0;
};

}  // namespace farside::cache
