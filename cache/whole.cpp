// cache/whole.cpp - pages without lines (knob pages=whole): accesses and maintenance of them, and how they get lines
// before anybody could see a difference.
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {

/// Bytes of a line of a whole page that the point of coherency does not have; none of other lines.
u64 Hierarchy::dirty_in_whole(const LineInfo& line) const {
  if (!is_whole(line) || (page_of(line).dirty & bit_of(line)) == 0) return 0;
  return differing_bytes(memory_of(line), kept_->line(page_of(line), number_of(line)));
}

/// Whether the access sees and does the same whether or not the page has lines.
bool Hierarchy::stays_whole(const AccessInfo& info, const LineInfo& line, Path path, bool write) const {
  const PageInfo& page = page_of(line);
  const u64 here = bit_of(line);
  if (path == Path::Snoop) return true;
  if (path == Path::Memory) {
    if (knobs_.nc_hit != NcHit::Bypass && info.kind != AccessKind::Dma) return false;
    if (!write) return dirty_in_whole(line) == 0;
    const u64 there = page.dirty | (is_cached_still(page) ? page.resident : 0);
    return (there & here) == 0 && knobs_.spec_fill != SpecFill::Adversarial;
  }
  if (!is_snooped(info)) return false;
  const bool past_l1d = info.kind == AccessKind::Walk && knobs_.walker == WalkPath::L2;
  return !past_l1d || (above_unification(page) & here) == 0;
}

/// False: the page has lines now, and the access is made there.
bool Hierarchy::read_whole(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out) {
  const Path path = path_of(info, line, false);
  if (!stays_whole(info, line, path, false)) return split(page_of(line)), false;
  check_use(info, line);
  if (path == Path::Cached) {
    note_use(page_of(line), bit_of(line));
  } else if (path == Path::Memory && (page_of(line).resident & bit_of(line)) != 0) {
    make_interesting(line);
  }
  std::memcpy(out.data(), memory_of(line) + offset, out.size());
  return true;
}

bool Hierarchy::write_whole(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in) {
  const Path path = path_of(info, line, true);
  if (path == Path::Cached) before_cached_write(info, line);
  if (!is_whole(line)) return false;
  PageInfo& page = page_of(line);
  if (!stays_whole(info, line, path, true)) return split(page), false;
  check_use(info, line);
  if ((page.code & bit_of(line)) != 0) leave_code(line);
  if (path == Path::Cached) {
    keep_image(line);
    note_use(page, bit_of(line));
  } else if ((page.dirty & bit_of(line)) != 0) {  // it snoops: all copies get it
    std::memcpy(kept_->line(page, number_of(line)) + offset, in.data(), in.size());
  }
  std::memcpy(memory_of(line) + offset, in.data(), in.size());
  become_writer(info, line, path == Path::Cached);
  return true;
}

/// Lines of the page come into the caches.
void Hierarchy::note_use(PageInfo& page, u64 lines) {
  if (page.resident == 0 || !is_cached_still(page)) ++pages_used_;
  page.used = pages_used_;
  page.resident |= lines;
  page.cacheable = true;
}

/// Lines that only an L1D has as they are: those of pages that were written before as many others have left it for the
/// L2.
u64 Hierarchy::above_unification(const PageInfo& page) const {
  return lines_written_ - page.written < config_.l1d.size / kLine ? page.above : 0;
}

/// What is clean leaves the caches when as many other pages have come as the last of them holds. Where it may be loaded
/// by pointer nobody knows how long ago that was.
bool Hierarchy::is_cached_still(const PageInfo& page) const {
  return page.readers != 0 || pages_used_ - page.used < (l2_.present() ? config_.l2.size : config_.l1d.size) / 4096;
}

/// Before the first store since the line was written back: what the point of coherency has is kept.
void Hierarchy::keep_image(LineInfo& line) {
  PageInfo& page = page_of(line);
  const u64 here = bit_of(line);
  page.above = above_unification(page);
  if ((page.above & here) == 0) ++lines_written_;
  page.written = lines_written_;
  page.above |= here;
  if ((page.dirty & here) != 0) return;
  if (page.image == 0) {
    PageInfo* const oldest = kept_->in_the_way(knobs_.evict == Evict::Adversarial);
    if (oldest != nullptr) write_back_whole(*oldest, ~u64{0}, {.core = host_core(), .kind = AccessKind::Host});
    kept_->take(page);
  }
  std::memcpy(kept_->line(page, number_of(line)), memory_of(line), kLine);
  page.dirty |= here;
}

/// Lines of `lines` reach the point of coherency; clean copies may stay.
void Hierarchy::write_back_whole(PageInfo& page, u64 lines, const AccessInfo& by) {
  lines &= page.dirty;
  withdraw_whole(page, lines, Withdrawn::Write);
  for (u64 left = lines; left != 0; left &= left - 1) {
    ++l2_.counters.writebacks;
    event(directory_.lines_of(page)[static_cast<usize>(std::countr_zero(left))], EventKind::WriteBack, Level::Memory,
          by);
  }
  page.dirty &= ~lines;
  page.above &= ~lines;
  if (page.dirty == 0 && page.image != 0) kept_->give_back(page);
}

/// `All`: also what loads go through. What has been written by pointer is newer than now.
void Hierarchy::withdraw_whole(PageInfo& page, u64 lines, Withdrawn what) {
  const u64 lent = page.lent & lines;
  const u32 place = whole_place(Pa{Directory::address_of(page)});
  for (u64 left = lent; left != 0; left &= left - 1)
    past_of(directory_.lines_of(page)[static_cast<usize>(std::countr_zero(left))]).changed = history_.count();
  page.lent &= ~lent;
  if (lent != 0 && listener_ != nullptr)
    listener_->page_withdrawn(page.lent_to - 1u, page.memory, place, lent, Withdrawn::Write);
  if (what == Withdrawn::Write) return;
  for (u32 left = std::exchange(page.readers, 0); left != 0 && listener_ != nullptr; left &= left - 1)
    listener_->page_withdrawn(static_cast<unsigned>(std::countr_zero(left)), page.memory, place, 0, Withdrawn::All);
}

/// Every line is marked as used like this, as loads by pointer do not say which they use.
void Hierarchy::mark_use(PageInfo& page, u8 use) {
  if (page.use == use) return;
  page.use = use;
  for (LineInfo& line : directory_.lines_of(page))
    if (line.last_use == 0) line.last_use = use;
}

/// A pointer for what follows an access that has been made: loads from the whole page, stores to the line.
LinePointer Hierarchy::lend_whole(const AccessInfo& info, LineInfo& line, bool for_write) {
  PageInfo& page = page_of(line);
  const u32 core = u32{1} << info.core;
  note_use(page, bit_of(line));
  if ((page.readers & core) == 0) {
    page.readers |= core;
    page.resident = ~u64{0};
    mark_use(page, use_of(info.attr));
  }
  if (for_write) {
    if (page.lent != 0 && page.lent_to != info.core + 1) withdraw_whole(page, ~u64{0}, Withdrawn::Write);
    page.lent |= bit_of(line);
    page.lent_to = static_cast<u8>(info.core + 1);
  }
  return {.data = memory_of(line),
          .writable = for_write,
          .place = whole_place(Pa{Directory::address_of(page)}),
          .page = page.memory};
}

/// Whether an instruction fetch sees what was last written to a line of a whole page.
bool Hierarchy::sees_newest(const LineInfo& line) const {
  if (knobs_.ifetch == IFetch::Snoop || config_.idc) return true;
  const PageInfo& page = page_of(line);
  const u64 hidden = config_.unification == Unification::L2 ? above_unification(page) : page.dirty;
  return (hidden & bit_of(line)) == 0 || dirty_in_whole(line) == 0;
}

/// The line as an instruction cache could have it from now on, which has nothing older of it; null if it has to have
/// it. The fetch buffer asks each instruction cache what it had.
const u8* Hierarchy::lend_code(const AccessInfo& info, LineInfo& line) {
  const bool possible = config_.icache == ICacheKind::PIPT && knobs_.ifetch == IFetch::Pou &&
                        knobs_.fetch_buffer == FetchBufferUse::None && !bit(line.l1i, info.core) && sees_newest(line);
  if (!possible) return nullptr;
  PageInfo& page = page_of(line);
  if (!bit(page.fetchers, info.core) || (page.code & bit_of(line)) == 0)
    event(line, EventKind::FetchFill, Level::L1I, info);
  if (!std::exchange(page.executed, true)) executed_.push_back(&page);
  page.fetchers |= u32{1} << info.core;
  page.code |= bit_of(line);
  page.fetched = true;
  if (info.attr.is_write_back()) note_use(page, bit_of(line));
  note_fetch(info, line);
  return memory_of(line);
}

/// Instruction caches of `cores` have lost the lines, or will get their own.
void Hierarchy::withdraw_code(PageInfo& page, u64 lines, u32 cores) {
  cores &= page.fetchers;
  for (u64 left = listener_ != nullptr ? page.code & lines : 0; left != 0; left &= left - 1) {
    const Pa line{Directory::address_of(page) + static_cast<u64>(std::countr_zero(left)) * kLine};
    for (u32 core = cores; core != 0; core &= core - 1)
      listener_->line_withdrawn(static_cast<unsigned>(std::countr_zero(core)), Side::Instruction, line,
                                whole_code_place(line), Withdrawn::All);
  }
  if (cores == page.fetchers) page.code &= ~lines;
  if (page.code == 0 || lines == ~u64{0}) page.fetchers &= ~cores;
}

/// IC IALLU and IC IALLUIS.
void Hierarchy::withdraw_all_code(u32 cores) {
  for (PageInfo* page : executed_) {
    withdraw_code(*page, ~u64{0}, cores);
    page->executed = page->fetchers != 0;
  }
  std::erase_if(executed_, [](const PageInfo* page) { return !page->executed; });
}

/// Before a store to a line that cores execute: their instruction caches keep what it was.
void Hierarchy::leave_code(LineInfo& line) {
  PageInfo& page = page_of(line);
  const u32 cores = page.fetchers;
  withdraw_code(page, bit_of(line));
  for (u32 left = config_.dic ? 0 : cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    if (!bit(line.l1i, core)) put_in_l1i({.core = core, .kind = AccessKind::Fetch}, line, memory_of(line));
  }
}

/// Whether the core has a pointer for such accesses already, which its fast path has no room for any more.
bool Hierarchy::is_lent_whole(const AccessInfo& info, const LineInfo& line, bool for_write) const {
  const PageInfo& page = page_of(line);
  if (!core_[info.core].pending.empty() || !is_snooped(info)) return false;
  if (!bit(page.readers, info.core)) return false;
  return !for_write || (page.lent_to == info.core + 1 && (page.lent & bit_of(line)) != 0);
}

/// Accesses as by that pointer.
LinePointer Hierarchy::read_again(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<u8> out) {
  check_use(info, line);
  PageInfo& page = page_of(line);
  page.used = pages_used_;
  std::memcpy(out.data(), memory_of(line) + offset, out.size());
  return {.data = memory_of(line),
          .writable = false,
          .place = whole_place(Pa{Directory::address_of(page)}),
          .page = page.memory};
}

LinePointer Hierarchy::write_again(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> in) {
  check_use(info, line);
  const PageInfo& page = page_of(line);
  std::memcpy(memory_of(line) + offset, in.data(), in.size());
  return {.data = memory_of(line),
          .writable = true,
          .place = whole_place(Pa{Directory::address_of(page)}),
          .page = page.memory};
}

/// Dirty bytes of lines that have not been cleaned to the point of unification are in the L1D of the core that wrote
/// them, others in the L2, and there is what is clean and has not had to leave.
void Hierarchy::split(PageInfo& page) {
  page.above = above_unification(page);
  const u64 dirty = page.dirty, clean = is_cached_still(page) ? page.resident & ~dirty : 0;
  withdraw_whole(page, ~u64{0}, Withdrawn::All);
  withdraw_code(page, ~u64{0});
  page.mode = PageInfo::Mode::Lines;
  ++pages_split_;
  for (u64 left = dirty; left != 0; left &= left - 1) split_line(page, static_cast<unsigned>(std::countr_zero(left)));
  if (page.image != 0) kept_->give_back(page);
  for (u64 left = l2_.present() ? clean : 0; left != 0; left &= left - 1) {
    LineInfo& line = directory_.lines_of(page)[static_cast<usize>(std::countr_zero(left))];
    fill_l2(line, {.core = host_core(), .kind = AccessKind::Host});
  }
  page.dirty = page.above = page.resident = 0;
  page.use = 0;
}

void Hierarchy::split_line(PageInfo& page, unsigned number) {
  LineInfo& line = directory_.lines_of(page)[number];
  u8 *const memory = memory_of(line), *const image = kept_->line(page, number);
  LineBytes newest;
  std::memcpy(newest.bytes.data(), memory, kLine);
  const u64 changed = differing_bytes(memory, image);
  std::memcpy(memory, image, kLine);
  // Bytes that were stored without being changed are dirty, too, but nobody can tell.
  if (changed == 0) return;
  const Writer writer = past_of(line).writer();
  AccessInfo by{.core = writer.core, .kind = writer.kind, .el = writer.el, .attr = kWriteBackIsh, .pc = writer.pc};
  if (by.kind == AccessKind::Dma || by.kind == AccessKind::Walk) by.kind = AccessKind::Data;
  if ((page.above >> number & 1) != 0 || !l2_.present()) {
    Line& copy = put_in_l1d(by, line);
    copy.data = newest.bytes;
    copy.dirty = changed;
    copy.state = State::Modified;
    copy.origin = Origin::Demand;
    copy.snooped = true;
  } else {
    Way& way = fill_l2(line, by);
    std::memcpy(l2_.own_new(way), newest.bytes.data(), kLine);
    l2_.set_dirty(way, changed);
  }
}

/// Lines that have gone to the last copy, with memory right: nobody could tell that the page had any.
void Hierarchy::join(PageInfo& page) {
  for (const LineInfo& line : directory_.lines_of(page))
    if (is_in_data_cache(line) || line.divergent()) return;
  page.mode = PageInfo::Mode::Whole;
}

/// Lines in the range hold what memory has been given.
void Hierarchy::adopt_whole(PageInfo& page, Pa base, u64 size) {
  u64 lines = 0;
  for (const LineInfo& line : directory_.lines_of(page))
    if (address_of(line) + kLine > base.value && address_of(line) < base.value + size) lines |= bit_of(line);
  withdraw_whole(page, lines, Withdrawn::All);
  withdraw_code(page, lines);
  for (u64* set : {&page.dirty, &page.above, &page.resident}) *set &= ~lines;
  if (page.dirty == 0 && page.image != 0) kept_->give_back(page);
}

/// Every page whose memory is newer than the point of coherency gets lines: an operation by set and way looks for them.
void Hierarchy::split_dirty() {
  for (u32 place = 0; place < KeptImages::kPlaces && !kept_->empty(); ++place)
    if (PageInfo* const page = kept_->at(place)) split(*page);
}

/// A data operation on `lines` of a whole page. False: the page has lines now.
bool Hierarchy::maintain_whole(const CacheOpByPa& op, PageInfo& page, u64 lines, const AccessInfo& by) {
  const bool discards = op.action == Action::Invalidate && knobs_.ivac == Ivac::Invalidate;
  const bool alone = op.scope == Scope::ThisPe;
  if ((page.dirty & lines) != 0 && (discards || alone)) return split(page), false;
  const std::span<LineInfo> infos = directory_.lines_of(page);
  page.use = 0;
  if (page.dirty == 0 && page.resident == 0) {  // perhaps used around the caches
    for (u64 left = lines; left != 0; left &= left - 1) infos[static_cast<usize>(std::countr_zero(left))].last_use = 0;
    return true;
  }
  const bool to_l2 = op.point == Point::PoU && config_.unification == Unification::L2 && op.action == Action::Clean;
  const u64 cleaned = lines & (to_l2 ? above_unification(page) : page.dirty),
            gone = op.action == Action::Clean ? 0 : lines;
  counts_.lines_cleaned += static_cast<u64>(std::popcount(cleaned));
  counts_.lines_invalidated += static_cast<u64>(std::popcount(gone & (page.resident | page.dirty)));
  withdraw_whole(page, lines, gone != 0 ? Withdrawn::All : Withdrawn::Write);
  const u64 told = op.size <= kLine ? lines & (page.resident | page.dirty) : cleaned;
  page.above &= ~cleaned;
  if (!to_l2) write_back_whole(page, cleaned, by);
  for (u64 left = lines; left != 0; left &= left - 1) {
    const auto number = static_cast<unsigned>(std::countr_zero(left));
    infos[number].last_use = 0;
    if ((told >> number & 1) == 0) continue;
    event(infos[number], EventKind::Clean, to_l2 ? Level::L2 : Level::Memory, by);
    if (gone != 0) event(infos[number], EventKind::Invalidate, Level::Memory, by);
  }
  page.resident &= ~gone;
  return true;
}

}  // namespace farside::cache
