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

/// DMA of devices of one kind, to the board's RAM by the addresses that the guest uses. Under a hypervisor coherent
/// devices are the VMM's, which loads and stores through its own mapping; others are like hardware that the guest has
/// been given: the IOMMU translates as stage 2 does, and nobody's cache is looked at.
class BoardDma final : public dev::DmaPort {
 public:
  BoardDma(Board& board, DmaKind kind) : board_(board), kind_(kind) {}
  void set_vm(hyp::Vm* vm) { vm_ = vm; }
  bool read(u64 address, std::span<u8> out) override;
  bool write(u64 address, std::span<const u8> bytes) override;
  void discard(u64 address, u64 size) override;
  bool coherent() const override { return kind_ == DmaKind::Coherent; }

 private:
  template <class Transfer>
  bool for_each_frame(u64 address, u64 size, bool write, Transfer transfer);
  std::optional<u64> frame(u64 address, bool write);
  bool read_physical(u64 pa, u64 ipa, std::span<u8> out);
  bool write_physical(u64 pa, u64 ipa, std::span<const u8> bytes);
  Board& board_;
  DmaKind kind_;
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
  /// Bytes that the guest has given; nothing without a balloon.
  std::optional<u64> balloon() const;
  /// Looks after what happens on the host: the network.
  void poll();
  /// The way to memory of devices of this kind.
  BoardDma& dma(DmaKind kind) { return kind == DmaKind::Coherent ? dma_ : noncoherent_dma_; }
  /// Bit n: the device in virtio slot n is not coherent.
  u64 noncoherent_slots() const;

 private:
  explicit Peripherals(Board& board);
  Result<void, UserError> add_devices(const MachineConfig& config);
  Result<void, UserError> add_net(const NetConfig& config, DmaKind kind);
  template <class Device, class... Args>
  Result<Device*, UserError> plug(DmaKind kind, Args&&... args);

  BoardDma dma_, noncoherent_dma_;
  dev::FwCfg fw_cfg_;
  std::unique_ptr<FlashBanks> flash_;
  std::vector<std::unique_ptr<dev::virtio::Device>> devices_;
  std::vector<std::unique_ptr<dev::virtio::MmioTransport>> slots_;
  dev::virtio::Console* console_ = nullptr;
  dev::virtio::Balloon* balloon_ = nullptr;
  std::unique_ptr<dev::virtio::UserNet> user_net_;
};

}  // namespace farside::machine
