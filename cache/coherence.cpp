// cache/coherence.cpp - data caches among each other: fills, snoops,
// write-backs, evictions.
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {

/// Takes the line from the other cores' L1D (all copies when `exclusive`) or
/// makes them share it; dirty bytes go to L2. True if one of them supplied
/// `data`.
bool Hierarchy::take_from_others(const AccessInfo& info, LineInfo& line, bool exclusive, u8* data) {
  if (!is_snooped(info)) return false;
  bool supplied = false;
  for (u32 left = line.l1d & ~(u32{1} << info.core); left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Line& copy = l1d_copy(core, line);
    if (!copy.snooped) continue;
    ++core_[core].l1d.counters.snoops;
    withdraw(core, Side::Data, copy, exclusive ? Withdrawn::All : Withdrawn::Write);
    const bool dirty = copy.dirty != 0;
    if (data != nullptr) std::memcpy(data, copy.data.data(), kLine);  // snooped copies are equal, or there is one
    supplied = true;
    if (dirty || exclusive) event(line, EventKind::Snoop, Level::L1D, info);
    if (dirty) write_back_to_l2(line, copy, info);
    if (exclusive) {
      drop_l1d(core, copy);
    } else {
      copy.state = State::Shared;
    }
  }
  return supplied;
}

/// The content for a new L1D line, and where it is: in `kept` where its cache may lose it before it is used.
Hierarchy::Source Hierarchy::source_of_fill(const AccessInfo& info, LineInfo& line, LineBytes& kept) {
  if (const Way* copy = l2_copy(line)) {
    ++l2_.counters.hits;
    const u8* data = l2_.data(*copy);
    if (l2_.owns(*copy)) data = static_cast<const u8*>(std::memcpy(kept.bytes.data(), data, kLine));
    return {data, Level::L2};
  }
  ++l2_.counters.misses;
  touch_system_cache(line);
  if (l2_.present()) fill_l2(line, info);
  return {memory_of(line), Level::Memory};
}

/// The place that the line gets in the L1D of `info.core`, which did not have it; what is there is for the caller to
/// say.
Line& Hierarchy::put_in_l1d(const AccessInfo& info, LineInfo& line) {
  Cache& l1d = core_[info.core].l1d;
  const u64 address = address_of(line);
  Line& copy = l1d.victim(address);
  if (copy.valid()) empty_l1d(info.core, copy, info);
  l1d.occupy(copy, address);
  copy.info = &line;
  copy.memory = memory_of(line);
  line.l1d |= u32{1} << info.core;
  page_of(line).cacheable = true;
  return copy;
}

/// A line that is not in the L1D comes into it; what it holds only matters where not all of it is `overwritten`.
[[gnu::flatten]] Line& Hierarchy::fill_data(const AccessInfo& info, LineInfo& line, Origin origin, Fill how) {
  const bool snooped = is_snooped(info);
  if (!snooped) diverge(line);
  LineBytes kept;
  const bool supplied = line.l1d != 0 && take_from_others(info, line, how.exclusive, kept.bytes.data());
  const Source from = supplied ? Source{kept.bytes.data(), Level::L1D} : source_of_fill(info, line, kept);
  Line& copy = put_in_l1d(info, line);
  if (!how.overwritten) std::memcpy(copy.data.data(), from.data, kLine);
  copy.dirty = 0;
  copy.state = supplied && !how.exclusive ? State::Shared : State::Exclusive;
  copy.origin = origin;
  copy.snooped = snooped;
  event(line, origin == Origin::Speculation ? EventKind::SpecFill : EventKind::Fill, Level::L1D, info);
  last_source_ = from.level;
  return copy;
}

/// The way of the L2 for `line`. A new one has what memory has, and keeps it where memory may change beside it.
Way& Hierarchy::fill_l2(LineInfo& line, const AccessInfo& by) {
  if (Way* const copy = l2_copy(line)) return *copy;
  // Whose turn it is to leave is the silicon's choice: the adversary keeps the oldest dirty lines.
  Way& way =
      knobs_.evict == Evict::Adversarial ? l2_.victim_that_keeps_dirty(address_of(line)) : l2_.victim(address_of(line));
  if (way.valid()) empty_l2(way, by);
  l2_.occupy(way, line);
  if (line.divergent()) l2_.own(way);
  return way;
}

void Hierarchy::write_back_to_l2(LineInfo& line, Line& copy, const AccessInfo& by) {
  if (copy.dirty == 0) return;
  const u64 dirty = copy.dirty;
  const u64 mask = knobs_.wb_granule == WbGranule::Line ? ~u64{0} : dirty;
  copy.dirty = 0;
  if (copy.state == State::Modified) copy.state = State::Exclusive;
  if (!l2_.present()) return write_back_to_memory(line, copy.data.data(), mask, by);
  Way* below = l2_copy(line);
  if (below == nullptr) {
    Way& way = fill_l2(line, by);
    std::memcpy(l2_.own_new(way), copy.data.data(), kLine);
    l2_.set_dirty(way, mask);
  } else {
    if (line.divergent()) check_overwrite(line, l2_.data(*below), copy.data.data(), mask, Level::L2, by);
    copy_bytes(mask == ~u64{0} ? l2_.own_new(*below) : l2_.own(*below), copy.data.data(), mask);
    l2_.set_dirty(*below, below->dirty | mask);
  }
}

void Hierarchy::write_back_to_memory(LineInfo& line, const u8* data, u64 mask, const AccessInfo& by) {
  if (knobs_.wb_granule == WbGranule::Line) mask = ~u64{0};
  touch_system_cache(line);
  ++l2_.counters.writebacks;
  event(line, EventKind::WriteBack, Level::Memory, by);
  if (line.divergent()) check_overwrite(line, memory_of(line), data, mask, Level::Memory, by);
  copy_bytes(memory_of(line), data, mask);
}

void Hierarchy::clean_l2(LineInfo& line, const AccessInfo& by) {
  Way* copy = l2_copy(line);
  if (copy == nullptr || copy->dirty == 0) return;
  const u64 dirty = copy->dirty;
  l2_.set_dirty(*copy, 0);
  write_back_to_memory(line, l2_.data(*copy), dirty, by);
  if (!line.divergent() && knobs_.wb_granule == WbGranule::Line) l2_.share(*copy);
}

void Hierarchy::drop_l1d(unsigned core, Line& copy) {
  withdraw(core, Side::Data, copy, Withdrawn::All);
  copy.info->l1d &= ~(u32{1} << core);
  core_[core].l1d.release(copy);
}

void Hierarchy::drop_l2(LineInfo& line) {
  if (Way* copy = l2_copy(line)) l2_.release(*copy);
}

/// The line leaves: all but the place itself, which another one takes. `by.core` is the core.
void Hierarchy::empty_l1d(unsigned core, Line& copy, const AccessInfo& by) {
  LineInfo& line = *copy.info;
  Cache& l1d = core_[core].l1d;
  withdraw(core, Side::Data, copy, Withdrawn::All);
  ++l1d.counters.evictions;
  event(line, EventKind::Evict, Level::L1D, by);
  if (copy.dirty != 0) {
    ++l1d.counters.writebacks;
    write_back_to_l2(line, copy, by);
  }
  line.l1d &= ~(u32{1} << core);
}

void Hierarchy::evict_l1d(unsigned core, Line& copy, const AccessInfo& by) {
  empty_l1d(core, copy, by);
  core_[core].l1d.release(copy);
}

/// The same for the L2.
void Hierarchy::empty_l2(Way& copy, const AccessInfo& by) {
  LineInfo& line = *copy.info;
  settle(line);
  ++l2_.counters.evictions;
  event(line, EventKind::Evict, Level::L2, by);
  if (copy.dirty != 0) write_back_to_memory(line, l2_.data(copy), copy.dirty, by);
  line.l2 = 0;
}

void Hierarchy::evict_l2(Way& copy, const AccessInfo& by) {
  empty_l2(copy, by);
  l2_.release(copy);
}

/// Every dirty byte reaches memory; copies stay.
void Hierarchy::clean_all(LineInfo& line, const AccessInfo& by) {
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Line& copy = l1d_copy(core, line);
    withdraw(core, Side::Data, copy, Withdrawn::Write);
    write_back_to_l2(line, copy, by);
  }
  clean_l2(line, by);
}

