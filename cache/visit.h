// cache/visit.h - what the files of the hierarchy share: loops over the copies of one line, and the small steps of each
// miss, in line.
#pragma once
#include "cache/hierarchy.h"

namespace farside::cache {

inline void Hierarchy::event(LineInfo& line, EventKind kind, Level level, const AccessInfo& by) {
  history_.add({.line = address_of(line),
                .pc = by.pc,
                .kind = kind,
                .level = level,
                .by = by.kind,
                .core = static_cast<u8>(by.core),
                .el = by.el},
               line.last_event);
}

inline void Hierarchy::withdraw(unsigned core, Side side, Line& copy, Withdrawn what) {
  if (copy.lent_write || (what == Withdrawn::All && copy.lent_read)) withdraw_lent(core, side, copy, what);
}

inline void Hierarchy::touch_system_cache(const LineInfo& line) {
  if (system_.present()) count_in_system_cache(line);
}

/// Whether the access takes part in coherence: a Non-shareable one need not (knob nsh).
inline bool Hierarchy::is_snooped(const AccessInfo& info) const {
  return knobs_.nsh == NshSnoop::Snooped || info.attr.shareability != Shareability::Non;
}

/// Kind of attributes for MISMATCH: type, cacheability, and shareability where
/// it can matter.
inline u8 use_of(const MemAttr& attr) {
  if (attr.is_device()) return 1;
  if (!attr.is_write_back()) return attr.is_non_cacheable() ? 2 : 3;
  return static_cast<u8>(4 + static_cast<u8>(attr.shareability));
}

inline void Hierarchy::check_use(const AccessInfo& info, LineInfo& line) {
  if (info.kind == AccessKind::Dma || info.kind == AccessKind::Walk) return;
  if (const u8 use = use_of(info.attr); line.last_use != use) [[unlikely]]
    change_use(info, line, use);
}

inline void Hierarchy::before_cached_write(const AccessInfo& info, LineInfo& line) {
  if (knobs_.spec_fill == SpecFill::Adversarial) fetch_before_write(info, line);
}

inline Line& Hierarchy::line_for_read(const AccessInfo& info, LineInfo& line) {
  Cache& l1d = core_[info.core].l1d;
  last_source_ = Level::L1D;
  if (Line* copy = l1d.find(address_of(line))) {
    ++l1d.counters.hits;
    return *copy;
  }
  ++l1d.counters.misses;
  core_[info.core].last_miss = address_of(line);
  return fill_data(info, line, info.kind == AccessKind::Walk ? Origin::Walk : Origin::Demand, {});
}

inline Line& Hierarchy::line_for_write(const AccessInfo& info, LineInfo& line, bool overwritten) {
  Cache& l1d = core_[info.core].l1d;
  last_source_ = Level::L1D;
  Line* copy = l1d.find(address_of(line));
  if (copy == nullptr) {
    ++l1d.counters.misses;
    core_[info.core].last_miss = address_of(line);
    return fill_data(info, line, Origin::Demand, {.exclusive = true, .overwritten = overwritten});
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

/// Calls `visit(data, dirty bytes)` for each copy in an L1D, then for L2's.
template <class Visit>
void Hierarchy::for_each_data_copy(const LineInfo& line, Visit visit) const {
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    const Line& copy = l1d_copy(static_cast<unsigned>(std::countr_zero(left)), line);
    visit(copy.data.data(), copy.dirty);
  }
  if (const Way* copy = l2_copy(line)) visit(l2_.data(*copy), copy->dirty);
}

/// Calls `visit(Line&)` for each copy in the instruction cache of `core`:
/// virtual indexing may have put it in several sets, VMID or ASID tags several
/// times in one.
template <class Visit>
void Hierarchy::for_each_instruction_copy(unsigned core, const LineInfo& line, Visit visit) {
  Cache& cache = core_[core].l1i;
  const u32 aliases = config_.icache == ICacheKind::PIPT || config_.icache == ICacheKind::VPIPT ? 1 : cache.aliases();
  for (u32 alias = 0; alias < aliases; ++alias) {
    const u64 index = aliases == 1 ? address_of(line) : (address_of(line) & 4095) | u64{alias} << 12;
    const u32 set = cache.set_of(index);
    for (u32 way = 0; way < cache.ways(); ++way) {
      Line& copy = cache.at(set, way);
      if (copy.valid() && copy.info == &line) visit(copy);
    }
  }
}

}  // namespace farside::cache
