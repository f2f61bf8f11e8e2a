// cache/fetch_ahead.cpp - instructions that were fetched before a store and are executed after it, as no IC and no
// store of another core can prevent: only a context synchronization event of the core that fetched them.
#include <algorithm>

#include "cache/visit.h"

namespace farside::cache {

/// Event count from which no fetch can have been the old one: invalidated everywhere or, with DIC, written. A core
/// fetches in program order, so a later fetch may not be older than that.
u64 Hierarchy::last_old_fetch(unsigned core, const FetchedAhead& ahead) const {
  if (config_.dic) return ahead.until;
  const u64 invalidated = std::max(past_of(*ahead.info).last_ic, core_[core].last_ic_all);
  return invalidated < ahead.until ? ~u64{0} : invalidated + 1;
}

/// A store is about to make `line` new: cores that execute from it may have fetched it ahead. Only those that have
/// been given a pointer to it under their present translations can have.
void Hierarchy::keep_fetched(LineInfo& line) {
  if (knobs_.fetch_buffer == FetchBufferUse::None) return;
  for (u32 left = line.l1i; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Core& c = core_[core];
    if (knobs_.fetch_buffer == FetchBufferUse::Random && c.chance.one_in(2)) continue;
    for_each_instruction_copy(core, line, [&](Line& copy) {
      if (!copy.lent_read || copy.lent_context != c.fetch_context) return;
      c.ahead.keep({.info = &line, .since = past_of(line).changed, .until = history_.count() + 1, .data = copy.data});
      if (listener_ != nullptr) listener_->fetched_ahead(core);
      // The cache may lose the line while the buffer keeps it: the core then sees the new one before the old one.
      if (knobs_.fetch_buffer == FetchBufferUse::Random && c.chance.one_in(2)) drop_instruction(core, copy);
    });
  }
}

/// What `core` has fetched of `line` before the last stores to it, if it may still execute that.
const FetchedAhead* Hierarchy::fetched_ahead(unsigned core, const LineInfo& line) const {
  const Core& c = core_[core];
  if (c.ahead.empty()) [[likely]]
    return nullptr;
  return c.ahead.find(&line, [&](const FetchedAhead& ahead) { return c.fetched_at < last_old_fetch(core, ahead); });
}

/// Takes what was fetched ahead: always, or by chance.
const FetchedAhead* Hierarchy::take_ahead(unsigned core, const LineInfo& line) {
  const FetchedAhead* ahead = fetched_ahead(core, line);
  if (ahead == nullptr) return nullptr;
  if (knobs_.fetch_buffer == FetchBufferUse::Random && core_[core].chance.one_in(2)) return nullptr;
  core_[core].fetched_at = std::max(core_[core].fetched_at, ahead->since);
  return ahead;
}

/// A context synchronization event: what follows is fetched again. A store of this core that no DSB has completed may
/// still be unknown to that fetch.
void Hierarchy::synchronize(unsigned core) {
  Core& c = core_[core];
  if (c.ahead.empty()) return;
  c.ahead.clear_if([&](const FetchedAhead& ahead) {
    const Writer writer = past_of(*ahead.info).writer();
    const bool own = writer.core == core && writer.kind == AccessKind::Data;
    return !own || ahead.until <= c.order.stores_complete;
  });
}

u64 Hierarchy::forget_fetched(unsigned core) {
  resume_fetching(core, ++fetch_contexts_);
  return fetch_contexts_;
}

void Hierarchy::resume_fetching(unsigned core, u64 context) {
  if (!modelled()) return;
  core_[core].ahead.clear();
  core_[core].fetch_context = context;
}

}  // namespace farside::cache
