// cache/fetch_buffer.h - lines that a core has fetched ahead of execution and keeps until it synchronises its context.
#pragma once
#include <array>

#include "cache/access.h"
#include "core/base/state.h"

namespace farside::cache {

struct LineInfo;

/// One line of instructions as it was before a store. Times are event counts of the history.
struct FetchedAhead {
  const LineInfo* info = nullptr;  ///< null: empty
  u64 since = 0;                   ///< of the write that `data` came from, or later
  u64 until = 0;                   ///< of the write that made it old
  std::array<u8, kLine> data{};
};

/// The few lines of one core. What is fetched ahead is old only once somebody has stored to it, so that lines need no
/// place here before.
class FetchBuffer {
 public:
  void keep(const FetchedAhead& ahead) {
    slots_[next_] = ahead;
    next_ = (next_ + 1) % slots_.size();
    any_ = true;
  }
  /// snapshot.cpp: `visit_line(const LineInfo*&)` visits which line it is.
  template <class VisitLine>
  void visit_state(StateVisitor& visitor, VisitLine visit_line);
  /// Calls `visit(FetchedAhead)` for each line.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const FetchedAhead& ahead : slots_) {
      if (ahead.info != nullptr) visit(ahead);
    }
  }
  bool empty() const { return !any_; }
  void clear() {
    if (any_) *this = {};
  }
  /// Forgets the lines of which `forget(FetchedAhead)` is true.
  template <class Forget>
  void clear_if(Forget forget) {
    bool left = false;
    for (FetchedAhead& ahead : slots_) {
      if (ahead.info != nullptr && forget(ahead)) ahead = {};
      left |= ahead.info != nullptr;
    }
    any_ = left;
  }
  /// The oldest copy of a line that `usable(FetchedAhead)` is true of, or null.
  template <class Usable>
  const FetchedAhead* find(const LineInfo* info, Usable usable) const {
    const FetchedAhead* oldest = nullptr;
    for (const FetchedAhead& ahead : slots_) {
      if (ahead.info != info || !usable(ahead)) continue;
      if (oldest == nullptr || ahead.until < oldest->until) oldest = &ahead;
    }
    return oldest;
  }

 private:
  std::array<FetchedAhead, 4> slots_{};
  usize next_ = 0;
  bool any_ = false;
};

}  // namespace farside::cache
