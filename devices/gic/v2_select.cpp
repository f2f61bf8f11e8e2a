// devices/gic/v2_select.cpp - GICv2: construction, wires, software interrupts, and what each PE is offered.
#include <bit>

#include "core/base/check.h"
#include "devices/gic/v2.h"

namespace farside::dev {

using gic::v2::CpuCtlr;

GicV2::GicV2(u32 pes, u32 spis)
    : pes_(pes),
      spis_(spis),
      distributor_(std::make_unique<GicV2Distributor>(*this)),
      cpu_interface_(std::make_unique<GicV2CpuInterface>(*this)) {
  CHECK(pes >= 1 && pes <= kMaxPes, "{} PEs", pes);
  CHECK(spis >= 32 && spis <= kMaxSpis && spis % 32 == 0, "{} SPIs", spis);
  reset();
}

GicV2::~GicV2() = default;
MmioDevice& GicV2::distributor() { return *distributor_; }
MmioDevice& GicV2::cpu_interface() { return *cpu_interface_; }

/// Wires keep their levels. SGIs are enabled for good, as in KVM's GICv2.
void GicV2::reset() {
  const auto reset_bank = [](gic::Bank& bank, u32 fixed) {
    const u32 level = bank.level;
    bank = {};
    bank.level = level;
    bank.edge = bank.enabled = fixed;
  };
  ctlr_ = 0;
  targets_.fill(0);
  for (gic::Bank& bank : spi_) reset_bank(bank, 0);
  for (Pe& pe : pe_) {
    reset_bank(pe.bank, static_cast<u32>(ones(gic::kSgis)));
    pe.sources.fill(0);
    pe.bpr = {gic::kMinBpr0, gic::kMinBpr1};
    pe.apr = {};
    pe.ctlr = pe.pmr = 0;
  }
  select();
}

void GicV2::visit_state(StateVisitor& v) {
  v.value("gicv2.ctlr", ctlr_);
  v.value("gicv2.spi", spi_);
  v.value("gicv2.targets", targets_);
  for (Pe& pe : pe_) {
    v.value("gicv2.bank", pe.bank);
    v.value("gicv2.sources", pe.sources);
    v.value("gicv2.bpr", pe.bpr);
    v.value("gicv2.apr", pe.apr);
    v.value("gicv2.cpu_ctlr", pe.ctlr);
    v.value("gicv2.pmr", pe.pmr);
  }
  if (v.restoring()) select();
}

namespace {

/// Stores a wire's level.
void set_wire(gic::Bank& bank, u32 n, bool level) {
  const u32 mask = u32{1} << n;
  if (((bank.level & mask) != 0) == level) return;
  bank.level ^= mask;
  if (level && (bank.edge & mask)) bank.latch |= mask;
}

}  // namespace

void GicV2::set_spi(u32 n, bool level) {
  if (n >= spis_) return;
  set_wire(spi_[n / 32], n % 32, level);
  select();
}

void GicV2::set_ppi(u32 pe, u32 intid, bool level) {
  if (pe >= pes_ || intid < gic::kSgis || intid >= gic::kPrivateIntids) return;
  set_wire(pe_[pe].bank, intid, level);
  select();
}

/// The CPU interface signals interrupts of that group.
bool GicV2::takes(u32 n, bool group1) const {
  const CpuCtlr ctlr = CpuCtlr::of(pe_[n].ctlr);
  return group1 ? ctlr[CpuCtlr::EnableGrp1] : ctlr[CpuCtlr::EnableGrp0];
}

/// Pending, enabled, not active, in an enabled group.
u32 GicV2::forwarded(const gic::Bank& bank) const {
  const auto ctlr = gic::v2::Ctlr::of(ctlr_);
  u32 groups = 0;
  if (ctlr[gic::v2::Ctlr::EnableGrp0]) groups |= ~bank.group;
  if (ctlr[gic::v2::Ctlr::EnableGrp1]) groups |= bank.group;
  return bank.pending() & bank.enabled & ~bank.active & groups;
}

/// 1 of N: the first targeted PE that takes the group; kMaxPes while none does.
u8 GicV2::target_of(u32 spi, bool group1) const {
  for (u8 n = 0; n < pes_; ++n)
    if (bit(targets_[spi], n) && takes(n, group1)) return n;
  return kMaxPes;
}

void GicV2::select() {
  std::array<Candidate, kMaxPes + 1> best{};
  const auto offer = [&best](u32 n, const Candidate& candidate) {
    if (candidate.better_than(best[n])) best[n] = candidate;
  };
  for (u32 n = 0; n < pes_; ++n) {
    const gic::Bank& bank = pe_[n].bank;
    for (u32 left = forwarded(bank); left != 0; left &= left - 1) {
      const u32 intid = static_cast<u32>(std::countr_zero(left));
      const bool group1 = bit(bank.group, intid);
      if (takes(n, group1)) offer(n, {intid, bank.priority[intid], group1});
    }
  }
  for (u32 b = 0; b < spis_ / 32; ++b) {
    const gic::Bank& bank = spi_[b];
    for (u32 left = forwarded(bank); left != 0; left &= left - 1) {
      const u32 n = static_cast<u32>(std::countr_zero(left));
      const bool group1 = bit(bank.group, n);
      offer(target_of(32 * b + n, group1), {gic::kPrivateIntids + 32 * b + n, bank.priority[n], group1});
    }
  }
  for (u32 n = 0; n < pes_; ++n) {
    best_[n] = best[n];
    const bool signal = can_preempt(n);
    const bool as_fiq = !best_[n].group1 && CpuCtlr::of(pe_[n].ctlr)[CpuCtlr::FIQEn];
    const Output output{signal && !as_fiq, signal && as_fiq};
    if (output.irq == outputs_[n].irq && output.fiq == outputs_[n].fiq) continue;
    outputs_[n] = output;
    if (listener_) listener_(n, output.irq, output.fiq);
  }
}

void GicV2::send_sgi(u32 sender, u64 value) {
  const auto sgir = gic::v2::Sgir::of(value);
  const u32 intid = static_cast<u32>(sgir[gic::v2::Sgir::SGIINTID]);
  const u64 filter = sgir[gic::v2::Sgir::TargetListFilter];
  const u64 own = u64{1} << sender;
  u64 targets = 0;  // filter 3 is reserved
  if (filter == gic::v2::kFilterList) targets = sgir[gic::v2::Sgir::CPUTargetList];
  if (filter == gic::v2::kFilterOthers) targets = ~own;
  if (filter == gic::v2::kFilterSelf) targets = own;
  for (u32 n = 0; n < pes_; ++n) {
    if (bit(targets, n)) set_sgi_sources(n, intid, static_cast<u8>(pe_[n].sources[intid] | own));
  }
  select();
}

/// An SGI is pending as long as somebody's sending of it has not been acknowledged.
void GicV2::set_sgi_sources(u32 n, u32 intid, u8 sources) {
  pe_[n].sources[intid] = sources;
  gic::Bank& bank = pe_[n].bank;
  bank.latch = static_cast<u32>(with_bits(bank.latch, intid, intid, sources != 0));
}

}  // namespace farside::dev
