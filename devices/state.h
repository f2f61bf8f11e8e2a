// devices/state.h - one walk over a device's state, used by the state hash and by snapshots.
#pragma once
#include <array>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/base/types.h"

namespace farside::dev {

/// Visits the guest-visible state of a device field by field, always in the same order. A saving visitor reads `data`,
/// a restoring one writes it. Fields never contain padding, so equal states are equal bytes.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void field(std::string_view name, void* data, usize size) = 0;
  /// True when field() overwrites: the device then rebuilds whatever it derives from its state.
  virtual bool restoring() const { return false; }

  /// A scalar, or an array of them.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void value(std::string_view name, T& value) {
    static_assert(std::has_unique_object_representations_v<T>, "padding would leak into the state hash");
    field(name, &value, sizeof(T));
  }
};

/// A 64-bit hash of everything visited, names included; the same on every little-endian host.
class StateHash final : public StateVisitor {
 public:
  void field(std::string_view name, void* data, usize size) override {
    mix(name.data(), name.size());
    mix(data, size);
  }
  u64 digest() const { return finish(hash_); }

 private:
  static constexpr u64 kMultiplier = 0x9e3779b97f4a7c15;
  static constexpr u64 finish(u64 h) {
    h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93;
    return h ^ (h >> 29);
  }
  void word(u64 w) { hash_ = (((hash_ << 23) | (hash_ >> 41)) ^ w) * kMultiplier; }
  void mix(const void* data, usize size) {
    const u8* bytes = static_cast<const u8*>(data);
    word(size);
    for (; size >= 8; size -= 8, bytes += 8) {
      u64 w;
      std::memcpy(&w, bytes, 8);
      word(w);
    }
    u64 tail = 0;
    if (size != 0) std::memcpy(&tail, bytes, size);
    word(tail);
  }
  u64 hash_ = 0x6a09e667f3bcc908;
};

}  // namespace farside::dev
