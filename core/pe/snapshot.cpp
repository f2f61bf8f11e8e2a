// core/pe/snapshot.cpp - the state of a PE as a snapshot keeps it, translations that its fast path knows included.
#include "core/pe/pe.h"

namespace farside::pe {
namespace {

/// One table of a context, without its empty slots. A page that is not RAM (flash in array mode) is looked up again
/// when it is next used. Bit 0 of `host` marks guarded pages.
template <usize N>
void visit_table(StateVisitor& v, std::array<L0Entry, N>& table, CodeWatch* watch) {
  const auto page_of = [](const L0Entry& entry) {
    return reinterpret_cast<const u8*>(reinterpret_cast<u64>(entry.host) & ~u64{1});
  };
  u64 used = 0;
  for (const L0Entry& entry : table) used += entry.host != nullptr;
  used = v.count("l0.entries", used, N, sizeof(u16));
  usize next = 0;
  for (u64 i = 0; i < used; ++i) {
    u16 slot = 0;
    if (!v.restoring()) {
      while (table[next].host == nullptr) ++next;
      slot = static_cast<u16>(next++);
    }
    v.value("l0.slot", slot);
    if (slot >= N) return v.reject("l0.slot");
    L0Entry& entry = table[slot];
    u8 guarded = reinterpret_cast<u64>(entry.host) & 1;
    const u8* page = page_of(entry);
    v.value("l0.tag", entry.tag);
    v.value("l0.guarded", guarded);
    v.memory_pointer("l0.page", page);
    if (!v.restoring()) continue;
    if (page == nullptr || (reinterpret_cast<u64>(page) & (kL0PageSize - 1)) != 0) {
      entry = L0Context::empty(slot);
      continue;
    }
    entry.tag = align_down(entry.tag, kL0PageSize);
    entry.host = const_cast<u8*>(page) + (guarded & 1);
    if (watch != nullptr) watch->note_writable(page);
  }
}

}  // namespace

void L0::visit_state(StateVisitor& v, CodeWatch* watch) {
  v.value("l0.tick", tick_);
  v.value("l0.large_2m", large_2m_);
  v.value("l0.large_1g", large_1g_);
  for (const auto& context : contexts_) {
    v.value("l0.live", context->live);
    v.value("l0.last_used", context->last_used);
    L0Key& key = context->key;
    v.value("l0.epoch", key.epoch);
    v.value("l0.asid", key.asid);
    v.value("l0.vmid", key.vmid);
    v.value("l0.el", key.el);
    v.value("l0.pan", key.pan);
    if (!context->live) continue;
    if (v.restoring()) context->clear();
    visit_table(v, context->read, nullptr);
    visit_table(v, context->write, watch);
    visit_table(v, context->fetch, nullptr);
    visit_table(v, context->aligned_read, nullptr);
    visit_table(v, context->aligned_write, watch);
  }
}

/// Known lines, by their places in the caches of `core`.
void LineTable::visit_state(StateVisitor& v, cache::Hierarchy& caches, u32 core, cache::Side side, bool for_write) {
  std::vector<Slot> known;
  for (const Slot& slot : slots_)
    if (slot.epoch == epoch_) known.push_back(slot);
  if (v.restoring()) clear();
  known.resize(v.count("lines.known", known.size(), slots_.size(), sizeof(u64)));
  for (Slot& slot : known) {
    v.value("lines.tag", slot.tag);
    v.value("lines.pa", slot.pa);
    v.value("lines.guarded", slot.guarded);
    u32 place = v.restoring() ? 0 : caches.place_of(core, side, slot.host);
    v.value("lines.place", place);
    if (!v.restoring()) continue;
    u8* const host = caches.lent_line(core, side, place, for_write);
    if (host == nullptr || ((slot.tag ^ slot.pa) & (kL0PageSize - kLineBytes)) != 0) return v.reject("lines.place");
    insert(slot.tag, Pa{slot.pa}, host, slot.guarded);
  }
}

/// What the hierarchy has lent, and the line or page of PC.
void Pe::visit_lines(StateVisitor& v) {
  lines_read_.visit_state(v, *ports.caches, physical_, cache::Side::Data, false);
  lines_write_.visit_state(v, *ports.caches, physical_, cache::Side::Data, true);
  lines_fetch_.visit_state(v, *ports.caches, physical_, cache::Side::Instruction, false);
  const bool fetching = fetch_page.page != FetchPage::kNone;
  bool in_line = fetching && lines_fetch_.find(fetch_page.page, 4) == fetch_page.host;
  const u8* page = fetching && !in_line ? fetch_page.host : nullptr;
  v.value("pe.fetch_page", fetch_page.page);
  v.value("pe.fetch_line", in_line);
  v.value("pe.fetch_guarded", fetch_page.guarded);
  v.memory_pointer("pe.fetch_host", page);
  if (!v.restoring()) return;
  const u64 pc = align_down(fetch_page.page, cache::kLine);
  const bool guarded = fetch_page.guarded;
  fetch_page = {};
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
    if (contexts_[i].get() == context) number = static_cast<u8>(i);
  v.value("l0.context", number);
  return number < contexts_.size() ? contexts_[number].get() : nullptr;
}

/// Between slices: no exception is pending, and nothing of an instruction is under way.
void Pe::visit_state(StateVisitor& v) {
  v.value("pe.x", s.x);
  v.value("pe.sp", s.sp);
  v.value("pe.pc", s.pc);
  v.value("pe.nzcv", s.nzcv);
  v.value("pe.btype", s.btype);
  v.value("pe.pstate", s.pstate.raw);
  v.value("pe.sp_bank", s.sp_bank);
  v.field("pe.v", s.v, sizeof s.v);
  v.value("pe.fpcr", s.fp.fpcr.raw);
  v.value("pe.fpsr", s.fp.fpsr.raw);
  v.field("pe.sys", &s.sys, sizeof s.sys);
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
  v.value("pe.physical", physical_);
  v.value("pe.exceptions", counters.exceptions_to);
  v.chance("pe.chance", chance);
  tlb.visit_state(v);
  l0_.visit_state(v, ports.code_watch);
  l0_context = l0_.visit_context(v, l0_context);
  l0_unprivileged_ = l0_.visit_context(v, l0_unprivileged_);
  if (v.restoring()) fetch_page = {};
  if (ports.caches != nullptr) visit_lines(v);
  if (v.restoring()) restored(v, executed);
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
  instructions_at_end = executed;
  budget = 0;
  for (bool& valid : regime_valid_) valid = false;
  L0Context* const unprivileged = l0_unprivileged_;
  const L0Context* const context = l0_context;
  if (context == nullptr || !context->live) context_changed();
  l0_unprivileged_ = unprivileged != nullptr && unprivileged->live ? unprivileged : nullptr;
  sp_alignment_checked_ = stack_alignment_checked();
  update_fp_trap();
  debug_active = true;  // whatever made it so has been forgotten already, before it was saved
  debug_changed();
}

}  // namespace farside::pe
