// devices/gic/cpu_if.cpp - the CPU interface: ICC_* registers, acknowledge, priority drop, deactivation, SGIs.
#include <algorithm>

#include "core/base/bits.h"
#include "devices/gic/gic.h"

namespace farside::dev {

std::optional<IccReg> icc_reg(unsigned crn, unsigned crm, unsigned op2) {
  struct Row {
    u8 crn, crm, op2;
    IccReg reg;
  };
  static constexpr Row kRows[] = {
      {4, 6, 0, IccReg::PMR},    {12, 8, 0, IccReg::IAR0},   {12, 8, 1, IccReg::EOIR0},    {12, 8, 2, IccReg::HPPIR0},
      {12, 8, 3, IccReg::BPR0},  {12, 8, 4, IccReg::AP0R0},  {12, 9, 0, IccReg::AP1R0},    {12, 11, 1, IccReg::DIR},
      {12, 11, 3, IccReg::RPR},  {12, 11, 5, IccReg::SGI1R}, {12, 11, 6, IccReg::ASGI1R},  {12, 11, 7, IccReg::SGI0R},
      {12, 12, 0, IccReg::IAR1}, {12, 12, 1, IccReg::EOIR1}, {12, 12, 2, IccReg::HPPIR1},  {12, 12, 3, IccReg::BPR1},
      {12, 12, 4, IccReg::CTLR}, {12, 12, 5, IccReg::SRE},   {12, 12, 6, IccReg::IGRPEN0}, {12, 12, 7, IccReg::IGRPEN1},
  };
  for (const Row& row : kRows) {
    if (row.crn == crn && row.crm == crm && row.op2 == op2) return row.reg;
  }
  return std::nullopt;
}

u32 GicV3::running_priority(u32 n) const {
  const u32 active = s_.pe[n].apr[0] | s_.pe[n].apr[1];
  return active ? static_cast<u32>(std::countr_zero(active)) << gic::kPriorityShift : gic::kIdlePriority;
}

/// ICC_BPR<n>_EL1 as software reads it.
u32 GicV3::binary_point(u32 n, bool group1) const {
  const gic::Pe& pe = s_.pe[n];
  if (group1 && gic::IccCtlr::of(pe.ctlr)[gic::IccCtlr::CBPR]) return std::min(pe.bpr[0] + 1, u32{7});
  return pe.bpr[group1];
}

/// The bits of a priority that decide about preemption: 7:BPR0+1 for group 0, and 7:BPR1 for group 1 because its
/// binary point counts from one more (IHI 0069, 4.8.6). With CBPR both use BPR0.
u32 GicV3::group_priority_mask(u32 n, bool group1) const {
  const gic::Pe& pe = s_.pe[n];
  const bool own = group1 && !gic::IccCtlr::of(pe.ctlr)[gic::IccCtlr::CBPR];
  const u32 shift = own ? pe.bpr[1] & 7 : (pe.bpr[0] & 7) + 1;
  return (0xff << shift) & 0xff;
}

bool GicV3::can_preempt(u32 n) const {
  const Candidate& best = best_[n];
  if (best.intid == gic::kSpuriousIntid || best.priority >= s_.pe[n].pmr) return false;
  const u32 running = running_priority(n);
  if (running == gic::kIdlePriority) return true;
  const u32 mask = group_priority_mask(n, best.group1);
  return (best.priority & mask) < (running & mask);
}

u32 GicV3::highest_pending(u32 n, bool group1) const {
  return best_[n].intid != gic::kSpuriousIntid && best_[n].group1 == group1 ? best_[n].intid : gic::kSpuriousIntid;
}

u32 GicV3::acknowledge(u32 n, bool group1) {
  const Candidate best = best_[n];
  if (best.group1 != group1 || !can_preempt(n)) return gic::kSpuriousIntid;
  const u32 level = (best.priority & group_priority_mask(n, group1)) >> gic::kPriorityShift;
  s_.pe[n].apr[group1] |= u32{1} << level;
  gic::Bank& bank = bank_of(n, best.intid);
  const u32 mask = u32{1} << (best.intid % 32);
  bank.active |= mask;
  bank.latch &= ~mask;  // a level-sensitive wire that is still high makes it active and pending
  reselect(n, best.intid);
  return best.intid;
}

void GicV3::reselect(u32 n, u32 intid) {
  if (intid < gic::kPrivateIntids) {
    select_private(n);
  } else {
    select_shared();
  }
}

void GicV3::deactivate(u32 n, u32 intid) {
  bank_of(n, intid).active &= ~(u32{1} << (intid % 32));
  reselect(n, intid);
}

void GicV3::end_of_interrupt(u32 n, u32 intid, bool group1) {
  if (!known(intid)) return;
  gic::Pe& pe = s_.pe[n];
  const u32 active = pe.apr[0] | pe.apr[1];
  const u32 highest = active & -active;
  // Only the group of the running priority can be ended; the rest is UNPREDICTABLE and ignored here.
  if ((pe.apr[group1] & highest) == 0) return;
  pe.apr[group1] &= ~highest;
  if (gic::IccCtlr::of(pe.ctlr)[gic::IccCtlr::EOImode]) {
    update_output(n);
  } else {
    deactivate(n, intid);
  }
}

void GicV3::write_binary_point(u32 n, bool group1, u32 value) {
  gic::Pe& pe = s_.pe[n];
  if (group1 && gic::IccCtlr::of(pe.ctlr)[gic::IccCtlr::CBPR]) return;
  pe.bpr[group1] = std::max(value & 7, group1 ? gic::kMinBpr1 : gic::kMinBpr0);
  update_output(n);
}

void GicV3::send_sgi(u32 sender, u64 value, bool group1) {
  const auto sgir = gic::IccSgir::of(value);
  const u32 intid = static_cast<u32>(sgir[gic::IccSgir::INTID]);
  if (sgir[gic::IccSgir::IRM]) {
    for (u32 pe = 0; pe < pes_; pe++) {
      if (pe != sender) pend_sgi(pe, intid, group1);
    }
    return;
  }
  // PE n is 0.0.0.n.
  if (sgir[gic::IccSgir::Aff1] != 0 || sgir[gic::IccSgir::Aff2] != 0 || sgir[gic::IccSgir::Aff3] != 0) return;
  for (u64 left = sgir[gic::IccSgir::TargetList]; left != 0; left &= left - 1) {
    const u64 aff0 = 16 * sgir[gic::IccSgir::RS] + static_cast<u64>(std::countr_zero(left));
    if (aff0 < pes_) pend_sgi(static_cast<u32>(aff0), intid, group1);
  }
}

/// An SGI arrives only where its group is the one that the sender's register stands for.
void GicV3::pend_sgi(u32 n, u32 intid, bool group1) {
  gic::Bank& bank = s_.pe[n].bank;
  if (bit(bank.group, intid) != group1) return;
  bank.latch |= u32{1} << intid;
  select_private(n);
}

u64 GicV3::icc_read(u32 n, IccReg reg) {
  const gic::Pe& pe = s_.pe[n];
  switch (reg) {
    case IccReg::IAR0: return acknowledge(n, false);
    case IccReg::IAR1: return acknowledge(n, true);
    case IccReg::HPPIR0: return highest_pending(n, false);
    case IccReg::HPPIR1: return highest_pending(n, true);
    case IccReg::BPR0: return binary_point(n, false);
    case IccReg::BPR1: return binary_point(n, true);
    case IccReg::PMR: return pe.pmr;
    case IccReg::RPR: return running_priority(n);
    case IccReg::AP0R0: return pe.apr[0];
    case IccReg::AP1R0: return pe.apr[1];
    case IccReg::CTLR:
      return gic::IccCtlr::of(pe.ctlr)
          .with(gic::IccCtlr::PRIbits, u64{gic::kPriorityBits - 1})
          .with(gic::IccCtlr::A3V, true)
          .raw;
    case IccReg::SRE: return gic::kIccSre;
    case IccReg::IGRPEN0: return pe.igrpen[0];
    case IccReg::IGRPEN1: return pe.igrpen[1];
    default: return 0;
  }
}

void GicV3::icc_write(u32 n, IccReg reg, u64 value) {
  gic::Pe& pe = s_.pe[n];
  const u32 low = static_cast<u32>(value);
  switch (reg) {
    case IccReg::EOIR0: return end_of_interrupt(n, low & 0xffffff, false);
    case IccReg::EOIR1: return end_of_interrupt(n, low & 0xffffff, true);
    case IccReg::DIR:
      // With EOImode 0 the end of interrupt has deactivated already.
      if (gic::IccCtlr::of(pe.ctlr)[gic::IccCtlr::EOImode] && known(low & 0xffffff)) deactivate(n, low & 0xffffff);
      return;
    case IccReg::SGI0R:
    case IccReg::ASGI1R: return send_sgi(n, value, false);  // the other Security state's group 1 is group 0 here
    case IccReg::SGI1R: return send_sgi(n, value, true);
    case IccReg::BPR0: return write_binary_point(n, false, low);
    case IccReg::BPR1: return write_binary_point(n, true, low);
    case IccReg::IGRPEN0:
    case IccReg::IGRPEN1:
      pe.igrpen[reg == IccReg::IGRPEN1] = low & 1;
      select_private(n);
      return select_shared();
    case IccReg::PMR: pe.pmr = low & gic::kPriorityMask; break;
    case IccReg::AP0R0: pe.apr[0] = low; break;
    case IccReg::AP1R0: pe.apr[1] = low; break;
    case IccReg::CTLR: pe.ctlr = low & static_cast<u32>(gic::IccCtlr::writable); break;
    default: return;
  }
  update_output(n);
}

}  // namespace farside::dev
