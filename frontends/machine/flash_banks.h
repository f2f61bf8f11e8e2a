// frontends/machine/flash_banks.h - the machine's two flash banks, and the hypervisor's read-only slots over them.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <span>

#include "core/base/addr.h"
#include "core/base/result.h"
#include "devices/bus.h"
#include "devices/flash.h"
#include "frontends/machine/config.h"

namespace farside::hyp {
class Vm;
}

namespace farside::machine {

/// Bank 0 holds the firmware and cannot be written; bank 1 holds what the firmware keeps. In array mode a bank is a
/// read-only memory slot, so that code runs from it; a write to it leaves the guest by MMIO and reaches the flash
/// model. Without a hypervisor the cores read and execute its pages in place.
class FlashBanks {
 public:
  static constexpr unsigned kBanks = 2;
  /// Null when the config names neither firmware nor flash file.
  static Result<std::unique_ptr<FlashBanks>, UserError> create(const MachineConfig& config);
  void attach(dev::Bus& bus);
  /// Makes the banks memory of `vm`, in slots from 1 on. Fails when the model of the host has no memory left.
  Result<void, UserError> map(hyp::Vm& vm);
  /// Told that `rom` is now in array mode, or is not any more, and which bytes have changed since the last time.
  using RomListener = std::function<void(std::span<const u8> rom, std::span<const u8> changed)>;
  /// Without a hypervisor the cores reach the banks themselves: lets rom_page() give out pages.
  void expose(RomListener listener);
  /// The page of a bank in array mode that is at physical address `page`, or null.
  const u8* rom_page(Pa page) const;

 private:
  FlashBanks() = default;
  void set_array_mode(unsigned bank, bool array);
  bool copy(unsigned bank, u64 from, u64 to);

  std::array<std::unique_ptr<dev::Flash>, kBanks> banks_;
  std::array<u64, kBanks> hva_{};
  std::array<bool, kBanks> mapped_{};    ///< there is a slot
  std::array<bool, kBanks> readable_{};  ///< rom_page() answers
  hyp::Vm* vm_ = nullptr;
};

}  // namespace farside::machine
