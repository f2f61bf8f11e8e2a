// cache/checks.cpp - where CacheSan looks: at reads, fetches, write-backs,
// discards and changes of attributes.
#include <algorithm>
#include <cstring>

#include "cache/bytes.h"
#include "cache/remedy.h"
#include "cache/visit.h"

namespace farside::cache {
namespace {

/// B, BL, BRK, SVC, HVC, SMC, ISB, NOP: may be replaced by each other while
/// they are executed (Arm ARM B2.2.5, "Concurrent modification and execution of
/// instructions").
bool may_be_patched_live(u32 word) {
  const bool branch = (word & 0x7c000000) == 0x14000000;
  const bool call =
      (word & 0xffe0001f) == 0xd4000001 || (word & 0xffe0001f) == 0xd4000002 || (word & 0xffe0001f) == 0xd4000003;
  const bool breakpoint = (word & 0xffe0001f) == 0xd4200000;
  const bool isb = (word & 0xfffff0ff) == 0xd50330df;
  return branch || call || breakpoint || isb || word == 0xd503201f;
}

}  // namespace

/// Bytes that some data copy holds as dirty.
u64 Hierarchy::dirty_anywhere(const LineInfo& line) const {
  u64 dirty = 0;
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    dirty |= l1d_copy(std::countr_zero(left), line).dirty;
  }
  if (line.l2) dirty |= l2_copy(line)->dirty;
  return dirty | dirty_in_whole(line);
}

void Hierarchy::check_read(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> seen,
                           Level from) {
  // Of a line without divergence only a read that looks past a copy gets something old.
  if (line.marks == 0 && from != Level::Memory && info.kind != AccessKind::Walk) return;
  const u8* golden = newest(line) + offset;
  if (std::memcmp(seen.data(), golden, seen.size()) == 0) [[likely]] {
    if (line.interesting()) check_ambiguity(info, line, offset, seen, from);
    return;
  }
  Finding finding = from == Level::Memory ? Finding::STALE_RAM : Finding::STALE_CACHED;
  if (info.kind == AccessKind::Walk) finding = Finding::STALE_WALK;
  report(finding, info, line, offset, seen, {golden, seen.size()}, from);
}

/// Right this time; but a copy that another legal choice would have used
/// differs.
void Hierarchy::check_ambiguity(const AccessInfo& info, LineInfo& line, unsigned offset, std::span<const u8> seen,
                                Level from) {
  const u64 dirty = dirty_anywhere(line);
  std::span<const u8> other;
  if (from == Level::Memory) {
    for_each_data_copy(line, [&](const u8* data, u64) {
      if (std::memcmp(data + offset, seen.data(), seen.size()) != 0) other = {data + offset, seen.size()};
    });
  } else {
    for (unsigned i = 0; i < seen.size() && other.empty(); ++i) {
      const bool may_vanish = !bit(dirty, offset + i);
      if (may_vanish && memory_of(line)[offset + i] != seen[i]) other = {memory_of(line) + offset, seen.size()};
    }
  }
  if (!other.empty()) report(Finding::AMBIGUOUS, info, line, offset, seen, other, from);
}

/// Whether an IC has made the last write visible to the fetches of this core.
bool Hierarchy::is_invalidated(const AccessInfo& info, const LineInfo& line) const {
  return std::max(past_of(line).last_ic, core_[info.core].last_ic_all) >= past_of(line).write_event();
}

/// Of two instructions that may be patched live either may be executed until the new one has been made visible to
/// instruction fetches (IC) and this core has synchronised itself after that (ISB). One that is still old then has come
/// back from below, where it should have been cleaned.
bool Hierarchy::may_run_old(const AccessInfo& info, const LineInfo& line) const {
  const u64 invalidated = std::max(past_of(line).last_ic, core_[info.core].last_ic_all);
  return invalidated < past_of(line).write_event() || core_[info.core].order.last_isb < invalidated;
}

void Hierarchy::check_fetch(const AccessInfo& info, LineInfo& line, unsigned offset, u32 seen, Level from) {
  u32 golden;
  std::memcpy(&golden, newest(line) + offset, sizeof golden);
  if (seen == golden) [[likely]]
    return;
  const bool live = may_be_patched_live(seen) && may_be_patched_live(golden);
  const Finding finding = live && may_run_old(info, line) ? Finding::AMBIGUOUS : Finding::STALE_ICACHE;
  std::array<u8, 4> bytes;
  std::memcpy(bytes.data(), &seen, sizeof seen);
  report(finding, info, line, offset, bytes, {newest(line) + offset, 4}, from);
}

/// `data` is about to overwrite `below` where `mask` says so. Lost are bytes
/// that are newest there, that differ, and that nobody else holds as dirty.
/// They are gone: what replaces them counts as right afterwards.
void Hierarchy::check_overwrite(LineInfo& line, const u8* below, const u8* data, u64 mask, Level level,
                                const AccessInfo& by) {
  if (!sanitized()) return;
  u8* const golden = golden_.at(&line).data();
  if (std::memcmp(data, golden, kLine) == 0) return;
  u64 held = 0;  // by others: the writer of this copy has let go of its dirty
                 // bytes already
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    const Line& copy = l1d_copy(std::countr_zero(left), line);
    held |= copy.dirty & ~differing_bytes(copy.data.data(), golden);
  }
  const u64 lost = mask & ~held & differing_bytes(data, golden) & ~differing_bytes(below, golden);
  if (lost == 0) return;
  const auto first = static_cast<unsigned>(std::countr_zero(lost));
  const usize size = kLine - static_cast<unsigned>(std::countl_zero(lost)) - first;
  report(Finding::LOST_WRITE, by, line, first, {data + first, size}, {golden + first, size}, level);
  copy_bytes(golden, data, lost);
  withdraw_fetch(line);
  withdraw_data(line, ~u32{0});
}

