// frontends/machine/peripherals.cpp - creates devices from the config and puts them into virtio slots.
#include "frontends/machine/peripherals.h"

#include <cstring>

#include "firmware/boot/virt_map.h"
#include "firmware/hyp/vm.h"

namespace farside::machine {

namespace virt_map = boot::virt_map;
namespace virtio = dev::virtio;

bool BoardDma::read(u64 address, std::span<u8> out) {
  if (vm_ != nullptr) return vm_->read_guest(Ipa{address}, out).ok();
  const u8* host = board_.ram().at(address - board_.ram_base(), out.size());
  if (host != nullptr) std::memcpy(out.data(), host, out.size());
  return host != nullptr;
}

bool BoardDma::write(u64 address, std::span<const u8> bytes) {
  if (vm_ != nullptr) return vm_->write_guest(Ipa{address}, bytes).ok();
  u8* host = board_.ram().at(address - board_.ram_base(), bytes.size());
  if (host != nullptr) std::memcpy(host, bytes.data(), bytes.size());
  return host != nullptr;
}

Peripherals::Peripherals(Board& board) : dma_(board) {
  for (u32 slot = 0; slot < virt_map::kVirtioSlots; ++slot) {
    dev::GicV3& gic = board.gic();
    slots_.push_back(std::make_unique<virtio::MmioTransport>(
        dma_, dev::IrqLine([&gic, spi = virt_map::kVirtio.spi + slot](bool level) { gic.set_spi(spi, level); })));
    board.bus().attach(virt_map::kVirtio.base + slot * virt_map::kVirtioSlotSize, virt_map::kVirtioSlotSize,
                       *slots_.back());
  }
}

template <class Device, class... Args>
Result<Device*, UserError> Peripherals::plug(Args&&... args) {
  if (devices_.size() == slots_.size()) {
    return UserError{fmt::format("more than {} devices: leave out a --drive or --share", slots_.size())};
  }
  auto device = std::make_unique<Device>(std::forward<Args>(args)...);
  Device* plugged = device.get();
  slots_[devices_.size()]->plug(*plugged);
  devices_.push_back(std::move(device));
  return plugged;
}

Result<std::unique_ptr<Peripherals>, UserError> Peripherals::create(const MachineConfig& config, Board& board) {
  std::unique_ptr<Peripherals> peripherals(new Peripherals(board));
  TRY_VOID(peripherals->add_devices(config));
  return peripherals;
}

Result<void, UserError> Peripherals::add_devices(const MachineConfig& config) {
  for (const DriveConfig& drive : config.drives) {
    auto disk = TRY(virtio::open_raw_disk({drive.path, drive.read_only, drive.raw}));
    TRY(plug<virtio::Block>(std::move(disk)));
  }
  if (config.rng != RngMode::None) {
    TRY(plug<virtio::Rng>(config.rng == RngMode::Host ? virtio::Entropy::Host : virtio::Entropy::Seeded, config.seed));
  }
  if (config.console == ConsoleDevice::Virtio) console_ = TRY(plug<virtio::Console>([](u8) {}));
  return {};
}

}  // namespace farside::machine
