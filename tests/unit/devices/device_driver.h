// tests/unit/devices/device_driver.h - drives one device the way a guest driver does, and saves and restores its state.
#pragma once
#include <cstring>
#include <vector>

#include "devices/device.h"
#include "tests/unit/catch.h"

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

/// The simplest snapshot: all fields in a row.
class SaveState final : public StateVisitor {
 public:
  void field(std::string_view, void* data, usize size) override {
    const u8* bytes = static_cast<const u8*>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  std::vector<u8> bytes_;
};

class RestoreState final : public StateVisitor {
 public:
  explicit RestoreState(const std::vector<u8>& bytes) : bytes_(bytes) {}
  void field(std::string_view, void* data, usize size) override {
    REQUIRE(at_ + size <= bytes_.size());
    std::memcpy(data, bytes_.data() + at_, size);
    at_ += size;
  }
  bool restoring() const override { return true; }
  bool finished() const { return at_ == bytes_.size(); }

 private:
  const std::vector<u8>& bytes_;
  usize at_ = 0;
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
