// frontends/machine/scheduler.cpp - rounds, slices, timer expiries and idle time.
#include "frontends/machine/scheduler.h"

#include <algorithm>
#include <limits>
#include <thread>

namespace farside::machine {
namespace {

constexpr u64 kNever = std::numeric_limits<u64>::max();
/// Virtual time ends here, after 146 years.
constexpr u64 kLatest = u64{1} << 62;
// With one core nobody waits for its turn: a round only bounds how long input goes unseen.
constexpr u64 kRoundAlone = 200'000, kRoundShared = 20'000;
constexpr auto kPollInterval = std::chrono::milliseconds(5), kHostPollInterval = std::chrono::milliseconds(1);
constexpr u64 kHostPollNs = 1'000'000;
// What silicon does unasked comes after multiples of so many instructions of a slice.
constexpr u64 kCachedSlice = 500;

/// What has moved a core's time: its instructions, and the hypervisor's work on its behalf.
u64 work(const pe::Pe& pe) { return pe.instructions() + pe.spent; }

#ifdef FARSIDE_JIT
jit::JitOptions options(const JitConfig& config, const cache::Hierarchy& caches) {
  jit::JitOptions options;
  options.lines = caches.modelled();
  options.whole = caches.has_whole_pages();
  if (config.threshold) options.threshold = *config.threshold;
  if (config.longest) options.most_instructions = *config.longest;
  options.count_runs = config.count_runs;
  options.perf_map = config.perf_map;
  return options;
}
#endif

}  // namespace

Scheduler::Scheduler(Cores& cores, const Features& features, const MachineConfig& config,
                     [[maybe_unused]] const cache::Hierarchy& caches)
    : cores_(cores),
      interp_(features),
      clock_(config.clock),
      round_length_(config.cpus == 1 ? kRoundAlone : kRoundShared),
      max_instructions_(config.max_instructions),
      time_(config.cpus, 0),
      wall_start_(std::chrono::steady_clock::now()),
      last_poll_(wall_start_) {
#ifdef FARSIDE_JIT
  const bool wanted = config.engine != Engine::Interp;
  if (wanted && jit::Jit::host_can()) jit_ = std::make_unique<jit::Jit>(features, options(config.jit, caches));
  if (jit_ != nullptr && !jit_->usable()) jit_.reset();
#endif
}

void Scheduler::cores_ready() {
#ifdef FARSIDE_JIT
  if (jit_ == nullptr) return;
  for (const auto& core : cores_) jit_->attach(*core);
#endif
}

u64 Scheduler::wall_now() const {
  return wall_base_ +
         static_cast<u64>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - wall_start_).count());
}

u64 Scheduler::now(const pe::Pe& pe) const {
  if (clock_ == ClockMode::Wall) return wall_now();
  const u64 base = time_[pe.index()];
  return &pe == running_ ? base + (work(pe) - slice_start_) : base;
}

u64 Scheduler::counter(const pe::Pe& pe) { return now(pe) / kInstructionsPerTick; }

void Scheduler::timers_changed(u32 pe) {
  if (running_ == nullptr || running_->index() != pe) return;
  disturbed_ = true;
  running_->end_slice();
}

void Scheduler::stop(StopCause cause, std::string text) {
  if (!stop_) stop_ = {cause, std::move(text)};
  if (running_ != nullptr) running_->end_slice();
}

/// Virtual time of the core's next timer expiry.
u64 Scheduler::next_event(const pe::Pe& core) const {
  const u64 ticks = core.next_timer_expiry();
  return ticks >= kNever / kInstructionsPerTick ? kNever : ticks * kInstructionsPerTick;
}

bool Scheduler::may_run(pe::Pe& core) {
  if (!core.powered_on) return false;
  core.update_timers();
  if (core.waiting && core.wakeup_pending()) core.waiting = false;
  return !core.waiting;
}

void Scheduler::execute(pe::Pe& core) {
#ifdef FARSIDE_JIT
  if (jit_ != nullptr) return jit_->run(core);
#endif
  interp_.run(core);
}

/// With modelled caches slices end where silicon may do something unasked; where vCPUs move, also where they may.
u64 Scheduler::slice_limit(const pe::Pe& core) const {
  if (caches_ == nullptr) return physical_->slice_limit();
  return physical_->moves() ? kCachedSlice : caches_->quiet_instructions(core.physical(), kCachedSlice);
}

void Scheduler::run_slice(pe::Pe& core, u64 length) {
  length = std::min(length, slice_limit(core));
  disturbed_ = false;
  running_ = &core;
  slice_start_ = work(core);
  physical_->load(core);
  const bool steps = caches_ != nullptr && caches_->order(core.physical()).calls;
  if (steps && work(core) != slice_start_) length = std::min(length, kCachedSlice);  // load() has taken its time
  core.begin_slice(length, steps ? kCachedSlice : 0);
  execute(core);
  time_[core.index()] += work(core) - slice_start_;
  running_ = nullptr;
  if (caches_ != nullptr) caches_->speculate(core.physical(), work(core) - slice_start_);
  physical_->slice_ended(core);
}

