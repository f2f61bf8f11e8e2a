// tests/unit/saved_state.h - the simplest snapshot of an object.
#pragma once
#include <cstring>
#include <string>
#include <vector>

#include "core/base/state.h"
#include "tests/unit/catch.h"

namespace farside {

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
  u64 remaining() const override { return bytes_.size() - at_; }
  void reject(std::string_view why) override { FAIL("rejected: " << std::string(why)); }
  bool finished() const { return at_ == bytes_.size(); }

 private:
  const std::vector<u8>& bytes_;
  usize at_ = 0;
};

}  // namespace farside
