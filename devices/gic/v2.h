// devices/gic/v2.h - GICv2: distributor and memory-mapped CPU interfaces of 1 to 8 PEs.
#pragma once
#include <array>
#include <memory>

#include "devices/gic/controller.h"
#include "devices/gic/state.h"
#include "devices/gic/v2_spec.h"

namespace farside::dev {

class GicV2Distributor;
class GicV2CpuInterface;

/// Without Security Extensions, with interrupt groups, five bits of priority. Group 1 goes out as IRQ, group 0, in
/// which every interrupt begins, as IRQ or with GICC_CTLR.FIQEn as FIQ. Which PE accesses decides which banked register
/// it is.
class GicV2 final : public InterruptController {
 public:
  static constexpr u32 kMaxPes = 8;
  static constexpr u32 kMaxSpis = 256;

  /// `pes` in 1..8, `spis` in 32..256 in steps of 32.
  GicV2(u32 pes, u32 spis);
  ~GicV2() override;
  GicV2(const GicV2&) = delete;
  GicV2& operator=(const GicV2&) = delete;

  /// The frames: 4 KiB of registers, and 8 KiB.
  MmioDevice& distributor();
  MmioDevice& cpu_interface();

  void set_spi(u32 n, bool level) override;
  void set_ppi(u32 pe, u32 intid, bool level) override;
  void set_output_listener(OutputListener listener) override { listener_ = std::move(listener); }
  u32 pes() const override { return pes_; }
  void reset();
  void visit_state(StateVisitor& visitor) override;

 private:
  friend class GicV2Distributor;
  friend class GicV2CpuInterface;

  /// What is banked by PE.
  struct Pe {
    gic::Bank bank;
    std::array<u8, gic::kSgis> sources{};  ///< of each pending SGI: the PEs that have sent it, one bit each
    std::array<u32, 2> bpr{};              ///< GICC_BPR, GICC_ABPR
    std::array<u32, 2> apr{};              ///< active priorities by group, bit n is priority n << 3
    u32 ctlr = 0, pmr = 0;
  };
  struct Output {
    bool irq = false, fiq = false;
  };
  struct Candidate {
    u32 intid = gic::kSpuriousIntid;
    u32 priority = gic::kIdlePriority;
    bool group1 = false;
    bool better_than(const Candidate& other) const {
      return priority != other.priority ? priority < other.priority : intid < other.intid;
    }
  };

  // v2_select.cpp: best_ and the outputs are always up to date.
  gic::Bank& bank_of(u32 pe, u32 intid) { return intid < gic::kPrivateIntids ? pe_[pe].bank : spi_[intid / 32 - 1]; }
  bool known(u32 intid) const { return intid < gic::kPrivateIntids + spis_; }
  bool takes(u32 pe, bool group1) const;
  u32 forwarded(const gic::Bank& bank) const;
  u8 target_of(u32 spi, bool group1) const;
  void select();
  void send_sgi(u32 sender, u64 value);
  void set_sgi_sources(u32 pe, u32 intid, u8 sources);

  // v2_cpu_if.cpp
  u32 running_priority(u32 pe) const;
  u32 group_priority_mask(u32 pe, bool group1) const;
  bool can_preempt(u32 pe) const;
  u32 highest_pending(u32 pe, bool group1) const;
  u32 acknowledge(u32 pe, bool group1);
  void end_of_interrupt(u32 pe, u32 value, bool group1);
  void deactivate(u32 pe, u32 intid);
  void write_binary_point(u32 pe, bool group1, u32 value);

  u32 pes_, spis_;
  u32 ctlr_ = 0;
  std::array<Pe, kMaxPes> pe_{};
  std::array<gic::Bank, gic::kMaxSpiBanks> spi_{};
  std::array<u8, kMaxSpis> targets_{};  ///< GICD_ITARGETSR of the SPIs
  std::array<Candidate, kMaxPes> best_{};
  std::array<Output, kMaxPes> outputs_{};
  OutputListener listener_;
  std::unique_ptr<GicV2Distributor> distributor_;
  std::unique_ptr<GicV2CpuInterface> cpu_interface_;
};

/// GICD.
class GicV2Distributor final : public MmioDevice {
 public:
  explicit GicV2Distributor(GicV2& gic) : gic_(gic) {}
  std::string_view name() const override { return "gicv2-dist"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  /// Resets the whole GIC, CPU interfaces included.
  void reset() override { gic_.reset(); }
  void visit_state(StateVisitor& visitor) override { gic_.visit_state(visitor); }

 private:
  u32 read_word(u64 offset, u32 pe) const;
  void write_byte(gic::v2::Dist reg, u64 index, u8 value, u32 pe);
  GicV2& gic_;
};

/// GICC of the PE that accesses it. Its state belongs to the distributor's device.
class GicV2CpuInterface final : public MmioDevice {
 public:
  explicit GicV2CpuInterface(GicV2& gic) : gic_(gic) {}
  std::string_view name() const override { return "gicv2-cpu"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override {}

 private:
  GicV2& gic_;
};

}  // namespace farside::dev
