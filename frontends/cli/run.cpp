// frontends/cli/run.cpp - `farside run`: from options to a machine connected to this terminal, to an exit status.
#include "frontends/cli/run.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "frontends/cli/findings.h"
#include "frontends/cli/lockstep.h"
#include "frontends/cli/report.h"
#include "frontends/cli/session.h"
#include "frontends/guests/guests.h"
#include "frontends/machine/machine.h"
#include "frontends/trace/print.h"

namespace farside::cli {
namespace {

using machine::Machine, machine::MachineConfig, machine::RunResult, machine::StopCause;

struct FileCloser {
  void operator()(std::FILE* file) const {
    if (file != stderr) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Result<File, UserError> open_trace(const RunOptions& options) {
  if (options.trace_file.empty()) return File(stderr);
  std::FILE* file = std::fopen(options.trace_file.c_str(), "w");
  if (file == nullptr) {
    return UserError{fmt::format("--trace-file {}: {}", options.trace_file, std::strerror(errno))};
  }
  return File(file);
}

void attach_trace(Machine& machine, const RunOptions& options, std::FILE* file) {
  if (options.trace.empty()) return;
  machine.trace().set_sink(trace::print_to(
      file, [&machine] { return machine.time_ns(); }, [&machine](u64 pc, El el) { return machine.name_of(pc, el); }));
  for (TraceGroup group : options.trace) machine.trace().enable(group);
}

// The exit status where one of the classes of --fail-on has been found.
int judge(int status, const Findings& findings) {
  if (findings.failures() != 0) fmt::print(stderr, "farside: {}: --fail-on\n", findings.failure_text());
  return findings.failures() != 0 || findings.stopped() ? kExitFinding : status;
}

// How a run ended, as one word for the report.
std::string_view end_word(StopCause cause, const Findings& findings) {
  if (findings.stopped()) return "finding";
  switch (cause) {
    case StopCause::PowerOff: return "power-off";
    case StopCause::Exit: return "exit";
    case StopCause::Reset: return "reset";
    case StopCause::Quit: return "quit";
    case StopCause::InstructionLimit: return "limit";
    case StopCause::Idle: return "idle";
    case StopCause::Checkpoint:
    case StopCause::RunError: break;
  }
  return "error";
}

void print_results(Machine& machine, const RunOptions& options, const RunTimes& times) {
  if (options.stats) fmt::print(stderr, "{}", stats_page(machine, times));
  if (options.jit_stats) fmt::print(stderr, "{}", machine.jit_report());
  if (options.state_hash) fmt::print(stderr, "state hash {:016x}\n", machine.state_hash());
}

// Where the cores were when the run could not go on.
std::string where_it_was(Machine& machine) {
  std::string out;
  for (const auto& core : machine.cores()) {
    const std::string name = machine.name_of(core->s.pc, core->el());
    out += fmt::format("  core {}: EL{} pc {:#x}{}\n", core->index(), number(core->el()), core->s.pc,
                       name.empty() ? name : fmt::format(" <{}>", name));
  }
  return out;
}

// The exit status for the way in which a run ended, with one line for people where it is not the ordinary way.
int conclude(const RunResult& result, Machine& machine) {
  switch (result.cause) {
    case StopCause::PowerOff: return kExitPowerOff;
    case StopCause::Exit: return static_cast<int>(result.status);
    case StopCause::Reset: fmt::print(stderr, "farside: the guest reset the machine\n"); return kExitReset;
    case StopCause::Quit: fmt::print(stderr, "farside: quit\n"); return kExitQuit;
    case StopCause::InstructionLimit:
      fmt::print(stderr, "farside: stopped after {} instructions\n", machine.instructions());
      return kExitLimit;
    case StopCause::Idle:
      fmt::print(stderr, "farside: every core waits and nothing can wake one{}{}\n{}", result.text.empty() ? "" : ": ",
                 result.text, where_it_was(machine));
      return kExitStuck;
    case StopCause::Checkpoint:
    case StopCause::RunError: break;
  }
  fmt::print(stderr, "farside: {}\n{}", result.text, where_it_was(machine));
  return kExitStuck;
}

}  // namespace

Result<MachineConfig, UserError> complete_config(const RunOptions& options) {
  MachineConfig config = options.machine;
  // A network waits for others, whose time does not stand still.
  if (!options.clock_given && config.net) config.clock = machine::ClockMode::Wall;
  if (options.guest.empty()) {
    config.append = options.append.value_or("");
    return config;
  }
  const guests::GuestInfo& guest = *guests::find_guest(options.guest);
  const guests::GuestFiles files = TRY(guests::get_guest(guest));
  config.kernel = files.kernel;
  if (config.initrd.empty()) config.initrd = files.initrd;
  config.append = guest.command_line;
  if (options.append) config.append += " " + *options.append;
  return config;
}

Result<int, UserError> run_guest(const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const MachineConfig config = TRY(complete_config(options));
  if (options.lockstep_every) return run_on_both(config, *options.lockstep_every);
  const File trace_file = TRY(open_trace(options));
  const std::unique_ptr<GuestNames> names = TRY(GuestNames::create(options.symbols, config.kernel));
  Findings findings(options, *names);
  TRY_VOID(findings.check_report_file());
  std::unique_ptr<monitor::Server> server;
  if (!options.monitor_socket.empty()) server = TRY(monitor::Server::listen(options.monitor_socket));
  const std::unique_ptr<Machine> machine = TRY(Machine::create(config));
  if (!options.restore.empty()) TRY_VOID(machine->restore(options.restore));
  attach_trace(*machine, options, trace_file.get());
  findings.watch(*machine);
  RunResult result;
  RunTimes times;
  {
    Terminal terminal;  // raw only while the guest runs
    Session session(*machine, terminal, options, std::move(server));
    times.start_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (;;) {
      result = TRY(session.run());
      if (result.cause != StopCause::Reset || options.no_reboot || findings.failures() != 0) break;
      TRY_VOID(machine->reset());
      findings.watch(*machine);  // the kernel will be elsewhere
    }
    times.host_seconds = session.host_seconds();
  }
  print_results(*machine, options, times);
  TRY_VOID(findings.write_report(*machine, end_word(result.cause, findings)));
  const int status = findings.stopped() ? kExitFinding : conclude(result, *machine);
  return judge(status, findings);
}

}  // namespace farside::cli
