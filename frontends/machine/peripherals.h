// frontends/machine/peripherals.h - the devices that the command line asks for, and their way to guest memory.
#pragma once
#include <memory>
#include <vector>

#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/rng.h"
#include "frontends/machine/board.h"

namespace farside::hyp {
class Vm;
}

namespace farside::machine {

/// DMA of all devices: to the board's RAM, or through the hypervisor's mappings when it has the memory.
class BoardDma final : public dev::DmaPort {
 public:
  explicit BoardDma(Board& board) : board_(board) {}
  void set_vm(hyp::Vm* vm) { vm_ = vm; }
  bool read(u64 address, std::span<u8> out) override;
  bool write(u64 address, std::span<const u8> bytes) override;

 private:
  Board& board_;
  hyp::Vm* vm_ = nullptr;
};

/// Creates the devices and attaches them to the board's bus. Slots fill from 0 in this order: drives, entropy, console.
class Peripherals {
 public:
  static Result<std::unique_ptr<Peripherals>, UserError> create(const MachineConfig& config, Board& board);
  /// From now on guest memory is what `vm` maps.
  void set_vm(hyp::Vm* vm) { dma_.set_vm(vm); }
  /// The virtio console, or null.
  dev::virtio::Console* console() { return console_; }

 private:
  explicit Peripherals(Board& board);
  Result<void, UserError> add_devices(const MachineConfig& config);
  template <class Device, class... Args>
  Result<Device*, UserError> plug(Args&&... args);

  BoardDma dma_;
  std::vector<std::unique_ptr<dev::virtio::Device>> devices_;
  std::vector<std::unique_ptr<dev::virtio::MmioTransport>> slots_;
  dev::virtio::Console* console_ = nullptr;
};

}  // namespace farside::machine
