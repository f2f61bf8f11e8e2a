// devices/gic/gic.h - GICv3: distributor, redistributors and the CPU interfaces of 1 to 8 PEs.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "devices/gic/controller.h"
#include "devices/gic/state.h"

namespace farside::dev {

/// The CPU interface registers, named as the Arm ARM names ICC_<name>_EL1.
enum class IccReg : u8 {
  IAR0,
  IAR1,
  EOIR0,
  EOIR1,
  HPPIR0,
  HPPIR1,
  BPR0,
  BPR1,
  PMR,
  DIR,
  RPR,
  AP0R0,
  AP0R1,
  AP0R2,
  AP0R3,
  AP1R0,
  AP1R1,
  AP1R2,
  AP1R3,
  CTLR,
  SRE,
  IGRPEN0,
  IGRPEN1,
  SGI0R,
  SGI1R,
  ASGI1R,
};

/// The register with op0 = 3, op1 = 0 and these fields of its encoding, or nothing. AP0R1..3 and AP1R1..3 do not
/// exist with five bits of priority: they are UNDEFINED and not found here.
std::optional<IccReg> icc_reg(unsigned crn, unsigned crm, unsigned op2);

class GicDistributor;
class GicRedistributors;

/// One security state (GICD_CTLR.DS = 1), affinity routing always on, 5 bits of priority, no LPIs.
/// PE n has affinity 0.0.0.n. Group 0 interrupts go out as FIQ, group 1 as IRQ.
class GicV3 final : public InterruptController {
 public:
  static constexpr u32 kMaxPes = 8;
  static constexpr u32 kMaxSpis = 256;

  /// `pes` in 1..8, `spis` in 32..256 in steps of 32.
  GicV3(u32 pes, u32 spis);
  ~GicV3() override;
  GicV3(const GicV3&) = delete;
  GicV3& operator=(const GicV3&) = delete;

  /// The frames: 64 KiB, and 128 KiB for each PE.
  MmioDevice& distributor();
  MmioDevice& redistributors();

  void set_spi(u32 n, bool level) override;
  void set_ppi(u32 pe, u32 intid, bool level) override;

  /// ICC_* accesses. Reads of IAR acknowledge. Write-only registers read as 0.
  u64 icc_read(u32 pe, IccReg reg);
  void icc_write(u32 pe, IccReg reg, u64 value);

  bool irq_pending(u32 pe) const { return outputs_[pe].irq; }
  bool fiq_pending(u32 pe) const { return outputs_[pe].fiq; }
  void set_output_listener(OutputListener listener) override { listener_ = std::move(listener); }

  u32 pes() const override { return pes_; }
  u32 spis() const { return spis_; }
  void reset();
  /// What a reset of `pe` alone resets (PSCI CPU_ON): its ICC registers, not its redistributor.
  void reset_cpu_interface(u32 pe);
  void visit_state(StateVisitor& visitor) override;

  /// What the monitor prints; nothing outside the GIC may change it.
  const gic::State& state() const { return s_; }

 private:
  friend class GicDistributor;
  friend class GicRedistributors;

  struct Output {
    bool irq = false, fiq = false;
  };
  /// A pending interrupt, or intid 1023 at the idle priority.
  struct Candidate {
    u32 intid = gic::kSpuriousIntid;
    u32 priority = gic::kIdlePriority;
    bool group1 = false;
    bool better_than(const Candidate& other) const {
      return priority != other.priority ? priority < other.priority : intid < other.intid;
    }
  };

  // Selection (select.cpp). best_ and the outputs are always up to date: whoever changes state selects again.
  gic::Bank& bank_of(u32 pe, u32 intid) { return intid < 32 ? s_.pe[pe].bank : s_.spi[intid / 32 - 1]; }
  bool known(u32 intid) const { return intid < gic::kPrivateIntids + spis_; }
  static bool set_wire(gic::Bank& bank, u32 n, bool level);
  u32 forwarded(const gic::Bank& bank) const;
  std::optional<u32> target_of(u32 spi, bool group1) const;
  void select_private(u32 pe);
  void select_shared();
  void select_all();
  void reselect(u32 pe, u32 intid);
  void update_output(u32 pe);
  void clear_cpu_interface(u32 pe);

  // CPU interface (cpu_if.cpp).
  u32 acknowledge(u32 pe, bool group1);
  u32 highest_pending(u32 pe, bool group1) const;
  u32 running_priority(u32 pe) const;
  u32 binary_point(u32 pe, bool group1) const;
  u32 group_priority_mask(u32 pe, bool group1) const;
  bool can_preempt(u32 pe) const;
  void end_of_interrupt(u32 pe, u32 intid, bool group1);
  void deactivate(u32 pe, u32 intid);
  void write_control(u32 pe, u64 value);
  void write_binary_point(u32 pe, bool group1, u32 value);
  void send_sgi(u32 pe, u64 value, bool group1);
  void pend_sgi(u32 pe, u32 intid, bool group1);

  u32 pes_;
  u32 spis_;
  gic::State s_;
  std::array<Output, kMaxPes> outputs_{};
  std::array<Candidate, kMaxPes> best_{};  // over private interrupts and SPIs
  std::array<Candidate, kMaxPes> best_private_{};
  std::array<Candidate, kMaxPes> best_shared_{};
  OutputListener listener_;
  std::unique_ptr<GicDistributor> distributor_;
  std::unique_ptr<GicRedistributors> redistributors_;
};

}  // namespace farside::dev
