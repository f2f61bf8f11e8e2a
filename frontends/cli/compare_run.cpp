// frontends/cli/compare_run.cpp - runs a guest without a terminal, notices when it dies, and collects the figures.
#include "frontends/cli/compare_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/arch/esr.h"
#include "firmware/hyp/vm.h"
#include "frontends/machine/machine.h"

namespace farside::cli {
namespace {

using machine::Machine, machine::RunResult, machine::StopCause;
using Clock = std::chrono::steady_clock;

// ---- Noticing that a guest has died ----

/// A core that takes exception after exception at one place does nothing else any more: a vector that cannot be
/// fetched, or one whose first instruction is undefined.
class ExceptionLoop {
 public:
  /// True when the exception at `elr` of a core that has executed `instructions` is one of a loop.
  bool add(u64 elr, u64 instructions) {
    constexpr u64 kMany = 20'000;
    // A loop that polls a device executes at least a load and a branch for each exit.
    if (elr != elr_ || instructions - first_ > count_ + count_ / 2 + 16) {
      elr_ = elr;
      first_ = instructions;
      count_ = 0;
    }
    return ++count_ >= kMany;
  }

 private:
  u64 elr_ = 0, first_ = 0, count_ = 0;
};

u64 field(const TraceEvent& event, std::string_view name) {
  for (const TraceField& f : event.fields)
    if (f.name == name) return f.number;
  return 0;
}
std::string_view text_field(const TraceEvent& event, std::string_view name) {
  for (const TraceField& f : event.fields)
    if (f.name == name) return f.text;
  return {};
}

/// Watches console and exceptions of one machine, and stops it when nothing more is to come.
class Watch {
 public:
  Watch(Machine& machine, u64 host_seconds) : machine_(machine), loops_(machine.cores().size()) {
    const auto deadline = Clock::now() + std::chrono::seconds(host_seconds);
    machine.set_console({.output = [this](u8 byte) { on_output(byte); },
                         .poll =
                             [this, deadline, host_seconds] {
                               if (Clock::now() < deadline) return;
                               end(Ending::NoEnd, fmt::format("not ended after {} s of host time", host_seconds));
                             }});
    machine.trace().set_sink([this](const TraceEvent& event) { on_event(event); });
    machine.trace().enable(TraceGroup::Exc);
  }
  /// The ending that the watch has decided on, if it has.
  const std::optional<Ending>& ending() const { return ending_; }
  const std::string& detail() const { return detail_; }
  const std::string& last_line() const { return last_; }

 private:
  void end(Ending ending, std::string detail) {
    if (ending_) return;
    ending_ = ending;
    detail_ = std::move(detail);
    machine_.request_stop();
  }
  void on_output(u8 byte) {
    if (byte != '\n') {
      if (byte >= ' ' && byte < 0x7f) line_ += static_cast<char>(byte);
      return;
    }
    if (const usize at = line_.find("Kernel panic"); at != std::string::npos) end(Ending::Dies, line_.substr(at));
    if (!line_.empty()) last_ = std::move(line_);
    line_.clear();
  }
  void on_event(const TraceEvent& event) {
    if (event.name != "exception") return;
    const u64 elr = field(event, "elr");
    if (!loops_[event.cpu].add(elr, machine_.cores()[event.cpu]->instructions())) return;
    end(Ending::Dies,
        fmt::format("exception loop: core {} at pc {:#x}, {}", event.cpu, elr, text_field(event, "class")));
  }

