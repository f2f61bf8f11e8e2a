// cache/speculation.cpp - what silicon does unasked: speculative fills,
// evictions, refetches; chosen by seed or by malice.
#include <algorithm>
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {
namespace {

/// How many interesting lines the adversary looks at for each eviction.
constexpr unsigned kLooks = 16;
/// With whole pages little of what silicon does unasked can be seen. It comes in groups of so many, with as much time
/// between them: each by itself is as likely at any moment, and cores run on for longer.
constexpr u64 kGroup = 16;

}  // namespace

/// Remembers a line that is used through caches and around them: where a choice
/// can make a difference.
void Hierarchy::make_interesting(LineInfo& line) {
  if (line.interesting()) return;
  line.mark(LineInfo::kInteresting, true);
  interesting_.push_back(&line);
  if (interesting_.size() <= kMaxInteresting) return;
  interesting_.front()->mark(LineInfo::kInteresting, false);
  interesting_.pop_front();
}

/// Only memory with some cacheable mapping may be allocated by speculation: the
/// host's linear map, if there is a host, or a mapping that has been used.
bool Hierarchy::may_speculate(const LineInfo& line) const {
  if (is_whole(line)) return false;  // it does, when that could be seen
  return knobs_.host_alias == Switch::On || page_of(line).cacheable;
}

void Hierarchy::fill_clean(unsigned core, LineInfo& line) {
  if (bit(line.l1d, core)) return;
  AccessInfo by;
  by.core = core;
  by.kind = core == host_core() ? AccessKind::Host : AccessKind::Data;
  by.el = core == host_core() ? El::EL2 : El::EL1;
  by.attr = kWriteBackIsh;
  settle(line);
  // Speculation takes nothing from a core that is writing: it would only be a
  // loss of time.
  if (line.lent_to != 0) return;
  fill_data(by, line, Origin::Speculation, {});
}

void Hierarchy::speculative_fill(unsigned core, Pa pa) {
  LineInfo* line = modelled() ? directory_.find(pa.value) : nullptr;
  if (line == nullptr) return;
  if (is_whole(*line)) split(page_of(*line));
  fill_clean(core, *line);
}

void Hierarchy::evict_line(Pa pa) {
  LineInfo* line = modelled() ? directory_.known(pa.value) : nullptr;
  if (line == nullptr) return;
  if (is_whole(*line)) {
    withdraw_whole(page_of(*line), bit_of(*line), Withdrawn::All);
    write_back_whole(page_of(*line), bit_of(*line), {});
    page_of(*line).resident &= ~bit_of(*line);
    return;
  }
  settle(*line);
  AccessInfo by;
  by.core = line->l1d != 0 ? static_cast<u32>(std::countr_zero(line->l1d)) : 0;
  while (line->l1d != 0) {
    const auto core = static_cast<unsigned>(std::countr_zero(line->l1d));
    AccessInfo blamed = by;
    blamed.core = core;
    evict_l1d(core, l1d_copy(core, *line), blamed);
  }
  if (line->l2) evict_l2(*l2_copy(*line), by);
}

/// The adversary's speculation comes just before the store that it makes stale.
void Hierarchy::before_uncached_write(const AccessInfo& info, LineInfo& line) {
  if (knobs_.spec_fill != SpecFill::Adversarial || !may_speculate(line)) return;
  if (is_in_data_cache(line) || !chance_.one_in(2)) return;
  const bool on_host = info.kind == AccessKind::Dma || knobs_.host_alias == Switch::On;
  fill_clean(on_host && chance_.one_in(2) ? host_core() : info.core, line);
}

/// Before a cacheable store to a page with code, an instruction cache may have
/// fetched ahead.
void Hierarchy::fetch_before_write(const AccessInfo& info, LineInfo& line) {
  if (!page_of(line).fetched || line.l1i != 0) return;
  if (config_.icache != ICacheKind::PIPT || config_.dic || !chance_.one_in(2)) return;
  AccessInfo ahead = info;
  ahead.core = info.core == host_core() ? static_cast<u32>(chance_.below(cores_)) : info.core;
  ahead.kind = AccessKind::Fetch;
  ahead.attr = kWriteBackIsh;
  ahead.va = address_of(line);
  settle(line);
  fill_instruction(ahead, line, Origin::Speculation);
}

namespace {

/// Takes `instructions` from a countdown to an event of period `period`; true
/// when it fell due.
bool falls_due(u64& left, u64 instructions, u64 period, Chance& chance) {
  if (left > instructions) {
    left -= instructions;
    return false;
  }
  left = 1 + chance.below(2 * period + 1);
  return true;
}

}  // namespace

void Hierarchy::speculate(unsigned core, u64 instructions) {
  if (!modelled()) return;
  Core& c = core_[core];
  if (c.order.calls) c.order.stores_complete = history_.count();  // other cores run next, and see its stores
  const u64 group = kept_ != nullptr ? kGroup : 1;
  const auto due = [&](u64& left, u64 period, auto happens) {
    if (!falls_due(left, instructions, period * group, c.chance)) return;
    for (u64 i = 0; i < group; ++i) happens();
  };
  if (knobs_.spec_fill != SpecFill::None) due(c.until_fill, knobs_.spec_period, [&] { random_fill(core); });
  if (knobs_.evict != Evict::Lazy) due(c.until_evict, knobs_.evict_period, [&] { random_eviction(core); });
  if (knobs_.icache_refetch != 0) due(c.until_refetch, knobs_.icache_refetch, [&] { refetch(core); });
}

u64 Hierarchy::quiet_instructions(unsigned core, u64 step) const {
  const Core& c = core_[core];
  if (!c.ahead.empty()) return step;  // each call also says that stores have been seen
  u64 left = ~u64{0} - step;
  if (knobs_.spec_fill != SpecFill::None) left = std::min(left, c.until_fill);
  if (knobs_.evict != Evict::Lazy) left = std::min(left, c.until_evict);
  if (knobs_.icache_refetch != 0) left = std::min(left, c.until_refetch);
  return (left + step - 1) / step * step;
}

void Hierarchy::random_fill(unsigned core) {
  Core& c = core_[core];
  if (knobs_.spec_fill == SpecFill::Nearby) {
    LineInfo* next = directory_.known(c.last_miss + kLine);  // the stride that streams have
    if (next != nullptr && may_speculate(*next)) fill_clean(core, *next);
    return;
  }
  if (knobs_.spec_fill == SpecFill::Adversarial && !interesting_.empty()) {
    LineInfo& line = *interesting_[c.chance.below(interesting_.size())];
    if (may_speculate(line)) fill_clean(c.chance.one_in(2) ? core : host_core(), line);
    return;
  }
  const std::vector<PageInfo*>& pages = directory_.pages();
  if (pages.empty()) return;
  const PageInfo& page = *pages[c.chance.below(pages.size())];
  LineInfo& line = directory_.lines_of(page)[c.chance.below(64)];
  if (may_speculate(line)) fill_clean(core, line);
}

void Hierarchy::random_eviction(unsigned core) {
  Core& c = core_[core];
  if (knobs_.evict == Evict::Adversarial) {
    adversarial_eviction(core);
    return;
  }
  if (kept_ != nullptr && c.chance.one_in(2)) {
    PageInfo* const page = kept_->at(static_cast<u32>(c.chance.below(KeptImages::kPlaces)));
    const u64 line = u64{1} << c.chance.below(64);
    if (page != nullptr && (page->dirty & line) != 0) write_back_whole(*page, line, {.core = core});
    return;
  }
  AccessInfo by;
  by.core = c.chance.one_in(4) ? host_core() : core;  // nobody counts the host core's instructions
  const bool from_l2 = c.chance.one_in(4) && l2_.present();
  const auto choose = [&](auto& cache) -> auto& {
    const u32 set = static_cast<u32>(c.chance.below(cache.sets()));
    if (knobs_.evict != Evict::Oldest) return cache.at(set, static_cast<u32>(c.chance.below(cache.ways())));
    // In a set with room the oldest line is the first one: fills take the ways in this order.
    auto* oldest = &cache.victim(u64{set} << 6);
    for (u32 way = 0; !oldest->valid() && way < cache.ways(); ++way) oldest = &cache.at(set, way);
    return *oldest;
  };
  if (from_l2) {
    Way& copy = choose(l2_);
    if (copy.valid()) evict_l2(copy, by);
  } else {
    Line& copy = choose(core_[by.core].l1d);
    if (copy.valid()) evict_l1d(by.core, copy, by);
  }
}

/// Evicts a line whose write-back changes memory that somebody wrote around the
/// caches. Lines without that are kept: their being old or dirty is what can be
/// seen.
bool Hierarchy::adversarial_eviction(unsigned core) {
  for (unsigned look = 0; look < kLooks && !interesting_.empty(); ++look) {
    LineInfo& line = *interesting_[core_[core].chance.below(interesting_.size())];
    settle(line);
    // Without divergence only what the L2 holds below another copy can be older than what was last written.
    const bool may_revert = line.divergent() ? is_in_data_cache(line) : line.l1d != 0 && line.l2 != 0;
    if (!may_revert || !sanitized() || dirty_anywhere(line) == 0) continue;
    const u8 *const golden = newest(line), *const memory = memory_of(line);
    bool reverts = false;
    for_each_data_copy(line, [&](const u8* data, u64 dirty) {
      if (dirty == 0) return;
      const u64 written = knobs_.wb_granule == WbGranule::Line ? ~u64{0} : dirty;
      reverts |= (written & ~differing_bytes(memory, golden) & differing_bytes(data, golden)) != 0;
    });
    if (!reverts) continue;
    evict_line(Pa{address_of(line)});
    return true;
  }
  return false;
}

/// An instruction cache may fetch a line again at any time.
void Hierarchy::refetch(unsigned core) {
  Core& c = core_[core];
  Line& copy = c.l1i.at(static_cast<u32>(c.chance.below(c.l1i.sets())), static_cast<u32>(c.chance.below(c.l1i.ways())));
  if (!copy.valid()) return;
  AccessInfo by;
  by.core = core;
  by.kind = AccessKind::Fetch;
  by.attr = kWriteBackIsh;
  LineInfo& line = *copy.info;
  settle(line);
  const u8* const now = instruction_source(by, line).data;
  if (std::memcmp(copy.data.data(), now, kLine) == 0) return;
  withdraw(core, Side::Instruction, copy, Withdrawn::All);
  std::memcpy(copy.data.data(), now, kLine);
  event(line, EventKind::FetchFill, Level::L1I, by);
}

}  // namespace farside::cache
