// cache/maintenance.cpp - maintenance by address, by set and way, and of whole
// instruction caches.
#include <algorithm>

#include "cache/visit.h"

namespace farside::cache {
/// Cores whose first-level caches take part. All cores, the host's among them,
/// are in one Inner Shareable domain.
u32 Hierarchy::in_scope(Scope scope, unsigned core) const { return scope == Scope::ThisPe ? u32{1} << core : ~u32{0}; }

AccessInfo Hierarchy::issuer(unsigned core) const {
  if (issuer_.core == core) return issuer_;
  AccessInfo by;
  by.core = core;
  if (core == host_core()) by.kind = AccessKind::Host, by.el = El::EL2;
  return by;
}

void Hierarchy::apply(const CacheOpByPa& op, unsigned core) {
  counts_.bytes += op.size == 0 ? kLine : op.size;
  if (op.instruction) {
    ++counts_.instruction;
  } else {
    switch (op.action) {
      case Action::Clean: ++counts_.clean; break;
      case Action::Invalidate: ++counts_.invalidate; break;
      case Action::CleanInvalidate: ++counts_.clean_invalidate; break;
    }
  }
  if (!modelled()) return;
  // Not complete before DSB: the operation waits. Ranges come from the
  // hypervisor, which has its barriers inside.
  if (knobs_.completion == Completion::AtDsb && core != host_core() && op.size <= kLine) {
    core_[core].pending.push_back(op);
    // An access to the line after the operation must come here, and completes it first.
    LineInfo* line = op.instruction ? nullptr : directory_.known(op.base.value);
    if (line != nullptr && is_whole(*line))
      withdraw_whole(page_of(*line), bit_of(*line), op.action == Action::Clean ? Withdrawn::Write : Withdrawn::All);
    if (line != nullptr && bit(line->l1d, core)) withdraw(core, Side::Data, l1d_copy(core, *line), Withdrawn::All);
    if (core_[core].pending.size() >= kMaxPending) drain(core);
    return;
  }
  perform(op, issuer(core));
}

void Hierarchy::apply(const CacheOpBySetWay& op, unsigned core) {
  ++counts_.set_way;
  if (!modelled()) return;
  drain(core);
  if (kept_ != nullptr) split_dirty();
  const unsigned level = bits(op.operand, 3, 1);
  if (level > 1) return;
  const Geometry& cache = level == 0 ? config_.l1d : config_.l2;
  if (cache.size == 0) return;
  const unsigned way_bits = cache.ways <= 1 ? 0 : log2_floor(cache.ways - 1) + 1;
  const u32 way = way_bits == 0 ? 0 : static_cast<u32>(bits(op.operand, 31, 32 - way_bits));
  const u32 set = static_cast<u32>(bits(op.operand, 31 - way_bits, 6)) & (cache.sets() - 1);
  if (way >= cache.ways) return;
  Action action = op.action;
  if (action == Action::Invalidate && knobs_.ivac == Ivac::CleanInvalidate) action = Action::CleanInvalidate;
  if (level == 0) {
    set_way_l1(action, core, set, way, issuer(core));
  } else if (knobs_.sw_scope == SwScope::SharedL2) {
    set_way_l2(action, set, way, issuer(core));
  }
}

void Hierarchy::apply(const ICacheInvalidateAll& op, unsigned core) {
  ++counts_.instruction_all;
  if (!modelled()) return;
  drain(core);
  const AccessInfo by = issuer(core);
  withdraw_all_code(in_scope(op.scope, core));
  for (u32 i = 0; i < core_.size(); ++i) {
    if (op.scope == Scope::ThisPe && i != core) continue;
    core_[i].last_ic_all = history_.count();
    core_[i].l1i.for_each([&](Line& copy) {
      event(*copy.info, EventKind::ICacheInvalidate, Level::L1I, by);
      drop_instruction(i, copy);
      ++counts_.lines_invalidated;
    });
  }
}

void Hierarchy::perform(const CacheOpByPa& op, const AccessInfo& by) {
  const u64 first = align_down(op.base.value, kLine);
  const u64 end = op.size == 0 ? first + kLine : align_up(op.base.value + op.size, kLine);
  for (u64 page = align_down(first, 4096); page < end; page += 4096) {
    LineInfo* lines = directory_.known(page);
    if (lines == nullptr) continue;  // nothing of this page has ever been in a cache
    const unsigned from = page < first ? static_cast<unsigned>((first - page) / kLine) : 0;
    const unsigned to = static_cast<unsigned>(std::min<u64>(64, (end - page) / kLine));
    if (!op.instruction && is_whole(*lines)) {
      const u64 which = ones(to) & ~ones(from);
      if (maintain_whole(op, page_of(*lines), which, by)) continue;
    }
    for (unsigned i = from; i < to; ++i) {
      if (op.instruction) {
        if (is_whole(lines[i])) withdraw_code(page_of(lines[i]), bit_of(lines[i]), in_scope(op.scope, by.core));
        invalidate_instruction(lines[i], in_scope(op.scope, by.core), &op, by);
        past_of(lines[i]).last_ic = history_.count();
      } else {
        maintain_data(op, lines[i], by);
      }
    }
    const bool emptied = !op.instruction && op.action != Action::Clean && to == 64 && op.size > kLine;
    if (emptied && kept_ != nullptr) join(page_of(*lines));
  }
}

void Hierarchy::maintain_data(const CacheOpByPa& op, LineInfo& line, const AccessInfo& by) {
  line.last_use = 0;
  if (!is_in_data_cache(line)) return;
  settle(line);
  const u32 cores = in_scope(op.scope, by.core);
  const bool discards = op.action == Action::Invalidate && knobs_.ivac == Ivac::Invalidate;
  if (!discards) clean_scope(op, line, cores, by);
  if (op.action != Action::Clean) invalidate_scope(line, cores, discards, by);
}

void Hierarchy::clean_scope(const CacheOpByPa& op, LineInfo& line, u32 cores, const AccessInfo& by) {
  bool any = false;
  for (u32 left = line.l1d & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Line& copy = l1d_copy(core, line);
    withdraw(core, Side::Data, copy, Withdrawn::Write);
    any |= copy.dirty != 0;
    write_back_to_l2(line, copy, by);
  }
  const bool to_l2 = op.point == Point::PoU && config_.unification == Unification::L2;
  if (!to_l2 && line.l2) {
    any |= l2_copy(line)->dirty != 0;
    clean_l2(line, by);
  }
  counts_.lines_cleaned += any;
  event(line, EventKind::Clean, to_l2 ? Level::L2 : Level::Memory, by);
}

void Hierarchy::invalidate_scope(LineInfo& line, u32 cores, bool discards, const AccessInfo& by) {
  if (dirty_anywhere(line) != 0) diverge(line);
  // What is left is known, and can be compared, when all of them are gone. Their data stays where it was.
  struct Dropped {
    const u8* data;
    u64 dirty;
    Level level;
  };
  std::array<Dropped, kMaxCores + 2> dropped;
  usize count = 0;
  for (u32 left = line.l1d & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    Line& copy = l1d_copy(core, line);
    withdraw(core, Side::Data, copy, Withdrawn::All);
    dropped[count++] = {copy.data.data(), std::exchange(copy.dirty, 0), Level::L1D};
    drop_l1d(core, copy);
  }
  if (Way* const copy = l2_copy(line)) {
    dropped[count++] = {l2_.data(*copy), copy->dirty, Level::L2};
    drop_l2(line);
  }
  for (usize i = 0; discards && i < count; ++i)
    if (dropped[i].dirty != 0) check_discard(line, dropped[i].data, dropped[i].dirty, dropped[i].level, by);
  ++counts_.lines_invalidated;
  event(line, EventKind::Invalidate, Level::Memory, by);
  converge(line);
}

/// Set/way operations clean to the next level only, and know nothing of other
/// cores.
void Hierarchy::set_way_l1(Action action, unsigned core, u32 set, u32 way, const AccessInfo& by) {
  Line& copy = core_[core].l1d.at(set, way);
  if (!copy.valid()) return;
  LineInfo& line = *copy.info;
  line.last_use = 0;
  withdraw(core, Side::Data, copy, action == Action::Clean ? Withdrawn::Write : Withdrawn::All);
  if (action != Action::Invalidate && copy.dirty != 0) {
    ++counts_.lines_cleaned;
    write_back_to_l2(line, copy, by);
    event(line, EventKind::Clean, Level::L2, by);
  }
  if (action == Action::Clean) return;
  if (copy.dirty != 0) diverge(line);
  const u64 dirty = std::exchange(copy.dirty, 0);
  drop_l1d(core, copy);
  ++counts_.lines_invalidated;
  event(line, EventKind::Invalidate, Level::L1D, by);
  if (dirty != 0) check_discard(line, copy.data.data(), dirty, Level::L1D, by);
}

void Hierarchy::set_way_l2(Action action, u32 set, u32 way, const AccessInfo& by) {
  Way& copy = l2_.at(set, way);
  if (!copy.valid()) return;
  LineInfo& line = *copy.info;
  settle(line);
  line.last_use = 0;
  if (action != Action::Invalidate && copy.dirty != 0) {
    ++counts_.lines_cleaned;
    clean_l2(line, by);
    event(line, EventKind::Clean, Level::Memory, by);
  }
  if (action == Action::Clean) return;
  if (copy.dirty != 0) diverge(line);
  const u64 dirty = copy.dirty;
  const u8* const data = l2_.data(copy);
  drop_l2(line);
  ++counts_.lines_invalidated;
  event(line, EventKind::Invalidate, Level::L2, by);
  if (dirty != 0) check_discard(line, data, dirty, Level::L2, by);
}

void Hierarchy::barrier(unsigned core, Barrier kind) {
  if (!modelled()) return;
  if (kind == Barrier::Dmb) drain_data(core, nullptr);
  Order& order = core_[core].order;
  if (kind == Barrier::Dsb) {
    drain(core);
    if (order.calls) order.stores_complete = history_.count();
  }
  if (kind == Barrier::Isb) {
    order.last_isb = history_.count();
    synchronize(core);
  }
}

/// Operations between two DSBs have no order among each other where one is for
/// data and one for instructions. The adversary completes instruction
/// operations first and lets the caches that lost a line fetch it again.
void Hierarchy::drain(unsigned core) {
  if (core_[core].pending.empty()) return;
  const std::vector<CacheOpByPa> ops = std::exchange(core_[core].pending, {});
  const AccessInfo by = issuer(core);
  for (const CacheOpByPa& op : ops) {
    if (!op.instruction) continue;
    LineInfo* line = directory_.known(op.base.value);
    const bool had = line != nullptr && bit(line->l1i, core);
    perform(op, by);
    const bool data_follows = std::ranges::any_of(ops, [&](const CacheOpByPa& other) {
      return !other.instruction && align_down(other.base.value, kLine) == align_down(op.base.value, kLine);
    });
    if (!had || !data_follows || knobs_.spec_fill != SpecFill::Adversarial) continue;
    AccessInfo again = by;
    again.kind = AccessKind::Fetch;
    again.attr = kWriteBackIsh;
    again.va = op.has_va ? op.va : address_of(*line);
    settle(*line);
    fill_instruction(again, *line, Origin::Speculation);
  }
  for (const CacheOpByPa& op : ops) {
    if (!op.instruction) perform(op, by);
  }
}

/// Performs pending data operations of `core`: those on the line `only`, or
/// all.
void Hierarchy::drain_data(unsigned core, const LineInfo* only) {
  std::vector<CacheOpByPa>& pending = core_[core].pending;
  for (usize i = 0; i < pending.size();) {
    const bool concerned = only == nullptr || align_down(pending[i].base.value, kLine) == address_of(*only);
    if (pending[i].instruction || !concerned) {
      ++i;
      continue;
    }
    const CacheOpByPa op = pending[i];
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
    perform(op, issuer(core));
  }
}

}  // namespace farside::cache
