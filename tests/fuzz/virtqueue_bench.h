// tests/fuzz/virtqueue_bench.h - a virtio device with a driver that is made of fuzz input.
#pragma once
#include <vector>

#include "devices/virtio/mmio.h"
#include "tests/fuzz/fuzz.h"

namespace farside::fuzz {

/// 64 KiB of guest memory at 0x4000_0000; accesses outside fail as they do on the machine.
class Memory final : public dev::DmaPort {
 public:
  static constexpr u64 kBase = 0x4000'0000, kSize = 0x1'0000;
  bool read(u64 address, std::span<u8> out) override {
    if (!inside(address, out.size())) return false;
    if (!out.empty()) std::memcpy(out.data(), &bytes_[address - kBase], out.size());
    return true;
  }
  bool write(u64 address, std::span<const u8> in) override {
    if (!inside(address, in.size())) return false;
    if (!in.empty()) std::memcpy(&bytes_[address - kBase], in.data(), in.size());
    return true;
  }
  template <class T>
  void put(u64 offset, T value) {
    std::memcpy(&bytes_[offset % (kSize - sizeof value)], &value, sizeof value);
  }

 private:
  static bool inside(u64 address, u64 size) {
    return address >= kBase && address - kBase <= kSize && size <= kSize - (address - kBase);
  }
  std::vector<u8> bytes_ = std::vector<u8>(kSize);
};

/// Drives `device`: sets its queues up soundly, then does as the input says - descriptors, heads, indices, bytes of
/// memory, register accesses, restarts. `event` lets the outside world act on the device.
template <class Event>
void drive(dev::virtio::Device& device, Input& input, Event event) {
  using namespace dev::virtio;
  Memory memory;
  MmioTransport slot(memory, dev::IrqLine());
  slot.plug(device);
  auto write = [&](u64 offset, u32 value) { slot.write(offset, 4, value, 0); };
  constexpr u16 kEntries = 8;
  // Each queue has 4 KiB: table, available ring, used ring. The rest of memory is data.
  auto area = [](unsigned queue) { return u64{queue} * 0x1000; };
  auto start = [&] {
    write(0x70, 0);
    write(0x70, 3);
    const u32 accepted = input.take<u32>();
    for (u32 half = 0; half < 2; ++half) {
      write(0x14, half);
      write(0x24, half);
      const u32 offered = static_cast<u32>(slot.read(0x10, 4, 0).value);
      write(0x20, half == 1 ? offered : offered & accepted);
    }
    write(0x70, 11);
    for (unsigned queue = 0; queue < device.queues(); ++queue) {
      write(0x30, queue);
      write(0x38, kEntries);
      write(0x80, static_cast<u32>(Memory::kBase + area(queue)));
      write(0x90, static_cast<u32>(Memory::kBase + area(queue) + 0x400));
      write(0xa0, static_cast<u32>(Memory::kBase + area(queue) + 0x800));
      write(0x44, 1);
      memory.put<u32>(area(queue) + 0x400, 0);
      memory.put<u32>(area(queue) + 0x800, 0);
    }
    write(0x70, 15);
  };
  start();
  std::vector<u16> available(device.queues());
  while (!input.empty()) {
    const u8 action = input.take<u8>() % 16;
    const unsigned queue = input.take<u8>() % device.queues();
    if (action < 5) {  // a descriptor, mostly inside memory
      const u64 at = area(queue) + 16 * u64(input.take<u8>() % kEntries);
      const u8 shape = input.take<u8>();
      memory.put<u64>(at, shape & 0x80 ? input.take<u64>() : Memory::kBase + input.take<u16>());
      memory.put<u32>(at + 8, shape & 0x40 ? input.take<u32>() : input.take<u16>() & 0xfff);
      memory.put<u16>(at + 12, shape & 7);
      memory.put<u16>(at + 14, shape & 0x20 ? input.take<u16>() : (shape >> 3) & 3);
    } else if (action < 9) {  // an honest offer, and a kick
      memory.put<u16>(area(queue) + 0x404 + 2 * (available[queue] % kEntries), input.take<u8>() % kEntries);
      memory.put<u16>(area(queue) + 0x402, ++available[queue]);
      write(0x50, queue);
    } else if (action < 12) {  // some bytes of memory
      const u64 at = input.take<u16>();
      for (u8 byte : input.bytes(input.take<u8>() % 64)) memory.put<u8>(at, byte);
      for (usize i = 0; const u8 byte : input.bytes(16)) memory.put<u8>(at + i++, byte);
    } else if (action == 12) {
      memory.put<u16>(area(queue) + 0x402, input.take<u16>());
      write(0x50, queue);
    } else if (action == 13) {  // any register, any width
      const u64 offset = input.take<u16>() % kSlotSize;
      const unsigned size = 1u << (input.take<u8>() % 4);
      if (offset % size == 0) {
        slot.read(offset, size, 0);
        slot.write(offset, size, input.take<u64>(), 0);
      }
    } else if (action == 14) {
      event(input);
    } else {
      start();
      available.assign(available.size(), 0);
    }
  }
}

}  // namespace farside::fuzz
