// cache/hierarchy.cpp - accesses: which path each takes, and what it does to
// lines and memory.

#include <algorithm>
#include <cstring>

#include "cache/visit.h"

namespace farside::cache {

Hierarchy::Hierarchy(const Config& config, const Knobs& knobs, unsigned cores, Backing& backing, u64 seed)
    : config_(config),
      knobs_(knobs),
      cores_(cores),
      directory_(backing),
      chance_(seed, "cache"),
      history_(knobs.model == Switch::On ? 18 : 0) {
  CHECK(cores >= 1 && cores <= kMaxCores, "{} cores", cores);
  if (!modelled()) return;
  // A page is lent for loads as a whole: where lines only come by accesses nobody would know which have.
  if (knobs.pages == Pages::Whole && knobs.spec_fill != SpecFill::None) kept_ = std::make_unique<KeptImages>();
  CHECK(validate(config).ok(), "geometry {}", config.name);
  l2_ = SharedCache(config.l2);
  if (config.system_cache.size != 0) system_ = Cache(config.system_cache);
  core_.resize(cores + 1);
  for (unsigned i = 0; i <= cores; ++i) {
    core_[i].l1d = Cache(config.l1d);
    core_[i].l1i = Cache(config.l1i);
    core_[i].order.calls = knobs.completion != Completion::Immediate || knobs.fetch_buffer != FetchBufferUse::None;
    core_[i].order.events = history_.counter();
    core_[i].chance = Chance(seed, fmt::format("cache.core{}", i));
    core_[i].until_fill = core_[i].chance.below(knobs.spec_period + 1) + 1;
    core_[i].until_evict = core_[i].chance.below(knobs.evict_period + 1) + 1;
    core_[i].until_refetch = core_[i].chance.below(knobs.icache_refetch + 1) + 1;
  }
}

template <class Visit>
bool Hierarchy::for_each_piece(Pa pa, usize size, Visit visit) {
  const u64 first = pa.offset_in(kLine);
  if (first + size <= kLine) [[likely]] {
    LineInfo* line = directory_.find(pa.value);
    if (line == nullptr) return false;
    visit(*line, static_cast<unsigned>(first), usize{0}, size);
    return true;
  }
  for (u64 at = pa.value; at < pa.value + size; at = align_down(at, 4096) + 4096) {
    if (directory_.find(at) == nullptr) return false;
  }
  LineInfo* line = directory_.known(pa.value);
  for (usize done = 0; done < size;) {
    const u64 at = pa.value + done, offset = at & (kLine - 1);
    if (is_aligned(at, 4096)) line = directory_.known(at);
    const usize bytes = std::min<usize>(kLine - offset, size - done);
    visit(*line++, static_cast<unsigned>(offset), done, bytes);
    done += bytes;
  }
  return true;
}

bool Hierarchy::read(const AccessInfo& info, Pa pa, std::span<u8> out) {
  return for_each_piece(pa, out.size(), [&](LineInfo& line, unsigned offset, usize done, usize bytes) {
    read_line(info, line, offset, out.subspan(done, bytes));
  });
}

bool Hierarchy::write(const AccessInfo& info, Pa pa, std::span<const u8> in) {
  return for_each_piece(pa, in.size(), [&](LineInfo& line, unsigned offset, usize done, usize bytes) {
    write_line(info, line, offset, in.subspan(done, bytes));
  });
}

bool Hierarchy::compare_exchange(const AccessInfo& info, Pa pa, std::span<const u8> expected,
                                 std::span<const u8> desired, std::span<u8> seen) {
  if (!read(info, pa, seen)) return false;
  return !std::ranges::equal(seen, expected) || write(info, pa, desired);
}

bool Hierarchy::zero_line(const AccessInfo& info, Pa pa) {
  static constexpr std::array<u8, kLine> kZeros{};
  return write(info, pa.align_down(kLine), kZeros);
}

namespace {
AccessInfo host_access(unsigned core, Pa pa, u64 pc) {
  return {.core = core, .kind = AccessKind::Host, .el = El::EL2, .attr = kWriteBackIsh, .pc = pc, .ipa = pa.value};
}
}  // namespace

bool Hierarchy::host_read(Pa pa, std::span<u8> out, u64 pc) { return read(host_access(host_core(), pa, pc), pa, out); }

bool Hierarchy::host_write(Pa pa, std::span<const u8> in, u64 pc) {
  return write(host_access(host_core(), pa, pc), pa, in);
}

/// Section 4.2 of the model: what an access does whose attributes are not
/// write-back is for the knobs to say. The PE has applied SCTLR and HCR
/// controls to `info.attr` already.
Hierarchy::Path Hierarchy::path_of(const AccessInfo& info, const LineInfo& line, bool write) const {
  if (info.kind == AccessKind::Dma) {
    return info.coherent_dma || knobs_.dma == DmaPath::Snoop ? Path::Snoop : Path::Memory;
  }
  const bool walk_around = info.kind == AccessKind::Walk && knobs_.walker == WalkPath::NonCacheable;
  if (info.attr.is_write_back() && !walk_around) return Path::Cached;
  const bool there = bit(line.l1d, info.core) || (is_whole(line) && (page_of(line).resident & bit_of(line)) != 0);
  const bool hits = info.cache_disabled && knobs_.c0_policy == C0Policy::Hits && there;
  if (hits) return Path::Cached;  // as Cortex-A15: looks up, never allocates
  switch (knobs_.nc_hit) {
    case NcHit::Lookup: return Path::Snoop;
    case NcHit::Hostile: return write ? Path::Memory : Path::Snoop;
    default: return Path::Memory;
  }
}

void Hierarchy::count_in_system_cache(const LineInfo& line) {
  if (system_.find(address_of(line)) != nullptr) {
    ++system_.counters.hits;
    return;
  }
  ++system_.counters.misses;
  Line& victim = system_.victim(address_of(line));
  if (victim.valid()) ++system_.counters.evictions;
  victim.state = State::Exclusive;
  system_.occupy(victim, address_of(line));
}

void Hierarchy::read_line(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out) {
  if (!modelled()) {
    std::memcpy(out.data(), memory_of(line) + offset, out.size());
    return;
  }
  if (is_whole(line)) {
    if (!core_[info.core].pending.empty() && path_of(info, line, false) == Path::Cached) drain_data(info.core, &line);
    if (is_whole(line) && read_whole(info, line, offset, out)) return;
  }
  settle(line);
  check_use(info, line);
  const Path path = path_of(info, line, false);
  Level from = Level::L1D;
  if (path == Path::Cached && info.kind == AccessKind::Walk && knobs_.walker == WalkPath::L2) {
    const Way* copy = l2_copy(line);
    from = copy != nullptr ? Level::L2 : Level::Memory;
    std::memcpy(out.data(), (copy != nullptr ? l2_.data(*copy) : memory_of(line)) + offset, out.size());
  } else if (path == Path::Cached) {
    if (!core_[info.core].pending.empty()) drain_data(info.core, &line);
    Line& copy = line_for_read(info, line);
    std::memcpy(out.data(), copy.data.data() + offset, out.size());
    from = last_source_;
  } else if (path == Path::Snoop) {
    const Source source = coherent_source(line, info.core);
    from = source.level;
    std::memcpy(out.data(), source.data + offset, out.size());
  } else {
    if (knobs_.nc_hit == NcHit::CleanFirst && info.kind != AccessKind::Dma) clean_all(line, info);
    if (is_in_data_cache(line)) make_interesting(line);
    touch_system_cache(line);
    std::memcpy(out.data(), memory_of(line) + offset, out.size());
    from = Level::Memory;
  }
  if (sanitized()) check_read(info, line, offset, out, from);
}

void Hierarchy::write_line(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in) {
  if (!modelled()) {
    std::memcpy(memory_of(line) + offset, in.data(), in.size());
    return;
  }
  if (is_whole(line)) {
    if (!core_[info.core].pending.empty() && path_of(info, line, true) == Path::Cached) drain_data(info.core, &line);
    if (is_whole(line) && write_whole(info, line, offset, in)) return;
  }
  settle(line);
  check_use(info, line);
  const Path path = path_of(info, line, true);
  if (path == Path::Cached) {
    write_cached(info, line, offset, in);
  } else if (path == Path::Snoop) {
    write_snooping(info, line, offset, in);
  } else {
    write_memory(info, line, offset, in);
  }
}

[[gnu::flatten]] void Hierarchy::write_cached(const AccessInfo& info, LineInfo& line, unsigned offset,
                                              std::span<const u8> in) {
  if (!core_[info.core].pending.empty()) drain_data(info.core, &line);
  before_cached_write(info, line);
  if (!is_snooped(info)) diverge(line);
  const bool streams =
      knobs_.write_stream == Switch::On && l2_.present() && in.size() == kLine && !bit(line.l1d, info.core);
  if (streams) return write_streaming(info, line, in);
  Line& copy = line_for_write(info, line, in.size() == kLine);
  std::memcpy(copy.data.data() + offset, in.data(), in.size());
  if (copy.lent_write) std::memcpy(core_[info.core].l1d.before(copy).data() + offset, in.data(), in.size());
  copy.dirty |= ones(static_cast<unsigned>(in.size())) << offset;
  copy.state = State::Modified;
  golden_write(info, line, offset, in, true);
}

/// A whole line that is not in L1D goes to L2 without being read: read-allocate
/// mode.
void Hierarchy::write_streaming(const AccessInfo& info, LineInfo& line, std::span<const u8> in) {
  take_from_others(info, line, true, nullptr);
  Way& way = fill_l2(line, info);
  std::memcpy(l2_.own_new(way), in.data(), kLine);
  l2_.set_dirty(way, ~u64{0});
  golden_write(info, line, 0, in, true);
}

void Hierarchy::write_memory(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in) {
  if (knobs_.nc_hit == NcHit::CleanFirst && info.kind != AccessKind::Dma) {
    clean_all(line, info);
    drop_all(line);
  }
  before_uncached_write(info, line);
  if (is_in_data_cache(line)) {
    make_interesting(line);
    diverge(line);
  }
  touch_system_cache(line);
  std::memcpy(memory_of(line) + offset, in.data(), in.size());
  golden_write(info, line, offset, in, false);
  if (!is_in_data_cache(line)) converge(line);
}

void Hierarchy::write_snooping(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in) {
  withdraw_data(line, ~u32{0});
  std::memcpy(memory_of(line) + offset, in.data(), in.size());
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    Line& copy = l1d_copy(static_cast<unsigned>(std::countr_zero(left)), line);
    std::memcpy(copy.data.data() + offset, in.data(), in.size());
  }
  if (Way* copy = l2_copy(line); copy != nullptr && l2_.owns(*copy))
    std::memcpy(l2_.own(*copy) + offset, in.data(), in.size());
  golden_write(info, line, offset, in, false);
}

