// devices/gic/v2_cpu_if.cpp - GICv2's CPU interface: acknowledge, priority drop, deactivation.
#include <algorithm>
#include <bit>

#include "devices/gic/v2.h"

namespace farside::dev {

using gic::v2::Ack, gic::v2::Cpu, gic::v2::CpuCtlr;

u32 GicV2::running_priority(u32 n) const {
  const u32 active = pe_[n].apr[0] | pe_[n].apr[1];
  return active ? static_cast<u32>(std::countr_zero(active)) << gic::kPriorityShift : gic::kIdlePriority;
}

/// The bits of a priority that decide about preemption: 7:BPR+1 for group 0 and with CBPR, else 7:ABPR.
u32 GicV2::group_priority_mask(u32 n, bool group1) const {
  const bool own = group1 && !CpuCtlr::of(pe_[n].ctlr)[CpuCtlr::CBPR];
  const u32 shift = own ? pe_[n].bpr[1] & 7 : (pe_[n].bpr[0] & 7) + 1;
  return (0xff << shift) & 0xff;
}

bool GicV2::can_preempt(u32 n) const {
  const Candidate& best = best_[n];
  if (best.intid == gic::kSpuriousIntid || best.priority >= pe_[n].pmr) return false;
  const u32 running = running_priority(n);
  if (running == gic::kIdlePriority) return true;
  const u32 mask = group_priority_mask(n, best.group1);
  return (best.priority & mask) < (running & mask);
}

/// What IAR and HPPIR may show: group 0, and group 1 with AckCtl; their aliases show group 1 only.
u32 GicV2::highest_pending(u32 n, bool aliased) const {
  const Candidate& best = best_[n];
  if (best.intid == gic::kSpuriousIntid) return best.intid;
  if (aliased) return best.group1 ? best.intid : gic::kSpuriousIntid;
  if (best.group1 && !CpuCtlr::of(pe_[n].ctlr)[CpuCtlr::AckCtl]) return gic::v2::kGroup1Intid;
  return best.intid;
}

u32 GicV2::acknowledge(u32 n, bool aliased) {
  if (!can_preempt(n)) return gic::kSpuriousIntid;
  const u32 intid = highest_pending(n, aliased);
  if (intid >= gic::kFirstSpecialIntid) return intid;
  const Candidate best = best_[n];
  Pe& pe = pe_[n];
  const u32 level = (best.priority & group_priority_mask(n, best.group1)) >> gic::kPriorityShift;
  pe.apr[best.group1] |= u32{1} << level;
  gic::Bank& bank = bank_of(n, intid);
  const u32 mask = u32{1} << (intid % 32);
  bank.active |= mask;
  u64 source = 0;
  if (intid < gic::kSgis && pe.sources[intid] != 0) {
    source = static_cast<u64>(std::countr_zero(pe.sources[intid]));
    set_sgi_sources(n, intid, static_cast<u8>(pe.sources[intid] & ~(1u << source)));
  } else {
    bank.latch &= ~mask;  // a level-sensitive wire that is still high makes it active and pending
  }
  select();
  return static_cast<u32>(Ack{}.with(Ack::INTID, u64{intid}).with(Ack::CPUID, source).raw);
}

void GicV2::end_of_interrupt(u32 n, u32 value, bool aliased) {
  const u32 intid = static_cast<u32>(Ack::of(value)[Ack::INTID]);
  if (!known(intid)) return;
  Pe& pe = pe_[n];
  const u32 active = pe.apr[0] | pe.apr[1];
  const u32 highest = active & -active;
  const bool group1 = (pe.apr[0] & highest) == 0;
  // Only the running priority can end, through a register that could have acknowledged it; the rest is UNPREDICTABLE
  // and ignored here.
  const bool through = aliased ? group1 : !group1 || CpuCtlr::of(pe.ctlr)[CpuCtlr::AckCtl];
  if (highest == 0 || !through) return;
  pe.apr[group1] &= ~highest;
  if (!CpuCtlr::of(pe.ctlr)[CpuCtlr::EOImode]) bank_of(n, intid).active &= ~(u32{1} << (intid % 32));
  select();
}

/// GICC_DIR; without EOImode the end of interrupt has deactivated already.
void GicV2::deactivate(u32 n, u32 intid) {
  if (!known(intid) || !CpuCtlr::of(pe_[n].ctlr)[CpuCtlr::EOImode]) return;
  bank_of(n, intid).active &= ~(u32{1} << (intid % 32));
  select();
}

void GicV2::write_binary_point(u32 n, bool group1, u32 value) {
  pe_[n].bpr[group1] = std::max(value & 7, group1 ? gic::kMinBpr1 : gic::kMinBpr0);
  select();
}

MmioResult GicV2CpuInterface::read(u64 offset, unsigned size, u32 pe) {
  const auto* row = find_register(gic::v2::kCpuInterface, offset);
  // Reading half of IAR would acknowledge: only the register's own address does.
  if (row == nullptr || !row->readable() || !is_aligned(offset, 4) || pe >= gic_.pes_) return {0};
  const GicV2::Pe& own = gic_.pe_[pe];
  const auto value = [&]() -> u32 {
    switch (row->id) {
      case Cpu::CTLR: return own.ctlr;
      case Cpu::PMR: return own.pmr;
      case Cpu::BPR: return own.bpr[0];
      case Cpu::ABPR: return own.bpr[1];
      case Cpu::IAR: return gic_.acknowledge(pe, false);
      case Cpu::AIAR: return gic_.acknowledge(pe, true);
      case Cpu::RPR: return gic_.running_priority(pe);
      case Cpu::HPPIR: return gic_.highest_pending(pe, false);
      case Cpu::AHPPIR: return gic_.highest_pending(pe, true);
      case Cpu::APR: return own.apr[0];
      case Cpu::NSAPR: return own.apr[1];
      case Cpu::IIDR: return gic::v2::kCpuInterfaceIidr;
      default: return 0;
    }
  };
  return {value() & ones(8 * std::min(size, 4u))};
}

MmioResult GicV2CpuInterface::write(u64 offset, unsigned size, u64 given, u32 pe) {
  const auto* row = find_register(gic::v2::kCpuInterface, offset);
  if (row == nullptr || !row->writable() || !is_aligned(offset, 4) || size < 4 || pe >= gic_.pes_) return {};
  GicV2::Pe& own = gic_.pe_[pe];
  const u32 value = static_cast<u32>(given);
  switch (row->id) {
    case Cpu::CTLR: own.ctlr = value & static_cast<u32>(CpuCtlr::writable); break;
    case Cpu::PMR: own.pmr = value & gic::kPriorityMask; break;
    case Cpu::BPR: gic_.write_binary_point(pe, false, value); break;
    case Cpu::ABPR: gic_.write_binary_point(pe, true, value); break;
    case Cpu::EOIR: gic_.end_of_interrupt(pe, value, false); break;
    case Cpu::AEOIR: gic_.end_of_interrupt(pe, value, true); break;
    case Cpu::DIR: gic_.deactivate(pe, static_cast<u32>(Ack::of(value)[Ack::INTID])); break;
    case Cpu::APR: own.apr[0] = value; break;
    case Cpu::NSAPR: own.apr[1] = value; break;
    default: break;
  }
  gic_.select();
  return {};
}

}  // namespace farside::dev
