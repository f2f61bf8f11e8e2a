// frontends/machine/jit_report.cpp - the translating engine's counters as text.
#include <algorithm>

#include "frontends/machine/board.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/scheduler.h"

namespace farside::machine {

#ifdef FARSIDE_JIT

namespace {

/// The forms with the largest counts, one per line.
void add_forms(std::string& out, const char* title, const std::array<u64, isa::kA64Count + 1>& counts) {
  constexpr usize kMost = 24;
  std::vector<usize> order;
  for (usize i = 0; i < counts.size(); ++i)
    if (counts[i] != 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](usize a, usize b) { return counts[a] > counts[b]; });
  out += fmt::format("{}\n", title);
  for (usize i = 0; i < std::min(order.size(), kMost); ++i) {
    const char* name = order[i] == isa::kA64Count ? "UNDEFINED" : isa::a64_table()[order[i]].name;
    out += fmt::format("  {:<24} {:>14}\n", name, counts[order[i]]);
  }
}

void add_row(std::string& out, const char* name, u64 value) { out += fmt::format("  {:<24} {:>14}\n", name, value); }

/// Accesses that neither L0 nor a lent line served, and what became of L0, all cores together.
void add_memory(std::string& out, const std::vector<std::unique_ptr<pe::Pe>>& cores) {
  pe::Counters memory;
  pe::L0::Counters l0;
  for (const auto& core : cores) {
    memory.slow_loads += core->counters.slow_loads;
    memory.slow_stores += core->counters.slow_stores;
    memory.slow_fetches += core->counters.slow_fetches;
    memory.mmio += core->counters.mmio;
    l0.context_switches += core->l0_counters().context_switches;
    l0.context_misses += core->l0_counters().context_misses;
    l0.clears += core->l0_counters().clears;
    l0.page_clears += core->l0_counters().page_clears;
  }
  out += "memory\n";
  add_row(out, "loads not in L0", memory.slow_loads);
  add_row(out, "stores not in L0", memory.slow_stores);
  add_row(out, "fetches not in L0", memory.slow_fetches);
  add_row(out, "accesses to devices", memory.mmio);
  add_row(out, "contexts chosen", l0.context_switches);
  add_row(out, "of them new", l0.context_misses);
  add_row(out, "all contexts emptied", l0.clears);
  add_row(out, "ranges taken out", l0.page_clears);
}

/// Where the host's time went.
void add_time(std::string& out, const jit::TimeSplit& time) {
  static constexpr const char* kParts[] = {"elsewhere",    "dispatching",     "translating",
                                           "interpreting", "translated code", "what that calls"};
  static_assert(std::size(kParts) == static_cast<usize>(jit::Part::Count));
  const auto parts = time.milliseconds();
  out += "milliseconds of the host\n";
  for (usize i = 0; i < parts.size(); ++i) out += fmt::format("  {:<24} {:>14.1f}\n", kParts[i], parts[i]);
}

/// With --code arch.
void add_code(std::string& out, const dev::CodeCopies::Counters& code) {
  out += "instruction fetches\n";
  add_row(out, "pages copied", code.pages);
  add_row(out, "lines renewed", code.lines);
  add_row(out, "all lines renewed", code.all);
  add_row(out, "lines that had changed", code.changed);
}

}  // namespace

std::string Machine::jit_report() const {
  const jit::Jit* jit = scheduler_->jit();
  if (jit == nullptr) return {};
  const jit::JitCounters& c = jit->counters();
  const jit::TranslationCounters& t = jit->translation();
  const double executed = static_cast<double>(std::max<u64>(instructions(), 1));
  std::string out = "jit\n";
  const auto row = [&out](const char* name, u64 value) { add_row(out, name, value); };
  row("blocks translated", t.blocks);
  row("blocks now", jit->blocks());
  row("instructions translated", t.instructions);
  row("of them emitted", t.emitted);
  row("host bytes", t.host_bytes);
  row("and that rarely run", t.rare_bytes);
  row("runs of accesses", t.runs);
  row("accesses joined to them", t.joined);
  row("blocks without runs", t.apart);
  row("hot blocks", t.hot);
  row("that follow branches", t.paths);
  row("branches they follow", t.followed);
  row("their guessed distances", t.guesses);
  row("wrong guesses", jit->wrong_guesses());
  row("hot blocks given up", c.settled);
  row("code bytes in use", jit->code_bytes_used());
  row("entries", c.entries);
  row("to find a block", c.exits[jit::kLookup]);
  row("to look at interrupts", c.exits[jit::kReconsider]);
  row("as the slice was over", c.exits[jit::kOutOfBudget]);
  row("as a line was not lent", c.exits[jit::kNotLent]);
  row("to connect a jump", c.exits[jit::kLastExit + 1]);
  row("jumps connected", c.linked);
  row("blocks interpreted", c.interpreted);
  row("instructions so", c.interpreted_instructions);
  row("fallbacks", c.fallbacks);
  row("lines served", c.served);
  row("jumps served", c.jumps_served);
  row("jumps connected anew", c.redirected);
  row("blocks invalidated", c.invalidated);
  row("stale blocks", c.stale);
  row("flushes", c.flushes);
  row("slice ends", c.slice_ends);
  out += fmt::format("  {:<24} {:>14.2f}\n", "fallbacks, %", 100 * static_cast<double>(c.fallbacks) / executed);
  out += fmt::format("  {:<24} {:>14.2f}\n", "entries, %", 100 * static_cast<double>(c.entries) / executed);
  const jit::Jit::Weighted w = jit->weighted();
  if (w.entered != 0) {
    const auto each = [&](const char* name, u64 value, u64 by) {
      out += fmt::format("  {:<24} {:>14.2f}\n", name, static_cast<double>(value) / static_cast<double>(by));
    };
    row("blocks entered", w.entered);
    row("calls into the ring", jit->returns().pushed);
    row("returns as it says", jit->returns().hits);
    row("returns to elsewhere", jit->returns().misses);
    row("returns without a call", jit->returns().unknown);
    each("instructions per block", w.instructions, w.entered);
    each("host bytes each, hot", w.host_bytes, w.instructions);
    each("host bytes each", t.host_bytes, t.instructions);
  }
  if (w.entered != 0) add_time(out, jit->time());
  add_memory(out, cores_);
  if (const dev::CodeCopies* code = board_->code()) add_code(out, code->counters());
  add_forms(out, "fallbacks by form", c.by_form);
  return out;
}

#else

std::string Machine::jit_report() const { return {}; }

#endif

}  // namespace farside::machine