/// Dirty bytes were thrown away; `data` is what they were, where they have left their cache already.
void Hierarchy::check_discard(LineInfo& line, const u8* data, u64 dirty, Level level, const AccessInfo& by) {
  event(line, EventKind::Discard, level, by);
  if (!sanitized()) return;
  u8* const golden = golden_.at(&line).data();
  std::array<u8, kLine> rest;
  coherent_view(line, by.core, rest);
  // An L1D line over a newer, still dirty L2 line is judged with L2's.
  u64 lost = 0;
  for (u64 left = dirty; left != 0; left &= left - 1) {
    const auto byte = static_cast<unsigned>(std::countr_zero(left));
    if (data[byte] == golden[byte] && rest[byte] != golden[byte]) lost |= u64{1} << byte;
  }
  if (lost == 0) return;
  const auto first = static_cast<unsigned>(std::countr_zero(lost));
  const usize size = kLine - static_cast<unsigned>(std::countl_zero(lost)) - first;
  report(Finding::DISCARDED_DIRTY, by, line, first, {rest.data() + first, size}, {golden + first, size}, level);
  for (u64 left = lost; left != 0; left &= left - 1) {
    const auto byte = static_cast<unsigned>(std::countr_zero(left));
    golden[byte] = rest[byte];
  }
  withdraw_fetch(line);
  withdraw_data(line, ~u32{0});
}

void Hierarchy::change_use(const AccessInfo& info, LineInfo& line, u8 use) {
  const u8 before = std::exchange(line.last_use, use);
  if (before == 0 || !sanitized()) return;
  report(Finding::MISMATCH, info, line, 0, {}, {}, Level::Memory);
}

void Hierarchy::report(Finding finding, const AccessInfo& info, LineInfo& line, unsigned offset,
                       std::span<const u8> seen, std::span<const u8> expected, Level from) {
  if (!sanitizer_.is_new(finding, info.pc, Pa{address_of(line)})) return;
  Report out;
  out.finding = finding;
  out.access = info;
  unsigned first = 0;
  while (first < seen.size() && seen[first] == expected[first]) ++first;
  if (first == seen.size() || info.kind == AccessKind::Fetch) first = 0;  // an instruction is a whole
  out.pa = Pa{address_of(line) + offset + first};
  out.size = static_cast<unsigned>(seen.size()) - first;
  std::copy(seen.begin() + first, seen.end(), out.seen.begin());
  std::copy(expected.begin() + first, expected.end(), out.expected.begin());
  out.level = from;
  out.writer = past_of(line).writer();
  out.history = events_of(line, 16);
  out.ranges = history_.ranges_with(address_of(line), 4);
  out.remedy = remedy(finding, info, line, from);
  sanitizer_.deliver(out);
}

/// A clean copy in the L2 would fill the instruction cache again with what it is older than: memory.
static bool is_old_at_unification(const Hierarchy& caches, const LineInfo& line) {
  if (caches.config().unification != Unification::L2) return false;
  return std::ranges::any_of(caches.copies(Pa{Directory::address_of(line)}), [&](const Copy& copy) {
    return copy.level == Level::L2 && copy.dirty == 0 &&
           std::memcmp(copy.data.data(), Directory::memory_of(line), kLine) != 0;
  });
}

/// The smallest maintenance: a clean where the newest bytes sit in a cache and
/// memory was read, an invalidation where memory is newer, only as far as the
/// reader looks.
Remedy Hierarchy::remedy(Finding finding, const AccessInfo& info, const LineInfo& line, Level from) const {
  const bool in_l1d = std::ranges::any_of(
      copies(Pa{address_of(line)}), [&](const Copy& copy) { return copy.level == Level::L1D && copy.dirty != 0; });
  const bool unclean_for_fetch =
      !config_.idc && (in_l1d || (config_.unification == Unification::Memory && dirty_anywhere(line) != 0));
  switch (finding) {
    case Finding::STALE_RAM: return clean_remedy(Point::PoC, "this read");
    case Finding::STALE_CACHED: return invalidate_remedy(dirty_anywhere(line) != 0);
    case Finding::STALE_WALK:
      return from == Level::Memory
                 ? clean_remedy(Point::PoC, "this walk")
                 : (from == Level::L2 && in_l1d ? clean_remedy(Point::PoU, "this walk") : invalidate_remedy(false));
    case Finding::STALE_ICACHE:
      if (from == Level::FetchBuffer && (config_.dic || is_invalidated(info, line))) return context_remedy();
      if (from == Level::Memory && !info.attr.is_write_back() && info.attr.is_non_cacheable()) {
        return clean_remedy(Point::PoC, "this fetch");
      }
      if (!unclean_for_fetch && is_old_at_unification(*this, line)) return unification_remedy();
      return instruction_remedy(unclean_for_fetch);
    case Finding::LOST_WRITE: return before_write_remedy();
    case Finding::DISCARDED_DIRTY: return instead_remedy();
    default: return info.kind == AccessKind::Fetch ? instruction_remedy(unclean_for_fetch) : advice_remedy();
  }
}

}  // namespace farside::cache