void Hierarchy::golden_write(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in,
                             bool cached) {
  if (line.divergent() && sanitized()) std::memcpy(golden_.at(&line).data() + offset, in.data(), in.size());
  become_writer(info, line, cached);
}

/// What every store does beside storing: pointers of others would read without
/// noticing, so they die; with DIC the instruction caches notice.
void Hierarchy::become_writer(const AccessInfo& info, LineInfo& line, bool cached) {
  const u32 others = cached ? line.l1d & ~(u32{1} << info.core) : line.l1d;
  if (others != 0) withdraw_data(line, others);
  if (is_whole(line)) {
    PageInfo& page = page_of(line);
    if (!cached || page.lent_to != info.core + 1) withdraw_whole(page, bit_of(line), Withdrawn::Write);
  }
  if (line.l1i != 0) {
    keep_fetched(line);
    if (config_.dic) {
      invalidate_instruction(line, line.l1i, nullptr, info);
    } else {
      withdraw_fetch(line);
    }
  }
  const EventKind kind =
      cached ? EventKind::Write : (info.kind == AccessKind::Dma ? EventKind::DmaWrite : EventKind::NcWrite);
  event(line, kind, cached ? Level::L1D : Level::Memory, info);
  LinePast& past = past_of(line);
  past.changed = history_.count();
  past.set_writer({info.pc, past.changed, info.core, info.el, info.kind, cached});
}

