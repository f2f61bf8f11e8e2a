// tests/unit/devices/device_driver.h - drives one device the way a guest driver does, and saves and restores its state.
#pragma once
#include <cstring>
#include <vector>

#include "devices/device.h"
#include "tests/unit/catch.h"
#include "tests/unit/saved_state.h"

namespace farside::dev {

/// 32-bit accesses unless told otherwise.
struct Driver {
  MmioDevice& device;
  u32 rd(u64 offset) { return static_cast<u32>(device.read(offset, 4, 0).value); }
  void wr(u64 offset, u32 value) { REQUIRE(device.write(offset, 4, value, 0).ok); }
  u64 rd64(u64 offset) { return device.read(offset, 8, 0).value; }
  void wr64(u64 offset, u64 value) { REQUIRE(device.write(offset, 8, value, 0).ok); }
  u8 rd8(u64 offset) { return static_cast<u8>(device.read(offset, 1, 0).value); }
  void wr8(u64 offset, u8 value) { REQUIRE(device.write(offset, 1, value, 0).ok); }
};

template <class Device>
std::vector<u8> save(Device& device) {
  SaveState saved;
  device.visit_state(saved);
  return saved.bytes();
}

template <class Device>
void restore(Device& device, const std::vector<u8>& bytes) {
  RestoreState restorer(bytes);
  device.visit_state(restorer);
  REQUIRE(restorer.finished());
}

template <class Device>
u64 hash_of(Device& device) {
  StateHash hash;
  device.visit_state(hash);
  return hash.digest();
}

}  // namespace farside::dev
