// devices/fw_cfg.h - firmware configuration: named and numbered blobs that firmware reads, by register or DMA.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "devices/device.h"
#include "devices/dma.h"
#include "devices/fw_cfg_spec.h"

namespace farside::dev {

/// Read-only items. Names, contents and sizes are fixed before the guest runs.
class FwCfg final : public MmioDevice {
 public:
  explicit FwCfg(DmaPort& dma);
  void add(u16 key, std::vector<u8> bytes) { items_[key] = std::move(bytes); }
  /// A little-endian number of 16 or 32 bits.
  void add_u16(u16 key, u16 value) { add(key, {static_cast<u8>(value), static_cast<u8>(value >> 8)}); }
  void add_u32(u16 key, u32 value);
  /// A file of the directory; at most 55 characters of name.
  void add_file(const std::string& name, std::vector<u8> bytes);

  std::string_view name() const override { return "fw-cfg"; }
  MmioResult read(u64 offset, unsigned size, u32 pe) override;
  MmioResult write(u64 offset, unsigned size, u64 value, u32 pe) override;
  void reset() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  void write_directory();
  void select(u16 key);
  void dma(u64 address);
  bool transfer(u32 control, u32 length, u64 address);
  u8 next_byte();

  DmaPort& dma_;
  std::map<u16, std::vector<u8>> items_;
  std::map<std::string, u16> files_;
  const std::vector<u8>* current_ = nullptr;
  u16 key_ = 0;
  u32 dma_high_ = 0;
  u64 position_ = 0;
};

}  // namespace farside::dev