  Machine& machine_;
  std::vector<ExceptionLoop> loops_;
  std::string line_, last_;
  std::optional<Ending> ending_;
  std::string detail_;
};

void conclude(ComparedRun& run, const Watch& watch, const RunResult& result, const CompareLimits& limits) {
  const auto set = [&run](Ending ending, std::string detail) {
    run.ending = ending;
    run.detail = std::move(detail);
  };
  if (watch.ending()) return set(*watch.ending(), watch.detail());
  switch (result.cause) {
    case StopCause::PowerOff: return set(Ending::Boots, "switched itself off");
    case StopCause::Reset: return set(Ending::Dies, "reset; last words: " + watch.last_line());
    case StopCause::Idle: return set(Ending::Dies, "every core waits; last words: " + watch.last_line());
    case StopCause::InstructionLimit:
      return set(Ending::NoEnd, fmt::format("not ended after {} instructions", limits.instructions));
    default: return set(Ending::Dies, result.text);
  }
}

// ---- Figures ----

constexpr u64 kLine = 64;
/// Order of magnitude on server cores; the exit is what virtual time is charged, too.
constexpr CostWeight kWeights[] = {
    {"exit", "an exit to the hypervisor and back", 1000},
    {"dc_line", "DC CIVAC of one line", 10},
    {"line_cleaned", "a line written back by it", 60},
    {"ic_line", "IC IVAU of one line", 10},
    {"ic_all", "IC IALLU or IALLUIS", 500},
    {"tlbi", "one TLBI sequence with its barriers", 200},
    {"at", "AT and reading PAR_EL1", 40},
};
u64 weight(std::string_view key) {
  for (const CostWeight& w : kWeights)
    if (w.key == key) return w.weight;
  return 0;
}

/// Everything that a figure is computed from.
struct Source {
  Machine& machine;
  hyp::Stats hyp;
  std::vector<std::pair<std::string, u64>> caches;
  u64 cache(std::string_view label) const {
    for (const auto& [name, value] : caches)
      if (name == label) return value;
    return 0;
  }
  u64 exits() const {
    u64 sum = 0;
    for (u64 n : hyp.exits_by_ec) sum += n;
    return sum;
  }
  u64 traps() const { return hyp.exits_by_ec[static_cast<usize>(Ec::SYS64)]; }
  u64 mmio() const { return hyp.mmio_kernel + hyp.mmio_vmm + hyp.mmio_nisv; }
  u64 fetch_faults() const {
    return hyp.faults[static_cast<usize>(hyp::FaultType::Permission)][static_cast<usize>(hyp::FaultAccess::Exec)];
  }
  u64 dc_lines() const { return hyp.dc_civac_bytes / kLine; }
  u64 ic_lines() const { return hyp.ic_ivau_bytes / kLine; }
  u64 tlbis() const { return hyp.tlbi_ipa + hyp.tlbi_vmid + hyp.tlbi_local + hyp.tlbi_all; }
  u64 cost() const {
    return exits() * weight("exit") + dc_lines() * weight("dc_line") + cache("lines cleaned") * weight("line_cleaned") +
           ic_lines() * weight("ic_line") + hyp.ic_all * weight("ic_all") + tlbis() * weight("tlbi") +
           hyp.at * weight("at");
  }
};

struct FigureRow {
  Figure figure;
  u64 (*of)(const Source&);
};
constexpr FigureRow kFigures[] = {
    {{"stale_cached", "STALE_CACHED", "findings", true}, [](const Source& s) { return s.cache("STALE_CACHED"); }},
    {{"stale_ram", "STALE_RAM", "findings", true}, [](const Source& s) { return s.cache("STALE_RAM"); }},
    {{"stale_icache", "STALE_ICACHE", "findings", true}, [](const Source& s) { return s.cache("STALE_ICACHE"); }},
    {{"stale_walk", "STALE_WALK", "findings", true}, [](const Source& s) { return s.cache("STALE_WALK"); }},
    {{"lost_write", "LOST_WRITE", "findings", true}, [](const Source& s) { return s.cache("LOST_WRITE"); }},
    {{"discarded_dirty", "DISCARDED_DIRTY", "findings", true},
     [](const Source& s) { return s.cache("DISCARDED_DIRTY"); }},
    {{"exits", "exits", "of all kinds"}, [](const Source& s) { return s.exits(); }},
    {{"s2_faults", "stage-2 faults", "devices included"}, [](const Source& s) { return s.hyp.fault_count(); }},
    {{"s2_mmio", "device accesses", "stage-2 faults without memory"}, [](const Source& s) { return s.mmio(); }},
    {{"s2_mapped", "mappings made", "stage-2 entries"}, [](const Source& s) { return s.hyp.s2_map; }},
    {{"s2_fetch", "fetch faults", "on execute-never entries"}, [](const Source& s) { return s.fetch_faults(); }},
    {{"traps", "traps", "of system registers and set/way"}, [](const Source& s) { return s.traps(); }},
    {{"flush_vm", "flushes of the VM"}, [](const Source& s) { return s.hyp.flush_vm; }},
    {{"dc_lines", "DC CIVAC", "lines, by the hypervisor"}, [](const Source& s) { return s.dc_lines(); }},
    {{"ic_lines", "IC IVAU", "lines, by the hypervisor"}, [](const Source& s) { return s.ic_lines(); }},
    {{"ic_all", "IC IALLU(IS)", "by the hypervisor"}, [](const Source& s) { return s.hyp.ic_all; }},
    {{"tlbi", "TLBI", "sequences, by the hypervisor"}, [](const Source& s) { return s.tlbis(); }},
    {{"at", "AT S1E1R", "by the hypervisor"}, [](const Source& s) { return s.hyp.at; }},
    {{"lines_cleaned", "lines cleaned", "that were dirty, whoever asked", true},
     [](const Source& s) { return s.cache("lines cleaned"); }},
    {{"lines_invalidated", "lines invalidated", "that were there, whoever asked", true},
     [](const Source& s) { return s.cache("lines invalidated"); }},
    {{"l2_misses", "L2 misses", "", true}, [](const Source& s) { return s.cache("L2 misses"); }},
    {{"guest_instructions", "guest instructions"}, [](const Source& s) { return s.machine.instructions(); }},
    {{"cost", "modelled cost", "of exits and maintenance, in instructions"}, [](const Source& s) { return s.cost(); }},
};

std::vector<std::optional<u64>> values_of(Machine& machine) {
  const Source source{machine, machine.vm()->stats(), machine.cache_figures()};
  std::vector<std::optional<u64>> values;
  for (const FigureRow& row : kFigures) {
    const bool known = !row.figure.needs_caches || !source.caches.empty();
    values.push_back(known ? std::optional(row.of(source)) : std::nullopt);
  }
  return values;
}

}  // namespace

std::span<const Figure> figures() {
  static const std::vector<Figure> all = [] {
    std::vector<Figure> out;
    for (const FigureRow& row : kFigures) out.push_back(row.figure);
    return out;
  }();
  return all;
}

std::span<const CostWeight> cost_weights() { return kWeights; }

Result<ComparedRun, UserError> run_compared(machine::MachineConfig config, const std::string& policy,
                                            const std::string& icache, const CompareLimits& limits) {
  config.policy = policy;
  config.icache = icache;
  config.max_instructions = limits.instructions;
  const auto machine = TRY(Machine::create(config));
  ComparedRun run{.policy = policy, .icache = icache};
  Watch watch(*machine, limits.host_seconds);
  const auto start = Clock::now();
  const RunResult result = machine->run();
  run.host_seconds = std::chrono::duration<double>(Clock::now() - start).count();
  conclude(run, watch, result, limits);
  run.values = values_of(*machine);
  return run;
}

}  // namespace farside::cli
