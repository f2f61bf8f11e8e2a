// frontends/machine/peripherals.cpp - creates devices from the config and puts them into virtio slots.
#include "frontends/machine/peripherals.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "firmware/boot/loader.h"
#include "firmware/boot/virt_map.h"
#include "firmware/hyp/host/space.h"
#include "firmware/hyp/vm.h"

namespace farside::machine {

namespace virt_map = boot::virt_map;
namespace virtio = dev::virtio;

namespace {
cache::AccessInfo dma_access(u64 ipa, bool coherent) {
  return {.kind = cache::AccessKind::Dma, .coherent_dma = coherent, .attr = cache::kWriteBackIsh, .ipa = ipa};
}
}  // namespace

bool BoardDma::read_physical(u64 pa, u64 ipa, std::span<u8> out) {
  const u8* host = board_.ram().at(pa - board_.ram_base(), out.size());
  if (host == nullptr) return false;
  if (board_.caches().modelled()) return board_.caches().read(dma_access(ipa, coherent()), Pa{pa}, out);
  std::memcpy(out.data(), host, out.size());
  return true;
}

bool BoardDma::write_physical(u64 pa, u64 ipa, std::span<const u8> bytes) {
  u8* host = board_.ram().at(pa - board_.ram_base(), bytes.size());
  if (host == nullptr) return false;
  if (board_.caches().modelled()) return board_.caches().write(dma_access(ipa, coherent()), Pa{pa}, bytes);
  std::memcpy(host, bytes.data(), bytes.size());
  board_.wrote(pa, bytes.size());
  return true;
}

/// Where the host has put the byte at guest address `address`, brought in as VFIO does when it pins memory.
std::optional<u64> BoardDma::frame(u64 address, bool write) {
  for (const hyp::SlotInfo& slot : vm_->slots()) {
    const u64 offset = address - slot.guest.value;
    if (offset >= slot.size || (write && (slot.flags & hyp::kMemReadOnly))) continue;
    const u64 hva = slot.hva + offset, page = hva & ~u64{4095};
    const auto pte = vm_->space().fault(page, write);
    if (!pte.ok()) return std::nullopt;
    return (pte->pa.value & ~(pte->size - 1)) + (hva & (pte->size - 1));
  }
  return std::nullopt;
}

/// Runs `transfer(physical address, offset in the access, bytes)` for each page of guest memory.
template <class Transfer>
bool BoardDma::for_each_frame(u64 address, u64 size, bool write, Transfer transfer) {
  for (u64 done = 0; done < size;) {
    const u64 at = address + done, bytes = std::min(size - done, dev::Ram::kPage - at % dev::Ram::kPage);
    const auto pa = frame(at, write);
    if (!pa || !transfer(*pa, done, bytes)) return false;
    done += bytes;
  }
  return true;
}

bool BoardDma::read(u64 address, std::span<u8> out) {
  if (vm_ == nullptr) return read_physical(address, address, out);
  if (coherent()) return vm_->read_guest(Ipa{address}, out).ok();
  return for_each_frame(address, out.size(), false, [&](u64 pa, u64 done, u64 bytes) {
    return read_physical(pa, address + done, out.subspan(done, bytes));
  });
}

bool BoardDma::write(u64 address, std::span<const u8> bytes) {
  if (vm_ == nullptr) return write_physical(address, address, bytes);
  if (coherent()) return vm_->write_guest(Ipa{address}, bytes).ok();
  return for_each_frame(address, bytes.size(), true, [&](u64 pa, u64 done, u64 count) {
    return write_physical(pa, address + done, bytes.subspan(done, count));
  });
}

void BoardDma::discard(u64 address, u64 size) {
  if (vm_ == nullptr) {
    u8* host = board_.ram().at(address - board_.ram_base(), size);
    // Private anonymous memory comes back as zeros (madvise(2)); that it may be refused does not matter.
    if (host == nullptr) return;
    madvise(host, size, MADV_DONTNEED);
    board_.wrote(address, size);
    board_.caches().adopt(Pa{address}, size);
    return;
  }
  for (const hyp::SlotInfo& slot : vm_->slots()) {
    const u64 offset = address - slot.guest.value;
    if ((slot.flags & hyp::kMemReadOnly) || offset >= slot.size || size > slot.size - offset) continue;
    vm_->space().madvise({slot.hva + offset, size}, hyp::host::Advice::DontNeed);
  }
}

Peripherals::Peripherals(Board& board)
    : dma_(board, DmaKind::Coherent), noncoherent_dma_(board, DmaKind::NonCoherent), fw_cfg_(dma_) {
  board.bus().attach(virt_map::kFwCfg.base, virt_map::kFwCfg.size, fw_cfg_);
  for (u32 slot = 0; slot < virt_map::kVirtioSlots; ++slot) {
    dev::InterruptController& gic = board.gic();
    slots_.push_back(std::make_unique<virtio::MmioTransport>(
        dma_, dev::IrqLine([&gic, spi = virt_map::kVirtio.spi + slot](bool level) { gic.set_spi(spi, level); })));
    board.bus().attach(virt_map::kVirtio.base + slot * virt_map::kVirtioSlotSize, virt_map::kVirtioSlotSize,
                       *slots_.back());
  }
}

template <class Device, class... Args>
Result<Device*, UserError> Peripherals::plug(DmaKind kind, Args&&... args) {
  if (devices_.size() == slots_.size()) {
    return UserError{fmt::format("more than {} devices: leave out a --drive or --share", slots_.size())};
  }
  auto device = std::make_unique<Device>(std::forward<Args>(args)...);
  Device* plugged = device.get();
  slots_[devices_.size()]->plug(*plugged, dma(kind));
  devices_.push_back(std::move(device));
  return plugged;
}

Result<std::unique_ptr<Peripherals>, UserError> Peripherals::create(const MachineConfig& config, Board& board) {
  std::unique_ptr<Peripherals> peripherals(new Peripherals(board));
  peripherals->flash_ = TRY(FlashBanks::create(config));
  if (peripherals->flash_) {
    peripherals->flash_->attach(board.bus());
    if (config.el2 == El2Mode::None) board.set_flash(*peripherals->flash_);
  }
  peripherals->fw_cfg_.add_u16(dev::fw_cfg::kKeyCpus, static_cast<u16>(config.cpus));
  TRY_VOID(peripherals->add_devices(config));
  return peripherals;
}

Result<void, UserError> Peripherals::set_vm(hyp::Vm& vm) {
  dma_.set_vm(&vm);
  noncoherent_dma_.set_vm(&vm);
  return flash_ ? flash_->map(vm) : Result<void, UserError>();
}

Result<void, UserError> Peripherals::offer_kernel(const MachineConfig& config) {
  using namespace dev::fw_cfg;
  auto offer = [&](u16 size_key, u16 data_key, std::vector<u8> bytes) {
    fw_cfg_.add_u32(size_key, static_cast<u32>(bytes.size()));
    fw_cfg_.add(data_key, std::move(bytes));
  };
  if (!config.kernel.empty()) {
    offer(kKeyKernelSize, kKeyKernelData, TRY(boot::read_file(config.kernel, "kernel")));
  }
  if (!config.initrd.empty()) {
    offer(kKeyInitrdSize, kKeyInitrdData, TRY(boot::read_file(config.initrd, "initrd")));
  }
  if (!config.append.empty()) {
    std::vector<u8> text(config.append.begin(), config.append.end());
    text.push_back(0);
    offer(kKeyCmdlineSize, kKeyCmdlineData, std::move(text));
  }
  return {};
}

Result<void, UserError> Peripherals::add_devices(const MachineConfig& config) {
  for (const DriveConfig& drive : config.drives) {
    auto disk = TRY(virtio::open_raw_disk({drive.path, drive.read_only, drive.raw}));
    TRY(plug<virtio::Block>(drive.dma.value_or(config.dma), std::move(disk)));
  }
  if (config.rng != RngMode::None) {
    const auto source = config.rng == RngMode::Host ? virtio::Entropy::Host : virtio::Entropy::Seeded;
    TRY(plug<virtio::Rng>(config.dma, source, config.seed));
  }
  if (config.net) TRY_VOID(add_net(*config.net, config.net->dma.value_or(config.dma)));
  if (config.console == ConsoleDevice::Virtio) console_ = TRY(plug<virtio::Console>(config.dma, [](u8) {}));
  for (usize i = 0; i < config.shares.size(); ++i) {
    const ShareConfig& share = config.shares[i];
    const bool taken = std::any_of(config.shares.begin(), config.shares.begin() + static_cast<std::ptrdiff_t>(i),
                                   [&](const ShareConfig& other) { return other.tag == share.tag; });
    if (taken)
      return UserError{fmt::format("--share {}: another share has the tag {}; add ,tag=NAME", share.path, share.tag)};
    auto folder = TRY(virtio::Folder::open("--share", share.path, share.read_only));
    TRY(plug<virtio::Share>(share.dma.value_or(config.dma), std::move(folder), share.tag));
  }
  if (config.balloon) balloon_ = TRY(plug<virtio::Balloon>(config.dma, dma_));
  return {};
}

Result<void, UserError> Peripherals::add_net(const NetConfig& config, DmaKind kind) {
  std::vector<virtio::HostForward> forwards;
  for (const ForwardConfig& forward : config.forwards) {
    forwards.push_back(
        {forward.udp, forward.host_address, forward.host_port, forward.guest_address, forward.guest_port});
  }
  virtio::Net* card = TRY(plug<virtio::Net>(kind));
  user_net_ = TRY(virtio::UserNet::create(forwards, [card](std::span<const u8> frame) { card->receive(frame); }));
  card->set_sink([this](std::span<const u8> frame) { user_net_->send(frame); });
  return {};
}

void Peripherals::set_balloon(u64 bytes) {
  if (balloon_ != nullptr) balloon_->set_target(static_cast<u32>(std::min<u64>(bytes / dev::Ram::kPage, ~u32{0})));
}

std::optional<u64> Peripherals::balloon() const {
  if (balloon_ == nullptr) return std::nullopt;
  return balloon_->actual() * dev::Ram::kPage;
}

u64 Peripherals::noncoherent_slots() const {
  u64 mask = 0;
  for (usize i = 0; i < slots_.size(); ++i) mask |= u64{!slots_[i]->coherent()} << i;
  return mask;
}

void Peripherals::poll() {
  if (user_net_) user_net_->poll();
}

}  // namespace farside::machine
