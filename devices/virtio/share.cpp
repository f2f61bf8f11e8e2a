// devices/virtio/share.cpp - carries 9P messages between a queue and the file server.
#include "devices/virtio/share.h"

#include <algorithm>

namespace farside::dev::virtio {

Share::Share(std::unique_ptr<Folder> folder, const std::string& tag) : server_(std::move(folder)) {
  config_.resize(2 + tag.size());
  config_[0] = static_cast<u8>(tag.size());
  std::copy(tag.begin(), tag.end(), config_.begin() + 2);
}

std::optional<u32> Share::serve(Chain& chain) {
  // The client's readable part may be longer than the message, whose own size counts.
  u32 size = 0;
  if (!chain.read_value(0, size) || size < p9::kHeader || size > chain.readable() || size > p9::kMessageMax) {
    return std::nullopt;
  }
  std::vector<u8> message(size);
  if (!chain.read(0, message)) return std::nullopt;
  const std::vector<u8> answer = server_.answer(message);
  if (answer.empty() || answer.size() > chain.writable() || !chain.write(0, answer)) return std::nullopt;
  return static_cast<u32>(answer.size());
}

void Share::notified(unsigned index) {
  drain(index, [this](Chain& chain) { return serve(chain); });
}

}  // namespace farside::dev::virtio
