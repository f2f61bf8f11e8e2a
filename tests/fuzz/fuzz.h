// tests/fuzz/fuzz.h - what a fuzz target is: one function of bytes. Under libFuzzer it is the target; without, the
// driver in main.cpp feeds it seeded random bytes and files.
#pragma once
#include <cstring>
#include <span>

#include "core/base/types.h"

extern "C" int LLVMFuzzerTestOneInput(const farside::u8* data, size_t size);

namespace farside::fuzz {

/// Takes numbers off the input; zeros when it is used up.
class Input {
 public:
  Input(const u8* data, usize size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  template <class T>
  T take() {
    T value{};
    const usize count = rest_.size() < sizeof value ? rest_.size() : sizeof value;
    if (count != 0) std::memcpy(&value, rest_.data(), count);
    rest_ = rest_.subspan(count);
    return value;
  }
  std::span<const u8> bytes(usize most) {
    const auto taken = rest_.first(most < rest_.size() ? most : rest_.size());
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const u8> rest_;
};

}  // namespace farside::fuzz
