// frontends/machine/jit_report.cpp - the translating engine's counters as text.
#include <algorithm>

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

}  // namespace

std::string Machine::jit_report() const {
  const jit::Jit* jit = scheduler_->jit();
  if (jit == nullptr) return {};
  const jit::JitCounters& c = jit->counters();
  const jit::TranslationCounters& t = jit->translation();
  const double executed = static_cast<double>(std::max<u64>(instructions(), 1));
  std::string out = "jit\n";
  const auto row = [&out](const char* name, u64 value) { out += fmt::format("  {:<24} {:>14}\n", name, value); };
  row("blocks translated", t.blocks);
  row("blocks now", jit->blocks());
  row("instructions translated", t.instructions);
  row("of them emitted", t.emitted);
  row("host bytes", t.host_bytes);
  row("runs of accesses", t.runs);
  row("accesses joined to them", t.joined);
  row("blocks without runs", t.apart);
  row("hot blocks", t.hot);
  row("their guessed distances", t.guesses);
  row("wrong guesses", jit->wrong_guesses());
  row("hot blocks given up", c.settled);
  row("code bytes in use", jit->code_bytes_used());
  row("entries", c.entries);
  row("lookups", c.lookups);
  row("jumps connected", c.linked);
  row("blocks interpreted", c.interpreted);
  row("instructions so", c.interpreted_instructions);
  row("fallbacks", c.fallbacks);
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
    each("instructions per block", w.instructions, w.entered);
    each("host bytes each, hot", w.host_bytes, w.instructions);
    each("host bytes each", t.host_bytes, t.instructions);
  }
  add_forms(out, "fallbacks by form", c.by_form);
  return out;
}

#else

std::string Machine::jit_report() const { return {}; }

#endif

}  // namespace farside::machine
