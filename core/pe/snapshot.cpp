// core/pe/snapshot.cpp - the state of a PE as a snapshot keeps it, translations that its fast path knows included.
#include <algorithm>
#include <iterator>

#include "core/pe/visit.h"

namespace farside::pe {
namespace {

/// One table of a context, without its empty slots. A page that is not RAM (flash in array mode) is looked up again
/// when it is next used. Bit 0 of `host` marks guarded pages. `distance`: how far from RAM the table's pages are. Where
/// an entry goes follows from its tag: tables of format version 1 were smaller.
template <usize N>
void visit_table(StateVisitor& v, std::array<L0Entry, N>& table, CodeWatch* watch, u64 distance = 0) {
  u64 used = 0;
  for (const L0Entry& entry : table) used += entry.host != nullptr;
  used = v.count("l0.entries", used, N, sizeof(u16));
  usize next = 0;
  for (u64 i = 0; i < used; ++i) {
    L0Entry entry;
    u16 slot = 0;
    if (!v.restoring()) {
      while (table[next].host == nullptr) ++next;
      slot = static_cast<u16>(next);
      entry = table[next++];
    }
    u8 guarded = reinterpret_cast<u64>(entry.host) & 1;
    const u8* page = entry.host;
    if (page != nullptr) page -= guarded + distance;
    v.value("l0.slot", slot);
    if (slot >= N) return v.reject("l0.slot");
    v.value("l0.tag", entry.tag);
    v.value("l0.guarded", guarded);
    v.memory_pointer("l0.page", page);
    if (!v.restoring() || page == nullptr || !is_aligned(reinterpret_cast<u64>(page), kL0PageSize)) continue;
    entry.tag = align_down(entry.tag, kL0PageSize);
    entry.host = const_cast<u8*>(page) + distance + (guarded & 1);
    table[entry.tag / kL0PageSize % N] = entry;
    if (watch != nullptr) watch->note_writable(page);
  }
}

void visit_key(StateVisitor& v, L0Key& key) {
  v.value("l0.epoch", key.epoch);
  v.value("l0.asid", key.asid);
  v.value("l0.vmid", key.vmid);
  v.value("l0.el", key.el);
  v.value("l0.pan", key.pan);
}

}  // namespace

void LargeMappings::visit_state(StateVisitor& v) {
  v.value("l0.large_2m", large_2m_);
  v.value("l0.large_1g", large_1g_);
}

void L0::visit_state(StateVisitor& v, CodeWatch* watch, i64 code_distance) {
  v.value("l0.tick", tick_);
  large_.visit_state(v);
  for (L0Context& context : contexts_) {
    v.value("l0.live", context.live);
    v.value("l0.last_used", context.last_used);
    visit_key(v, context.key);
    if (!context.live) continue;
    if (v.restoring()) context.clear();
    visit_table(v, context.read, nullptr);
    visit_table(v, context.write, watch);
    visit_table(v, context.fetch, nullptr, static_cast<u64>(code_distance));
    visit_table(v, context.aligned_read, nullptr);
    visit_table(v, context.aligned_write, watch);
  }
}

/// A line of a whole page's instructions, which is where RAM is.
bool is_whole(const DataLine&) { return false; }
bool is_whole(const FetchLine& line) { return line.place >= cache::kFirstWholeCodePlace; }

/// Known lines, by their places in a cache. `line(place)` is what is lent there, `insert` makes it known at an address.
template <class Table, class Place, class Line, class Insert>
void visit_known(StateVisitor& v, const Table& table, Place place_of, Line line, Insert insert) {
  std::vector<typename Table::value_type> known;
  for (const auto& slot : table)
    if (slot.host != nullptr && !is_whole(slot)) known.push_back(slot);
  known.resize(v.count("lines.known", known.size(), table.size(), sizeof(u64)));
  for (auto& slot : known) {
    v.value("lines.tag", slot.tag);
    u32 place = v.restoring() ? 0 : place_of(slot);
    v.value("lines.place", place);
    bool guarded = false;
    if constexpr (requires { slot.guarded; }) guarded = slot.guarded != 0;
    v.value("lines.guarded", guarded);
    if (!v.restoring()) continue;
    u8* const host = line(place);
    if (host == nullptr || !is_aligned(slot.tag, kLineBytes)) return v.reject("lines.place");
    insert(slot.tag, host, guarded, place);
  }
}

/// Pages and lines of whole pages, by where they are in RAM. `place(slot)` is the place of a slot's record, below
/// `places`; `insert(slot, place)` makes a slot known. Memory is as far into its page as the address is.
template <class Slot, class Place, class Insert>
void visit_memory(StateVisitor& v, std::vector<Slot> known, u64 size, u32 places, Place place_of, Insert insert) {
  known.resize(v.count("lines.memories", known.size(), ~u64{0}, sizeof(u64)));
  for (Slot& slot : known) {
    const u8* memory = slot.host;
    u32 place = v.restoring() ? 0 : place_of(slot);
    v.value("lines.tag", slot.tag);
    v.memory_pointer("lines.memory", memory);
    v.value("lines.place", place);
    if constexpr (requires { slot.guarded; }) v.value("lines.guarded", slot.guarded);
    if (!v.restoring()) continue;
    const bool fits = memory != nullptr && is_aligned(slot.tag, size) && place < places &&
                      (reinterpret_cast<u64>(memory) - slot.tag) % kL0PageSize == 0;
    if (!fits) return v.reject("lines.memory");
    slot.host = const_cast<u8*>(memory);
    insert(slot, place);
  }
}

void LineTables::visit_state(StateVisitor& v, cache::Hierarchy& caches, u32 core) {
  constexpr u32 kFirstWithWhole = 3;  // version of the format
  constexpr unsigned kPage = 12;      // larger mappings are in large_ already
  v.value("lines.tick", tick_);
  large_.visit_state(v);
  if (v.restoring()) {
    fetched_.clear();
    fetched_whole_.clear();
    whole_.clear();
    for (auto* owners : {&readers_, &writers_}) owners->clear();
  }
  used_ = v.count("lines.contexts", used_, kContexts, sizeof(u64));
  for (u32 number = 0; number < used_; ++number) {
    LineContext& c = contexts()[number];
    c.number = number;
    if (v.restoring()) c.clear();
    v.value("lines.live", c.live);
    v.value("lines.last_used", c.last_used);
    v.value("lines.fetches", c.fetches);
    v.value("lines.pages", c.pages);
    visit_key(v, c.key);
    if (!c.live) continue;
    using cache::Side;
    const auto data = [&](const DataLine& slot) { return caches.place_of(core, Side::Data, slot.host); };
    visit_known(
        v, c.read, data, [&](u32 place) { return caches.lent_line(core, Side::Data, place, false); },
        [&](u64 va, u8* host, bool, u32 place) { insert_read(c, va, host, place, kPage); });
    visit_known(
        v, c.write, data, [&](u32 place) { return caches.lent_line(core, Side::Data, place, true); },
        [&](u64 va, u8* host, bool, u32 place) { insert_write(c, va, host, place, kPage); });
    visit_known(
        v, c.fetch, [](const FetchLine& slot) { return slot.place; },
        [&](u32 place) { return caches.lent_line(core, Side::Instruction, place, false); },
        [&](u64 va, u8* host, bool guarded, u32 place) { insert_fetch(c, va, host, guarded, place, kPage, false); });
    if (!caches.has_whole_pages() || v.version() < kFirstWithWhole) continue;
    visit_whole(v, c);
  }
}

/// What `c` knows of whole pages.
void LineTables::visit_whole(StateVisitor& v, LineContext& c) {
  constexpr unsigned kPage = 12;
  const auto known_of = [](const auto& table, auto is_known) {
    std::vector<typename std::remove_cvref_t<decltype(table)>::value_type> known;
    std::ranges::copy_if(table, std::back_inserter(known), is_known);
    return known;
  };
  const auto any = [](const auto& slot) { return slot.host != nullptr; };
  const auto place_of = [&](const auto& slot) {
    const u8* const page = slot.host - slot.tag % kL0PageSize;
    const auto record = std::ranges::find(whole_, page, &Whole::page);
    return static_cast<u32>(record - whole_.begin());
  };
  const bool saves = !v.restoring();
  visit_memory(v, saves ? known_of(c.loads, any) : std::vector<L0Entry>{}, kL0PageSize, cache::kWholePlaces, place_of,
               [&](const L0Entry& page, u32 place) { insert_page(c, page.tag, page.host, place, kPage); });
  visit_memory(v, saves ? known_of(c.stores, any) : std::vector<DataLine>{}, kLineBytes, cache::kWholePlaces, place_of,
               [&](const DataLine& line, u32 place) { insert_store(c, line.tag, line.host, place, kPage); });
  const auto code = [](const FetchLine& line) { return line.host != nullptr && is_whole(line); };
  constexpr u32 kCode = cache::kFirstWholeCodePlace;
  visit_memory(
      v, saves ? known_of(c.fetch, code) : std::vector<FetchLine>{}, kLineBytes, cache::kWholeCodePlaces,
      [](const FetchLine& line) { return line.place - kCode; },
      [&](const FetchLine& line, u32 place) {
        insert_fetch(c, line.tag, line.host, line.guarded != 0, kCode + place, kPage, false);
      });
}

/// A context by its number; 255 is none.
LineContext* LineTables::visit_context(StateVisitor& v, LineContext* context) {
  u8 number = 255;
  for (usize i = 0; i < used_; ++i)
    if (&contexts()[i] == context) number = static_cast<u8>(i);
  v.value("lines.context", number);
  return number < used_ ? &contexts()[number] : nullptr;
}

/// What the hierarchy has lent, and the line or page of PC.
void Pe::visit_lines(StateVisitor& v) {
  line_tables_.visit_state(v, *ports.caches, physical_);
  line_context = line_tables_.visit_context(v, line_context);
  const bool fetching = fetch_page.page != FetchPage::kNone;
  const FetchLine* known = fetching && line_context != nullptr ? line_context->find_fetch(fetch_page.page) : nullptr;
  bool in_line = known != nullptr && known->host == fetch_page.host;
  const u8* page = fetching && !in_line ? fetch_page.host : nullptr;
  v.value("pe.fetch_page", fetch_page.page);
  v.value("pe.fetch_line", in_line);
  v.value("pe.fetch_guarded", fetch_page.guarded);
  v.memory_pointer("pe.fetch_host", page);
  if (!v.restoring()) return;
  order = &ports.caches->order(physical_);
  lines_unprivileged_ = nullptr;
  const u64 pc = align_down(fetch_page.page, cache::kLine);
  const bool guarded = fetch_page.guarded;
  fetch_page = {};
  if (in_line && line_context == nullptr) return v.reject("pe.fetch_line");
  if (in_line) {
    fetch_known_line(pc);
  } else if (page != nullptr && is_aligned(reinterpret_cast<u64>(page), cache::kLine)) {
    fetch_page = {pc, page, guarded};
  }
}

/// A context by its number; 255 is none.
L0Context* L0::visit_context(StateVisitor& v, L0Context* context) {
  u8 number = 255;
  for (usize i = 0; i < contexts_.size(); ++i)
    if (&contexts_[i] == context) number = static_cast<u8>(i);
  v.value("l0.context", number);
  return number < contexts_.size() ? &contexts_[number] : nullptr;
}

void visit_registers(StateVisitor& v, State& s) {
  v.value("x", s.x);
  v.value("sp", s.sp);
  v.value("pc", s.pc);
  v.value("nzcv", s.nzcv);
  v.value("btype", s.btype);
  v.value("pstate", s.pstate.raw);
  v.value("sp_bank", s.sp_bank);
  v.field("v", s.v, sizeof s.v);
  v.value("fpcr", s.fp.fpcr.raw);
  v.value("fpsr", s.fp.fpsr.raw);
  v.field("sys", &s.sys, sizeof s.sys);
}

/// Between slices: no exception is pending, and nothing of an instruction is under way.
void Pe::visit_state(StateVisitor& v) {
  visit_registers(v, s);
  v.value("pe.monitor.armed", monitor.armed);
  v.value("pe.monitor.size", monitor.size);
  v.memory_pointer("pe.monitor.place", monitor.host);
  for (bool* line : {&lines.irq, &lines.fiq, &lines.virq, &lines.vfiq, &lines.serror}) v.value("pe.line", *line);
  for (bool* flag : {&event_register, &waiting, &waiting_for_event, &powered_on, &step_taken_, &step_exclusive_,
                     &os_locked_, &scribble_hpfar})
    v.value("pe.flag", *flag);
  u64 executed = instructions();
  v.value("pe.instructions", executed);
  for (u64* number : {&spent, &reset_pc_, &event_stream_at_, &pmu_counted_, &pmu_running_, &pmu_prescaler_, &epoch_})
    v.value("pe.number", *number);
  v.value("pe.ppi_levels", ppi_levels_);
  visit_physical(v);
  v.value("pe.exceptions", counters.exceptions_to);
  v.chance("pe.chance", chance);
  tlb.visit_state(v);
  l0_.visit_state(v, ports.code_watch, ports.bus->code_distance());
  l0_context = l0_.visit_context(v, l0_context);
  l0_unprivileged_ = l0_.visit_context(v, l0_unprivileged_);
  if (v.restoring()) fetch_page = {};
  if (ports.caches != nullptr) visit_lines(v);
  if (v.restoring()) restored(v, executed);
}

void Pe::visit_physical(StateVisitor& v) {
  v.value("pe.physical", physical_);
  if (ports.caches == nullptr || physical_ < ports.caches->cores()) return;
  v.reject("pe.physical");
  physical_ = 0;
}

/// Everything that follows from the state is derived again.
void Pe::restored(StateVisitor& v, u64 executed) {
  const El highest = features().el2 ? El::EL2 : El::EL1;
  if (number(el()) > number(highest)) {
    v.reject("pe.pstate");
    s.pstate = s.pstate.with(Pstate::EL, highest);
  }
  if (s.x[31] != 0 || (s.nzcv & ~Pstate::NZCV.mask) != 0 || s.btype > 3) v.reject("pe.x");
  s.x[31] = 0;
  s.nzcv &= Pstate::NZCV.mask;
  s.btype &= 3;
  pending = {};
  instructions_at_end = counted_ = executed;
  counted_el_ = el();
  budget = 0;
  for (bool& valid : regime_valid_) valid = false;
  L0Context* const unprivileged = l0_unprivileged_;
  const L0Context* const context = l0_context;
  if (context == nullptr || !context->live) {
    context_changed();
  } else if (ports.caches != nullptr && (line_context == nullptr || !line_context->live)) {
    choose_lines();
  }
  l0_unprivileged_ = unprivileged != nullptr && unprivileged->live ? unprivileged : nullptr;
  sp_alignment_checked_ = stack_alignment_checked();
  update_fp_trap();
  debug_active = true;  // whatever made it so has been forgotten already, before it was saved
  debug_changed();
}

}  // namespace farside::pe
