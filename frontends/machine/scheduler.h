// frontends/machine/scheduler.h - runs the cores in turns, keeps virtual time, skips or waits out idle time.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "core/interp/interp.h"
#ifdef FARSIDE_JIT
#include "core/jit/jit.h"
#endif
#include "frontends/machine/config.h"
#include "frontends/machine/physical_cores.h"

namespace farside::machine {

/// Virtual time is counted in instructions: one takes one nanosecond, so 16 make a tick of the 62.5 MHz counter.
/// Cores run in rounds of equal virtual length, one after the other on one thread, which makes a run a function of its
/// inputs.
class Scheduler : public pe::Clock {
 public:
  using Cores = std::vector<std::unique_ptr<pe::Pe>>;
  static constexpr u64 kInstructionsPerTick = 16;

  /// `cores` may still be empty; it must be filled before the first run. Their caches are those of `caches`.
  Scheduler(Cores& cores, const Features& features, const MachineConfig& config, const cache::Hierarchy& caches);
  /// All cores exist and have their ports.
  void cores_ready();
  /// Called between rounds: devices that watch the time.
  void set_tick(std::function<void()> tick) { tick_ = std::move(tick); }
  /// Modelled caches take their own initiative as instructions pass; null: there are none.
  void set_caches(cache::Hierarchy* caches) { caches_ = caches; }
  /// Which physical core each vCPU is loaded on before it runs.
  void set_physical(PhysicalCores* physical) { physical_ = physical; }
  /// Where PPI levels go: the interrupt controller.
  void set_ppi_sink(std::function<void(u32 pe, u32 intid, bool level)> sink) { ppi_sink_ = std::move(sink); }
  /// Called about every millisecond of host time: devices that watch the host. Idle time is waited for in pieces of as
  /// much.
  void set_host_poll(std::function<void()> poll) { host_poll_ = std::move(poll); }
  void set_console(Console console) { console_ = std::move(console); }
  /// run() ends with StopCause::Checkpoint at the first end of a round at which so many instructions have been
  /// executed.
  void set_checkpoint(u64 instructions) { checkpoint_ = instructions; }
  /// Virtual time at which a device has something to do although every core waits; all ones: none.
  void set_device_event(std::function<u64()> event) { device_event_ = std::move(event); }
  /// Between rounds.
  void visit_state(StateVisitor& visitor);

  RunResult run();
  /// Lets `core` alone execute up to `instructions`; a result where the run has ended.
  std::optional<RunResult> run_alone(pe::Pe& core, u64 instructions);
  /// Ends the run as soon as the current instruction is done.
  void stop(StopCause cause, std::string text = {});
  /// Whether stop() has been called in this run.
  bool stopping() const { return stop_.has_value(); }
  u64 time_ns() const { return clock_ == ClockMode::Wall ? wall_now() : round_start_; }
#ifdef FARSIDE_JIT
  /// The translating engine, if it is what runs the cores.
  const jit::Jit* jit() const { return jit_.get(); }
#endif

  u64 counter(const pe::Pe& pe) override;
  void set_ppi(u32 pe, u32 intid, bool level) override { ppi_sink_(pe, intid, level); }
  void timers_changed(u32 pe) override;

 private:
  void run_core(pe::Pe& core, u64 round_end);
  u64 slice_limit(const pe::Pe& core) const;
  void run_slice(pe::Pe& core, u64 length);
  void run_slices(pe::Pe& core, u64 length);
  void execute(pe::Pe& core);
  bool may_run(pe::Pe& core);
  u64 next_event(const pe::Pe& core) const;
  void skip_idle();
  void poll();
  u64 now(const pe::Pe& pe) const;
  u64 wall_now() const;

  Cores& cores_;
  interp::Interp interp_;
#ifdef FARSIDE_JIT
  std::unique_ptr<jit::Jit> jit_;  ///< null: the interpreter runs everything
#endif
  Console console_;
  std::function<void()> tick_;
  std::function<u64()> device_event_;
  std::function<void()> host_poll_;
  std::function<void(u32, u32, bool)> ppi_sink_;
  ClockMode clock_;
  cache::Hierarchy* caches_ = nullptr;
  PhysicalCores* physical_ = nullptr;
  u64 round_length_;
  u64 max_instructions_;
  u64 checkpoint_ = 0;  ///< 0: none
  u64 wall_base_ = 0;   ///< host time that had passed at wall_start_
  u64 round_start_ = 0;
  std::vector<u64> time_;  ///< per core, at the start of its slice
  pe::Pe* running_ = nullptr;
  bool disturbed_ = false;  ///< a timer of the running core was written in this slice
  u64 slice_start_ = 0;     ///< work() of the running core when its slice began
  std::optional<RunResult> stop_;
  std::chrono::steady_clock::time_point wall_start_, last_poll_, last_host_poll_;
};

}  // namespace farside::machine
