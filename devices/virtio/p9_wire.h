// devices/virtio/p9_wire.h - the fields of 9P messages: little-endian numbers, and strings with a 16-bit length.
#pragma once
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace farside::dev::virtio::p9 {

/// Takes fields off a message. Beyond its end everything is zero or empty, and ok() is false from then on.
class Reader {
 public:
  explicit Reader(std::span<const u8> bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  template <class T>
  T number() {
    T value{};
    const auto taken = bytes(sizeof value);
    if (ok_) std::memcpy(&value, taken.data(), sizeof value);
    return value;
  }
  u8 u8_() { return number<u8>(); }
  u16 u16_() { return number<u16>(); }
  u32 u32_() { return number<u32>(); }
  u64 u64_() { return number<u64>(); }
  std::string text() {
    const auto taken = bytes(u16_());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  std::span<const u8> bytes(usize count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

 private:
  std::span<const u8> rest_;
  bool ok_ = true;
};

/// Puts fields onto a message.
class Writer {
 public:
  template <class T>
  Writer& number(T value) {
    const u8* bytes = reinterpret_cast<const u8*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  Writer& text(std::string_view value) {
    number(static_cast<u16>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  template <class T>
  void patch(usize at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  std::vector<u8>& bytes() { return bytes_; }
  usize size() const { return bytes_.size(); }

 private:
  std::vector<u8> bytes_;
};

}  // namespace farside::dev::virtio::p9
