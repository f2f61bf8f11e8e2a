// cache/peek.cpp - looking at copies, views, histories and counters without
// touching anything.
#include <algorithm>
#include <cstring>

#include "cache/hierarchy.h"

namespace farside::cache {

bool Hierarchy::peek(Pa pa, std::span<u8> out, View view, unsigned core) const {
  if (backing_ == nullptr) return false;
  for (usize i = 0; i < out.size(); ++i) {
    const u64 at = pa.value + i;
    const u8* ram = backing_->ram_page(Pa{align_down(at, 4096)});
    if (ram == nullptr) return false;
  }
  for (usize i = 0; i < out.size();) {
    const u64 at = pa.value + i, offset = at & (kLine - 1);
    const usize bytes = std::min<usize>(kLine - offset, out.size() - i);
    const u8* from = backing_->ram_page(Pa{align_down(at, 4096)}) + (align_down(at, kLine) & 4095);
    const LineInfo* line = modelled() ? known_info(at) : nullptr;
    std::array<u8, kLine> data;
    std::memcpy(data.data(), from, kLine);
    if (line != nullptr) look(*line, view, core, data);
    std::memcpy(out.data() + i, data.data() + offset, bytes);
    i += bytes;
  }
  return true;
}

/// Replaces memory's `data` by what `view` shows of a line that the directory
/// knows.
void Hierarchy::look(const LineInfo& line, View view, unsigned core, std::array<u8, kLine>& data) const {
  const bool uniform = knobs_.pages == Pages::Uniform && line.page->mode != PageInfo::Mode::Divergent;
  if (uniform || view == View::Memory) return;
  if (view == View::Cached) {
    coherent_view(line, core, data);
  } else if (view == View::Unification) {
    if (line.l2 && config_.unification == Unification::L2) data = l2_.find(line.pa)->data;
  } else if (line.golden != nullptr) {
    std::memcpy(data.data(), line.golden, kLine);
    if (line.write_lent_to < 0) return;
    // Stores through a pointer that nobody has looked at yet.
    const Line& copy = *core_[static_cast<unsigned>(line.write_lent_to)].l1d.find(line.pa);
    for (unsigned i = 0; i < kLine; ++i) {
      if (copy.data[i] != copy.before[i]) data[i] = copy.data[i];
    }
  }
}

std::vector<Copy> Hierarchy::copies(Pa pa) const {
  std::vector<Copy> out;
  const LineInfo* line = modelled() ? known_info(pa.value) : nullptr;
  if (line == nullptr) return out;
  for (u32 core = 0; core < core_.size(); ++core) {
    if (!bit(line->l1d, core)) continue;
    const Line& copy = *core_[core].l1d.find(line->pa);
    u64 dirty = copy.dirty;
    for (unsigned i = 0; copy.lent_write && i < kLine; ++i) dirty |= u64{copy.data[i] != copy.before[i]} << i;
    out.push_back({Level::L1D, core, copy.state, dirty, copy.data});
  }
  for (u32 core = 0; core < core_.size(); ++core) {
    if (!bit(line->l1i, core)) continue;
    const Cache& cache = core_[core].l1i;
    for (u32 place = 0; place < cache.sets() * cache.ways(); ++place) {
      const Line& copy = cache.at(place / cache.ways(), place % cache.ways());
      if (copy.valid() && copy.info == line) out.push_back({Level::L1I, core, copy.state, 0, copy.data});
    }
  }
  if (line->l2) {
    const Line& copy = *l2_.find(line->pa);
    out.push_back({Level::L2, 0, copy.dirty != 0 ? State::Modified : State::Exclusive, copy.dirty, copy.data});
  }
  Copy memory;
  std::memcpy(memory.data.data(), line->ram, kLine);
  out.push_back(memory);
  return out;
}

std::vector<Event> Hierarchy::history(Pa pa, usize limit) const {
  const LineInfo* line = modelled() ? known_info(pa.value) : nullptr;
  return line == nullptr ? std::vector<Event>{} : history_.of_line(line->last_event, limit);
}

void Hierarchy::note_event(Pa pa, u16 remark, const AccessInfo& by) {
  LineInfo* line = modelled() ? info_of(pa.value) : nullptr;
  if (line == nullptr) return;
  line->last_event = history_.add({.line = line->pa,
                                   .pc = by.pc,
                                   .kind = EventKind::External,
                                   .level = Level::Memory,
                                   .by = by.kind,
                                   .core = static_cast<u8>(by.core),
                                   .el = by.el,
                                   .remark = remark},
                                  line->last_event);
}

const Counters& Hierarchy::counters(Level level, unsigned core) const {
  static constexpr Counters kNone{};
  if (!modelled()) return kNone;
  switch (level) {
    case Level::L1D: return core_[core].l1d.counters;
    case Level::L1I: return core_[core].l1i.counters;
    case Level::L2: return l2_.counters;
    default: return system_.counters;
  }
}

u64 Hierarchy::state_hash() const {
  u64 hash = 0xcbf29ce484222325;
  const auto mix = [&](u64 value) { hash = (hash ^ value) * 0x100000001b3; };
  const auto add = [&](const Cache& cache) {
    for (u32 set = 0; set < cache.sets(); ++set) {
      for (u32 way = 0; way < cache.ways(); ++way) {
        const Line& line = cache.at(set, way);
        if (!line.valid() || line.info == nullptr) continue;
        mix(u64{set} << 32 | way);
        mix(line.info->pa);
        mix(line.dirty);
        mix(static_cast<u64>(line.state));
        for (u8 byte : line.data) mix(byte);
      }
    }
  };
  for (const Core& core : core_) {
    add(core.l1d), add(core.l1i);
    core.ahead.for_each([&](const FetchedAhead& ahead) {
      mix(ahead.info->pa);
      for (u8 byte : ahead.data) mix(byte);
    });
    for (const CacheOpByPa& op : core.pending) mix(op.base.value), mix(static_cast<u64>(op.action));
  }
  add(l2_);
  return hash;
}

}  // namespace farside::cache
