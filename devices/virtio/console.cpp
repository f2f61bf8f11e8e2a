// devices/virtio/console.cpp - moves bytes between a console's queues and the outside.
#include "devices/virtio/console.h"

#include <algorithm>
#include <vector>

namespace farside::dev::virtio {
namespace {

constexpr unsigned kReceive = 0, kTransmit = 1;
constexpr u64 kFeatureEmergencyWrite = 1 << 2;
constexpr u64 kEmergencyWrite = 8;  // offset in the configuration space
constexpr usize kPiece = 4096;
/// What a driver sends at once; while it is shown, nobody can stop the machine.
constexpr u64 kLongestOutput = 1 << 20;
/// What nobody reads is not kept for ever.
constexpr usize kInputLimit = 1 << 20;

}  // namespace

u64 Console::features() const { return kFeatureEmergencyWrite; }

void Console::write_config(u64 offset, unsigned, u32 value) {
  if (offset == kEmergencyWrite && sink_) sink_(static_cast<u8>(value));
}

void Console::receive(std::span<const u8> bytes) {
  const usize room = kInputLimit - std::min(kInputLimit, input_.size());
  const auto taken = bytes.first(std::min(room, bytes.size()));
  input_.insert(input_.end(), taken.begin(), taken.end());
  deliver();
}

void Console::deliver() {
  if (host_ == nullptr || !host_->live() || input_.empty()) return;
  Queue& queue = host_->queue(kReceive);
  Chain chain;
  while (!input_.empty() && queue.pop(chain) == Popped::Chain) {
    const usize count = std::min<u64>(input_.size(), chain.writable());
    const std::vector<u8> bytes(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
    if (count == 0 || !chain.write(0, bytes)) {
      queue.mark_broken();  // 5.3.6.1: receive buffers are writable and not empty
      break;
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
    queue.push(chain, static_cast<u32>(count));
  }
  host_->queue_used(kReceive);
}

std::optional<u32> Console::transmit(Chain& chain) {
  if (chain.readable() > kLongestOutput) return std::nullopt;
  std::array<u8, kPiece> bytes;
  for (u64 done = 0; done < chain.readable();) {
    const std::span<u8> piece(bytes.data(), std::min<u64>(bytes.size(), chain.readable() - done));
    if (!chain.read(done, piece)) return std::nullopt;
    if (sink_) std::for_each(piece.begin(), piece.end(), sink_);
    done += piece.size();
  }
  return 0;
}

void Console::notified(unsigned index) {
  if (index == kReceive) return deliver();
  drain(kTransmit, [this](Chain& chain) { return transmit(chain); });
}

void Console::visit_state(StateVisitor& v) {
  u64 size = input_.size();
  v.value("console.pending", size);
  if (v.restoring()) input_.assign(std::min<u64>(size, kInputLimit), 0);
  for (u8& byte : input_) v.value("console.byte", byte);
}

}  // namespace farside::dev::virtio
