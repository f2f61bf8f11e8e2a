// core/pe/timer.cpp - the generic timers: counters with their offsets, four timers, the event stream.
#include <algorithm>
#include <limits>

#include "core/arch/sysreg_fields.h"
#include "core/pe/pe.h"

namespace farside::pe {

/// One timer: its registers and its PPI.
struct Pe::TimerRegs {
  SysReg ctl, cval, tval;
  u8 intid;
  bool offset;  ///< compares with CNTPCT - CNTVOFF_EL2
};

namespace {

constexpr u64 kNever = std::numeric_limits<u64>::max();

}  // namespace

// INTIDs as the Base System Architecture recommends and QEMU's `virt` board wires them.
const Pe::TimerRegs Pe::kTimers[] = {
    {SysReg::CNTP_CTL_EL0, SysReg::CNTP_CVAL_EL0, SysReg::CNTP_TVAL_EL0, 30, false},
    {SysReg::CNTV_CTL_EL0, SysReg::CNTV_CVAL_EL0, SysReg::CNTV_TVAL_EL0, 27, true},
    {SysReg::CNTHP_CTL_EL2, SysReg::CNTHP_CVAL_EL2, SysReg::CNTHP_TVAL_EL2, 26, false},
    {SysReg::CNTHV_CTL_EL2, SysReg::CNTHV_CVAL_EL2, SysReg::CNTHV_TVAL_EL2, 28, false},
};

void Pe::set_ppi(unsigned intid, bool level) {
  const u32 mask = 1u << intid;
  if (((ppi_levels_ & mask) != 0) == level) return;
  ppi_levels_ ^= mask;
  if (ports.clock != nullptr) ports.clock->set_ppi(index_, intid, level);
}

u64 Pe::timer_offset(const TimerRegs& timer) const { return timer.offset ? s.sys[SysReg::CNTVOFF_EL2] : 0; }

/// TimerConditionMet: the counter has reached CVAL, both unsigned.
bool Pe::timer_met(const TimerRegs& timer, u64 count) const { return count - timer_offset(timer) >= s.sys[timer.cval]; }

/// CNTVCT_EL0: a VHE host and its EL0 see the physical count.
u64 Pe::virtual_count(u64 physical) const { return at_e2h(el()) ? physical : physical - s.sys[SysReg::CNTVOFF_EL2]; }

u64 Pe::read_counter(SysReg reg) {
  const u64 now = ports.clock->counter(*this);
  return reg == SysReg::CNTPCT_EL0 ? now : virtual_count(now);
}

u64 Pe::read_timer(SysReg reg) {
  for (const TimerRegs& timer : kTimers) {
    if (reg == timer.tval) {
      const u64 count = ports.clock->counter(*this) - timer_offset(timer);
      return (s.sys[timer.cval] - count) & 0xffffffff;
    }
    if (reg == timer.ctl) {
      const CntCtl ctl = CntCtl::of(s.sys[reg]);
      const bool met = ctl[CntCtl::ENABLE] && timer_met(timer, ports.clock->counter(*this));
      return ctl.with(CntCtl::ISTATUS, met).raw;
    }
  }
  return s.sys[reg];
}

void Pe::write_timer(SysReg reg, u64 value) {
  const auto* timer =
      std::find_if(std::begin(kTimers), std::end(kTimers), [&](const auto& t) { return reg == t.tval; });
  if (timer != std::end(kTimers)) {
    const u64 count = ports.clock->counter(*this) - timer_offset(*timer);
    s.sys[timer->cval] = count + static_cast<u64>(sign_extend(value, 32));
  } else {
    store_legal(reg, value);
  }
  update_timers();
}

/// The next counter value at which the event stream (CNTKCTL_EL1, CNTHCTL_EL2) makes an event, after `now`.
u64 Pe::event_stream_expiry(u64 now) const {
  u64 earliest = kNever;
  const auto consider = [&](u64 control, u64 count) {
    const Cntkctl c = Cntkctl::of(control);
    if (!c[Cntkctl::EVNTEN]) return;
    // A transition of bit EVNTI: to 1, or to 0 with EVNTDIR; once in 2^(EVNTI + 1) counts.
    const u64 half = u64{1} << c[Cntkctl::EVNTI], period = half * 2;
    const u64 phase = (count - (c[Cntkctl::EVNTDIR] ? 0 : half)) & (period - 1);
    earliest = std::min(earliest, now + (period - phase));
  };
  consider(s.sys[SysReg::CNTKCTL_EL1], virtual_count(now));
  if (features().el2) consider(s.sys[SysReg::CNTHCTL_EL2], now);
  return earliest;
}

u64 Pe::next_timer_expiry() const {
  const u64 now = ports.clock->counter(*this);
  u64 earliest = waiting && waiting_for_event ? event_stream_at_ : kNever;
  for (const TimerRegs& timer : kTimers) {
    const CntCtl ctl = CntCtl::of(s.sys[timer.ctl]);
    if (!ctl[CntCtl::ENABLE] || ctl[CntCtl::IMASK] || timer_met(timer, now)) continue;
    const u64 delta = s.sys[timer.cval] - (now - timer_offset(timer));
    if (delta < kNever - now) earliest = std::min(earliest, now + delta);
  }
  return std::min(earliest, pmu_expiry(now));
}

void Pe::update_timers() {
  if (ports.clock == nullptr) return;
  const u64 now = ports.clock->counter(*this);
  for (const TimerRegs& timer : kTimers) {
    const CntCtl ctl = CntCtl::of(s.sys[timer.ctl]);
    set_ppi(timer.intid, ctl[CntCtl::ENABLE] && !ctl[CntCtl::IMASK] && timer_met(timer, now));
  }
  if (now >= event_stream_at_) {
    event_register = true;
    event_stream_at_ = kNever;
  }
  update_pmu();
  ports.clock->timers_changed(index_);
}

}  // namespace farside::pe
