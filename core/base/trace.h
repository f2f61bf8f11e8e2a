// core/base/trace.h - typed trace events with named fields; rooms emit, a front end prints.
#pragma once
#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>

#include "core/base/types.h"

namespace farside {

/// What `--trace` selects.
enum class TraceGroup : u8 { Kvm, Exec, Exc, Mmu, Tlb, Dev };

/// One named field: a number (printed in hex by default) or a text with static storage.
struct TraceField {
  std::string_view name;
  u64 number = 0;
  std::string_view text = {};
};

/// One event. `cpu` is the vCPU index, `name` the event's own name (for TraceGroup::Kvm the kernel's tracepoint name).
struct TraceEvent {
  TraceGroup group;
  u32 cpu;
  std::string_view name;
  std::span<const TraceField> fields;
};

/// The switchboard: cheap to ask, silent until a sink and a group are set.
class Trace {
 public:
  using Sink = std::function<void(const TraceEvent&)>;
  void set_sink(Sink sink) { sink_ = std::move(sink); }
  void enable(TraceGroup group, bool on = true) {
    const u32 bit = 1u << static_cast<u32>(group);
    mask_ = on ? mask_ | bit : mask_ & ~bit;
  }
  /// True when someone listens to `group`. Guard every emit with it so that arguments cost nothing when off.
  bool on(TraceGroup group) const { return (mask_ >> static_cast<u32>(group)) & 1; }
  void emit(TraceGroup group, u32 cpu, std::string_view name, std::initializer_list<TraceField> fields) const {
    if (on(group) && sink_) sink_({group, cpu, name, {fields.begin(), fields.size()}});
  }

 private:
  u32 mask_ = 0;
  Sink sink_;
};

}  // namespace farside
