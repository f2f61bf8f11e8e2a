// cache/divergence.cpp - pointers into lines: when they may be lent, and how
// what was written is found again.
#include <cstring>

#include "cache/bytes.h"
#include "cache/visit.h"

namespace farside::cache {

/// Takes into account what has been written through a lent pointer: bytes that
/// differ from before are dirty and newest. A byte that was rewritten with its
/// own value needs no mark: may_lend saw to it that all below holds that value.
void Hierarchy::absorb(LineInfo& line, Cache& l1d, Line& copy) {
  std::array<u8, kLine>& before = l1d.before(copy);
  const u64 written = differing_bytes(copy.data.data(), before.data());
  if (written == 0) return;
  copy.dirty |= written;
  if (line.divergent() && sanitized()) copy_bytes(golden_.at(&line).data(), copy.data.data(), written);
  before = copy.data;
  past_of(line).changed = history_.count();
}

/// Bytes that have been written through a pointer and that nobody has looked at yet.
u64 Hierarchy::written_by_pointer(unsigned core, const Line& copy) const {
  return differing_bytes(copy.data.data(), core_[core].l1d.before(copy).data());
}

void Hierarchy::settle_lent(LineInfo& line) {
  const unsigned core = line.lent_to - 1u;
  absorb(line, core_[core].l1d, l1d_copy(core, line));
}

/// The 64 bytes that were last written by anyone.
const u8* Hierarchy::newest(const LineInfo& line) const {
  return line.divergent() ? golden_.at(&line).data() : coherent_source(line, 0).data;
}

/// Something is about to make copies differ that are not dirty, or to throw dirty bytes away: what was last written is
/// kept apart.
void Hierarchy::diverge(LineInfo& line) {
  if (line.divergent()) return;
  if (sanitized()) {
    settle(line);
    std::memcpy(golden_[&line].data(), coherent_source(line, 0).data, kLine);
  }
  if (Way* below = l2_copy(line)) l2_.own(*below);
  line.mark(LineInfo::kDivergent, true);
}

/// Whether each copy, and memory, holds `golden`, save for bytes that a copy above has dirty: no load can get anything
/// older, and it makes no difference which copies are written back or dropped.
bool Hierarchy::agrees(const LineInfo& line, const u8* golden) const {
  u64 dirty = 0;
  for (u32 left = line.l1d; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    const Line& copy = l1d_copy(core, line);
    if (!copy.snooped || std::memcmp(copy.data.data(), golden, kLine) != 0) return false;
    dirty |= copy.dirty | (copy.lent_write ? written_by_pointer(core, copy) : 0);
  }
  if (const Way* copy = l2_copy(line)) {
    if ((differing_bytes(l2_.data(*copy), golden) & ~dirty) != 0) return false;
    dirty |= copy->dirty;
  }
  return (differing_bytes(memory_of(line), golden) & ~dirty) == 0;
}

/// Forgets a divergence that is over.
void Hierarchy::converge(LineInfo& line) {
  if (line.divergent() && agrees(line, sanitized() ? golden_.at(&line).data() : coherent_source(line, 0).data)) {
    forget_golden(line);
  }
}

void Hierarchy::forget_golden(LineInfo& line) {
  if (!line.divergent()) return;
  line.mark(LineInfo::kDivergent, false);
  golden_.erase(&line);
}

void Hierarchy::withdraw_lent(unsigned core, Side side, Line& copy, Withdrawn what) {
  LineInfo& line = *copy.info;
  if (copy.lent_write) {
    absorb(line, core_[core].l1d, copy);
    copy.lent_write = false;
    line.lent_to = 0;
    if (copy.dirty == 0) copy.state = State::Exclusive;
  }
  if (what == Withdrawn::All) copy.lent_read = false;
  if (listener_ != nullptr) {
    const Cache& cache = side == Side::Data ? core_[core].l1d : core_[core].l1i;
    listener_->line_withdrawn(core, side, Pa{address_of(line)}, cache.place_of(copy), what);
  }
}

void Hierarchy::withdraw_data(LineInfo& line, u32 cores) {
  for (u32 left = line.l1d & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    withdraw(core, Side::Data, l1d_copy(core, line), Withdrawn::All);
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
  if (!line.divergent()) [[likely]]
    return true;
  if (sanitized() && std::memcmp(copy.data.data(), golden_.at(&line).data(), kLine) != 0) return false;
  if (!for_write) return true;
  const Way* below = l2_copy(line);
  u64 kept_below = 0;
  if (below != nullptr) {
    if ((differing_bytes(copy.data.data(), l2_.data(*below)) & ~copy.dirty) != 0) return false;
    kept_below = below->dirty;
  }
  return (differing_bytes(copy.data.data(), memory_of(line)) & ~(copy.dirty | kept_below)) == 0;
}

/// The line of `pa`, if a pointer to it for such accesses is possible at all.
LineInfo* Hierarchy::lendable(const AccessInfo& info, Pa pa) {
  const bool possible = modelled() && knobs_.lend == Switch::On && info.attr.is_write_back() && is_snooped(info) &&
                        (info.kind == AccessKind::Data || info.kind == AccessKind::Host);
  if (!possible) return nullptr;
  return directory_.find(pa.value);
}

LinePointer Hierarchy::line_pointer(const AccessInfo& info, Pa pa, bool for_write) {
  LineInfo* line = lendable(info, pa);
  if (line == nullptr) return {};
  if (is_whole(*line)) {
    std::array<u8, 1> byte;  // an access of no effect beside that of any
    const auto offset = static_cast<unsigned>(pa.offset_in(kLine));
    read_line(info, *line, offset, byte);
    if (for_write && is_whole(*line)) write_line(info, *line, offset, byte);
    if (is_whole(*line)) return lend_whole(info, *line, for_write);
  }
  Cache& l1d = core_[info.core].l1d;
  if (line->lent_to == info.core + 1) {  // lent already: for a second address, or after a miss there
    Line& copy = *l1d.find(address_of(*line));
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
    const Writer writer = past_of(*line).writer();
    const bool known = writer.sequence == history_.sequence_of(line->last_event) && writer.pc == info.pc &&
                       writer.core == info.core && writer.kind == info.kind && writer.cached && line->l1i == 0;
    if (!known) become_writer(info, *line, true);
  }
  return lend(info, *line, copy, for_write);
}

/// Marks the line as lent: may_lend has said yes and, for writing, the core has become the writer.
LinePointer Hierarchy::lend(const AccessInfo& info, LineInfo& line, Line& copy, bool for_write) {
  if (line.divergent()) converge(line);
  copy.lent_read = true;
  if (for_write && !copy.lent_write) {
    core_[info.core].l1d.before(copy) = copy.data;
    copy.lent_write = true;
    copy.state = State::Modified;
    line.lent_to = static_cast<u8>(info.core + 1);
  }
  return {copy.data.data(), copy.lent_write, core_[info.core].l1d.place_of(copy)};
}

LinePointer Hierarchy::read_and_lend(const AccessInfo& info, Pa pa, std::span<u8> out) {
  LineInfo* line = lendable(info, pa);
  if (line == nullptr || line->interesting()) {
    read(info, pa, out);
    return line == nullptr ? LinePointer{} : line_pointer(info, pa, false);
  }
  const auto offset = static_cast<unsigned>(pa.offset_in(kLine));
  if (is_whole(*line)) {
    if (is_lent_whole(info, *line, false)) return read_again(info, *line, offset, out);
    read_line(info, *line, offset, out);
    return is_whole(*line) ? lend_whole(info, *line, false) : LinePointer{};
  }
  settle(*line);
  check_use(info, *line);
  if (!core_[info.core].pending.empty()) drain_data(info.core, line);
  Line& copy = line_for_read(info, *line);
  std::memcpy(out.data(), copy.data.data() + offset, out.size());
  if (may_lend(*line, copy, false)) [[likely]]
    return lend(info, *line, copy, false);
  check_read(info, *line, offset, out, last_source_);
  return {};
}

LinePointer Hierarchy::write_and_lend(const AccessInfo& info, Pa pa, std::span<const u8> in) {
  LineInfo* line = lendable(info, pa);
  if (line == nullptr) {
    write(info, pa, in);
    return {};
  }
  const auto offset = static_cast<unsigned>(pa.offset_in(kLine));
  if (is_whole(*line)) {
    if (is_lent_whole(info, *line, true)) return write_again(info, *line, offset, in);
    write_line(info, *line, offset, in);
    return is_whole(*line) ? lend_whole(info, *line, true) : LinePointer{};
  }
  settle(*line);
  check_use(info, *line);
  write_cached(info, *line, offset, in);
  Line* copy = core_[info.core].l1d.find(address_of(*line));
  if (copy == nullptr) return {};  // a store of a whole line may go past the L1D
  if (!copy->lent_write && !may_lend(*line, *copy, true)) return {};
  return lend(info, *line, *copy, true);
}

}  // namespace farside::cache
