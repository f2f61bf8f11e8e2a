// cache/peek.cpp - looking at copies, views, histories and counters without
// touching anything.
#include <algorithm>
#include <cstring>

#include "cache/bytes.h"
#include "cache/hierarchy.h"

namespace farside::cache {

bool Hierarchy::peek(Pa pa, std::span<u8> out, View view, unsigned core) const {
  for (usize i = 0; i < out.size(); ++i) {
    const u64 at = pa.value + i;
    if (directory_.memory_at(at) == nullptr) return false;
  }
  for (usize i = 0; i < out.size();) {
    const u64 at = pa.value + i, offset = at & (kLine - 1);
    const usize bytes = std::min<usize>(kLine - offset, out.size() - i);
    const u8* from = directory_.memory_at(at) + (align_down(at, kLine) & 4095);
    const LineInfo* line = modelled() ? directory_.known(at) : nullptr;
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
  if (is_whole(line)) {
    const PageInfo& page = page_of(line);
    const bool above = view == View::Unification && config_.unification == Unification::L2;
    const bool old = view == View::Memory || view == View::Unification;
    if (old && ((above ? above_unification(page) : page.dirty) & bit_of(line)) != 0)
      std::memcpy(data.data(), kept_->line(page, number_of(line)), kLine);
    return;
  }
  if (view == View::Memory) return;
  if (view == View::Cached) {
    coherent_view(line, core, data);
  } else if (view == View::Unification) {
    if (line.l2 && config_.unification == Unification::L2) std::memcpy(data.data(), l2_.data(*l2_copy(line)), kLine);
  } else if (sanitized()) {
    std::memcpy(data.data(), newest(line), kLine);
    if (line.lent_to == 0) return;
    // Stores through a pointer that nobody has looked at yet.
    const unsigned core = line.lent_to - 1u;
    const Line& copy = l1d_copy(core, line);
    copy_bytes(data.data(), copy.data.data(), written_by_pointer(core, copy));
  }
}

std::vector<Copy> Hierarchy::copies(Pa pa) const {
  std::vector<Copy> out;
  const LineInfo* line = modelled() ? directory_.known(pa.value) : nullptr;
  if (line == nullptr) return out;
  for (u32 core = 0; core < core_.size(); ++core) {
    if (!bit(line->l1d, core)) continue;
    const Line& copy = l1d_copy(core, *line);
    const u64 dirty = copy.dirty | (copy.lent_write ? written_by_pointer(core, copy) : 0);
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
  Copy memory;
  std::memcpy(memory.data.data(), memory_of(*line), kLine);
  for (u32 core = 0; is_whole(*line) && core < core_.size(); ++core) {
    const PageInfo& page = page_of(*line);
    if (bit(page.fetchers, core) && (page.code & bit_of(*line)) != 0)
      out.push_back({Level::L1I, core, State::Shared, 0, memory.data});
  }
  if (const u64 dirty = dirty_in_whole(*line); dirty != 0) {
    const PageInfo& page = page_of(*line);
    const bool above = (above_unification(page) & bit_of(*line)) != 0;
    out.push_back({above ? Level::L1D : Level::L2, above ? past_of(*line).writer().core : 0, State::Modified, dirty,
                   memory.data});
    std::memcpy(memory.data.data(), kept_->line(page, number_of(*line)), kLine);
  }
  if (const Way* const way = l2_copy(*line)) {
    Copy copy{Level::L2, 0, way->dirty != 0 ? State::Modified : State::Exclusive, way->dirty, {}};
    std::memcpy(copy.data.data(), l2_.data(*way), kLine);
    out.push_back(copy);
  }
  out.push_back(memory);
  return out;
}

std::vector<Event> Hierarchy::history(Pa pa, usize limit) const {
  const LineInfo* line = modelled() ? directory_.known(pa.value) : nullptr;
  return line == nullptr ? std::vector<Event>{} : events_of(*line, limit);
}

/// The newest events of the line, the last write among them however long ago that was.
std::vector<Event> Hierarchy::events_of(const LineInfo& line, usize limit) const {
  std::vector<Event> events = history_.of_line(address_of(line), history_.sequence_of(line.last_event), limit);
  const Writer writer = past_of(line).writer();
  if (writer.sequence == 0 || limit == 0 ||
      std::ranges::find(events, writer.sequence, &Event::sequence) != events.end())
    return events;
  const bool dma = writer.kind == AccessKind::Dma;
  if (events.size() == limit) events.pop_back();
  events.push_back({.sequence = writer.sequence,
                    .line = address_of(line),
                    .pc = writer.pc,
                    .kind = writer.cached ? EventKind::Write
                            : dma         ? EventKind::DmaWrite
                                          : EventKind::NcWrite,
                    .level = writer.cached ? Level::L1D : Level::Memory,
                    .by = writer.kind,
                    .core = static_cast<u8>(writer.core),
                    .el = writer.el});
  return events;
}

void Hierarchy::note_event(Pa pa, u16 remark, const AccessInfo& by) {
  LineInfo* line = modelled() ? directory_.find(pa.value) : nullptr;
  if (line == nullptr) return;
  history_.add({.line = address_of(*line),
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
  const auto add_line = [&](u64 place, const LineInfo& info, u64 dirty, State state, const u8* data) {
    for (u64 value : {place, address_of(info), dirty, static_cast<u64>(state)}) mix(value);
    for (u64 i = 0; i < kLine; ++i) mix(data[i]);
  };
  const auto for_each_place = [](const auto& cache, auto visit) {
    for (u32 set = 0; set < cache.sets(); ++set) {
      for (u32 way = 0; way < cache.ways(); ++way) {
        if (cache.at(set, way).valid()) visit(u64{set} << 32 | way, cache.at(set, way));
      }
    }
  };
  const auto add = [&](const Cache& cache) {
    for_each_place(cache, [&](u64 place, const Line& line) {
      add_line(place, *line.info, line.dirty, line.state, line.data.data());
    });
  };
  for (const Core& core : core_) {
    add(core.l1d), add(core.l1i);
    core.ahead.for_each([&](const FetchedAhead& ahead) {
      mix(address_of(*ahead.info));
      for (u8 byte : ahead.data) mix(byte);
    });
    for (const CacheOpByPa& op : core.pending) mix(op.base.value), mix(static_cast<u64>(op.action));
  }
  for (u32 place = 0; kept_ != nullptr && place < KeptImages::kPlaces; ++place) {
    const PageInfo* const page = kept_->at(place);
    if (page == nullptr) continue;
    for (u64 value : {u64{place}, Directory::address_of(*page), page->dirty, page->above, page->resident}) mix(value);
    for (u64 left = page->dirty; left != 0; left &= left - 1) {
      const auto number = static_cast<unsigned>(std::countr_zero(left));
      for (u64 i = 0; i < kLine; ++i) mix(page->memory[number * kLine + i]), mix(kept_->line(*page, number)[i]);
    }
  }
  for_each_place(
      l2_, [&](u64 place, const Way& way) { add_line(place, *way.info, way.dirty, State::Exclusive, l2_.data(way)); });
  return hash;
}

}  // namespace farside::cache
