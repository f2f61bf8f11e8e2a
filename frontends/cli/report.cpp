// frontends/cli/report.cpp - the page that `farside run --stats` prints when a run has ended.
#include "frontends/cli/report.h"

#include <fmt/format.h>

#include <iterator>

#include "core/arch/esr.h"
#include "firmware/hyp/vm.h"

namespace farside::cli {
namespace {

double mib(u64 bytes) { return static_cast<double>(bytes) / (1 << 20); }

// Collects "label   value" lines under headings.
class Page {
 public:
  void heading(std::string_view text) { fmt::format_to(std::back_inserter(text_), "{}\n", text); }
  template <class... Args>
  void row(std::string_view label, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), "  {:<26}{}\n", label, fmt::format(format, std::forward<Args>(args)...));
  }
  /// A row only when there is something to count.
  void count(std::string_view label, u64 value) {
    if (value != 0) row(label, "{:>12}", value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_faults(Page& page, const hyp::Stats& stats) {
  static constexpr std::string_view kTypes[] = {"translation", "access flag", "permission", "other"};
  page.heading("stage-2 faults");
  page.row("", "{:>12} {:>12} {:>12} {:>12}", "read", "write", "exec", "walk");
  for (usize type = 0; type < std::size(kTypes); ++type) {
    const auto& row = stats.faults[type];
    page.row(kTypes[type], "{:>12} {:>12} {:>12} {:>12}", row[0], row[1], row[2], row[3]);
  }
  page.row("total", "{:>12}", stats.fault_count());
  page.count("found already handled", stats.replays);
  page.count("access flag set", stats.s2_mkyoung);
}

void add_mappings(Page& page, const hyp::Stats& stats) {
  page.heading("stage-2 mappings");
  page.row("1G, 2M, 4K leaves now", "{:>12} {:>12} {:>12}", stats.mapped[1], stats.mapped[2], stats.mapped[3]);
  page.row("table pages now", "{:>12}", stats.table_pages);
  page.count("mapped", stats.s2_map);
  page.count("permissions relaxed", stats.s2_relax);
  page.count("unmapped", stats.s2_unmap);
  page.count("write-protected", stats.s2_wrprotect);
  page.count("blocks split", stats.s2_split);
  page.count("tables collapsed", stats.s2_collapse);
  page.count("break-before-make", stats.s2_break);
  page.count("demand-zero pages", stats.demand_zero);
  page.count("huge pages", stats.huge_faults);
  page.count("copies on write", stats.cow_breaks);
}

void add_exits(Page& page, const hyp::Stats& stats) {
  page.heading("exits");
  for (usize ec = 0; ec < stats.exits_by_ec.size(); ++ec) {
    page.count(ec_name(static_cast<Ec>(ec)), stats.exits_by_ec[ec]);
  }
  page.count("MMIO for kernel devices", stats.mmio_kernel);
  page.count("MMIO for other devices", stats.mmio_vmm);
  page.count("MMIO without syndrome", stats.mmio_nisv);
  page.count("aborts injected", stats.aborts_injected);
  page.count("UNDEFs injected", stats.undefs_injected);
  page.count("cache operations skipped", stats.cmo_skipped);
}

void add_maintenance(Page& page, const hyp::Stats& stats) {
  page.heading("maintenance by the hypervisor");
  page.count("TLBI by IPA", stats.tlbi_ipa);
  page.count("TLBI by VMID", stats.tlbi_vmid);
  page.count("TLBI local", stats.tlbi_local);
  page.count("TLBI all", stats.tlbi_all);
  page.count("clean+invalidate ranges", stats.dc_civac);
  page.count("clean+invalidate bytes", stats.dc_civac_bytes);
  page.count("IC by range", stats.ic_ivau);
  page.count("IC all", stats.ic_all);
  page.count("VM flushes", stats.flush_vm);
  page.count("cache toggles", stats.toggle_cache);
  page.count("set/way operations", stats.set_way);
  page.count("VMID rollovers", stats.vmid_rollovers);
}

void add_tlb(Page& page, const mmu::TlbStats& tlb, u32 core) {
  page.heading(fmt::format("TLB of core {}", core));
  page.row("", "{:>12} {:>12} {:>12} {:>12}", "hits", "misses", "walks", "evictions");
  page.row("stage 1 and combined", "{:>12} {:>12} {:>12} {:>12}", tlb.hits, tlb.misses, tlb.walks, tlb.evictions);
  page.row("stage 2", "{:>12} {:>12} {:>12} {:>12}", tlb.s2_hits, tlb.s2_misses, tlb.s2_walks, tlb.s2_evictions);
  static constexpr std::string_view kKinds[] = {"TLBI by VA and ASID", "TLBI by VA",       "TLBI by ASID", "TLBI all",
                                                "TLBI stage 1",        "TLBI both stages", "TLBI by IPA"};
  static_assert(std::size(kKinds) == std::size(mmu::TlbStats{}.invalidations));
  for (usize kind = 0; kind < std::size(kKinds); ++kind) page.count(kKinds[kind], tlb.invalidations[kind]);
  page.row("entries invalidated", "{:>12}", tlb.invalidated);
}

void add_levels(Page& page, const pe::Pe& core) {
  page.heading(fmt::format("core {}", core.index()));
  page.row("", "{:>12} {:>12} {:>12}", "EL0", "EL1", "EL2");
  page.row("instructions at", "{:>12} {:>12} {:>12}", core.instructions_at(El::EL0), core.instructions_at(El::EL1),
           core.instructions_at(El::EL2));
  const u64* to = core.counters.exceptions_to;
  page.row("exceptions to", "{:>12} {:>12} {:>12}", to[0], to[1], to[2]);
}

}  // namespace

std::string hyp_stats_page(const hyp::Stats& stats) {
  Page page;
  add_faults(page, stats);
  add_mappings(page, stats);
  add_exits(page, stats);
  add_maintenance(page, stats);
  return page.take();
}

std::string stats_page(machine::Machine& machine, const RunTimes& times) {
  Page page;
  const double instructions = static_cast<double>(machine.instructions());
  const double seconds = times.host_seconds > 0 ? times.host_seconds : 1e-9;
  page.heading("run");
  page.row("instructions", "{:>12}", machine.instructions());
  page.row("start", "{:>12.1f} ms", times.start_seconds * 1e3);
  page.row("host time", "{:>12.2f} s", times.host_seconds);
  page.row("speed", "{:>12.1f} MIPS", instructions / seconds / 1e6);
  page.row("virtual time", "{:>12.3f} s", static_cast<double>(machine.time_ns()) / 1e9);
  page.row("guest memory touched", "{:>12.1f} MiB", mib(machine.resident_bytes()));
  std::string out = page.take();
  if (const hyp::Vm* vm = machine.vm()) out += hyp_stats_page(vm->stats());
  Page tail;
  if (const auto figures = machine.cache_figures(); !figures.empty()) {
    tail.heading("caches");
    for (const auto& [label, value] : figures) tail.count(label, value);
  }
  for (const auto& core : machine.cores()) {
    add_levels(tail, *core);
    add_tlb(tail, core->tlb.stats(), core->index());
  }
  return out + tail.take();
}

}  // namespace farside::cli
