// core/jit/time_split.h - what the translating engine spends the host's time on, when somebody asks.
#pragma once
#include <array>
#include <chrono>

#include "core/base/types.h"

namespace farside::jit {

enum class Part : u8 {
  Elsewhere,    ///< outside the engine: devices' events, the scheduler, the terminal
  Dispatching,  ///< finding blocks, taking interrupts
  Translating,
  Interpreting,  ///< blocks that are not worth translating yet, ends of slices
  Translated,
  Handlers,  ///< called by translated code: the interpreter's, with the MMU, the hypervisor and devices behind them
  Count
};

/// Each moment belongs to one part. Off, it costs a comparison; on, two readings of the host's time stamp counter for
/// each visit.
class TimeSplit {
 public:
  /// While it lives, time is that of `part`; then again of the part before.
  class Visit {
   public:
    Visit(TimeSplit& split, Part part) : split_(split), before_(split.current_) { split.change(part); }
    ~Visit() { split_.change(before_); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    TimeSplit& split_;
    Part before_;
  };

  void begin() {
    on_ = true;
    start_ = std::chrono::steady_clock::now();
    start_ticks_ = since_ = __builtin_ia32_rdtsc();
  }
  /// Milliseconds of each part since begin(); all 0 without it.
  std::array<double, static_cast<usize>(Part::Count)> milliseconds() const {
    std::array<double, static_cast<usize>(Part::Count)> out{};
    if (!on_) return out;
    const u64 now = __builtin_ia32_rdtsc();
    const std::chrono::duration<double, std::milli> all = std::chrono::steady_clock::now() - start_;
    const double each = all.count() / static_cast<double>(now - start_ticks_);
    for (usize i = 0; i < out.size(); ++i) out[i] = static_cast<double>(ticks_[i]) * each;
    out[static_cast<usize>(current_)] += static_cast<double>(now - since_) * each;
    return out;
  }

 private:
  void change(Part part) {
    if (!on_) return;
    const u64 now = __builtin_ia32_rdtsc();
    ticks_[static_cast<usize>(current_)] += now - since_;
    since_ = now;
    current_ = part;
  }

  bool on_ = false;
  Part current_ = Part::Elsewhere;
  u64 since_ = 0, start_ticks_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::array<u64, static_cast<usize>(Part::Count)> ticks_{};
};

}  // namespace farside::jit
