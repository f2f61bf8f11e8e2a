// cache/divergence.cpp - pointers into lines and pages: when they may be lent,
// and how what was written is found again.
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {

/// Takes into account what has been written through a lent pointer: bytes that
/// differ from before are dirty and newest. A byte that was rewritten with its
/// own value needs no mark: may_lend saw to it that all below holds that value.
void Hierarchy::absorb(LineInfo& line, Line& copy) {
  const u64 written = differing_bytes(copy.data.data(), copy.before.data());
  if (written == 0) return;
  copy.dirty |= written;
  if (line.golden != nullptr) copy_bytes(line.golden, copy.data.data(), written);
  copy.before = copy.data;
  line.changed = history_.count();
}

/// Makes the records of a line current. Every entry from outside does this
/// first.
void Hierarchy::settle(LineInfo& line) {
  if (line.write_lent_to < 0) [[likely]]
    return;
  absorb(line, *core_[static_cast<unsigned>(line.write_lent_to)].l1d.find(line.pa));
}

void Hierarchy::withdraw(unsigned core, Side side, Line& copy, Withdrawn what) {
  const bool affected = copy.lent_write || (what == Withdrawn::All && copy.lent_read);
  if (!affected) return;
  LineInfo& line = *copy.info;
  if (copy.lent_write) {
    absorb(line, copy);
    copy.lent_write = false;
    line.write_lent_to = -1;
    if (copy.dirty == 0) copy.state = State::Exclusive;
  }
  if (what == Withdrawn::All) copy.lent_read = false;
  if (listener_ != nullptr) {
    const Cache& cache = side == Side::Data ? core_[core].l1d : core_[core].l1i;
    listener_->line_withdrawn(core, side, Pa{line.pa}, cache.place_of(copy), what);
  }
}

void Hierarchy::withdraw_data(LineInfo& line, u32 cores) {
  for (u32 left = line.l1d & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    withdraw(core, Side::Data, *core_[core].l1d.find(line.pa), Withdrawn::All);
  }
}

void Hierarchy::withdraw_fetch(LineInfo& line) {
  for (u32 left = line.l1i; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    for_each_instruction_copy(core, line, [&](Line& copy) { withdraw(core, Side::Instruction, copy, Withdrawn::All); });
  }
}

/// Reads by pointer go unchecked, so the line must be what was last written.
/// Writes are found by comparison later, so a clean byte must be the same
/// everywhere below: storing its own value again must change nothing.
bool Hierarchy::may_lend(const LineInfo& line, const Line& copy, bool for_write) const {
  if (line.golden != nullptr && std::memcmp(copy.data.data(), line.golden, kLine) != 0) return false;
  if (!for_write) return true;
  const Line* below = line.l2 ? l2_.find(line.pa) : nullptr;
  u64 kept_below = 0;
  if (below != nullptr) {
    if ((differing_bytes(copy.data.data(), below->data.data()) & ~copy.dirty) != 0) return false;
    kept_below = below->dirty;
  }
  return (differing_bytes(copy.data.data(), line.ram) & ~(copy.dirty | kept_below)) == 0;
}

/// The line of `pa`, if a pointer to it for such accesses is possible at all.
LineInfo* Hierarchy::lendable(const AccessInfo& info, Pa pa, bool for_write) {
  const bool possible = modelled() && knobs_.lend == Switch::On && info.attr.is_write_back() &&
                        (info.kind == AccessKind::Data || info.kind == AccessKind::Host);
  if (!possible) return nullptr;
  LineInfo* line = info_of(pa.value);
  if (line == nullptr || (knobs_.pages == Pages::Uniform && is_uniform(info, *line->page, for_write))) return nullptr;
  return line;
}

LinePointer Hierarchy::line_pointer(const AccessInfo& info, Pa pa, bool for_write) {
  LineInfo* line = lendable(info, pa, for_write);
  if (line == nullptr) return {};
  Cache& l1d = core_[info.core].l1d;
  if (line->write_lent_to == static_cast<i8>(info.core)) {  // lent already: for a second address, or after a miss there
    Line& copy = *l1d.find(line->pa);
    return {copy.data.data(), true, l1d.place_of(copy)};
  }
  settle(*line);
  if (!core_[info.core].pending.empty()) drain_data(info.core, line);
  if (for_write) before_cached_write(info, *line);
  Line& copy = for_write ? line_for_write(info, *line) : line_for_read(info, *line);
  if (!may_lend(*line, copy, for_write)) return {};
  check_use(info, *line);
  if (for_write) {
    // The store that asks for the pointer is in the history already, if the core's last one is.
    const Writer& writer = line->writer;
    const bool known = writer.sequence == line->last_event && writer.pc == info.pc && writer.core == info.core &&
                       writer.kind == info.kind && writer.cached && line->l1i == 0;
    if (!known) become_writer(info, *line, true);
  }
  return lend(info, *line, copy, for_write);
}

/// Marks the line as lent: may_lend has said yes and, for writing, the core has become the writer.
LinePointer Hierarchy::lend(const AccessInfo& info, LineInfo& line, Line& copy, bool for_write) {
  copy.lent_read = true;
  if (for_write && !copy.lent_write) {
    copy.before = copy.data;
    copy.lent_write = true;
    copy.state = State::Modified;
    line.write_lent_to = static_cast<i8>(info.core);
  }
  return {copy.data.data(), copy.lent_write, core_[info.core].l1d.place_of(copy)};
}

LinePointer Hierarchy::read_and_lend(const AccessInfo& info, Pa pa, std::span<u8> out) {
  LineInfo* line = lendable(info, pa, false);
  if (line == nullptr || line->interesting) {
    read(info, pa, out);
    return line == nullptr ? LinePointer{} : line_pointer(info, pa, false);
  }
  settle(*line);
  check_use(info, *line);
  if (!core_[info.core].pending.empty()) drain_data(info.core, line);
  Line& copy = line_for_read(info, *line);
  const auto offset = static_cast<unsigned>(pa.offset_in(kLine));
  std::memcpy(out.data(), copy.data.data() + offset, out.size());
  if (may_lend(*line, copy, false)) [[likely]]
    return lend(info, *line, copy, false);
  check_read(info, *line, offset, out, last_source_);
  return {};
}

LinePointer Hierarchy::write_and_lend(const AccessInfo& info, Pa pa, std::span<const u8> in) {
  LineInfo* line = lendable(info, pa, true);
  if (line == nullptr) {
    write(info, pa, in);
    return {};
  }
  settle(*line);
  check_use(info, *line);
  write_cached(info, *line, static_cast<unsigned>(pa.offset_in(kLine)), in);
  Line* copy = core_[info.core].l1d.find(line->pa);
  if (copy == nullptr) return {};  // a store of a whole line may go past the L1D
  if (!copy->lent_write && !may_lend(*line, *copy, true)) return {};
  return lend(info, *line, *copy, true);
}

/// Knob pages=uniform: whether the page has been used in one way only, this
/// access included. Then its lines need not exist: every store may have been
/// written back at once and every clean line dropped. The first use in another
/// way, or a store to a page that instructions were fetched from, ends that.
bool Hierarchy::is_uniform(const AccessInfo& info, PageInfo& page, bool write) {
  using Mode = PageInfo::Mode;
  if (page.mode == Mode::Divergent) return false;
  const bool fetch = info.kind == AccessKind::Fetch;
  const bool cached = info.attr.is_write_back() && info.kind != AccessKind::Dma;
  const Mode mode = cached ? Mode::Cached : Mode::Uncached;
  const bool same = page.mode == Mode::Fresh || page.mode == mode;
  const bool coherent = is_snooped(info) && info.kind != AccessKind::Host;
  if (!same || !coherent || (write && page.fetched)) {
    diverge(page);
    return false;
  }
  page.mode = mode;
  if (fetch && !page.fetched) {  // pointers for writing would miss that
                                 // instructions are fetched from here
    if (page.lent && listener_ != nullptr) listener_->page_withdrawn(Pa{page.pa});
    page.lent = false;
    page.fetched = true;
  }
  page.cacheable |= cached;
  return true;
}

void Hierarchy::diverge(PageInfo& page) {
  page.mode = PageInfo::Mode::Divergent;
  if (page.lent && listener_ != nullptr) listener_->page_withdrawn(Pa{page.pa});
  page.lent = false;
  if (!page.golden) return;
  for (LineInfo& line : page.lines) std::memcpy(line.golden, line.ram, kLine);
}

/// The whole page has been cleaned and invalidated: where no copy is left and memory is right, it is as if it had never
/// been used. That is what a hypervisor does to each page before it maps it.
void Hierarchy::renew(PageInfo& page) {
  for (const LineInfo& line : page.lines) {
    if (line.l1d != 0 || line.l1i != 0 || line.l2) return;
  }
  if (page.golden && std::memcmp(page.golden->data(), page.lines[0].ram, 4096) != 0) return;
  page.mode = PageInfo::Mode::Fresh;
  page.fetched = false;
}

u8* Hierarchy::page_pointer(const AccessInfo& info, Pa pa, bool for_write) {
  if (!modelled() || knobs_.pages != Pages::Uniform || knobs_.lend == Switch::Off) return nullptr;
  LineInfo* line = info_of(pa.value);
  if (line == nullptr || !is_uniform(info, *line->page, for_write)) return nullptr;
  line->page->lent = true;
  return line->page->lines[0].ram;
}

}  // namespace farside::cache
