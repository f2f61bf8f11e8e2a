// devices/ram.h - guest memory: zero pages of the host, taken on first touch.
#pragma once
#include "core/base/host_memory.h"
#include "core/base/result.h"
#include "devices/state.h"

namespace farside::dev {

/// One region of memory. Its host address never changes. Reading untouched memory gives zeros.
class Ram {
 public:
  static constexpr u64 kPage = 4096;

  /// Reserves `size` bytes (a multiple of 4 KiB, not 0). Fails when the host has no address space left.
  static Result<Ram, UserError> create(u64 size, HostPages pages = HostPages::Small);
  Ram(Ram&& other) noexcept;
  Ram& operator=(Ram&& other) noexcept;
  ~Ram();

  u64 size() const { return size_; }
  u8* data() { return data_; }
  const u8* data() const { return data_; }
  /// Host pointer to `offset`, or null unless [offset, offset + length) is inside.
  u8* at(u64 offset, u64 length = 1) { return offset < size_ && length <= size_ - offset ? data_ + offset : nullptr; }
  /// Zeros in [offset, offset + size), which must be inside, without touching what has never been touched.
  void zero(u64 offset, u64 size);
  /// Bytes that the host has really given, in pages of its own choice: "guest memory touched".
  u64 touched_bytes() const;
  /// Back to all zeros, and the pages back to the host.
  void clear();
  /// Visits the pages that are not all zeros, with their numbers.
  void visit_state(StateVisitor& visitor);

 private:
  Ram(u8* data, u64 size) : data_(data), size_(size) {}
  void release();

  u8* data_ = nullptr;
  u64 size_ = 0;
};

}  // namespace farside::dev
