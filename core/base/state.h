// core/base/state.h - one walk over an object's state, used by the state hash and by snapshots.
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/chance.h"
#include "core/base/types.h"

namespace farside {

/// Visits the state of an object field by field, always in the same order: each field is named once, for hashing,
/// saving and restoring alike. A saving visitor reads `data`, a restoring one writes it. Fields never contain padding,
/// so equal states are equal bytes. What is restored may have been forged: objects bring it into range, or reject it.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void field(std::string_view name, void* data, usize size) = 0;
  /// True when field() overwrites: the object then rebuilds whatever it derives from its state.
  virtual bool restoring() const { return false; }
  /// A pointer into the machine's RAM, or null: a place in memory, not an address of the host. What is not RAM is null.
  virtual void memory_pointer(std::string_view name, const u8*& pointer) { (void)name, (void)pointer; }
  /// Restoring: the bytes that are left to read. No count of elements can be larger.
  virtual u64 remaining() const { return ~u64{0}; }
  /// Restoring: the format version of what is read; elsewhere the newest.
  virtual u32 version() const { return ~u32{0}; }
  /// Restoring: what has been read is no state of this object. It must still be safe to destroy and to restore again.
  virtual void reject(std::string_view why) { (void)why; }

  /// A scalar, or an array of them.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void value(std::string_view name, T& value) {
    static_assert(std::has_unique_object_representations_v<T>, "padding would leak into the state hash");
    if constexpr (std::is_same_v<T, bool>) {
      u8 byte = value;
      field(name, &byte, 1);
      value = byte != 0;
    } else {
      field(name, &value, sizeof(T));
    }
  }
  /// A value of an enumeration, from 0 to `last`.
  template <class T>
  requires std::is_enum_v<T>
  void choice(std::string_view name, T& value, T last) {
    auto number = static_cast<std::underlying_type_t<T>>(value);
    field(name, &number, sizeof number);
    if (number < 0 || number > static_cast<std::underlying_type_t<T>>(last)) {
      reject(name);
      number = 0;
    }
    value = static_cast<T>(number);
  }
  /// The number of elements that follow, each of at least `element` bytes. More than `most`, or than there can be, is
  /// rejected and 0.
  u64 count(std::string_view name, u64 number, u64 most, u64 element = 1) {
    field(name, &number, sizeof number);
    if (!restoring()) return number;
    if (number <= most && number <= remaining() / element) return number;
    reject(name);
    return 0;
  }
  /// A sequence of at most `most` scalars.
  template <class T>
  requires std::has_unique_object_representations_v<T>
  void vector(std::string_view name, std::vector<T>& values, u64 most) {
    const u64 number = count(name, values.size(), most, sizeof(T));
    if (restoring()) values.assign(number, T{});
    if (number != 0) field(name, values.data(), number * sizeof(T));
  }
  void chance(std::string_view name, Chance& stream) {
    u64 state = stream.state();
    value(name, state);
    if (restoring()) stream = Chance(state);
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

}  // namespace farside
