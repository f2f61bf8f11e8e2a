// devices/gic/select.cpp - construction, wires, and which pending interrupt each PE is offered.
#include "core/base/bits.h"
#include "core/base/check.h"
#include "devices/gic/frames.h"
#include "devices/gic/gic.h"

namespace farside::dev {

GicV3::GicV3(u32 pes, u32 spis)
    : pes_(pes),
      spis_(spis),
      distributor_(std::make_unique<GicDistributor>(*this)),
      redistributors_(std::make_unique<GicRedistributors>(*this)) {
  CHECK(pes >= 1 && pes <= kMaxPes, "{} PEs", pes);
  CHECK(spis >= 32 && spis <= kMaxSpis && spis % 32 == 0, "{} SPIs", spis);
  reset();
}

GicV3::~GicV3() = default;
MmioDevice& GicV3::distributor() { return *distributor_; }
MmioDevice& GicV3::redistributors() { return *redistributors_; }

namespace {

/// Reset values are UNKNOWN for most of this; group 1 is what a guest without EL3 means. Wires keep their levels.
void reset_bank(gic::Bank& bank, u32 edge) {
  const u32 level = bank.level;
  bank = {};
  bank.level = level;
  bank.group = 0xffffffff;
  bank.edge = edge;
}

}  // namespace

void GicV3::reset() {
  s_.ctlr = 0;
  s_.route.fill(0);
  for (gic::Bank& bank : s_.spi) reset_bank(bank, 0);
  for (gic::Pe& pe : s_.pe) {
    reset_bank(pe.bank, static_cast<u32>(ones(gic::kSgis)));
    pe.waker = static_cast<u32>(gic::GicrWaker::ProcessorSleep.mask | gic::GicrWaker::ChildrenAsleep.mask);
  }
  for (u32 pe = 0; pe < kMaxPes; pe++) clear_cpu_interface(pe);
  select_all();
}

void GicV3::clear_cpu_interface(u32 n) {
  gic::Pe& pe = s_.pe[n];
  pe.pmr = 0;
  pe.bpr = {gic::kMinBpr0, gic::kMinBpr1};
  pe.apr = {};
  pe.igrpen = {};
  pe.ctlr = 0;
}

void GicV3::reset_cpu_interface(u32 pe) {
  clear_cpu_interface(pe);
  select_all();
}

void GicV3::visit_state(StateVisitor& visitor) {
  visitor.value("gic.ctlr", s_.ctlr);
  visitor.value("gic.pe", s_.pe);
  visitor.value("gic.spi", s_.spi);
  visitor.value("gic.route", s_.route);
  if (visitor.restoring()) select_all();
}

/// Stores a wire's level; true when the change may alter what a PE is offered.
bool GicV3::set_wire(gic::Bank& bank, u32 n, bool level) {
  const u32 mask = u32{1} << n;
  if (((bank.level & mask) != 0) == level) return false;
  bank.level ^= mask;
  if (level && (bank.edge & mask)) bank.latch |= mask;
  return (bank.enabled & ~bank.active & mask) != 0;
}

void GicV3::set_spi(u32 n, bool level) {
  if (n < spis_ && set_wire(s_.spi[n / 32], n % 32, level)) select_shared();
}

void GicV3::set_ppi(u32 pe, u32 intid, bool level) {
  if (pe >= pes_ || intid < gic::kSgis || intid >= gic::kPrivateIntids) return;
  if (set_wire(s_.pe[pe].bank, intid, level)) select_private(pe);
}

/// The interrupts of `bank` that the distributor forwards: pending, enabled, not active, in an enabled group.
u32 GicV3::forwarded(const gic::Bank& bank) const {
  const auto ctlr = gic::GicdCtlr::of(s_.ctlr);
  u32 groups = 0;
  if (ctlr[gic::GicdCtlr::EnableGrp0]) groups |= ~bank.group;
  if (ctlr[gic::GicdCtlr::EnableGrp1]) groups |= bank.group;
  return bank.pending() & bank.enabled & ~bank.active & groups;
}

/// The PE that gets SPI `spi`, or nothing while nobody can take it.
std::optional<u32> GicV3::target_of(u32 spi, bool group1) const {
  const auto route = gic::Irouter::of(s_.route[spi]);
  if (!route[gic::Irouter::Interrupt_Routing_Mode]) {
    const u64 affinity = route.raw & ~gic::Irouter::Interrupt_Routing_Mode.mask;
    if (affinity < pes_ && s_.pe[affinity].igrpen[group1]) return static_cast<u32>(affinity);
    return std::nullopt;
  }
  // 1 of N: the first participating PE, awake ones before those that never wrote GICR_WAKER.
  std::optional<u32> asleep;
  for (u32 pe = 0; pe < pes_; pe++) {
    if (!s_.pe[pe].igrpen[group1]) continue;
    if (s_.pe[pe].waker == 0) return pe;
    if (!asleep) asleep = pe;
  }
  return asleep;
}

void GicV3::select_private(u32 n) {
  const gic::Pe& pe = s_.pe[n];
  Candidate best;
  for (u32 left = forwarded(pe.bank); left != 0; left &= left - 1) {
    const u32 intid = static_cast<u32>(std::countr_zero(left));
    const Candidate candidate{intid, pe.bank.priority[intid], bit(pe.bank.group, intid)};
    if (pe.igrpen[candidate.group1] && candidate.better_than(best)) best = candidate;
  }
  best_private_[n] = best;
  update_output(n);
}

void GicV3::select_shared() {
  std::array<Candidate, kMaxPes> best{};
  for (u32 b = 0; b < spis_ / 32; b++) {
    const gic::Bank& bank = s_.spi[b];
    for (u32 left = forwarded(bank); left != 0; left &= left - 1) {
      const u32 n = static_cast<u32>(std::countr_zero(left));
      const Candidate candidate{gic::kPrivateIntids + 32 * b + n, bank.priority[n], bit(bank.group, n)};
      const std::optional<u32> pe = target_of(32 * b + n, candidate.group1);
      if (pe && candidate.better_than(best[*pe])) best[*pe] = candidate;
    }
  }
  best_shared_ = best;
  for (u32 pe = 0; pe < pes_; pe++) update_output(pe);
}

void GicV3::select_all() {
  for (u32 pe = 0; pe < pes_; pe++) select_private(pe);
  select_shared();
}

void GicV3::update_output(u32 pe) {
  best_[pe] = best_shared_[pe].better_than(best_private_[pe]) ? best_shared_[pe] : best_private_[pe];
  const bool signal = can_preempt(pe);
  const Output output{signal && best_[pe].group1, signal && !best_[pe].group1};
  if (output.irq == outputs_[pe].irq && output.fiq == outputs_[pe].fiq) return;
  outputs_[pe] = output;
  if (listener_) listener_(pe, output.irq, output.fiq);
}

}  // namespace farside::dev
