// frontends/machine/machine.h - a whole machine: cores, memory, devices, hypervisor; built from a config, run,
// inspected.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/trace.h"
#include "core/pe/pe.h"
#include "frontends/machine/config.h"

namespace farside::hyp {
class Vm;
}
namespace farside::boot {
struct BootRequest;
}

namespace farside::machine {

class Board;
class HypAdapter;
class Peripherals;
class Power;
class Scheduler;
class Semihosting;
struct FreeMemory;
class SnapshotFile;

/// A range of the guest's physical address space, for `info mtree`.
struct MemoryRange {
  u64 base = 0, size = 0;
  std::string name;
};

class Machine {
 public:
  /// Builds the machine and loads the guest. Errors are the user's: files, sizes, names.
  static Result<std::unique_ptr<Machine>, UserError> create(const MachineConfig& config);
  /// The same without a guest: memory is empty and every core is off. A scenario does the rest (bare.cpp).
  static Result<std::unique_ptr<Machine>, UserError> create_bare(const MachineConfig& config);
  ~Machine();

  void set_console(Console console);
  Trace& trace() { return trace_; }
  /// Runs until something ends the run. May be called again after Quit or InstructionLimit.
  RunResult run();
  /// Initialises `core` as PSCI CPU_ON does: EL1, MMU and caches off, PC = `entry`.
  void start_core(u32 core, u64 entry);
  /// Lets `core` alone execute up to `instructions`, less where it waits or is off; a result where the run has ended.
  std::optional<RunResult> run_core(u32 core, u64 instructions);
  /// From a console callback: end run() soon with StopCause::Quit.
  void request_stop();
  /// Bytes typed at the guest's PL011, or at the other console that the config names.
  void console_input(const u8* data, usize size);
  /// Asks the guest's balloon driver to give back memory until `bytes` are given; nothing without --balloon.
  void set_balloon(u64 bytes);
  /// Bytes that the guest has given back; nothing without --balloon.
  std::optional<u64> balloon() const;
  /// From its next slice on `vcpu` runs on physical core `core`; false if there is no such one.
  bool migrate(u32 vcpu, u32 core);
  /// A device reads or writes guest memory now; false where there is no RAM.
  bool device_read(u64 address, std::span<u8> out, DmaKind kind);
  bool device_write(u64 address, std::span<const u8> bytes, DmaKind kind);
  /// Where `vcpu` runs next.
  u32 physical_core(u32 vcpu) const;
  /// How often a vCPU has been loaded on another physical core than before.
  u64 migrations() const;
  /// Presses the power key of the gpio-keys node for 100 ms of the machine's time.
  void press_power_key();

  /// Resets the machine after StopCause::Reset, or because somebody pressed the button, and loads the guest's files
  /// again (reset.cpp). Errors are those of the files.
  Result<void, UserError> reset();

  // Snapshots (snapshot.cpp), between runs: the complete state, so that what follows is the same to the bit.
  /// Writes the state to `path`, atomically. Errors are one line.
  Result<void, UserError> save(const std::string& path);
  /// Puts the machine into the state of `path`. The machine is as before when that fails.
  Result<void, UserError> restore(const std::string& path);
  Result<SnapshotFile, UserError> snapshot();
  Result<void, UserError> restore(const SnapshotFile& file);
  /// run() ends with StopCause::Checkpoint once, between two turns, when so many instructions have been executed.
  void set_checkpoint(u64 instructions);

  // What a monitor or a test looks at.
  const MachineConfig& config() const { return config_; }
  std::vector<std::unique_ptr<pe::Pe>>& cores() { return cores_; }
  /// The VM under the hosted hypervisor, or null.
  hyp::Vm* vm();
  Board& board() { return *board_; }
  std::vector<MemoryRange> memory_map() const;
  /// Guest-physical memory without side effects; false where there is no RAM.
  bool peek_ipa(u64 ipa, void* out, usize size) const;
  /// Host-physical memory (stage-2 tables, frames); with El2Mode::None the same as guest-physical.
  bool peek_pa(u64 pa, void* out, usize size) const;
  /// Where the first byte of the kernel's Image was put, as a guest-physical address; nothing for other kernels and
  /// where firmware loads one.
  std::optional<u64> image_base() const { return image_base_; }
  /// Names for the guest's code ("memcpy+0x40", or an empty text), from whoever knows its symbols.
  using NameCode = std::function<std::string(u64 pc, El el)>;
  void set_names(NameCode names) { names_ = std::move(names); }
  std::string name_of(u64 pc, El el) const { return names_ ? names_(pc, el) : std::string(); }
  /// What each finding of the cache sanitizer is told to. It may ask for a stop.
  using FindingSink = std::function<void(const cache::Report& report)>;
  void set_finding_sink(FindingSink sink);
  /// Figures of the modelled caches as label and number, empty without a model. Findings come first.
  std::vector<std::pair<std::string, u64>> cache_figures() const;
  /// How often the sanitizer has found `finding`, a class name as STALE_RAM.
  u64 findings(std::string_view finding) const;
  /// The names of all classes of findings.
  static std::vector<std::string_view> finding_names();
  /// Virtual time since power-on, in nanoseconds.
  u64 time_ns() const;
  /// Instructions executed by all cores.
  u64 instructions() const;
  /// Bytes of host memory that guest RAM occupies.
  u64 resident_bytes() const;
  /// What the translating engine has done, as lines of text; empty where the interpreter runs.
  std::string jit_report() const;
  /// A 64-bit digest of all architectural and device state and of memory: equal runs have equal digests.
  u64 state_hash() const;

 private:
  explicit Machine(const MachineConfig& config);
  Result<void, UserError> build();
  Result<void, UserError> load();
  using SectionState = std::function<void(StateVisitor&)>;
  using SectionVisit = std::function<void(const std::string& name, const SectionState& state)>;
  void for_each_section(const SectionVisit& visit);
  Result<void, UserError> apply(const SnapshotFile& file);
  void clear_ram(u64 address, u64 size);
  Result<void, UserError> add_semihosting();
  void note_free_memory(std::vector<FreeMemory> loaded);
  Result<void, UserError> start_firmware(const boot::BootRequest& request);
  /// Bytes that are there before the first instruction; they must fit.
  void put_into_ram(u64 address, std::span<const u8> bytes);

  MachineConfig config_;
  bool has_run_ = false;  ///< memory may hold something
  Trace trace_;
  std::optional<u64> image_base_;
  NameCode names_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<Peripherals> peripherals_;
  std::unique_ptr<HypAdapter> hyp_;
  std::vector<std::unique_ptr<pe::Pe>> cores_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Power> power_;
  std::unique_ptr<Semihosting> semihosting_;  ///< null: HLT is UNDEFINED
  std::function<void(u8)> console_output_;
  std::function<bool()> wait_input_;
};

}  // namespace farside::machine
