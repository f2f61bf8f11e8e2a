// frontends/machine/flash_banks.cpp - loads the flash banks and keeps slots and array mode in step.
#include "frontends/machine/flash_banks.h"

#include "firmware/boot/loader.h"
#include "firmware/boot/virt_map.h"
#include "firmware/hyp/host/space.h"
#include "firmware/hyp/vm.h"

namespace farside::machine {
namespace {

constexpr u64 kBank = dev::flash::kBankSize;
constexpr u32 kFirstSlot = 1;  // slot 0 is RAM

u64 base_of(unsigned bank) { return boot::virt_map::kFlash.base + bank * kBank; }

}  // namespace

Result<std::unique_ptr<FlashBanks>, UserError> FlashBanks::create(const MachineConfig& config) {
  if (config.bios.empty() && config.pflash.empty()) return std::unique_ptr<FlashBanks>();
  if (config.bios.empty()) return UserError{"--pflash is the firmware's memory: it needs --bios FILE"};
  std::vector<u8> code = TRY(boot::read_file(config.bios, "bios"));
  if (code.empty() || code.size() > kBank) {
    return UserError{fmt::format("--bios {}: has {} bytes; firmware has 1 byte to 64 MiB", config.bios, code.size())};
  }
  std::unique_ptr<FlashBanks> banks(new FlashBanks());
  banks->banks_[0] = std::make_unique<dev::Flash>(code, false);
  std::vector<u8> variables;
  std::unique_ptr<dev::FlashFile> file;
  if (!config.pflash.empty()) {
    file = TRY(dev::FlashFile::open(config.pflash));
    variables = file->contents();
  }
  banks->banks_[1] = std::make_unique<dev::Flash>(variables, true);
  banks->banks_[1]->set_file(std::move(file));
  return banks;
}

void FlashBanks::attach(dev::Bus& bus) {
  for (unsigned bank = 0; bank < kBanks; ++bank) bus.attach(base_of(bank), kBank, *banks_[bank]);
}

void FlashBanks::expose(RomListener listener) {
  for (unsigned bank = 0; bank < kBanks; ++bank) {
    readable_[bank] = true;
    banks_[bank]->set_mode_listener([this, bank, listener](bool array) {
      readable_[bank] = array;
      const std::span<const u8> rom = banks_[bank]->contents();
      const auto [from, to] = banks_[bank]->take_changes();
      listener(rom, rom.subspan(from, to - from));
    });
  }
}

const u8* FlashBanks::rom_page(Pa page) const {
  const u64 bank = (page.value - base_of(0)) / kBank;
  return bank < kBanks && readable_[bank] ? banks_[bank]->contents().data() + page.value % kBank : nullptr;
}

bool FlashBanks::copy(unsigned bank, u64 from, u64 to) {
  return vm_->space().write(hva_[bank] + from, banks_[bank]->contents().subspan(from, to - from));
}

Result<void, UserError> FlashBanks::map(hyp::Vm& vm) {
  vm_ = &vm;
  for (unsigned bank = 0; bank < kBanks; ++bank) {
    hva_[bank] = vm.space().mmap({.range = {0, kBank}});
    if (!copy(bank, 0, kBank)) return UserError{"--bios: no memory for the flash; use a larger --memory"};
    set_array_mode(bank, true);
    banks_[bank]->set_mode_listener([this, bank](bool array) { set_array_mode(bank, array); });
  }
  return {};
}

/// Outside array mode there is no slot: every access leaves the guest.
void FlashBanks::set_array_mode(unsigned bank, bool array) {
  if (array == mapped_[bank]) return;
  if (const auto [from, to] = banks_[bank]->take_changes(); array && to > from) {
    CHECK(copy(bank, from, to), "the pages of flash bank {} are gone", bank);
  }
  const hyp::MemoryRegion region{.slot = kFirstSlot + bank,
                                 .flags = array ? u32{hyp::kMemReadOnly} : 0,
                                 .guest = Ipa{base_of(bank)},
                                 .size = array ? kBank : 0,
                                 .hva = hva_[bank]};
  CHECK(vm_->set_user_memory_region(region).ok(), "slot of flash bank {}", bank);
  mapped_[bank] = array;
}

}  // namespace farside::machine
