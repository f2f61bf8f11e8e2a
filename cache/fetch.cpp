// cache/fetch.cpp - instruction caches: filled from the point of unification,
// never snooped, virtually indexed at will.
#include <algorithm>
#include <cstring>

#include "cache/visit.h"

namespace farside::cache {
namespace {

/// Normal memory that an instruction cache may keep: Write-Through as well as
/// Write-Back.
bool is_instruction_cacheable(const MemAttr& attr) {
  return attr.type == MemType::Normal && attr.inner.policy != Cacheability::NonCacheable;
}

}  // namespace

u64 Hierarchy::instruction_index(u64 pa, u64 va) const {
  return config_.icache == ICacheKind::VIPT || config_.icache == ICacheKind::AIVIVT ? va : pa;
}

Line* Hierarchy::find_instruction(const AccessInfo& info, const LineInfo& line) {
  Cache& cache = core_[info.core].l1i;
  const u64 index = instruction_index(address_of(line), info.va);
  if (config_.icache == ICacheKind::PIPT || config_.icache == ICacheKind::VIPT)
    return cache.find(address_of(line), index);
  const u32 set = cache.set_of(index);
  for (u32 way = 0; way < cache.ways(); ++way) {
    Line& copy = cache.at(set, way);
    if (!copy.valid() || copy.info != &line || copy.vmid != info.vmid) continue;
    if (config_.icache == ICacheKind::VPIPT || copy.asid == info.asid) return &copy;
  }
  return nullptr;
}

/// What an instruction fetch gets below L1I: L2 and memory; dirty lines of data
/// caches only with IDC.
Hierarchy::Source Hierarchy::instruction_source(const AccessInfo& info, LineInfo& line) {
  if (is_whole(line) && !sees_newest(line)) split(page_of(line));
  if (is_whole(line)) {
    PageInfo& page = page_of(line);
    const bool through_l2 = config_.unification == Unification::L2;
    const bool in_l2 = through_l2 && (page.resident & bit_of(line)) != 0;
    if (through_l2 && info.attr.is_write_back()) note_use(page, bit_of(line));
    return {memory_of(line), in_l2 ? Level::L2 : Level::Memory};
  }
  if (knobs_.ifetch == IFetch::Snoop) return coherent_source(line, info.core);
  for (u32 left = config_.idc ? line.l1d : 0; left != 0; left &= left - 1) {
    const Line& copy = l1d_copy(std::countr_zero(left), line);
    if (copy.dirty == 0) continue;
    return {copy.data.data(), Level::L1D};
  }
  const bool through_l2 = config_.unification == Unification::L2;
  if (const Way* copy = through_l2 ? l2_copy(line) : nullptr) {
    ++l2_.counters.hits;
    return {l2_.data(*copy), Level::L2};
  }
  l2_.counters.misses += through_l2;
  touch_system_cache(line);
  // A fetch of Write-Through memory (MMU off, I = 1) stays in the instruction
  // cache alone.
  if (through_l2 && info.attr.is_write_back()) fill_l2(line, info);
  return {memory_of(line), Level::Memory};
}

/// The line comes into the instruction cache of `info.core`.
Line& Hierarchy::put_in_l1i(const AccessInfo& info, LineInfo& line, const u8* data) {
  Cache& cache = core_[info.core].l1i;
  Line& copy = cache.victim(instruction_index(address_of(line), info.va));
  if (copy.valid()) {
    ++cache.counters.evictions;
    drop_instruction(info.core, copy);
  }
  cache.occupy(copy, address_of(line));
  std::memcpy(copy.data.data(), data, kLine);
  copy.info = &line;
  copy.memory = memory_of(line);
  copy.state = State::Shared;
  copy.origin = Origin::Demand;
  copy.vmid = info.vmid;
  copy.asid = info.asid;
  line.l1i |= u32{1} << info.core;
  page_of(line).fetched = true;
  return copy;
}

[[gnu::flatten]] Line& Hierarchy::fill_instruction(const AccessInfo& info, LineInfo& line, Origin origin) {
  const Source from = instruction_source(info, line);
  last_source_ = from.level;
  Line& copy = put_in_l1i(info, line, from.data);
  copy.origin = origin;
  event(line, EventKind::FetchFill, Level::L1I, info);
  return copy;
}

/// Knob ifetch=snoop: what lies in the instruction cache follows the data.
void Hierarchy::refresh_instruction(const AccessInfo& info, LineInfo& line, Line& copy) {
  const u8* const now = coherent_source(line, info.core).data;
  if (std::memcmp(copy.data.data(), now, kLine) == 0) return;
  withdraw(info.core, Side::Instruction, copy, Withdrawn::All);
  std::memcpy(copy.data.data(), now, kLine);
}

Line& Hierarchy::instruction_line(const AccessInfo& info, LineInfo& line) {
  Cache& cache = core_[info.core].l1i;
  last_source_ = Level::L1I;
  if (Line* copy = find_instruction(info, line)) {
    ++cache.counters.hits;
    if (knobs_.ifetch == IFetch::Snoop) refresh_instruction(info, line, *copy);
    return *copy;
  }
  ++cache.counters.misses;
  for (u64 ahead : {u64{0}, kLine}) __builtin_prefetch(memory_of(line) + ahead);  // the L2 has its own of few lines
  // Lines ahead first, so that this one is certainly there at the end.
  for (u32 i = std::min<u32>(knobs_.fetch_ahead, 8); i > 0; --i) {
    LineInfo* ahead = directory_.find(address_of(line) + i * kLine);
    if (ahead == nullptr || &page_of(*ahead) != &page_of(line)) continue;
    AccessInfo next = info;
    next.va = align_down(info.va, kLine) + i * kLine;
    if (find_instruction(next, *ahead) != nullptr) continue;
    settle(*ahead);
    fill_instruction(next, *ahead, Origin::Prefetch);
  }
  return fill_instruction(info, line, Origin::Demand);
}

/// A core fetches in program order: what it fetches after this is not older than what this line shows.
void Hierarchy::note_fetch(const AccessInfo& info, const LineInfo& line) {
  core_[info.core].fetched_at = std::max(core_[info.core].fetched_at, past_of(line).changed);
}

std::optional<u32> Hierarchy::fetch(const AccessInfo& info, Pa pa) {
  LineInfo* line = directory_.find(pa.value);
  if (line == nullptr) return std::nullopt;
  const auto offset = static_cast<unsigned>(pa.value & (kLine - 1));
  u32 word;
  if (!modelled()) {
    std::memcpy(&word, memory_of(*line) + offset, sizeof word);
    return word;
  }
  if (is_whole(*line)) withdraw_whole(page_of(*line), bit_of(*line), Withdrawn::Write);
  settle(*line);
  Level from = Level::Memory;
  if (const FetchedAhead* ahead = take_ahead(info.core, *line)) {
    std::memcpy(&word, ahead->data.data() + offset, sizeof word);
    if (sanitized()) check_fetch(info, *line, offset, word, Level::FetchBuffer);
    return word;
  }
  note_fetch(info, *line);
  if (is_instruction_cacheable(info.attr)) {
    std::memcpy(&word, instruction_line(info, *line).data.data() + offset, sizeof word);
    from = last_source_;
  } else if (knobs_.nc_hit == NcHit::Lookup || knobs_.nc_hit == NcHit::Hostile) {
    std::array<u8, kLine> data;
    from = coherent_view(*line, info.core, data);
    std::memcpy(&word, data.data() + offset, sizeof word);
  } else {
    if (dirty_in_whole(*line) != 0) split(page_of(*line));
    if (knobs_.nc_hit == NcHit::CleanFirst) clean_all(*line, info);
    std::memcpy(&word, memory_of(*line) + offset, sizeof word);
  }
  if (sanitized()) check_fetch(info, *line, offset, word, from);
  return word;
}

const u8* Hierarchy::fetch_pointer(const AccessInfo& info, Pa pa) {
  if (!modelled() || knobs_.lend == Switch::Off || !is_instruction_cacheable(info.attr)) return nullptr;
  LineInfo* line = directory_.find(pa.value);
  if (line == nullptr) return nullptr;
  if (is_whole(*line)) withdraw_whole(page_of(*line), bit_of(*line), Withdrawn::Write);
  if (is_whole(*line)) {
    if (const u8* const code = lend_code(info, *line)) return code;
  }
  __builtin_prefetch(&past_of(*line));  // what note_fetch and a fill look at
  settle(*line);
  if (fetched_ahead(info.core, *line) != nullptr) return nullptr;  // either may be executed, each time
  Line& copy = instruction_line(info, *line);
  note_fetch(info, *line);
  // While it is lent it is what was last written: each store withdraws it.
  // So it is if it has come from below just now, and there is nothing newer above.
  const bool unified = line->l1d == 0 && (line->l2 == 0 || config_.unification == Unification::L2);
  const bool filled = last_source_ != Level::L1I && unified && !line->divergent();
  const bool right =
      copy.lent_read || filled || !sanitized() || std::memcmp(copy.data.data(), newest(*line), kLine) == 0;
  if (!right) return nullptr;
  // Stores through a pointer would go unnoticed by this one.
  if (line->lent_to != 0) {
    const unsigned writer = line->lent_to - 1u;
    withdraw(writer, Side::Data, l1d_copy(writer, *line), Withdrawn::Write);
  }
  copy.lent_read = true;
  copy.lent_context = core_[info.core].fetch_context;
  return copy.data.data();
}

void Hierarchy::drop_instruction(unsigned core, Line& copy) {
  withdraw(core, Side::Instruction, copy, Withdrawn::All);
  LineInfo& line = *copy.info;
  core_[core].l1i.release(copy);
  bool left = false;
  const bool others = config_.icache != ICacheKind::PIPT;  // indexed or tagged by more than the physical address
  if (others) for_each_instruction_copy(core, line, [&](Line&) { left = true; });
  if (!left) line.l1i &= ~(u32{1} << core);
}

/// Drops copies in the instruction caches of `cores`. `op` limits them to what
/// an IC IVAU with that address and VMID reaches where the cache is indexed or
/// tagged by them.
void Hierarchy::invalidate_instruction(LineInfo& line, u32 cores, const CacheOpByPa* op, const AccessInfo& by) {
  for (u32 left = line.l1i & cores; left != 0; left &= left - 1) {
    const auto core = static_cast<unsigned>(std::countr_zero(left));
    const Cache& cache = core_[core].l1i;
    const bool by_index =
        op != nullptr && op->has_va && (config_.icache == ICacheKind::VIPT || config_.icache == ICacheKind::AIVIVT);
    const bool by_vmid =
        op != nullptr && op->has_va && (config_.icache == ICacheKind::VPIPT || config_.icache == ICacheKind::AIVIVT);
    bool any = false;
    for_each_instruction_copy(core, line, [&](Line& copy) {
      if (by_vmid && copy.vmid != op->vmid) return;
      if (by_index) {
        if (cache.set_of(copy) != cache.set_of(op->va)) return;
      }
      drop_instruction(core, copy);
      any = true;
    });
    if (any) ++counts_.lines_invalidated;
    if (any) event(line, EventKind::ICacheInvalidate, Level::L1I, by);
  }
}

}  // namespace farside::cache
