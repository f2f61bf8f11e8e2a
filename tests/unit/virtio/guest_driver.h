// tests/unit/virtio/guest_driver.h - a virtio driver in miniature: memory, a slot, and one split queue as a guest
// writes it.
#pragma once
#include <cstring>
#include <vector>

#include "devices/virtio/mmio.h"
#include "tests/unit/devices/device_driver.h"

namespace farside::dev::virtio {

/// Guest memory from 0x4000_0000 on.
struct TestMemory final : DmaPort {
  static constexpr u64 kBase = 0x4000'0000, kSize = 1 << 20;
  std::vector<u8> bytes = std::vector<u8>(kSize);
  std::vector<std::pair<u64, u64>> discarded;
  bool inside(u64 address, u64 size) const {
    return address >= kBase && address - kBase <= kSize && size <= kSize - (address - kBase);
  }
  bool read(u64 address, std::span<u8> out) override {
    if (!inside(address, out.size())) return false;
    if (!out.empty()) std::memcpy(out.data(), &bytes[address - kBase], out.size());
    return true;
  }
  bool write(u64 address, std::span<const u8> data) override {
    if (!inside(address, data.size())) return false;
    if (!data.empty()) std::memcpy(&bytes[address - kBase], data.data(), data.size());
    return true;
  }
  void discard(u64 address, u64 size) override { discarded.emplace_back(address, size); }
  template <class T>
  T get(u64 address) {
    T value{};
    REQUIRE(read(address, {reinterpret_cast<u8*>(&value), sizeof value}));
    return value;
  }
  template <class T>
  void put(u64 address, T value) {
    REQUIRE(write(address, {reinterpret_cast<const u8*>(&value), sizeof value}));
  }
  std::vector<u8> copy(u64 address, usize size) {
    std::vector<u8> out(size);
    REQUIRE(read(address, out));
    return out;
  }
};

/// A descriptor as the guest writes it.
struct Desc {
  u64 address = 0;
  u32 length = 0;
  u16 flags = 0, next = 0;
};

/// One queue in guest memory. Places: table, available ring, used ring, 64 KiB apart for each queue.
struct GuestQueue {
  TestMemory& memory;
  unsigned index;
  u16 size = 8;
  u64 desc = TestMemory::kBase + 0x1'0000 * (1 + u64{index});
  u64 avail = desc + 0x4000, used = desc + 0x8000;
  u16 avail_idx = 0;

  void set(u16 at, const Desc& d) { memory.put(desc + 16 * u64{at}, d); }
  /// Makes the chain that begins at `head` available, without telling the device.
  void offer(u16 head) {
    memory.put<u16>(avail + 4 + 2 * u64(avail_idx % size), head);
    memory.put<u16>(avail + 2, ++avail_idx);
  }
  u16 used_idx() { return memory.get<u16>(used + 2); }
  u32 used_id(u16 at) { return memory.get<u32>(used + 4 + 8 * u64(at % size)); }
  u32 used_length(u16 at) { return memory.get<u32>(used + 8 + 8 * u64(at % size)); }
};

/// A device in a slot, and the guest that drives it.
template <class D>
struct Bench {
  static constexpr u64 kData = TestMemory::kBase + 0x8'0000;  ///< free for buffers
  TestMemory memory;
  bool irq = false;
  D device;
  MmioTransport slot{memory, IrqLine([this](bool level) { irq = level; })};
  Driver io{slot};
  std::vector<GuestQueue> queues;

  template <class... Args>
  explicit Bench(Args&&... args) : device(std::forward<Args>(args)...) {
    slot.plug(device);
    for (unsigned i = 0; i < device.queues(); ++i) queues.push_back({memory, i});
  }
  GuestQueue& q(unsigned index = 0) { return queues[index]; }

  /// 3.1.1 up to FEATURES_OK, accepting `features` of what is offered.
  void negotiate(u64 features = ~u64{0}) {
    io.wr(0x70, 0);
    io.wr(0x70, 1);
    io.wr(0x70, 3);
    for (u32 half = 0; half < 2; ++half) {
      io.wr(0x14, half);
      const u32 offered = io.rd(0x10);
      io.wr(0x24, half);
      io.wr(0x20, offered & static_cast<u32>(features >> (32 * half)));
    }
    io.wr(0x70, 11);
    REQUIRE(io.rd(0x70) == 11);
  }
  void set_up_queue(GuestQueue& queue) {
    io.wr(0x30, queue.index);
    io.wr(0x38, queue.size);
    const u64 places[] = {queue.desc, queue.avail, queue.used};
    const u64 registers[] = {0x80, 0x90, 0xa0};
    for (int i = 0; i < 3; ++i) {
      io.wr(registers[i], static_cast<u32>(places[i]));
      io.wr(registers[i] + 4, static_cast<u32>(places[i] >> 32));
    }
    io.wr(0x44, 1);
  }
  /// The whole of 3.1.1.
  void start(u64 features = ~kFeatureEventIdx) {
    negotiate(features);
    for (GuestQueue& queue : queues) {
      queue.avail_idx = 0;
      set_up_queue(queue);
    }
    io.wr(0x70, 15);
  }
  void kick(unsigned queue = 0) { io.wr(0x50, queue); }
  /// Readable and writable buffers as one chain from descriptor 0; then offers and kicks. True when it was used.
  bool submit(const std::vector<Desc>& chain, unsigned queue = 0) {
    GuestQueue& g = q(queue);
    for (u16 i = 0; i < chain.size(); ++i) {
      Desc d = chain[i];
      if (i + 1u < chain.size()) d.flags |= 1, d.next = static_cast<u16>(i + 1);
      g.set(i, d);
    }
    const u16 before = g.used_idx();
    g.offer(0);
    kick(queue);
    return g.used_idx() == static_cast<u16>(before + 1);
  }
  bool broken() { return io.rd(0x70) & 0x40; }
};

}  // namespace farside::dev::virtio
