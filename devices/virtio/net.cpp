// devices/virtio/net.cpp - moves frames between the guest's queues and the other end of the cable.
#include "devices/virtio/net.h"

#include <algorithm>

namespace farside::dev::virtio {
namespace {

constexpr unsigned kReceive = 0, kTransmit = 1;
constexpr usize kWaitingMax = 256;

}  // namespace

Net::Net(const net::Mac& mac) {
  std::copy(mac.begin(), mac.end(), config_.begin());
  config_[6] = net::kStatusLinkUp;
}

void Net::receive(std::span<const u8> frame) {
  if (frame.size() > net::kFrameMax || host_ == nullptr || !host_->live()) return;
  if (waiting_.size() == kWaitingMax) waiting_.pop_front();  // as a full network card does
  waiting_.emplace_back(frame.begin(), frame.end());
  deliver();
}

void Net::deliver() {
  if (!host_->live() || waiting_.empty()) return;
  Queue& queue = host_->queue(kReceive);
  Chain chain;
  while (!waiting_.empty() && queue.pop(chain) == Popped::Chain) {
    const std::vector<u8>& frame = waiting_.front();
    net::Header header{};
    header.num_buffers = 1;
    const usize total = sizeof header + frame.size();
    // 5.1.6.3.1: without mergeable buffers each holds a whole frame.
    if (chain.writable() < total || !chain.write(0, {reinterpret_cast<const u8*>(&header), sizeof header}) ||
        !chain.write(sizeof header, frame)) {
      queue.mark_broken();
      break;
    }
    queue.push(chain, static_cast<u32>(total));
    waiting_.pop_front();
  }
  host_->queue_used(kReceive);
}

std::optional<u32> Net::transmit(Chain& chain) {
  if (chain.readable() < sizeof(net::Header)) return std::nullopt;
  const u64 size = chain.readable() - sizeof(net::Header);
  if (size < net::kFrameMin || size > net::kFrameMax) return 0;  // nobody on a wire would hear it
  std::array<u8, net::kFrameMax> frame;
  const std::span<u8> bytes(frame.data(), size);
  if (!chain.read(sizeof(net::Header), bytes)) return std::nullopt;
  if (sink_) sink_(bytes);
  return 0;
}

void Net::notified(unsigned index) {
  if (index == kReceive) return deliver();
  drain(kTransmit, [this](Chain& chain) { return transmit(chain); });
}

void Net::visit_state(StateVisitor& v) {
  u64 count = waiting_.size();
  v.value("net.waiting", count);
  if (v.restoring()) waiting_.resize(std::min<u64>(count, kWaitingMax));
  for (auto& frame : waiting_) {
    u64 size = frame.size();
    v.value("net.size", size);
    if (v.restoring()) frame.resize(std::min<u64>(size, net::kFrameMax));
    v.field("net.frame", frame.data(), frame.size());
  }
}

}  // namespace farside::dev::virtio
