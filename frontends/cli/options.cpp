// frontends/cli/options.cpp - from command-line words to checked options.
#include "frontends/cli/options.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "cache/config.h"
#include "cache/knobs.h"
#include "core/arch/features.h"
#include "firmware/hyp/policy.h"
#include "frontends/cli/device_options.h"
#include "frontends/cli/qemu_spelling.h"
#include "frontends/cli/state_options.h"
#include "frontends/cli/words.h"
#include "frontends/guests/guests.h"
#include "mmu/knobs.h"

namespace farside::cli {
namespace {

constexpr u64 kMaxCores = 8, kMemoryGranule = u64{2} << 20;
constexpr u64 kMostThreshold = 1'000'000;

struct TraceName {
  std::string_view name;
  TraceGroup group;
};
constexpr std::array<TraceName, 6> kTraceNames{{
    {"kvm", TraceGroup::Kvm},
    {"exec", TraceGroup::Exec},
    {"exc", TraceGroup::Exc},
    {"mmu", TraceGroup::Mmu},
    {"tlb", TraceGroup::Tlb},
    {"dev", TraceGroup::Dev},
}};

// One of a few words, as its place in the list.
Result<usize, UserError> one_of(std::string_view option, std::string_view word,
                                std::initializer_list<std::string_view> choices) {
  usize place = 0;
  for (std::string_view choice : choices) {
    if (choice == word) return place;
    ++place;
  }
  std::string list;
  for (std::string_view choice : choices) list += fmt::format("{}{}", list.empty() ? "" : ", ", choice);
  return UserError{fmt::format("--{} {}: must be one of {}", option, word, list)};
}

Result<std::string, UserError> checked_cpu(const Words& words) {
  const std::string name = words.has("cpu") ? words.text("cpu") : machine::MachineConfig{}.cpu;
  if (find_cpu(name)) return name;
  std::vector<std::string_view> names;
  for (const CpuModel& model : cpu_models()) names.push_back(model.name);
  const std::string_view near = nearest(name, names);
  return UserError{fmt::format("unknown CPU {}: {}", name,
                               near.empty() ? "--cpu help lists them" : fmt::format("did you mean {}?", near))};
}

// What the hypervisor does, as words that compose to a policy.
Result<void, UserError> take_policy(const Words& words, machine::MachineConfig& config) {
  for (const char* name : {"policy", "without", "icache", "cmo-ro"}) {
    if (words.has(name) && config.el2 == machine::El2Mode::None)
      return UserError{fmt::format("--{}: --el2 none has no hypervisor that could follow it", name)};
    if (words.has(name) && words.text(name).empty()) return UserError{fmt::format("--{} needs a value", name)};
  }
  if (words.has("policy")) config.policy = words.text("policy");
  for (std::string_view rest = words.text("without"); !rest.empty();) {
    const usize end = std::min(rest.find(','), rest.size());
    config.without.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  config.icache = words.text("icache");
  config.cmo_ro = words.text("cmo-ro");
  const auto policy = hyp::compose_policy({config.policy, config.without, config.icache, config.cmo_ro});
  if (!policy) return policy.error();
  if (policy->fwb == hyp::FwbUse::Required && !find_cpu(config.cpu)->features.S2FWB)
    return UserError{fmt::format("--policy {}: {} has no FEAT_S2FWB, use --cpu max", config.policy, config.cpu)};
  return {};
}

std::string cpu_page() {
  std::string page = "CPU models\n";
  for (const CpuModel& model : cpu_models()) {
    page += fmt::format("  {:<16} MIDR_EL1 0x{:08x}{}\n", model.name, model.midr,
                        model.name == machine::MachineConfig{}.cpu ? "  (default)" : "");
  }
  return page;
}

std::string knob_page() {
  std::string page;
  const auto add = [&](std::string_view title, const std::vector<KnobInfo>& knobs) {
    page += title;
    for (const KnobInfo& knob : knobs) page += fmt::format("  {}={}\n      {}\n", knob.name, knob.values, knob.text);
  };
  add("Choices of the caches, with --cache coherent, model or adversarial\n", cache::knob_table());
  add("\nChoices of MMU and TLBs, always\n", mmu::knob_table());
  return page;
}

// What a --cache-config file looks like: the preset called `name`.
std::string geometry_page(std::string_view name) {
  std::string page = fmt::format("# The caches of {}. '--cache-config NAME' prints those of", name);
  for (const cache::Config& config : cache::presets()) page += fmt::format(" {}", config.name);
  page +=
      ".\n# Sizes in bytes, K or M, then ways; l2 and system_cache may be none. What each line means: "
      "docs/caches.md.\n";
  return page + cache::print_config(*cache::preset(name));
}

std::string policy_page() {
  std::string page = "Policies of the hypervisor: cache strategies, then eras\n";
  for (const auto& [policy, text] : hyp::policies()) {
    const bool is_default = policy.name == machine::MachineConfig{}.policy;
    page += fmt::format("  {:<10}{}{}\n", policy.name, text, is_default ? " (default)" : "");
  }
  page += "\nPieces that --without leaves out\n";
  for (const hyp::PieceInfo& piece : hyp::policy_pieces()) page += fmt::format("  {:<10}{}\n", piece.name, piece.text);
  page += "\nSwitches that differ between them\n";
  for (const hyp::SwitchInfo& info : hyp::policy_switches()) page += fmt::format("  {}: {}\n", info.name, info.text);
  return page;
}

// The boot part: either a guest's name or files.
Result<void, UserError> take_boot(const Words& words, RunOptions& run) {
  const auto rest = words.rest();
  run.machine.kernel = words.text("kernel");
  run.machine.initrd = words.text("initrd");
  run.machine.dtb = words.text("dtb");
  run.machine.bios = words.text("bios");
  run.machine.pflash = words.text("pflash");
  if (words.has("append")) run.append = words.text("append");
  if (rest.size() > 1) return UserError{fmt::format("one guest at a time: {} and {} are two", rest[0], rest[1])};
  if (!rest.empty() && !run.machine.kernel.empty()) {
    return UserError{fmt::format("guest {} has its own kernel: give its name or --kernel, not both", rest[0])};
  }
  for (const char* name : {"kernel", "initrd", "dtb", "bios", "pflash"}) {
    if (words.has(name) && words.text(name).empty()) return UserError{fmt::format("--{} needs a file name", name)};
  }
  if (!run.machine.kernel.empty()) return {};
  if (!run.machine.bios.empty() && rest.empty()) return {};
  run.guest = rest.empty() ? std::string(guests::kDefaultGuest) : rest[0];
  if (guests::find_guest(run.guest) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const guests::GuestInfo& guest : guests::known_guests()) names.push_back(guest.name);
  const std::string_view near = nearest(run.guest, names);
  return UserError{fmt::format(
      "unknown guest {}: {}", run.guest,
      near.empty() ? "'farside guest list' lists them, --kernel boots a file" : fmt::format("did you mean {}?", near))};
}

Result<void, UserError> take_machine(const Words& words, machine::MachineConfig& config) {
  if (words.has("memory")) {
    config.memory = TRY(parse_size(words.text("memory")));
    if (config.memory % kMemoryGranule != 0) {
      return UserError{fmt::format("--memory {}: must be a multiple of 2M", words.text("memory"))};
    }
  }
  if (words.has("smp")) {
    const u64 cores = TRY(parse_number("smp", words.text("smp")));
    if (cores < 1 || cores > kMaxCores) return UserError{fmt::format("--smp {}: 1 to {} cores", cores, kMaxCores)};
    config.cpus = static_cast<u32>(cores);
  }
  config.cpu = TRY(checked_cpu(words));
  if (words.has("gic")) config.gic = TRY(one_of("gic", words.text("gic"), {"2", "3"})) == 0 ? 2 : 3;
  if (words.has("serial2") && words.text("serial2").empty()) return UserError{"--serial2 needs a file name, or null"};
  config.serial2 = words.text("serial2");
  if (words.has("engine")) {
    constexpr machine::Engine kEngines[] = {machine::Engine::Interp, machine::Engine::Jit, machine::Engine::Fastest};
    config.engine = kEngines[TRY(one_of("engine", words.text("engine"), {"interp", "jit", "lockstep"}))];
  }
  if (words.has("jit-threshold")) {
    const u64 runs = TRY(parse_number("jit-threshold", words.text("jit-threshold")));
    if (runs > kMostThreshold) return UserError{fmt::format("--jit-threshold {}: 0 to {}", runs, kMostThreshold)};
    config.jit.threshold = static_cast<u32>(runs);
  }
  config.jit.count_runs = words.has("jit-stats");
  if (words.has("perf-map")) config.jit.perf_map = fmt::format("/tmp/perf-{}.map", getpid());
  if (words.has("seed")) config.seed = TRY(parse_number("seed", words.text("seed")));
  if (words.has("max-insns")) {
    config.max_instructions = TRY(parse_number("max-insns", words.text("max-insns")));
    if (config.max_instructions == 0) return UserError{"--max-insns 0: must be at least 1"};
  }
  return {};
}

Result<void, UserError> take_semihosting(const Words& words, machine::MachineConfig& config) {
  if (words.has("semihosting")) {
    config.semihosting.emplace();
    if (words.has("semihosting-dir")) config.semihosting = TRY(parse_semihosting_folder(words.text("semihosting-dir")));
    return {};
  }
  if (words.has("semihosting-dir")) return UserError{"--semihosting-dir: add --semihosting"};
  if (config.console == machine::ConsoleDevice::Semihosting)
    return UserError{"--console semihosting: add --semihosting"};
  return {};
}

Result<void, UserError> take_devices(const Words& words, machine::MachineConfig& config) {
  using machine::ConsoleDevice, machine::RngMode;
  if (words.has("dma")) config.dma = TRY(parse_dma("--dma", words.text("dma")));
  for (const std::string& drive : words.texts("drive")) config.drives.push_back(TRY(parse_drive(drive)));
  if (words.has("net")) config.net = TRY(parse_net(words.text("net")));
  for (const std::string& share : words.texts("share")) config.shares.push_back(TRY(parse_share(share)));
  config.balloon = words.has("balloon");
  if (words.has("rng")) {
    constexpr RngMode kModes[] = {RngMode::Seeded, RngMode::Host, RngMode::None};
    config.rng = kModes[TRY(one_of("rng", words.text("rng"), {"seeded", "host", "none"}))];
  }
  if (words.has("console")) {
    constexpr ConsoleDevice kDevices[] = {ConsoleDevice::Pl011, ConsoleDevice::Virtio, ConsoleDevice::Semihosting};
    config.console = kDevices[TRY(one_of("console", words.text("console"), {"pl011", "virtio", "semihosting"}))];
  }
  return take_semihosting(words, config);
}

Result<void, UserError> take_hypervisor(const Words& words, machine::MachineConfig& config) {
  using machine::El2Mode, machine::ThpMode;
  if (words.has("el2")) {
    config.el2 = TRY(one_of("el2", words.text("el2"), {"kvm", "none"})) == 0 ? El2Mode::Kvm : El2Mode::None;
  }
  if (words.has("pcpus")) {
    const u64 cores = TRY(parse_number("pcpus", words.text("pcpus")));
    if (cores < 1 || cores > kMaxCores) return UserError{fmt::format("--pcpus {}: 1 to {} cores", cores, kMaxCores)};
    config.pcpus = static_cast<u32>(cores);
  }
  if (words.has("migrate")) config.migrate_seed = TRY(parse_number("migrate", words.text("migrate")));
  if (words.has("thp")) {
    config.thp = TRY(one_of("thp", words.text("thp"), {"always", "never"})) == 0 ? ThpMode::Always : ThpMode::Never;
  }
  TRY_VOID(take_policy(words, config));
  return {};
}

constexpr std::array<std::string_view, 8> kFindings{"STALE_CACHED", "STALE_RAM",       "STALE_ICACHE", "STALE_WALK",
                                                    "LOST_WRITE",   "DISCARDED_DIRTY", "AMBIGUOUS",    "MISMATCH"};
constexpr usize kErrors = 6;  // the rest is advice

Result<std::vector<std::string>, UserError> parse_findings(std::string_view option, std::string_view text) {
  std::vector<std::string> chosen;
  for (;;) {
    const usize end = text.find(',');
    const std::string_view name = text.substr(0, end);
    if (name == "all") {
      chosen.insert(chosen.end(), kFindings.begin(), kFindings.begin() + kErrors);
    } else if (std::find(kFindings.begin(), kFindings.end(), name) != kFindings.end()) {
      chosen.emplace_back(name);
    } else {
      return UserError{fmt::format("--{} {}: the classes are {}, and all", option, name, fmt::join(kFindings, ", "))};
    }
    if (end == std::string_view::npos) return chosen;
    text.remove_prefix(end + 1);
  }
}

// CLASS@FUNCTION.
Result<void, UserError> check_allow(std::string_view text) {
  const usize at = text.find('@');
  const bool known = std::find(kFindings.begin(), kFindings.end(), text.substr(0, at)) != kFindings.end();
  if (known && at != std::string_view::npos && at + 1 < text.size()) return {};
  return UserError{fmt::format("--allow {}: give a class and a function, for example STALE_ICACHE@__set_fixmap", text)};
}

Result<void, UserError> take_findings(const Words& words, RunOptions& run) {
  if (words.has("fail-on")) run.fail_on = TRY(parse_findings("fail-on", words.text("fail-on")));
  if (words.has("stop-on")) run.stop_on = TRY(parse_findings("stop-on", words.text("stop-on")));
  run.allow = words.texts("allow");
  for (const std::string& allow : run.allow) TRY_VOID(check_allow(allow));
  run.report = words.text("report");
  for (const char* name : {"report", "symbols"}) {
    if (words.has(name) && words.text(name).empty()) return UserError{fmt::format("--{} needs a file name", name)};
  }
  run.symbols = words.text("symbols");
  for (const char* name : {"fail-on", "stop-on", "allow", "report"}) {
    if (words.has(name) && run.machine.cache == "off")
      return UserError{fmt::format("--{} needs caches: --cache coherent, model or adversarial", name)};
  }
  return {};
}

Result<void, UserError> take_caches(const Words& words, RunOptions& run) {
  constexpr std::array<std::string_view, 4> kProfiles{"off", "coherent", "model", "adversarial"};
  if (words.has("cache")) {
    run.machine.cache =
        kProfiles[TRY(one_of("cache", words.text("cache"), {"off", "coherent", "model", "adversarial"}))];
  }
  if (words.has("code")) {
    const bool arch = TRY(one_of("code", words.text("code"), {"arch", "coherent"})) == 0;
    run.machine.code = arch ? machine::CodeMode::Arch : machine::CodeMode::Coherent;
  }
  run.machine.knobs = words.texts("knob");
  run.machine.cache_config = words.text("cache-config");
  if (words.has("cache-config") && run.machine.cache_config.empty())
    return UserError{"--cache-config needs a file name, or help"};
  return take_findings(words, run);
}

/// Two machines run, so nothing may come from outside or go there.
Result<void, UserError> take_lockstep(const Words& words, RunOptions& run) {
  constexpr u64 kUsual = 100'000;
  const bool wanted = words.text("engine") == "lockstep";
  if (words.has("lockstep-every") && !wanted) return UserError{"--lockstep-every: needs --engine lockstep"};
  if (!wanted) return {};
  for (const char* other : {"net", "drive", "share", "semihosting", "pflash", "clock", "trace", "stats", "jit-stats",
                            "state-hash", "restore"}) {
    if (words.has(other)) return UserError{fmt::format("--engine lockstep: two machines run: leave out --{}", other)};
  }
  if (words.text("rng") == "host") return UserError{"--engine lockstep: two machines run: leave out --rng host"};
  run.lockstep_every =
      words.has("lockstep-every") ? TRY(parse_number("lockstep-every", words.text("lockstep-every"))) : kUsual;
  return {};
}

Result<void, UserError> take_conduct(const Words& words, RunOptions& run) {
  if (words.has("clock")) {
    const usize mode = TRY(one_of("clock", words.text("clock"), {"virtual", "wall"}));
    run.machine.clock = mode == 0 ? machine::ClockMode::Virtual : machine::ClockMode::Wall;
    run.clock_given = true;
  }
  if (words.has("trace")) run.trace = TRY(parse_trace_groups(words.text("trace")));
  run.trace_file = words.text("trace-file");
  if (!run.trace_file.empty() && run.trace.empty()) return UserError{"--trace-file needs --trace LIST"};
  run.no_reboot = words.has("no-reboot");
  run.jit_stats = words.has("jit-stats");
  run.stats = words.has("stats");
  run.state_hash = words.has("state-hash");
  return {};
}

}  // namespace

Result<Parsed<RunOptions>, UserError> parse_run(const std::vector<std::string>& arguments) {
  const Words words = TRY(split_words(kRunCommand, TRY(translate_qemu_spelling(arguments))));
  if (words.has("help")) return Parsed<RunOptions>(TextRequest{help_page(kRunCommand)});
  if (words.text("cpu") == "help") return Parsed<RunOptions>(TextRequest{cpu_page()});
  if (words.text("policy") == "help") return Parsed<RunOptions>(TextRequest{policy_page()});
  for (const std::string& knob : words.texts("knob")) {
    if (knob == "help") return Parsed<RunOptions>(TextRequest{knob_page()});
  }
  if (const std::string name = words.text("cache-config"); name == "help" || cache::preset(name)) {
    const std::string cpu = TRY(checked_cpu(words));
    return Parsed<RunOptions>(TextRequest{geometry_page(name == "help" ? cpu : name)});
  }
  RunOptions run;
  TRY_VOID(take_boot(words, run));
  TRY_VOID(take_machine(words, run.machine));
  TRY_VOID(take_devices(words, run.machine));
  TRY_VOID(take_hypervisor(words, run.machine));
  TRY_VOID(take_caches(words, run));
  TRY_VOID(take_conduct(words, run));
  TRY_VOID(take_state(words, run));
  TRY_VOID(take_lockstep(words, run));
  return Parsed<RunOptions>(std::move(run));
}

Result<Parsed<GuestOptions>, UserError> parse_guest(const std::vector<std::string>& arguments) {
  const Words words = TRY(split_words(kGuestCommand, arguments));
  if (words.has("help")) return Parsed<GuestOptions>(TextRequest{help_page(kGuestCommand)});
  const auto rest = words.rest();
  GuestOptions options;
  options.force = words.has("force");
  if (rest.size() == 1 && rest[0] == "list") return Parsed<GuestOptions>(options);
  if (rest.size() == 2 && rest[0] == "get") {
    options.action = GuestOptions::Action::Get;
    options.name = rest[1];
    return Parsed<GuestOptions>(options);
  }
  return UserError{"say 'farside guest list' or 'farside guest get NAME'"};
}

Result<u64, UserError> parse_size(std::string_view text) {
  u64 number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<usize>(text.data() + text.size() - end));
  struct Unit {
    std::string_view name;
    unsigned shift;
  };
  static constexpr Unit kUnits[] = {{"", 20},  {"K", 10}, {"M", 20},   {"G", 30},   {"k", 10},
                                    {"m", 20}, {"g", 30}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
  for (const Unit& known : kUnits) {
    if (error != std::errc() || known.name != unit) continue;
    if (number == 0) return UserError{fmt::format("size {}: must not be zero", text)};
    if (number > std::numeric_limits<u64>::max() >> known.shift) {
      return UserError{fmt::format("size {}: too large", text)};
    }
    return number << known.shift;
  }
  return UserError{fmt::format("size {}: must be a number and K, M or G, for example 512M", text)};
}

Result<u64, UserError> parse_number(std::string_view option, std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  u64 number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, hexadecimal ? 16 : 10);
  if (error == std::errc() && end == digits.data() + digits.size()) return number;
  return UserError{fmt::format("--{} {}: must be a number", option, text)};
}

Result<std::vector<TraceGroup>, UserError> parse_trace_groups(std::string_view text) {
  std::vector<TraceGroup> groups;
  for (;;) {
    const usize end = text.find(',');
    const std::string_view name = text.substr(0, end);
    bool known = false;
    for (const TraceName& candidate : kTraceNames) {
      if (name != candidate.name && name != "all") continue;
      groups.push_back(candidate.group);
      known = true;
    }
    if (!known) {
      return UserError{fmt::format("--trace {}: the groups are kvm, exec, exc, mmu, tlb, dev, and all", name)};
    }
    if (end == std::string_view::npos) return groups;
    text.remove_prefix(end + 1);
  }
}

}  // namespace farside::cli
