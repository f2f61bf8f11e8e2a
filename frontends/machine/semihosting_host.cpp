// frontends/machine/semihosting_host.cpp - connects semihosting with the machine: console, clock, memory, end of the
// run.
#include <algorithm>

#include "firmware/boot/virt_map.h"
#include "firmware/hyp/vm.h"
#include "frontends/machine/board.h"
#include "frontends/machine/hyp_adapter.h"
#include "frontends/machine/machine.h"
#include "frontends/machine/scheduler.h"
#include "frontends/machine/semihosting.h"

namespace farside::machine {
namespace {

/// The kernel's file name without its folder, then the words of --append: what C programs take for argv.
std::string semihosting_command_line(const MachineConfig& config) {
  const std::string name = config.kernel.substr(config.kernel.find_last_of('/') + 1);
  return config.append.empty() ? name : name + " " + config.append;
}

}  // namespace

Result<void, UserError> Machine::add_semihosting() {
  if (!config_.semihosting) return {};
  const SemihostingConfig& wanted = *config_.semihosting;
  std::unique_ptr<dev::virtio::Folder> folder;
  if (!wanted.folder.empty())
    folder = TRY(dev::virtio::Folder::open("--semihosting-dir", wanted.folder, wanted.read_only));
  SemihostingHost host;
  host.output = [this](u8 byte) {
    if (console_output_) console_output_(byte);
  };
  host.wait_for_key = [this] {
    using Keys = SemihostingHost::Keys;
    const bool more = config_.console == ConsoleDevice::Semihosting && wait_input_ && wait_input_();
    if (scheduler_->stopping()) return Keys::Stop;
    return more ? Keys::MayCome : Keys::End;
  };
  host.exit = [this] { scheduler_->stop(StopCause::Exit); };
  host.has_memory = [this](u64 ipa, bool write) {
    const auto slots = hyp_->vm().slots();
    return std::any_of(slots.begin(), slots.end(), [&](const hyp::SlotInfo& slot) {
      return ipa - slot.guest.value < slot.size && !(write && (slot.flags & hyp::kMemReadOnly));
    });
  };
  host.date = board_->epoch();
  host.command_line = semihosting_command_line(config_);
  semihosting_ = std::make_unique<Semihosting>(std::move(folder), std::move(host));
  return {};
}

/// Tells semihosting the largest range of RAM that `loaded` leaves free, in whole pages.
void Machine::note_free_memory(std::vector<FreeMemory> loaded) {
  if (semihosting_ == nullptr) return;
  constexpr u64 kPage = 4096;
  u64 from = boot::virt_map::kRam.base;
  const u64 end = from + config_.memory;
  std::sort(loaded.begin(), loaded.end(), [](const auto& a, const auto& b) { return a.base < b.base; });
  loaded.push_back({end, end});
  FreeMemory largest;
  for (const FreeMemory& used : loaded) {
    const u64 to = align_down(used.base, kPage);
    if (to > from && to - from > largest.end - largest.base) largest = {from, to};
    from = std::max(from, align_up(used.end, kPage));
  }
  semihosting_->set_free_memory(largest);
}

}  // namespace farside::machine
