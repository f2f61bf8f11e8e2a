// frontends/monitor/monitor.h - the command line behind Ctrl-A c and --monitor: looks at a machine between two turns,
// and moves it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/machine/machine.h"

namespace farside::monitor {

/// One monitor. Commands never change guest-visible state except where their help says so.
class Monitor {
 public:
  static constexpr std::string_view kPrompt = "(farside) ";

  /// Snapshots are files NAME.snap in `snapshot_folder`.
  explicit Monitor(machine::Machine& machine, std::string snapshot_folder = ".")
      : machine_(machine), snapshot_folder_(std::move(snapshot_folder)) {}
  /// Executes one line and returns what to print, ending in a newline unless empty. A mistake gives one line that says
  /// what is wrong.
  std::string execute(std::string_view line);
  /// `quit` was given.
  bool quit() const { return quit_; }
  /// `stop` was given and no `cont` since: the machine is not to run.
  bool stopped() const { return stopped_; }
  void set_stopped(bool stopped) { stopped_ = stopped; }

 private:
  using Words = std::vector<std::string>;
  struct Command;
  static std::span<const Command> commands();
  pe::Pe& core() { return *machine_.cores()[cpu_]; }

  std::string help(const Words& words);
  std::string info(const Words& words);
  std::string select_cpu(const Words& words);
  std::string translate(const Words& words);
  std::string examine_virtual(const Words& words) { return examine(words, true); }
  std::string examine_physical(const Words& words) { return examine(words, false); }
  std::string examine(const Words& words, bool is_virtual);
  std::string power_down(const Words& words);
  std::string set_balloon(const Words& words);
  std::string balloon() const;
  std::string reset(const Words& words);
  std::string stop(const Words& words);
  std::string cont(const Words& words);
  std::string save(const Words& words);
  std::string load(const Words& words);
  std::string remove(const Words& words);
  std::string snapshots() const;
  std::string do_quit(const Words& words);

  machine::Machine& machine_;
  std::string snapshot_folder_;
  bool stopped_ = false;
  usize cpu_ = 0;
  bool quit_ = false;
};

/// " <memcpy+0x40>" where the machine knows a name for this code, or nothing.
std::string place(const machine::Machine& machine, u64 pc, El el);
/// Text of `info registers`, also printed with a guest's death.
std::string format_registers(pe::Pe& core);
/// Text of `info tlb`, `mtree`, `slots` and `s2`.
std::string format_tlb(pe::Pe& core);
std::string format_memory_map(machine::Machine& machine);
std::string format_slots(machine::Machine& machine);
std::string format_stage2(machine::Machine& machine);
/// Text of `info block` and `network`: a line for each drive, and for each way into the guest.
std::string format_drives(const machine::MachineConfig& config);
std::string format_network(const machine::MachineConfig& config);

}  // namespace farside::monitor