void Hierarchy::flush_all() {
  const AccessInfo by = host_access(host_core(), Pa{}, 0);
  for (unsigned core = 0; core < core_.size(); ++core) drain(core), forget_fetched(core);
  for (PageInfo* page : directory_.pages()) {
    if (is_whole(*page)) {
      withdraw_whole(*page, ~u64{0}, Withdrawn::All);
      withdraw_code(*page, ~u64{0});
      write_back_whole(*page, ~u64{0}, by);
      page->resident = 0;
    }
    for (LineInfo& line : directory_.lines_of(*page)) {
      settle(line);
      clean_all(line, by);
      drop_all(line);
      converge(line);
      if (line.l1i != 0) invalidate_instruction(line, line.l1i, nullptr, by);
    }
  }
}

void Hierarchy::adopt(Pa base, u64 size) {
  const AccessInfo by = host_access(host_core(), base, 0);
  for (Core& core : core_) core.ahead.clear();
  for (PageInfo* page : directory_.pages()) {
    const u64 address = Directory::address_of(*page);
    if (is_whole(*page) && address + 4096 > base.value && address < base.value + size) adopt_whole(*page, base, size);
    for (LineInfo& line : directory_.lines_of(*page)) {
      if (address_of(line) + kLine <= base.value || address_of(line) >= base.value + size) continue;
      settle(line);
      drop_all(line);
      if (line.l1i != 0) invalidate_instruction(line, line.l1i, nullptr, by);
      forget_golden(line);
      past_of(line).set_writer({});
      line.last_use = 0;
    }
  }
}

}  // namespace farside::cache
