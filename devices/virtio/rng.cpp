// devices/virtio/rng.cpp - random bytes into the driver's buffers.
#include "devices/virtio/rng.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace farside::dev::virtio {
namespace {

/// The device may give less than was asked for (5.4.6), and nobody needs more at once.
constexpr usize kMost = 4096;

}  // namespace

Rng::Rng(Entropy source, u64 seed) : source_(source), chance_(seed, "virtio-rng") {}

/// False: the host has no entropy. What somebody could guess must not take its place.
bool Rng::fill(std::span<u8> out) {
  while (source_ == Entropy::Host && !out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out = out.subspan(static_cast<usize>(got));
  }
  for (usize at = 0; at < out.size(); at += 8) {
    const u64 word = chance_.next();
    std::memcpy(out.data() + at, &word, std::min<usize>(8, out.size() - at));
  }
  return true;
}

std::optional<u32> Rng::serve(Chain& chain) {
  std::array<u8, kMost> bytes;
  const std::span<u8> wanted(bytes.data(), std::min<u64>(bytes.size(), chain.writable()));
  if (!fill(wanted) || !chain.write(0, wanted)) return std::nullopt;
  return static_cast<u32>(wanted.size());
}

void Rng::notified(unsigned index) {
  drain(index, [this](Chain& chain) { return serve(chain); });
}

void Rng::visit_state(StateVisitor& v) {
  u64 state = chance_.state();
  v.value("rng.state", state);
  if (v.restoring()) chance_ = Chance(state);
}

}  // namespace farside::dev::virtio