/// Every data copy disappears as it is.
void Hierarchy::drop_all(LineInfo& line) {
  while (line.l1d != 0) {
    const auto core = static_cast<unsigned>(std::countr_zero(line.l1d));
    drop_l1d(core, l1d_copy(core, line));
  }
  drop_l2(line);
}

/// What a coherent observer on `core` would get: a dirty copy before clean
/// ones, its own before others', memory last.
Hierarchy::Source Hierarchy::coherent_source(const LineInfo& line, unsigned core) const {
  const Line* best = nullptr;
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    const auto other = static_cast<unsigned>(std::countr_zero(left));
    const Line* copy = &l1d_copy(other, line);
    const bool modified = copy->state == State::Modified;
    const bool better = best == nullptr || (modified && best->state != State::Modified) ||
                        (other == core && modified == (best->state == State::Modified));
    if (better) best = copy;
  }
  if (best != nullptr) return {best->data.data(), Level::L1D};
  if (const Way* copy = l2_copy(line)) return {l2_.data(*copy), Level::L2};
  return {memory_of(line), Level::Memory};
}

Level Hierarchy::coherent_view(const LineInfo& line, unsigned core, std::array<u8, kLine>& data) const {
  const Source source = coherent_source(line, core);
  std::memcpy(data.data(), source.data, kLine);
  return source.level;
}

}  // namespace farside::cache
