// cache/snapshot.cpp - everything that the caches hold and know, as a snapshot keeps it: lines, the directory, what the
// sanitizer remembers, decision streams.
#include <cstring>

#include "cache/hierarchy.h"

namespace farside::cache {
namespace {

constexpr u64 kNoLine = ~u64{0};
constexpr u8 kWhole = 4;            ///< smaller numbers are pages with lines
constexpr u32 kFirstWithWhole = 3;  ///< version of the format
constexpr u8 kSnooped = 1, kLentRead = 2, kLentWrite = 4, kFlags = 7;

/// Line without its place, which comes first.
struct PackedWay {
  u32 place = 0;
  u8 state = 0, origin = 0, flags = 0, zero = 0;
  u16 vmid = 0, asid = 0;
  u32 zero_too = 0;
  u64 pa = 0, dirty = 0, lent_context = 0;
  std::array<u8, kLine> data{}, before{};
};

/// LineInfo and LinePast, but for what follows from the caches and from memory.
struct PackedInfo {
  u64 last_event = 0, changed = 0, last_ic = 0, writer_pc = 0, writer_sequence = 0;
  u32 writer_core = 0;
  u8 last_use = 0, writer_el = 0, writer_kind = 0, writer_cached = 0;
};

struct PackedEvent {
  u64 previous = 0, line = 0, pc = 0;
  u8 kind = 0, level = 0, by = 0, core = 0, el = 0, zero = 0;
  u16 remark = 0;
};

struct PackedRange {
  u64 sequence = 0, base = 0, size = 0, ipa = 0, kind = 0;
};

struct PackedOp {
  u64 base = 0, size = 0, va = 0;
  u16 vmid = 0;
  u8 instruction = 0, action = 0, point = 0, scope = 0, has_va = 0, zero = 0;
};

struct PackedFinding {
  u64 finding = 0, pc = 0, line = 0;
};

/// The number as a value of an enumeration whose last value is `last`; rejects what is none.
template <class T>
T chosen(StateVisitor& v, std::string_view name, u64 number, T last) {
  if (number <= static_cast<u64>(last)) return static_cast<T>(number);
  v.reject(name);
  return T{};
}

PackedWay pack(const Line& line, u32 place, u64 pa) {
  PackedWay way{.place = place, .pa = pa};
  way.state = static_cast<u8>(line.state);
  way.origin = static_cast<u8>(line.origin);
  way.flags = static_cast<u8>((line.snooped ? kSnooped : 0) | (line.lent_read ? kLentRead : 0) |
                              (line.lent_write ? kLentWrite : 0));
  way.vmid = line.vmid;
  way.asid = line.asid;
  way.dirty = line.dirty;
  way.lent_context = line.lent_context;
  way.data = line.data;
  return way;
}

void unpack(StateVisitor& v, const PackedWay& way, Line& line) {
  line.state = chosen(v, "cache.state", way.state, State::Modified);
  line.origin = chosen(v, "cache.origin", way.origin, Origin::Walk);
  if (line.state == State::Invalid || (way.flags & ~kFlags) != 0) v.reject("cache.flags");
  if (line.state == State::Invalid) line.state = State::Shared;  // what has a tag is valid
  line.snooped = (way.flags & kSnooped) != 0;
  line.lent_read = (way.flags & kLentRead) != 0;
  line.lent_write = (way.flags & kLentWrite) != 0;
  line.vmid = way.vmid;
  line.asid = way.asid;
  line.dirty = way.dirty;
  line.lent_context = way.lent_context;
  line.data = way.data;
}

PackedInfo pack(const LineInfo& line, u64 last_event) {
  const LinePast& past = Directory::past_of(line);
  const Writer writer = past.writer();
  return {.last_event = last_event,
          .changed = past.changed,
          .last_ic = past.last_ic,
          .writer_pc = writer.pc,
          .writer_sequence = writer.sequence,
          .writer_core = writer.core,
          .last_use = line.last_use,
          .writer_el = static_cast<u8>(writer.el),
          .writer_kind = static_cast<u8>(writer.kind),
          .writer_cached = writer.cached};
}

void unpack(StateVisitor& v, const PackedInfo& info, LineInfo& line) {
  LinePast& past = Directory::past_of(line);
  line.last_event = static_cast<u32>(info.last_event);
  past.changed = info.changed;
  past.last_ic = info.last_ic;
  line.last_use = info.last_use;
  past.set_writer({.pc = info.writer_pc,
                   .sequence = info.writer_sequence,
                   .core = info.writer_core,
                   .el = chosen(v, "cache.writer", info.writer_el, El::EL3),
                   .kind = chosen(v, "cache.writer", info.writer_kind, AccessKind::Host),
                   .cached = info.writer_cached != 0});
}

void visit_counters(StateVisitor& v, Counters& counters) {
  for (u64* count :
       {&counters.hits, &counters.misses, &counters.fills, &counters.evictions, &counters.writebacks, &counters.snoops})
    v.value("cache.count", *count);
}

}  // namespace

/// Valid lines with their places. `home(pa)` is the directory's record of a line, null where the line cannot be.
template <class Home>
void Cache::visit_state(StateVisitor& v, Home home) {
  u64 used = 0;
  for (const Line& line : lines_) used += line.valid();
  used = v.count("cache.lines", used, lines_.size(), sizeof(PackedWay));
  u32 next = 0;
  for (u64 i = 0; i < used; ++i) {
    PackedWay way;
    if (!v.restoring()) {
      while (!at_place(next).valid()) ++next;
      way = pack(at_place(next), next, tags_[next]);
      if (at_place(next).lent_write) way.before = before(at_place(next));
      ++next;
    }
    v.value("cache.line", way);
    if (!v.restoring()) continue;
    // The set's low bits are those of the address within its page; in a physically indexed cache all of them are.
    const u32 index_bits = sets_ / aliases() - 1, set = way.place / ways_;
    const bool fits = way.place < lines_.size() && !at_place(way.place).valid() &&
                      (set & index_bits) == (set_of(way.pa) & index_bits);
    if (!fits || !home(way.pa, at_place(way.place))) return v.reject("cache.place");
    unpack(v, way, at_place(way.place));
    if (at_place(way.place).lent_write) before(at_place(way.place)) = way.before;
    tags_[way.place] = way.pa;
    used_[set] |= u64{1} << way.place % ways_;
  }
  if (present()) v.field("cache.next_way", next_way_.data(), next_way_.size());
  for (u8& way : next_way_) way = static_cast<u8>(way % ways_);
  visit_counters(v, counters);
}

/// The same for the L2, all of whose lines are Exclusive and take part in coherence: with their data, wherever they
/// are.
template <class Home>
void SharedCache::visit_state(StateVisitor& v, Home home) {
  u64 used = 0;
  for (const Way& way : entries_) used += way.valid();
  used = v.count("cache.lines", used, entries_.size(), sizeof(PackedWay));
  u32 next = 0;
  for (u64 i = 0; i < used; ++i) {
    PackedWay packed;
    if (!v.restoring()) {
      while (!at(next / ways_, next % ways_).valid()) ++next;
      const Way& way = at(next / ways_, next % ways_);
      packed = {.place = next, .state = static_cast<u8>(State::Exclusive), .flags = kSnooped, .dirty = way.dirty};
      packed.pa = Directory::address_of(*way.info);
      std::memcpy(packed.data.data(), data(way), kLine);
      ++next;
    }
    v.value("cache.line", packed);
    if (!v.restoring()) continue;
    const u32 set = packed.place / ways_;
    const bool fits =
        packed.place < entries_.size() && !at(set, packed.place % ways_).valid() && set == set_of(packed.pa);
    LineInfo* const info = fits ? home(packed.pa) : nullptr;
    if (info == nullptr) return v.reject("cache.place");
    if (packed.state != static_cast<u8>(State::Exclusive) || packed.flags != kSnooped) v.reject("cache.flags");
    Way& way = at(set, packed.place % ways_);
    occupy(way, *info);
    set_dirty(way, packed.dirty);
    std::memcpy(own_new(way), packed.data.data(), kLine);
  }
  std::vector<u8> next_ways;
  for (const Set& set : sets_) next_ways.push_back(set.next);
  if (present()) v.field("cache.next_way", next_ways.data(), next_ways.size());
  for (u32 set = 0; set < sets(); ++set) sets_[set].next = static_cast<u8>(next_ways[set] % ways_);
  visit_counters(v, counters);
}

/// Nothing is cached, and nothing is known of any memory.
void Hierarchy::forget_all() {
  for (Core& core : core_) {
    core.l1d.for_each([&](Line& line) { core.l1d.release(line); });
    core.l1i.for_each([&](Line& line) { core.l1i.release(line); });
    core.ahead.clear();
  }
  l2_.for_each([&](Way& way) { l2_.release(way); });
  system_.for_each([&](Line& line) { system_.release(line); });
  interesting_.clear();
  executed_.clear();
  if (kept_ != nullptr) kept_ = std::make_unique<KeptImages>();
  directory_.clear();
  golden_.clear();
}

/// What is known of a page as a whole, with the bytes that the point of coherency has where memory is newer.
void Hierarchy::visit_page(StateVisitor& v, PageInfo& page) {
  u8 mode = is_whole(page) ? kWhole : 0;
  v.value("page.mode", mode);
  bool lent = page.readers != 0;
  for (bool* flag : {&page.fetched, &page.cacheable, &lent}) v.value("page.flag", *flag);
  if (mode > kWhole || (mode == kWhole && kept_ == nullptr)) return v.reject("page.mode");
  if (v.restoring()) page.mode = mode == kWhole ? PageInfo::Mode::Whole : PageInfo::Mode::Lines;
  if (mode != kWhole) return;
  for (u64* set : {&page.dirty, &page.above, &page.resident, &page.lent, &page.code}) v.value("page.set", *set);
  for (u8* number : {&page.lent_to, &page.use}) v.value("page.number", *number);
  for (u32* number : {&page.written, &page.used, &page.readers, &page.fetchers}) v.value("page.number", *number);
  u16 image = page.image;
  v.value("page.image", image);
  if (v.restoring()) {
    const bool fits = image <= KeptImages::kPlaces && (image != 0) == (page.dirty != 0) &&
                      (image == 0 || kept_->at(image - 1u) == nullptr) && (page.above & ~page.dirty) == 0 &&
                      page.lent_to <= cores_ + 1 && ((page.readers | page.fetchers) >> cores_ >> 1) == 0 &&
                      (page.lent == 0 || page.lent_to != 0);
    if (!fits) {
      page.dirty = page.above = page.lent = page.readers = page.fetchers = 0;
      return v.reject("page.image");
    }
    if (image != 0) kept_->take(page, image - 1u);
    page.executed = page.fetchers != 0;
    if (page.executed) executed_.push_back(&page);
  }
  for (u64 left = page.dirty; left != 0; left &= left - 1)
    v.field("page.kept", kept_->line(page, static_cast<unsigned>(std::countr_zero(left))), kLine);
}

/// The directory, in the order of first use, with the last written bytes where memory has others.
void Hierarchy::visit_pages(StateVisitor& v) {
  const u64 pages = v.count("pages", directory_.pages().size(), ~u64{0}, sizeof(PackedInfo) * 64);
  for (u64 i = 0; i < pages; ++i) {
    u64 pa = v.restoring() ? 0 : Directory::address_of(*directory_.pages()[i]);
    v.value("page.pa", pa);
    if (v.restoring() && (!is_aligned(pa, 4096) || directory_.known(pa) != nullptr || directory_.find(pa) == nullptr))
      return v.reject("page.pa");
    PageInfo& page = *directory_.pages()[i];
    visit_page(v, page);
    std::array<PackedInfo, 64> lines;
    const std::span<LineInfo> infos = directory_.lines_of(page);
    for (unsigned line = 0; line < 64; ++line)
      lines[line] = pack(infos[line], history_.sequence_of(infos[line].last_event));
    v.value("page.lines", lines);
    for (unsigned line = 0; v.restoring() && line < 64; ++line) unpack(v, lines[line], infos[line]);
    if (sanitized()) visit_golden(v, page);
  }
}

void Hierarchy::visit_golden(StateVisitor& v, const PageInfo& page) {
  const std::span<LineInfo> lines = directory_.lines_of(page);
  u64 others = 0;
  for (unsigned i = 0; !v.restoring() && i < 64; ++i)
    others |= u64{std::memcmp(newest(lines[i]), memory_of(lines[i]), kLine) != 0} << i;
  v.value("page.golden_lines", others);
  for (u64 left = others; left != 0; left &= left - 1) {
    LineInfo& line = lines[std::countr_zero(left)];
    std::array<u8, kLine> golden;
    if (!v.restoring()) std::memcpy(golden.data(), newest(line), kLine);
    v.value("page.golden", golden);
    if (!v.restoring()) continue;
    golden_[&line] = golden;
    line.mark(LineInfo::kDivergent, true);
  }
}

/// A snapshot says what each cache and memory held and what was last written: which lines are divergent follows from
/// it.
void Hierarchy::find_divergent() {
  const auto for_each_copy = [this](auto look) {
    for (Core& core : core_) core.l1d.for_each([&](Line& copy) { look(*copy.info); });
    l2_.for_each([&](Way& way) { look(*way.info); });
  };
  // Where nothing else was said memory held what was last written.
  for_each_copy([this](LineInfo& line) {
    if (line.divergent() || agrees(line, sanitized() ? memory_of(line) : coherent_source(line, 0).data)) return;
    line.mark(LineInfo::kDivergent, true);
    if (sanitized()) std::memcpy(golden_[&line].data(), memory_of(line), kLine);
  });
  for_each_copy([this](LineInfo& line) { converge(line); });
  l2_.for_each([this](Way& way) {
    const bool same = std::memcmp(l2_.data(way), memory_of(*way.info), kLine) == 0;
    if (same && way.dirty == 0 && !way.info->divergent()) l2_.share(way);
  });
}

/// A line that is known to the directory, by its address; null is none.
void Hierarchy::visit_line(StateVisitor& v, std::string_view name, const LineInfo*& line) {
  u64 pa = line == nullptr ? kNoLine : address_of(*line);
  v.value(name, pa);
  if (!v.restoring()) return;
  line = pa == kNoLine || !is_aligned(pa, kLine) ? nullptr : directory_.known(pa);
  if (line == nullptr && pa != kNoLine) v.reject(name);
}

void Hierarchy::visit_core(StateVisitor& v, u32 index) {
  Core& core = core_[index];
  core.l1d.visit_state(v, [&](u64 pa, Line& line) {
    LineInfo* const info = directory_.known(pa);
    if (info == nullptr || address_of(*info) != pa || bit(info->l1d, index)) return false;
    info->l1d |= u32{1} << index;
    line.info = info;
    line.memory = memory_of(*info);
    return true;
  });
  core.l1i.visit_state(v, [&](u64 pa, Line& line) {
    LineInfo* const info = directory_.known(pa);
    if (info == nullptr || address_of(*info) != pa) return false;
    info->l1i |= u32{1} << index;
    line.info = info;
    line.memory = memory_of(*info);
    return true;
  });
  if (v.restoring()) relink_lent(v, index);
  v.chance("core.chance", core.chance);
  for (u64* number : {&core.until_fill, &core.until_evict, &core.until_refetch, &core.last_miss, &core.order.last_isb,
                      &core.last_ic_all, &core.fetch_context, &core.fetched_at, &core.order.stores_complete})
    v.value("core.number", *number);
  visit_pending(v, core.pending);
  core.ahead.visit_state(v, [&](const LineInfo*& line) { visit_line(v, "core.ahead", line); });
}

/// Who holds a pointer for writing is in the line itself; only a core's L1D lends such.
void Hierarchy::relink_lent(StateVisitor& v, u32 index) {
  core_[index].l1d.for_each([&](Line& line) {
    if (!line.lent_write) return;
    if (line.info->lent_to != 0 || line.state != State::Modified) {
      v.reject("cache.lent");
      line.lent_write = false;
    } else {
      line.info->lent_to = static_cast<u8>(index + 1);
    }
  });
  core_[index].l1i.for_each([&](Line& line) {
    if (line.lent_write || line.dirty != 0) v.reject("cache.lent");
    line.lent_write = false;
    line.dirty = 0;
  });
}

void Hierarchy::visit_pending(StateVisitor& v, std::vector<CacheOpByPa>& pending) {
  std::vector<PackedOp> ops;
  for (const CacheOpByPa& op : pending)
    ops.push_back({op.base.value, op.size, op.va, op.vmid, op.instruction, static_cast<u8>(op.action),
                   static_cast<u8>(op.point), static_cast<u8>(op.scope), op.has_va});
  v.vector("core.pending", ops, kMaxPending);
  if (!v.restoring()) return;
  pending.clear();
  for (const PackedOp& op : ops) {
    if (op.size > kLine) return v.reject("core.pending");
    pending.push_back({.instruction = op.instruction != 0,
                       .action = chosen(v, "core.pending", op.action, Action::CleanInvalidate),
                       .point = chosen(v, "core.pending", op.point, Point::PoP),
                       .scope = chosen(v, "core.pending", op.scope, Scope::OuterShareable),
                       .base = Pa{op.base},
                       .size = op.size,
                       .has_va = op.has_va != 0,
                       .vmid = op.vmid,
                       .va = op.va});
  }
}

template <class VisitLine>
void FetchBuffer::visit_state(StateVisitor& v, VisitLine visit_line) {
  any_ = false;
  for (FetchedAhead& ahead : slots_) {
    visit_line(ahead.info);
    v.value("ahead.since", ahead.since);
    v.value("ahead.until", ahead.until);
    v.value("ahead.data", ahead.data);
    any_ |= ahead.info != nullptr;
  }
  u64 next = next_;
  v.value("ahead.next", next);
  next_ = next % slots_.size();
}

void Hierarchy::visit_interesting(StateVisitor& v) {
  std::vector<u64> lines;
  for (const LineInfo* line : interesting_) lines.push_back(address_of(*line));
  v.vector("interesting", lines, kMaxInteresting);
  if (!v.restoring()) return;
  for (u64 pa : lines) {
    LineInfo* line = directory_.known(pa);
    if (line == nullptr || address_of(*line) != pa || line->interesting()) return v.reject("interesting");
    line->mark(LineInfo::kInteresting, true);
    interesting_.push_back(line);
  }
}

/// The newest events, oldest first, and those of ranges.
void History::visit_state(StateVisitor& v) {
  v.value("history.last", last_);
  std::vector<PackedEvent> events(std::min(last_, size_));
  const u64 first = last_ - events.size() + 1;
  for (usize i = 0; !v.restoring() && i < events.size(); ++i) {
    const Event e = at(first + i);
    events[i] = {e.previous,
                 e.line,
                 e.pc,
                 static_cast<u8>(e.kind),
                 static_cast<u8>(e.level),
                 static_cast<u8>(e.by),
                 e.core,
                 static_cast<u8>(e.el),
                 0,
                 e.remark};
  }
  const usize expected = events.size();
  v.vector("history.events", events, size_);
  std::vector<PackedRange> ranges;
  for (const RangeEvent& r : ranges_) ranges.push_back({r.sequence, r.base, r.size, r.ipa, static_cast<u64>(r.kind)});
  v.vector("history.ranges", ranges, kRanges);
  if (!v.restoring()) return;
  if (events.size() != expected) return v.reject("history.events");
  for (usize i = 0; i < events.size(); ++i) {
    const PackedEvent& e = events[i];
    const Event event{.line = align_down(e.line, kLine),
                      .pc = e.pc,
                      .kind = chosen(v, "history.kind", e.kind, EventKind::External),
                      .level = chosen(v, "history.level", e.level, Level::FetchBuffer),
                      .by = chosen(v, "history.by", e.by, AccessKind::Host),
                      .core = e.core,
                      .el = chosen(v, "history.el", e.el, El::EL3),
                      .remark = e.remark};
    const u64 back = e.previous == 0 || e.previous >= first + i ? 0 : first + i - e.previous;
    slot(first + i) = pack(event, back > ~u32{0} ? 0 : static_cast<u32>(back));
  }
  ranges_.clear();
  for (const PackedRange& r : ranges)
    ranges_.push_back(
        {r.sequence, r.base, r.size, r.ipa, chosen(v, "history.range", r.kind, RangeKind::ICacheInvalidateAll)});
}

void Sanitizer::visit_state(StateVisitor& v) {
  v.value("sanitizer.counts", counts_);
  std::vector<PackedFinding> findings;
  for (const auto& [finding, pc, line] : seen_) findings.push_back({static_cast<u64>(finding), pc, line});
  v.vector("sanitizer.seen", findings, ~u64{0});
  if (!v.restoring()) return;
  seen_.clear();
  for (const PackedFinding& f : findings)
    seen_.emplace(chosen(v, "sanitizer.seen", f.finding, Finding::MISMATCH), f.pc, f.line);
}

void Hierarchy::visit_state(StateVisitor& v) {
  if (!modelled()) return;
  if (v.restoring()) forget_all();
  visit_pages(v);
  for (u32 core = 0; core < core_.size(); ++core) visit_core(v, core);
  l2_.visit_state(v, [&](u64 pa) {
    LineInfo* const info = directory_.known(pa);
    return info == nullptr || address_of(*info) != pa || info->l2 != 0 ? nullptr : info;
  });
  if (v.restoring()) find_divergent();
  // Only counts: nothing points at what it holds.
  system_.visit_state(v, [&](u64 pa, Line&) { return is_aligned(pa, kLine); });
  visit_interesting(v);
  if (kept_ != nullptr && v.version() >= kFirstWithWhole) {
    v.value("caches.next_image", kept_->next());
    v.value("caches.pages_split", pages_split_);
    for (u32* number : {&lines_written_, &pages_used_}) v.value("caches.number", *number);
    if (kept_->next() >= KeptImages::kPlaces) v.reject("caches.next_image");
    kept_->next() %= KeptImages::kPlaces;
  }
  v.chance("caches.chance", chance_);
  v.value("caches.fetch_contexts", fetch_contexts_);
  v.value("issuer.core", issuer_.core);
  v.choice("issuer.kind", issuer_.kind, AccessKind::Host);
  v.choice("issuer.el", issuer_.el, El::EL3);
  for (u16* tag : {&issuer_.vmid, &issuer_.asid}) v.value("issuer.tag", *tag);
  for (u64* address : {&issuer_.pc, &issuer_.va, &issuer_.ipa}) v.value("issuer.address", *address);
  history_.visit_state(v);
  sanitizer_.visit_state(v);
  MaintenanceCounts& c = counts_;
  for (u64* count : {&c.clean, &c.invalidate, &c.clean_invalidate, &c.instruction, &c.instruction_all, &c.set_way,
                     &c.bytes, &c.lines_cleaned, &c.lines_invalidated})
    v.value("caches.count", *count);
}

u32 Hierarchy::place_of(unsigned core, Side side, const u8* data, Pa pa) const {
  const Cache& cache = side == Side::Data ? core_[core].l1d : core_[core].l1i;
  if (!cache.holds(data)) return side == Side::Data ? whole_place(pa) : whole_code_place(pa);
  return cache.place_of(*reinterpret_cast<const Line*>(data));
}

u8* Hierarchy::lent_line(unsigned core, Side side, u32 place, bool for_write) {
  if (core >= core_.size()) return nullptr;
  Cache& cache = side == Side::Data ? core_[core].l1d : core_[core].l1i;
  if (place >= cache.sets() * cache.ways()) return nullptr;
  Line& line = cache.at_place(place);
  return line.valid() && (for_write ? line.lent_write : line.lent_read) ? line.data.data() : nullptr;
}

}  // namespace farside::cache
