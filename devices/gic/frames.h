// devices/gic/frames.h - the memory-mapped frames of the GIC as devices on the bus.
#pragma once
#include "devices/gic/gic.h"

namespace farside::dev {

/// GICD: shared interrupts.
class GicDistributor final : public MmioDevice {
 public:
  explicit GicDistributor(GicV3& gic) : gic_(gic) {}
  std::string_view name() const override { return "gicv3-dist"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  /// Resets the whole GIC, redistributors and CPU interfaces included.
  void reset() override { gic_.reset(); }
  void visit_state(StateVisitor& visitor) override { gic_.visit_state(visitor); }

 private:
  u32 read_word(u64 offset) const;
  void write_word(u64 offset, u32 value, u32 lanes);
  u64* route_at(u64 offset);

  GicV3& gic_;
};

/// GICR: RD_base and SGI_base of each PE in turn. Its state belongs to the distributor's device.
class GicRedistributors final : public MmioDevice {
 public:
  explicit GicRedistributors(GicV3& gic) : gic_(gic) {}
  std::string_view name() const override { return "gicv3-redist"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override {}

 private:
  u32 read_rd_word(u32 pe, u64 offset) const;
  u32 read_sgi_word(u32 pe, u64 offset) const;
  void write_word(u32 pe, u64 offset, u32 value, u32 lanes);

  GicV3& gic_;
};

/// The bytes of its aligned 32-bit word that an access of 1, 2 or 4 bytes covers.
constexpr u32 byte_lanes(u64 offset, unsigned size) { return static_cast<u32>(ones(8 * size) << (8 * (offset & 3))); }

}  // namespace farside::dev
