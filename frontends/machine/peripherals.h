// frontends/machine/peripherals.h - the devices that the command line asks for, and their way to guest memory.
#pragma once
#include <memory>
#include <vector>

#include "devices/fw_cfg.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/net.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/share.h"
#include "devices/virtio/user_net.h"
#include "frontends/machine/board.h"
#include "frontends/machine/flash_banks.h"

namespace farside::machine {

/// DMA of all devices: to the board's RAM, or through the hypervisor's mappings when it has the memory.
class BoardDma final : public dev::DmaPort {
 public:
  explicit BoardDma(Board& board) : board_(board) {}
  void set_vm(hyp::Vm* vm) { vm_ = vm; }
  bool read(u64 address, std::span<u8> out) override;
  bool write(u64 address, std::span<const u8> bytes) override;
  void discard(u64 address, u64 size) override;

 private:
  Board& board_;
  hyp::Vm* vm_ = nullptr;
};

/// Creates the devices and attaches them to the board's bus. Slots fill from 0 in this order: drives, entropy, network,
/// console, shares, balloon.
class Peripherals {
 public:
  static Result<std::unique_ptr<Peripherals>, UserError> create(const MachineConfig& config, Board& board);
  /// From now on guest memory is what `vm` maps; flash becomes a part of it.
  Result<void, UserError> set_vm(hyp::Vm& vm);
  /// Puts kernel, initrd and command line where firmware looks for them.
  Result<void, UserError> offer_kernel(const MachineConfig& config);
  /// The virtio console, or null.
  dev::virtio::Console* console() { return console_; }
  /// Asks the guest for so many bytes; nothing without a balloon.
  void set_balloon(u64 bytes);
  /// Looks after what happens on the host: the network.
  void poll();

 private:
  explicit Peripherals(Board& board);
  Result<void, UserError> add_devices(const MachineConfig& config);
  Result<void, UserError> add_net(const NetConfig& config);
  template <class Device, class... Args>
  Result<Device*, UserError> plug(Args&&... args);

  BoardDma dma_;
  dev::FwCfg fw_cfg_;
  std::unique_ptr<FlashBanks> flash_;
  std::vector<std::unique_ptr<dev::virtio::Device>> devices_;
  std::vector<std::unique_ptr<dev::virtio::MmioTransport>> slots_;
  dev::virtio::Console* console_ = nullptr;
  dev::virtio::Balloon* balloon_ = nullptr;
  std::unique_ptr<dev::virtio::UserNet> user_net_;
};

}  // namespace farside::machine
