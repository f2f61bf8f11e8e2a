// cache/coherence.cpp - data caches among each other: fills, snoops,
// write-backs, evictions.
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {

/// Whether the access takes part in coherence: a Non-shareable one need not
/// (knob nsh).
bool Hierarchy::is_snooped(const AccessInfo& info) const {
  return knobs_.nsh == NshSnoop::Snooped || info.attr.shareability != Shareability::Non;
}

Line& Hierarchy::line_for_read(const AccessInfo& info, LineInfo& line) {
  Cache& l1d = core_[info.core].l1d;
  last_source_ = Level::L1D;
  if (Line* copy = l1d.find(address_of(line))) {
    ++l1d.counters.hits;
    return *copy;
  }
  ++l1d.counters.misses;
  core_[info.core].last_miss = address_of(line);
  return fill_data(info, line, info.kind == AccessKind::Walk ? Origin::Walk : Origin::Demand, false);
}

Line& Hierarchy::line_for_write(const AccessInfo& info, LineInfo& line) {
  Cache& l1d = core_[info.core].l1d;
  last_source_ = Level::L1D;
  Line* copy = l1d.find(address_of(line));
  if (copy == nullptr) {
    ++l1d.counters.misses;
    core_[info.core].last_miss = address_of(line);
    return fill_data(info, line, Origin::Demand, true);
  }
  ++l1d.counters.hits;
  const bool alone = copy->state != State::Shared && copy->snooped;
  if (!alone && is_snooped(info)) {
    take_from_others(info, line, true, nullptr);
    copy->state = State::Exclusive;
    copy->snooped = true;
  }
  return *copy;
}

/// Takes the line from the other cores' L1D (all copies when `exclusive`) or
/// makes them share it; dirty bytes go to L2. True if one of them supplied
/// `data`.
bool Hierarchy::take_from_others(const AccessInfo& info, LineInfo& line, bool exclusive, std::array<u8, kLine>* data) {
  if (!is_snooped(info)) return false;
  bool supplied = false;
  for (u32 left = line.l1d & ~(u32{1} << info.core); left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Line& copy = l1d_copy(core, line);
    if (!copy.snooped) continue;
    ++core_[core].l1d.counters.snoops;
    withdraw(core, Side::Data, copy, exclusive ? Withdrawn::All : Withdrawn::Write);
    const bool dirty = copy.dirty != 0;
    if (data != nullptr) *data = copy.data;  // snooped copies are equal, or there is one
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

/// The content for a new L1D line, and where it came from.
Level Hierarchy::source_of_fill(const AccessInfo& info, LineInfo& line, std::array<u8, kLine>& data) {
  if (Line* copy = l2_copy(line)) {
    ++l2_.counters.hits;
    data = copy->data;
    return Level::L2;
  }
  ++l2_.counters.misses;
  touch_system_cache(line);
  std::memcpy(data.data(), memory_of(line), kLine);
  if (l2_.present()) fill_l2(line, data, info);
  return Level::Memory;
}

Line& Hierarchy::fill_data(const AccessInfo& info, LineInfo& line, Origin origin, bool exclusive) {
  Cache& l1d = core_[info.core].l1d;
  if (!is_snooped(info)) diverge(line);
  std::array<u8, kLine> data;
  const bool supplied = take_from_others(info, line, exclusive, &data);
  const Level from = supplied ? Level::L1D : source_of_fill(info, line, data);
  Line& copy = l1d.victim(address_of(line));
  if (copy.valid()) evict_l1d(info.core, copy, info);
  l1d.occupy(copy, address_of(line));
  copy.data = data;
  copy.info = &line;
  copy.memory = memory_of(line);
  copy.dirty = 0;
  copy.state = supplied && !exclusive ? State::Shared : State::Exclusive;
  copy.origin = origin;
  copy.snooped = is_snooped(info);
  line.l1d |= u32{1} << info.core;
  page_of(line).cacheable = true;
  event(line, origin == Origin::Speculation ? EventKind::SpecFill : EventKind::Fill, Level::L1D, info);
  last_source_ = from;
  return copy;
}

/// The L2 line for `line` with `data`, made if it is not there. An existing one
/// gets the data where it is not dirty.
Line& Hierarchy::fill_l2(LineInfo& line, const std::array<u8, kLine>& data, const AccessInfo& by) {
  Line* copy = l2_copy(line);
  if (copy == nullptr) {
    // Whose turn it is to leave is the silicon's choice: the adversary keeps the oldest dirty lines.
    copy = knobs_.evict == Evict::Adversarial ? &l2_.victim_that_keeps_dirty(address_of(line))
                                              : &l2_.victim(address_of(line));
    if (copy->valid()) evict_l2(*copy, by);
    l2_.occupy(*copy, address_of(line));
    copy->info = &line;
    copy->memory = memory_of(line);
    copy->dirty = 0;
    copy->state = State::Exclusive;
    line.l2 = static_cast<u8>(1 + l2_.way_of(*copy));
  }
  copy->data = data;
  return *copy;
}

void Hierarchy::write_back_to_l2(LineInfo& line, Line& copy, const AccessInfo& by) {
  if (copy.dirty == 0) return;
  const u64 dirty = copy.dirty;
  const u64 mask = knobs_.wb_granule == WbGranule::Line ? ~u64{0} : dirty;
  copy.dirty = 0;
  if (copy.state == State::Modified) copy.state = State::Exclusive;
  if (!l2_.present()) return write_back_to_memory(line, copy.data, mask, by);
  Line* below = l2_copy(line);
  if (below == nullptr) {
    fill_l2(line, copy.data, by).dirty = mask;
  } else {
    if (line.divergent) check_overwrite(line, below->data.data(), copy.data, mask, Level::L2, by);
    copy_bytes(below->data.data(), copy.data.data(), mask);
    below->dirty |= mask;
  }
}

void Hierarchy::write_back_to_memory(LineInfo& line, const std::array<u8, kLine>& data, u64 mask,
                                     const AccessInfo& by) {
  if (knobs_.wb_granule == WbGranule::Line) mask = ~u64{0};
  touch_system_cache(line);
  ++l2_.counters.writebacks;
  event(line, EventKind::WriteBack, Level::Memory, by);
  if (line.divergent) check_overwrite(line, memory_of(line), data, mask, Level::Memory, by);
  copy_bytes(memory_of(line), data.data(), mask);
}

void Hierarchy::clean_l2(LineInfo& line, const AccessInfo& by) {
  Line* copy = l2_copy(line);
  if (copy == nullptr || copy->dirty == 0) return;
  const u64 dirty = std::exchange(copy->dirty, 0);
  write_back_to_memory(line, copy->data, dirty, by);
}

void Hierarchy::drop_l1d(unsigned core, Line& copy) {
  withdraw(core, Side::Data, copy, Withdrawn::All);
  copy.info->l1d &= ~(u32{1} << core);
  core_[core].l1d.release(copy);
}

void Hierarchy::drop_l2(LineInfo& line) {
  Line* copy = l2_copy(line);
  if (copy == nullptr) return;
  line.l2 = 0;
  l2_.release(*copy);
}

/// `by.core` is the core.
void Hierarchy::evict_l1d(unsigned core, Line& copy, const AccessInfo& by) {
  LineInfo& line = *copy.info;
  withdraw(core, Side::Data, copy, Withdrawn::All);
  ++core_[core].l1d.counters.evictions;
  event(line, EventKind::Evict, Level::L1D, by);
  if (copy.dirty != 0) {
    ++core_[core].l1d.counters.writebacks;
    write_back_to_l2(line, copy, by);
  }
  drop_l1d(core, copy);
}

void Hierarchy::evict_l2(Line& copy, const AccessInfo& by) {
  LineInfo& line = *copy.info;
  settle(line);
  ++l2_.counters.evictions;
  event(line, EventKind::Evict, Level::L2, by);
  clean_l2(line, by);
  drop_l2(line);
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
  if (const Line* copy = l2_copy(line)) return {copy->data.data(), Level::L2};
  return {memory_of(line), Level::Memory};
}

Level Hierarchy::coherent_view(const LineInfo& line, unsigned core, std::array<u8, kLine>& data) const {
  const Source source = coherent_source(line, core);
  std::memcpy(data.data(), source.data, kLine);
  return source.level;
}

}  // namespace farside::cache