/// Slices of `core` for so long, as run_core would run them: where nothing but instructions has moved the time, and no
/// timer has been touched, what it looks at between two slices is as it was.
void Scheduler::run_slices(pe::Pe& core, u64 length) {
  const u64 end = time_[core.index()] + length, spent = core.spent;
  const bool alike = caches_ != nullptr && clock_ == ClockMode::Virtual && !physical_->moves();
  do {
    run_slice(core, end - time_[core.index()]);
  } while (alike && time_[core.index()] < end && !disturbed_ && core.spent == spent && !stop_ && core.powered_on &&
           !core.waiting && core.timers_steady());
}

void Scheduler::run_core(pe::Pe& core, u64 round_end) {
  u64& time = time_[core.index()];
  while (time < round_end && !stop_) {
    const bool runs = may_run(core);
    const u64 event = core.powered_on ? next_event(core) : kNever;
    if (!runs) {
      // Asleep: time passes at once, to the timer that may wake it or to the end of the round.
      time = event > time ? std::min(event, round_end) : round_end;
      continue;
    }
    const u64 limit = event > time && clock_ == ClockMode::Virtual ? std::min(event, round_end) : round_end;
    run_slices(core, limit - time);
  }
  // The turn ends: other cores may store, so an open load-exclusive is lost, which wakes a WFE (Arm ARM B2.12.2).
  if (cores_.size() > 1 && core.monitor.armed) {
    core.monitor.armed = false;
    core.event_register = true;
  }
}

void Scheduler::poll() {
  const auto wall = std::chrono::steady_clock::now();
  if (host_poll_ && wall - last_host_poll_ >= kHostPollInterval) {
    last_host_poll_ = wall;
    host_poll_();
  }
  if (wall - last_poll_ < kPollInterval) return;
  last_poll_ = wall;
  if (console_.poll) console_.poll();
}

/// All cores wait: go to the next timer expiry, in no time or in the host's time.
void Scheduler::skip_idle() {
  u64 next = device_event_ ? device_event_() : kNever;
  for (const auto& core : cores_) {
    if (!core->powered_on) continue;
    if (!core->waiting || core->wakeup_pending()) return;
    next = std::min(next, next_event(*core));
  }
  if (next == kNever && !console_.idle) {
    stop(StopCause::Idle, "every core waits for an interrupt and no timer is set");
    return;
  }
  if (next <= round_start_) return;
  u64 target = next;
  if (console_.idle) {
    const u64 ahead = next == kNever ? 1'000'000'000 : next - round_start_;
    const u64 waited = console_.idle(host_poll_ ? std::min(ahead, kHostPollNs) : ahead);
    if (host_poll_) host_poll_();
    target = std::min(next, round_start_ + waited);
  }
  for (u64& time : time_) time = std::max(time, target);
  round_start_ = std::max(round_start_, target);
}

std::optional<RunResult> Scheduler::run_alone(pe::Pe& core, u64 instructions) {
  stop_.reset();
  if (may_run(core)) run_slice(core, instructions);
  return stop_;
}

void Scheduler::visit_state(StateVisitor& v) {
  v.value("scheduler.round_start", round_start_);
  v.field("scheduler.time", time_.data(), time_.size() * sizeof(u64));
  u64 now = time_ns();
  v.value("scheduler.now", now);
  if (!v.restoring()) return;
  if (now > kLatest || round_start_ > kLatest) {
    v.reject("scheduler.now");
    now = round_start_ = 0;
  }
  // With another kind of clock than when it was saved, time goes on from there, too.
  round_start_ = std::max(round_start_, now);
  for (u64& time : time_) time = std::clamp(time, round_start_, round_start_ + kLatest);
  wall_base_ = now;
  wall_start_ = std::chrono::steady_clock::now();
}

RunResult Scheduler::run() {
  stop_.reset();
  while (!stop_) {
    const u64 round_end = round_start_ + round_length_;
    for (const auto& core : cores_) {
      if (stop_) break;
      run_core(*core, round_end);
    }
    if (stop_) break;
    round_start_ = round_end;
    if (tick_) tick_();
    poll();
    skip_idle();
    u64 total = 0;
    for (const auto& core : cores_) total += core->instructions();
    if (checkpoint_ != 0 && total >= checkpoint_) {
      checkpoint_ = 0;
      stop(StopCause::Checkpoint);
    }
    if (max_instructions_ != 0 && total >= max_instructions_) stop(StopCause::InstructionLimit);
  }
  return *stop_;
}

}  // namespace farside::machine
